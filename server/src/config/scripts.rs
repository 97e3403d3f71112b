//! Owns the section `[scripts]`: what customers' JavaScript may use.
//! Never touches scripts.

use serde::{Deserialize, Serialize};

/// `[scripts]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptsSection {
    /// Scripts that run at the same time, each in a process of its own; 0 for four for each core. A process is started
    /// when it is first needed.
    pub workers: usize,
}

#[expect(clippy::derivable_impls, reason = "the default of every key is written down where the key is")]
impl Default for ScriptsSection {
    fn default() -> Self {
        Self { workers: 0 }
    }
}
