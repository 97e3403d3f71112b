//! Owns the storage of certified key pairs.
//! Never touches what is done with them.

use super::StoreError;
use crate::{
    model::{CertifiedKey, KeyState},
    time::Timestamp,
};
use async_trait::async_trait;

/// Certified key pairs. Their private halves are encrypted at rest.
#[async_trait]
pub trait CertifiedKeys: Send {
    /// All, by when they were made.
    async fn list(&mut self) -> Result<Vec<CertifiedKey>, StoreError>;
    /// Add one.
    async fn insert(&mut self, key: &CertifiedKey) -> Result<(), StoreError>;
    /// Move a pair from one state to the next, if it is still in the first; whether it was.
    async fn advance(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
}
