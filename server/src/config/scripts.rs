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
    /// HTTP requests that one run of a script may make (JS-10).
    pub requests: u32,
}

impl Default for ScriptsSection {
    fn default() -> Self {
        Self { workers: 0, requests: 5 }
    }
}
