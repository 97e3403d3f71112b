//! Owns the storage of organizations, their connections and their members.
//! Never touches who may become a member.

use super::{Page, StoreError};
use crate::{
    id::{ConnectionId, OrganizationId, RoleId, UserId},
    model::{Membership, Organization, OrganizationConnection, OrganizationName, Role, User},
    time::Timestamp,
};
use async_trait::async_trait;

/// Organizations and their connections.
#[async_trait]
pub trait Organizations: Send {
    /// By id.
    async fn find(&mut self, id: &OrganizationId) -> Result<Option<Organization>, StoreError>;
    /// By its name now; never by one it gave up.
    async fn find_by_name(&mut self, name: &OrganizationName) -> Result<Option<Organization>, StoreError>;
    /// A page of all.
    async fn list(&mut self, page: &Page) -> Result<Vec<Organization>, StoreError>;
    /// How many there are.
    async fn count(&mut self) -> Result<i64, StoreError>;
    /// Add one; [`StoreError::Conflict`] `organizations_name_key` if the name is taken, or was given up by another
    /// organization after `released_before`.
    async fn insert(
        &mut self,
        organization: &Organization,
        released_before: Timestamp,
    ) -> Result<(), StoreError>;
    /// Replace one; a name it gives up is kept from others from `at` on. Conflicts as `insert`.
    async fn update(
        &mut self,
        organization: &Organization,
        at: Timestamp,
        released_before: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Delete one with its memberships, invitations and connections; its name is kept from others from `at` on.
    async fn delete(&mut self, id: &OrganizationId, at: Timestamp) -> Result<bool, StoreError>;
    /// One of an organization's connections.
    async fn connection(
        &mut self,
        id: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<Option<OrganizationConnection>, StoreError>;
    /// A page of an organization's connections.
    async fn connections(
        &mut self,
        id: &OrganizationId,
        page: &Page,
    ) -> Result<Vec<OrganizationConnection>, StoreError>;
    /// How many connections it has.
    async fn count_connections(&mut self, id: &OrganizationId) -> Result<i64, StoreError>;
    /// The organizations that have this connection, at most `take`.
    async fn with_connection(
        &mut self,
        connection: &ConnectionId,
        take: i64,
    ) -> Result<Vec<OrganizationConnection>, StoreError>;
    /// Add a connection; [`StoreError::Conflict`] if it has it.
    async fn insert_connection(&mut self, connection: &OrganizationConnection) -> Result<(), StoreError>;
    /// Change one; whether there was one.
    async fn update_connection(&mut self, connection: &OrganizationConnection) -> Result<bool, StoreError>;
    /// Remove one; whether there was one.
    async fn delete_connection(
        &mut self,
        id: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<bool, StoreError>;
}

/// Memberships.
#[async_trait]
pub trait Members: Send {
    /// A membership with its roles.
    async fn find(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<Membership>, StoreError>;
    /// Add one; whether it is new. Nothing changes if there is one.
    async fn insert(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        at: Timestamp,
    ) -> Result<bool, StoreError>;
    /// Remove one, with its roles; whether there was one.
    async fn delete(&mut self, organization: &OrganizationId, user: &UserId) -> Result<bool, StoreError>;
    /// A page of an organization's members, by when they joined.
    async fn list(&mut self, organization: &OrganizationId, page: &Page) -> Result<Vec<User>, StoreError>;
    /// When each of these members joined, for cursors.
    async fn joined_at(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<Timestamp>, StoreError>;
    /// How many there are.
    async fn count(&mut self, organization: &OrganizationId) -> Result<i64, StoreError>;
    /// A page of the organizations of a user.
    async fn organizations_of(&mut self, user: &UserId, page: &Page)
    -> Result<Vec<Organization>, StoreError>;
    /// How many organizations a user belongs to.
    async fn count_of(&mut self, user: &UserId) -> Result<i64, StoreError>;
    /// Give a member these roles too; ones they have are no error. The membership must exist.
    async fn add_roles(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        roles: &[RoleId],
    ) -> Result<(), StoreError>;
    /// Take these roles from a member.
    async fn remove_roles(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        roles: &[RoleId],
    ) -> Result<(), StoreError>;
    /// The roles of these members, by member.
    async fn roles_of(
        &mut self,
        organization: &OrganizationId,
        users: &[UserId],
    ) -> Result<Vec<(UserId, Role)>, StoreError>;
    /// A page of a member's roles.
    async fn roles(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        page: &Page,
    ) -> Result<Vec<Role>, StoreError>;
}
