//! Owns the section `[keys]`: the key-encryption key, and how often signing keys change.
//! Never touches keys.

use super::{ConfigError, SecretText};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[keys]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysSection {
    /// The key-encryption key itself: 32 bytes in base64.
    pub kek: Option<SecretText>,
    /// A file that holds it; absent, `kek` in the data folder, made at the first start.
    pub kek_file: Option<PathBuf>,
    /// Files with key-encryption keys that were used before; they only decrypt.
    pub previous_kek_files: Vec<PathBuf>,
    /// After how many days the signing key is replaced; 0 for never.
    pub rotation_days: u32,
}

impl Default for KeysSection {
    fn default() -> Self {
        Self { kek: None, kek_file: None, previous_kek_files: Vec::new(), rotation_days: 90 }
    }
}

impl KeysSection {
    /// The file is read by whoever opens the store, which may have to make it.
    pub(super) fn settle(&self) -> Result<(), ConfigError> {
        if self.kek.is_some() && self.kek_file.is_some() {
            return Err(ConfigError::Both { key: "keys.kek" });
        }
        Ok(())
    }
}
