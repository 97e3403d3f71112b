//! Owns the replay: what fuzzing has found in hours holds, and so do some thousand new inputs like it.
//! Never touches coverage: `make fuzz` looks for more.

#![expect(clippy::unwrap_used, reason = "this is a test")]

use portico_properties::{PROPERTIES, Property};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
};

fn named(name: &str) -> Property {
    PROPERTIES.into_iter().find(|property| property.name == name).unwrap()
}

/// The corpus of a property, by the names of its files, and then the inputs it began with.
fn corpus(property: &Property) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(property.name);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut all: Vec<(String, Vec<u8>)> = files
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    all.sort_unstable();
    let seeds = (property.seeds)().into_iter().enumerate();
    all.extend(seeds.map(|(number, seed)| (format!("seed {number}"), seed)));
    all
}

/// Replay a corpus, and that many new inputs made of it; how many of all were accepted.
fn replay(name: &str, fresh: usize) -> usize {
    let property = named(name);
    let corpus = corpus(&property);
    assert!(corpus.len() > 50, "the corpus of {name} is there");
    let mut accepted = 0;
    let mut try_out = |told: &dyn Fn() -> String, input: &[u8]| match catch_unwind(AssertUnwindSafe(|| {
        (property.holds)(input)
    })) {
        Ok(is_accepted) => accepted += usize::from(is_accepted),
        Err(panic) => {
            eprintln!("{name} does not hold for {}: {input:?}", told());
            resume_unwind(panic)
        }
    };
    for (file, input) in &corpus {
        try_out(&|| file.clone(), input);
    }
    for number in 0..fresh {
        let (file, input) = &corpus[number % corpus.len()];
        let mut changed = input.clone();
        let seed = u64::try_from(number).unwrap();
        (property.change)(&mut changed, 64 << 10, seed);
        try_out(&|| format!("{file}, changed by {seed}"), &changed);
    }
    accepted
}

#[test]
fn what_the_gate_accepts_everybody_reads_in_the_same_way() {
    let accepted = replay("gate", 4_000);
    assert!(accepted > 100, "{accepted}");
}

#[test]
fn what_is_accepted_was_signed() {
    let accepted = replay("judgement", 400);
    assert!(accepted > 30, "{accepted}");
}

#[test]
fn queries_that_are_accepted_were_signed() {
    let accepted = replay("query", 1_000);
    assert!(accepted > 30, "{accepted}");
}

#[test]
fn metadata_is_read_as_others_read_it() {
    let accepted = replay("metadata", 2_000);
    assert!(accepted > 20, "{accepted}");
}

#[test]
fn the_same_seed_changes_in_the_same_way() {
    for property in PROPERTIES {
        let seed = (property.seeds)().swap_remove(0);
        let changed = |number| {
            let mut input = seed.clone();
            (property.change)(&mut input, 64 << 10, number);
            input
        };
        assert!((0..50).all(|number| changed(number) == changed(number)), "{}", property.name);
        assert!((0..50).any(|number| changed(number) != seed), "{}", property.name);
    }
}
