//! Owns the port of the signing keys.
//! Never touches a private key: an adapter holds them, and an HSM or a vault fits behind it.

use super::store::StoreError;
use crate::{
    jose::{jwk::Jwk, jws::KeySet},
    time::Timestamp,
};
use async_trait::async_trait;
use std::sync::Arc;

/// Signs without showing keys.
#[async_trait]
pub trait KeyRing: Send + Sync {
    /// The `kid` and `alg` that the next [`sign`](Self::sign) will use: a JWS names them inside what is signed.
    fn current(&self) -> Result<KeyName, KeyError>;
    /// Sign `payload` with the key of this name.
    async fn sign(&self, key: &KeyName, payload: &[u8]) -> Result<Vec<u8>, KeyError>;
    /// Public keys a verifier may need now: next, current, previous (contract §1.7).
    fn published(&self) -> Vec<Jwk>;
    /// The same keys, parsed, to verify `token` with. One that names a key which is not known yet makes the ring look
    /// again: another node may have rotated.
    async fn verifiers(&self, token: &str) -> Arc<KeySet>;
    /// Make the next key the current one, and a new next one.
    async fn rotate(&self, at: Timestamp) -> Result<KeyName, KeyError>;
}

/// Which key, and how it signs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyName {
    /// The key's id: an opaque text.
    pub kid: String,
    /// `RS256` or `ES256`.
    pub alg: &'static str,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The ring is empty, or does not hold the key that was named.
    #[error("there is no active signing key")]
    NoActiveKey,
    /// The key did not sign.
    #[error("the signing key failed")]
    Failed,
    /// The ring could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
