//! Owns the storage of signing keys.
//! Never touches signing.

use super::StoreError;
use crate::{
    model::{KeyState, SigningKey},
    time::Timestamp,
};
use async_trait::async_trait;

/// Signing keys. Their private halves are encrypted at rest.
#[async_trait]
pub trait Keys: Send {
    /// All, by when they were made.
    async fn list(&mut self) -> Result<Vec<SigningKey>, StoreError>;
    /// Add one.
    async fn insert(&mut self, key: &SigningKey) -> Result<(), StoreError>;
    /// Move a key from one state to the next, if it is still in the first; whether it was.
    async fn advance(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
}
