//! Owns where `unsafe` may stand: in one file, the one that calls the XML signature library.
//! Never touches what it does there.

use super::{files, root};

/// Our lints deny it everywhere else.
const ONLY: &str = "connectors/saml/src/hardening.rs";

#[test]
fn unsafe_code_stands_in_one_file() {
    let mut found = Vec::new();
    for folder in ["core", "connectors", "server", "fixtures", "tests", "fuzz/fuzz_targets", "fuzz/src"] {
        for path in files(folder, ".rs") {
            let text = std::fs::read_to_string(&path).expect("the file is there");
            if ["expect", "allow"].iter().any(|word| text.contains(&format!("{word}(unsafe_code"))) {
                found.push(path.strip_prefix(root()).expect("it is ours").display().to_string());
            }
        }
    }
    assert_eq!(found, [ONLY]);
}
