//! Owns the storage of connections.
//! Never touches what their options mean; they are encrypted at rest.

use super::{Page, StoreError};
use crate::{
    id::{ClientId, ConnectionId},
    model::Connection,
    time::Timestamp,
};
use async_trait::async_trait;

/// Connections.
#[async_trait]
pub trait Connections: Send {
    /// By id.
    async fn find(&mut self, id: &ConnectionId) -> Result<Option<Connection>, StoreError>;
    /// By name.
    async fn find_by_name(&mut self, name: &str) -> Result<Option<Connection>, StoreError>;
    /// Those of these ids that exist.
    async fn find_all(&mut self, ids: &[ConnectionId]) -> Result<Vec<Connection>, StoreError>;
    /// A page of those that fit.
    async fn list(&mut self, filter: &ConnectionFilter, page: &Page) -> Result<Vec<Connection>, StoreError>;
    /// How many fit.
    async fn count(&mut self, filter: &ConnectionFilter) -> Result<i64, StoreError>;
    /// The connections enabled for an application.
    async fn of_client(&mut self, client: &ClientId) -> Result<Vec<Connection>, StoreError>;
    /// Add one, with the applications it is enabled for; [`StoreError::Conflict`] `connections_name_key`.
    async fn insert(&mut self, connection: &Connection) -> Result<(), StoreError>;
    /// Replace one (its applications are left alone) if the stored revision is `connection.revision - 1`; else
    /// [`StoreError::Stale`].
    async fn update(&mut self, connection: &Connection) -> Result<(), StoreError>;
    /// Take one out of use at once, for good: it is found and listed no more, it is enabled nowhere, its name is free, and
    /// those who are users by it alone are nobody any more. Its users stay until they are deleted. Whether there was one.
    async fn retire(&mut self, id: &ConnectionId, at: Timestamp) -> Result<bool, StoreError>;
    /// Delete up to `take` of the users whose primary identity is one of this connection; how many there were.
    async fn delete_users(&mut self, id: &ConnectionId, take: i64) -> Result<u64, StoreError>;
    /// Delete one with its users, credentials and places in organizations; whether there was one.
    async fn delete(&mut self, id: &ConnectionId) -> Result<bool, StoreError>;
    /// Enable or disable it for an application.
    async fn enable(&mut self, id: &ConnectionId, client: &ClientId, enabled: bool)
    -> Result<(), StoreError>;
    /// A page of the applications it is enabled for, by client id.
    async fn clients(&mut self, id: &ConnectionId, page: &Page) -> Result<Vec<ClientId>, StoreError>;
}

/// Which connections; an absent part does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ConnectionFilter {
    /// Of one of these strategies.
    pub strategies: Vec<String>,
    /// With this name.
    pub name: Option<String>,
}
