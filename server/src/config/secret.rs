//! Owns secrets of the configuration: given as `x`, or as `x_file`, never both.
//! Never touches what they open.

use super::ConfigError;
use portico_core::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::path::Path;

/// A secret in a configuration. It is read, never written: what serializes a configuration sees that it is there.
#[derive(Clone, Debug)]
pub struct SecretText(Secret);

impl SecretText {
    /// The text itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(Secret::new(text))
    }
}

impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        self.0.matches(&other.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[secret]")
    }
}

/// Take the secret from its file, if that is where it is.
pub(super) fn settle(
    key: &'static str,
    secret: &mut Option<SecretText>,
    file: Option<&Path>,
) -> Result<(), ConfigError> {
    let Some(file) = file else { return Ok(()) };
    if secret.is_some() {
        return Err(ConfigError::Both { key });
    }
    let text = std::fs::read_to_string(file)
        .map_err(|source| ConfigError::Unreadable { file: file.to_owned(), source })?;
    *secret = Some(SecretText(Secret::new(text.trim_end_matches(['\r', '\n']))));
    Ok(())
}
