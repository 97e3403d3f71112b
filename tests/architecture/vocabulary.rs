//! Owns what the router may name: no protocol and no kind of connection.
//! Never touches the connectors, which may.

use super::{files, root};

#[test]
fn the_router_names_no_protocol() {
    // Everything that decides what comes next, and what it reads to decide.
    for file in ["flow.rs", "conclude.rs", "ending.rs", "issue.rs", "lookup.rs", "discover.rs"] {
        let text =
            std::fs::read_to_string(root().join("core/src/login").join(file)).expect("the file is there");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_lowercase();
        for word in ["saml", "oidc", "database", "ldap", "auth0", "password table"] {
            // Citations of the standard that the router itself implements towards applications.
            let code = code.replace("oidc core", "").replace("oidcbasicprofile", "");
            assert!(!code.contains(word), "{file} mentions {word}");
        }
    }
}

#[test]
fn only_the_engines_name_a_database() {
    let library = std::fs::read_to_string(root().join("server/store/src/lib.rs")).expect("the file is there");
    for path in files("server/store/src", ".rs") {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let module = name.trim_end_matches(".rs");
        // Tests of the crate look into the engine's file by themselves.
        let is_test = library.contains(&format!("#[cfg(test)]\nmod {module};"));
        let text = std::fs::read_to_string(&path).expect("the file is there");
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let engine = is_test || ["sqlite.rs", "postgres.rs", "tls.rs"].contains(&name.as_str());
        assert!(engine || !code.contains("tokio_postgres::Client"), "{name} names an engine's client");
        assert!(engine || !code.contains("rusqlite::Connection"), "{name} names an engine's connection");
    }
}

#[test]
fn nothing_is_left_for_later() {
    for folder in ["core", "connectors", "server", "fixtures"] {
        for path in files(folder, ".rs") {
            let text = std::fs::read_to_string(&path).expect("the file is there");
            for word in ["todo!(", "unimplemented!(", "TODO", "FIXME"] {
                assert!(!text.contains(word), "{} holds {word}", path.display());
            }
        }
    }
}
