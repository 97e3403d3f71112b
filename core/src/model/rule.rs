//! Owns rules: scripts that run at every login, and the configuration they read.
//! Never touches how they run.

use crate::{id::RuleId, secret::Secret, time::Timestamp};

/// A script of the pipeline (contract §2.9, §4.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Its unique name.
    pub name: String,
    /// Its text.
    pub script: String,
    /// Where it stands; lower ones run first. Unique.
    pub order: i64,
    /// Whether it runs.
    pub enabled: bool,
    /// Grows with every change of the text.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A value that rules find in `configuration`. Encrypted at rest; no answer shows it.
#[derive(Clone, Debug)]
pub struct RuleConfig {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: Secret,
}
