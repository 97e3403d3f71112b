//! Owns the length of files.
//! Never touches what is in them.

use super::{files, root};

/// Longest a hand-written file may be without an excuse.
const LIMIT: usize = 500;

/// Files that are longer, and why.
const EXCUSED: &[(&str, &str)] = &[];

#[test]
fn files_are_short_enough_to_read() {
    let mut too_long = Vec::new();
    let mut all = Vec::new();
    for folder in ["core", "connectors", "server", "fixtures", "tests"] {
        for path in files(folder, ".rs") {
            let lines = std::fs::read_to_string(&path).expect("the file is there").lines().count();
            let name = path.strip_prefix(root()).expect("it is ours").display().to_string();
            if lines > LIMIT && !EXCUSED.iter().any(|(excused, _)| *excused == name) {
                too_long.push(format!("{name}: {lines}"));
            }
            all.push(lines);
        }
    }
    assert!(too_long.is_empty(), "longer than {LIMIT} lines: {too_long:?}");
    all.sort_unstable();
    assert!(all[all.len() / 2] <= 200, "half of the files have more than {} lines", all[all.len() / 2]);
}

#[test]
fn every_module_says_what_it_owns() {
    for folder in ["core/src", "connectors", "server", "fixtures/src"] {
        for path in files(folder, ".rs") {
            let text = std::fs::read_to_string(&path).expect("the file is there");
            assert!(text.starts_with("//! "), "{} has no first line that says what it owns", path.display());
        }
    }
}
