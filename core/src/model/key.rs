//! Owns signing keys as they are stored.
//! Never touches signing: that is the key ring's.

use crate::{jose::jwk::Jwk, time::Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A signing key.
#[derive(Clone)]
pub struct SigningKey {
    /// Its id, in JWKS and in token headers.
    pub kid: String,
    /// `RS256` or `ES256`.
    pub alg: String,
    /// The private key as PKCS#8. Encrypted at rest.
    pub private: Zeroizing<Vec<u8>>,
    /// The public key.
    pub public: Jwk,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became the current one.
    pub current_since: Option<Timestamp>,
    /// When it was replaced.
    pub previous_since: Option<Timestamp>,
}

/// Where a key stands. Next, current and previous are published.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published before it is used.
    Next,
    /// Signs.
    Current,
    /// Still published: its tokens are still about.
    Previous,
    /// Gone.
    Revoked,
}

impl KeyState {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Previous => "previous",
            Self::Revoked => "revoked",
        }
    }
}
