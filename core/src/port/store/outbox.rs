//! Owns the storage of messages on their way out.
//! Never touches how they are rendered or sent.

use super::{Page, StoreError};
use crate::{
    id::MailId,
    model::{OutboxMail, OutboxState},
    time::Timestamp,
};
use async_trait::async_trait;

/// Messages. Their data is encrypted at rest.
#[async_trait]
pub trait Outbox: Send {
    /// Add one.
    async fn push(&mut self, mail: &OutboxMail) -> Result<(), StoreError>;
    /// Take up to `take` messages that are due, and put their next attempt off until `until`, so that no other node
    /// takes them meanwhile. Each is counted as an attempt, this one included, so that one that ends its node is not
    /// tried for ever.
    async fn claim(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        take: i64,
    ) -> Result<Vec<OutboxMail>, StoreError>;
    /// Note how sending went. The data of a message that is sent or given up is wiped.
    async fn settle(
        &mut self,
        id: &MailId,
        state: OutboxState,
        error: Option<&str>,
        next_attempt_at: Timestamp,
    ) -> Result<(), StoreError>;
    /// A page of messages in this state.
    async fn list(&mut self, state: Option<OutboxState>, page: &Page) -> Result<Vec<OutboxMail>, StoreError>;
    /// Delete what was sent or given up before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
