//! Owns the proof that `make new-connector` makes a crate that belongs: in a copy of the workspace.
//! Never touches the workspace itself. That what is made compiles and refuses is tested by the registry, which holds it.

use super::{dag::dependencies_in, files, root};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

/// A copy of what cargo reads of us.
fn copy() -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    let mut wanted = vec![root().join("Cargo.toml"), root().join("rustfmt.toml")];
    wanted.push(root().join("tests/new-connector.sh"));
    for folder in ["core", "connectors", "server", "fixtures", "tests"] {
        wanted.extend(files(folder, ".rs"));
        wanted.extend(files(folder, ".toml"));
    }
    for file in wanted {
        let to = copy.path().join(file.strip_prefix(root()).expect("it is ours"));
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(&file, &to).expect("a copy");
    }
    copy
}

fn make(workspace: &Path, name: &str) -> Output {
    Command::new("sh").arg(workspace.join("tests/new-connector.sh")).arg(name).output().expect("a shell")
}

#[test]
fn a_new_connector_is_a_crate_of_the_workspace_that_only_the_registry_knows() {
    let workspace = copy();
    let workspace = workspace.path();
    let made = make(workspace, "custom_ldap");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));

    let found = dependencies_in(workspace);
    assert!(found["portico-custom-ldap"].contains("portico-core"));
    for (name, dependencies) in &found {
        assert_eq!(dependencies.contains("portico-custom-ldap"), name == "portico-connectors", "{name}");
    }
    let read = |file: &str| fs::read_to_string(workspace.join(file)).expect("the file is there");
    let factory = read("connectors/custom_ldap/src/factory.rs");
    assert!(factory.contains("impl ConnectorFactory for CustomLdapFactory"), "{factory}");
    assert!(factory.contains("strategy `custom_ldap` is not written yet"), "{factory}");
    let registry = read("connectors/registry/src/lib.rs");
    for line in ["use portico_custom_ldap::CustomLdapFactory;", "Box::new(CustomLdapFactory),"] {
        assert!(registry.contains(line), "{registry}");
    }
    assert!(registry.contains("BUILT_IN: &[&str] = &[\"custom_ldap\", "), "its test expects the strategy");
    let rules = read("tests/architecture/dag.rs");
    assert!(rules.contains("(\"portico-custom-ldap\", &[\"portico-core\"]),"), "{rules}");

    let again = make(workspace, "custom_ldap");
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"), "nothing is overwritten");
    assert_eq!(factory, read("connectors/custom_ldap/src/factory.rs"));
}

#[test]
fn a_name_that_is_no_folder_of_ours_is_refused() {
    for name in ["", "LDAP", "../ldap", "ldap;id", "1st"] {
        let refused = make(&root(), name);
        assert_eq!(refused.status.code(), Some(2), "{name}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("make new-connector NAME=ldap"), "{name}");
    }
}
