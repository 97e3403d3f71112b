//! Owns the storage of the log.
//! Never touches what is worth an entry.

use super::{Page, StoreError};
use crate::{
    id::{LogId, OrganizationId, UserId},
    model::{AuditEvent, EventKind},
    time::Timestamp,
};
use async_trait::async_trait;

/// The log. Entries are added and swept, never changed.
#[async_trait]
pub trait Events: Send {
    /// Add an entry.
    async fn insert(&mut self, event: &AuditEvent) -> Result<(), StoreError>;
    /// By id.
    async fn find(&mut self, id: &LogId) -> Result<Option<AuditEvent>, StoreError>;
    /// A page of those that fit, in the order of their ids, which is that of their times. For checkpoints, `page.after` is
    /// the last entry's time and id.
    async fn list(&mut self, filter: &EventFilter, page: &Page) -> Result<Vec<AuditEvent>, StoreError>;
    /// How many fit.
    async fn count(&mut self, filter: &EventFilter) -> Result<i64, StoreError>;
    /// Delete entries from before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}

/// Which entries; an absent part does not restrict.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of these kinds.
    pub kinds: Vec<EventKind>,
    /// About this user.
    pub user_id: Option<UserId>,
    /// In this organization.
    pub organization_id: Option<OrganizationId>,
}
