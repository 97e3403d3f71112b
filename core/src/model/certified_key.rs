//! Owns key pairs with certificates, as they are stored.
//! Never touches what is signed or decrypted with them.

use super::KeyState;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A key pair with a certificate of our own making: partners configure the certificate and trust the key in it.
#[derive(Clone)]
pub struct CertifiedKey {
    /// Its id: the SHA-256 of the certificate, in hexadecimal digits.
    pub kid: String,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The certificate, in DER.
    pub certificate: Vec<u8>,
    /// The private key as PKCS#8. Encrypted at rest.
    pub private: Zeroizing<Vec<u8>>,
    /// Where it stands.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it became the current one.
    pub current_since: Option<Timestamp>,
    /// When it was replaced.
    pub previous_since: Option<Timestamp>,
}

/// What a pair is for. Never both (NIST SP 800-57 part 1 §5.2).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPurpose {
    /// We sign what we send.
    Signing,
    /// Partners encrypt what they send us.
    Encryption,
}

impl KeyPurpose {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Signing, Self::Encryption];

    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::Encryption => "encryption",
        }
    }
}
