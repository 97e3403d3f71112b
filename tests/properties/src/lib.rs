//! Owns what has to hold whatever bytes are sent: for each reader of foreign documents one property, and a way to change
//! inputs so that they get past its first checks.
//! Never touches how inputs are found: `fuzz/` looks for them by coverage, the tests replay what was found.

#![expect(
    clippy::expect_used,
    reason = "what is not as it should be is told by a panic: that is what these are for"
)]

mod choices;
mod gate;
mod judgement;
mod markup;
mod metadata;
mod query;
mod trees;
mod witness;

use choices::{Choices, Seeded};
pub use gate::gate;
pub use judgement::judgement;
pub use metadata::metadata;
pub use query::query;

/// A property.
#[derive(Clone, Copy)]
pub struct Property {
    /// Its name: of the fuzzing target, and of the folder of its corpus.
    pub name: &'static str,
    /// What has to hold. It panics if it does not, and says whether the input is accepted.
    pub holds: fn(&[u8]) -> bool,
    /// Change an input, at most to that many bytes, as the seed says.
    pub change: fn(&mut Vec<u8>, usize, u64),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const PROPERTIES: [Property; 4] = [
    Property { name: "gate", holds: gate, change: change_markup, seeds: gate::seeds },
    Property { name: "judgement", holds: judgement, change: change_script, seeds: judgement::seeds },
    Property { name: "query", holds: query, change: change_script, seeds: query::seeds },
    Property { name: "metadata", holds: metadata, change: change_markup, seeds: metadata::seeds },
];

/// Change a document a few times, as the seed says.
pub fn change_markup(document: &mut Vec<u8>, limit: usize, seed: u64) {
    let mut choices = Seeded(seed);
    for _ in 0..=choices.below(4) {
        markup::change(document, &mut choices);
    }
    document.truncate(limit);
}

/// Change an input that says, step by step, how something is to be changed: a step more, less, other, or elsewhere.
pub fn change_script(script: &mut Vec<u8>, limit: usize, seed: u64) {
    use judgement::STEP;
    let mut choices = Seeded(seed);
    script.resize(script.len().max(2), 0);
    for _ in 0..=choices.below(3) {
        let steps = (script.len() - 2).div_ceil(STEP);
        let at = 2 + choices.below(steps + 1) * STEP;
        let at = at.min(script.len());
        let end = (at + STEP).min(script.len());
        match choices.below(6) {
            0 | 1 => {
                let step: Vec<u8> = (0..STEP).map(|_| choices.number().to_le_bytes()[1]).collect();
                script.splice(at..at, step);
            }
            2 => drop(script.drain(at..end)),
            3 => {
                let step = script[at..end].to_vec();
                script.splice(at..at, step);
            }
            4 => {
                let which = at + choices.below(end - at);
                for byte in script.get_mut(which..which + 1).unwrap_or_default() {
                    *byte = choices.number().to_le_bytes()[0];
                }
            }
            _ => {
                let which = choices.below(2);
                script[which] = choices.number().to_le_bytes()[0];
            }
        }
    }
    script.truncate(limit);
}
