//! Owns the storage of logins in progress.
//! Never touches their stages.

use super::StoreError;
use crate::{id::TransactionId, login::Transaction, secret::TokenHash, time::Timestamp};
use async_trait::async_trait;

/// Logins in progress. What connectors noted in them is encrypted at rest.
#[async_trait]
pub trait Transactions: Send {
    /// The login, finished or not, expired or not.
    async fn find(&mut self, id: &TransactionId) -> Result<Option<Transaction>, StoreError>;
    /// Begin one. Beyond eight unfinished ones of a browser, its oldest is deleted.
    async fn insert(&mut self, transaction: &Transaction) -> Result<(), StoreError>;
    /// Write `next` if the stored version is still `next.version - 1`; [`StoreError::Stale`] if not.
    async fn advance(&mut self, next: &Transaction) -> Result<(), StoreError>;
    /// How many unfinished ones a browser has.
    async fn count_of(&mut self, browser: &TokenHash) -> Result<i64, StoreError>;
    /// Delete what expired before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
