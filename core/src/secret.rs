//! Owns secrets in memory: [`Secret`], wiped when dropped and compared in constant time; [`TokenHash`], what is stored of a token.
//! Never touches how secrets are encrypted at rest: that is the store's.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A text nobody may see: it has no `Display` and no `Serialize`, and its `Debug` says nothing.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Take a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself: for hashing, for encrypting, and for the one answer that may hold it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing is in it. An empty secret never matches anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `other` is the same, in time that depends on the lengths alone. The one comparison of secrets.
    pub fn matches(&self, other: &Self) -> bool {
        !self.is_empty() && bool::from(self.0.as_bytes().ct_eq(other.0.as_bytes()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl<T: Into<String>> From<T> for Secret {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

/// SHA-256 of a token of 190 bits or more, in base64url: enough to find it by, useless to a thief of the database.
///
/// No salt: such tokens cannot be guessed (`security.md` §3.4).
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct TokenHash(String);

impl TokenHash {
    /// Of this token.
    pub fn of(token: &str) -> Self {
        Self(URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes())))
    }

    /// As it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_show_nothing_and_compare() {
        let secret = Secret::new("s3cret");
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert!(secret.matches(&Secret::new("s3cret")));
        assert!(!secret.matches(&Secret::new("s3creT")));
        assert!(!Secret::default().matches(&Secret::default()), "an empty secret matches nothing");
    }
}
