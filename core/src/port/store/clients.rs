//! Owns the storage of clients, client grants and resource servers.
//! Never touches tokens.

use super::{Page, StoreError};
use crate::{
    id::{ClientGrantId, ClientId, OrganizationId, ResourceServerId},
    model::{Client, ClientGrant, ResourceServer},
};
use async_trait::async_trait;

/// Applications. Their secrets are encrypted at rest.
#[async_trait]
pub trait Clients: Send {
    /// By id.
    async fn find(&mut self, id: &ClientId) -> Result<Option<Client>, StoreError>;
    /// A page of those that fit.
    async fn list(&mut self, filter: &ClientFilter, page: &Page) -> Result<Vec<Client>, StoreError>;
    /// How many fit.
    async fn count(&mut self, filter: &ClientFilter) -> Result<i64, StoreError>;
    /// Add one.
    async fn insert(&mut self, client: &Client) -> Result<(), StoreError>;
    /// Replace one; whether there was one.
    async fn update(&mut self, client: &Client) -> Result<bool, StoreError>;
    /// Delete one with its grants; whether there was one.
    async fn delete(&mut self, id: &ClientId) -> Result<bool, StoreError>;
}

/// Which applications; an absent part does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ClientFilter {
    /// The global one, or the others.
    pub is_global: Option<bool>,
    /// Ours, or others'.
    pub is_first_party: Option<bool>,
    /// Of one of these types.
    pub app_types: Vec<String>,
}

/// What applications may ask of APIs.
#[async_trait]
pub trait ClientGrants: Send {
    /// By id.
    async fn find(&mut self, id: &ClientGrantId) -> Result<Option<ClientGrant>, StoreError>;
    /// What this application may ask of this API.
    async fn find_for(
        &mut self,
        client: &ClientId,
        audience: &str,
    ) -> Result<Option<ClientGrant>, StoreError>;
    /// A page of those that fit.
    async fn list(&mut self, filter: &ClientGrantFilter, page: &Page)
    -> Result<Vec<ClientGrant>, StoreError>;
    /// How many fit.
    async fn count(&mut self, filter: &ClientGrantFilter) -> Result<i64, StoreError>;
    /// Add one; [`StoreError::Conflict`] if the application has one for this API.
    async fn insert(&mut self, grant: &ClientGrant) -> Result<(), StoreError>;
    /// Replace one; whether there was one.
    async fn update(&mut self, grant: &ClientGrant) -> Result<bool, StoreError>;
    /// Delete one; whether there was one.
    async fn delete(&mut self, id: &ClientGrantId) -> Result<bool, StoreError>;
}

/// Which grants; an absent part does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ClientGrantFilter {
    /// Of this application.
    pub client_id: Option<ClientId>,
    /// For this API.
    pub audience: Option<String>,
    /// For this organization.
    pub organization: Option<OrganizationId>,
}

/// APIs.
#[async_trait]
pub trait ResourceServers: Send {
    /// By id.
    async fn find(&mut self, id: &ResourceServerId) -> Result<Option<ResourceServer>, StoreError>;
    /// By audience.
    async fn find_by_identifier(&mut self, identifier: &str) -> Result<Option<ResourceServer>, StoreError>;
    /// A page of all, or of those with one of these audiences.
    async fn list(&mut self, identifiers: &[String], page: &Page) -> Result<Vec<ResourceServer>, StoreError>;
    /// How many that is.
    async fn count(&mut self, identifiers: &[String]) -> Result<i64, StoreError>;
    /// Add one; [`StoreError::Conflict`] `resource_servers_identifier_key`.
    async fn insert(&mut self, server: &ResourceServer) -> Result<(), StoreError>;
    /// Replace one; whether there was one.
    async fn update(&mut self, server: &ResourceServer) -> Result<bool, StoreError>;
    /// Delete one with its grants and permissions; whether there was one.
    async fn delete(&mut self, id: &ResourceServerId) -> Result<bool, StoreError>;
}
