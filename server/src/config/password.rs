//! Owns the section `[password]`: how much work a password costs.
//! Never touches passwords.

use super::ConfigError;
use serde::{Deserialize, Serialize};

/// `[password]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordSection {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Threads that hash; 0 for as many as there are cores.
    pub pool: usize,
    /// Hashes that may wait for one; further ones are answered 503.
    pub queue: usize,
}

impl Default for PasswordSection {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, parallelism: 1, pool: 0, queue: 64 }
    }
}

impl PasswordSection {
    /// The floor of `security.md` §3.5: argon2id with 19 MiB and two passes, or as much work in another mix.
    pub(super) fn settle(&self) -> Result<(), ConfigError> {
        let work = u64::from(self.memory_kib) * u64::from(self.iterations);
        if self.memory_kib < 7168 || work < 2 * 19_456 {
            return Err(ConfigError::Unfit {
                key: "password.memory_kib",
                problem: format!(
                    "is too low: {} KiB in {} passes is less work than a stolen password should cost; 19456 KiB in 2 passes is the least",
                    self.memory_kib, self.iterations
                ),
            });
        }
        Ok(())
    }
}
