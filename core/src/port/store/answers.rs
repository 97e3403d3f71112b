//! Owns the memory of answers that may be used but once.
//! Never touches the answers: it knows a hash of their marks.

use super::StoreError;
use crate::{id::ConnectionId, secret::TokenHash, time::Timestamp};
use async_trait::async_trait;

/// Answers of identity providers that were used (`security.md` §3.1.8): the one replay cache of all nodes.
#[async_trait]
pub trait Answers: Send {
    /// Note that an answer was used, to be remembered until `until`; whether this is the first use.
    async fn consume(
        &mut self,
        connection: &ConnectionId,
        mark: &TokenHash,
        until: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Forget those that nobody would accept any more; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
