//! Owns the direction of dependencies between our crates, and which of them may know which library.
//! Never touches versions.

use super::root;
use cargo_metadata::MetadataCommand;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What each of our crates may depend on, among ours. Tests may use more: `portico-tests` depends on everything.
const ALLOWED: &[(&str, &[&str])] = &[
    ("portico-core", &[]),
    ("portico-custom-database", &["portico-core"]),
    ("portico-database", &["portico-core"]),
    ("portico-oidc", &["portico-core"]),
    ("portico-saml", &["portico-core"]),
    ("portico-connectors", REGISTERED),
    ("portico-store", &["portico-core"]),
    ("portico-script", &["portico-core"]),
    ("portico-script-host", &["portico-core", "portico-egress"]),
    ("portico-mail", &["portico-core"]),
    ("portico-egress", &["portico-core"]),
    ("portico-fixtures", &["portico-core"]),
    ("portico-properties", &["portico-core", "portico-fixtures", "portico-saml"]),
    (
        "portico-server",
        &[
            "portico-connectors",
            "portico-core",
            "portico-database",
            "portico-egress",
            "portico-fixtures",
            "portico-mail",
            "portico-saml",
            "portico-script",
            "portico-script-host",
            "portico-store",
        ],
    ),
];

/// What the registry may depend on: the connectors.
const REGISTERED: &[&str] = &[
    // The core, and every connector.
    "portico-core",
    "portico-custom-database",
    "portico-database",
    "portico-oidc",
    "portico-saml",
];

/// The only crates that may name these libraries.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("axum", &["portico-fixtures", "portico-server"]),
    ("deadpool-postgres", &["portico-store"]),
    ("lettre", &["portico-mail"]),
    ("libxml", &["portico-properties", "portico-saml"]),
    ("mysql_async", &["portico-script-host"]),
    ("openidconnect", &["portico-oidc"]),
    ("openssl", &["portico-fixtures", "portico-saml"]),
    ("rquickjs", &["portico-script"]),
    ("rusqlite", &["portico-store"]),
    ("samael", &["portico-fixtures", "portico-saml"]),
    ("tokio-postgres", &["portico-script-host", "portico-store"]),
];

/// What the core may not know, however useful: it does no I/O.
const FORBIDDEN_IN_CORE: &[&str] = &[
    "axum",
    "hyper",
    "lettre",
    "libxml",
    "mysql_async",
    "reqwest",
    "rquickjs",
    "rusqlite",
    "rustls",
    "samael",
    "tokio-postgres",
];

/// Each of our packages' own dependencies, without those for its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    dependencies_in(&root())
}

/// The same, of the workspace in this folder.
pub(super) fn dependencies_in(workspace: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo tells of us");
    let normal = |package: &cargo_metadata::Package| {
        let wanted = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind == cargo_metadata::DependencyKind::Normal);
        wanted.map(|dependency| dependency.name.clone()).collect()
    };
    metadata.packages.iter().map(|package| (package.name.to_string(), normal(package))).collect()
}

#[test]
fn dependencies_point_inwards() {
    let mut found = dependencies();
    found.remove("portico-tests").expect("the tests are a package");
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    assert_eq!(
        found.keys().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>(),
        "every crate has its line in ALLOWED"
    );
    for (name, wanted) in &found {
        let ours: BTreeSet<_> =
            wanted.iter().map(String::as_str).filter(|name| name.starts_with("portico-")).collect();
        let may: BTreeSet<_> = allowed[name.as_str()].iter().copied().collect();
        assert!(
            ours.is_subset(&may),
            "{name} may not depend on {:?}",
            ours.difference(&may).collect::<Vec<_>>()
        );
    }
}

#[test]
fn libraries_stay_behind_their_adapters() {
    for (name, wanted) in dependencies() {
        if name == "portico-tests" {
            continue;
        }
        for (library, may) in WRAPPERS {
            assert!(
                !wanted.contains(*library) || may.contains(&name.as_str()),
                "{name} may not know {library}"
            );
        }
    }
}

#[test]
fn the_core_does_no_io() {
    let core = &dependencies()["portico-core"];
    for library in FORBIDDEN_IN_CORE {
        assert!(!core.contains(*library), "the core may not know {library}");
    }
}

#[test]
fn libraries_come_from_the_public_registry_alone() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the file is there");
    let sources: BTreeSet<_> = lock.lines().filter_map(|line| line.strip_prefix("source = ")).collect();
    assert_eq!(
        sources.into_iter().collect::<Vec<_>>(),
        ["\"registry+https://github.com/rust-lang/crates.io-index\""],
        "what has no source is ours"
    );
}
