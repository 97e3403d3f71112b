//! Owns the section `[scripts]`: what customers' JavaScript may use.
//! Never touches scripts.

use serde::{Deserialize, Serialize};

/// `[scripts]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptsSection {
    /// Worker processes; 0 for as many as there are cores.
    pub workers: usize,
}

#[expect(clippy::derivable_impls, reason = "the default of every key is written down where the key is")]
impl Default for ScriptsSection {
    fn default() -> Self {
        Self { workers: 0 }
    }
}
