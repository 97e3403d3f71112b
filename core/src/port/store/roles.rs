//! Owns the storage of roles, and of who has one outside organizations.
//! Never touches the roles of members: those are the memberships'.

use super::{Page, StoreError};
use crate::{
    id::{RoleId, UserId},
    model::{Permission, Role},
};
use async_trait::async_trait;

/// Roles.
#[async_trait]
pub trait Roles: Send {
    /// By id.
    async fn find(&mut self, id: &RoleId) -> Result<Option<Role>, StoreError>;
    /// Those of these ids that exist.
    async fn find_all(&mut self, ids: &[RoleId]) -> Result<Vec<Role>, StoreError>;
    /// A page of those whose name contains this, ignoring ASCII case.
    async fn list(&mut self, name_filter: Option<&str>, page: &Page) -> Result<Vec<Role>, StoreError>;
    /// How many that is.
    async fn count(&mut self, name_filter: Option<&str>) -> Result<i64, StoreError>;
    /// Add one; [`StoreError::Conflict`] `roles_name_key`.
    async fn insert(&mut self, role: &Role) -> Result<(), StoreError>;
    /// Replace one; whether there was one.
    async fn update(&mut self, role: &Role) -> Result<bool, StoreError>;
    /// Delete one, and take it from everybody; whether there was one.
    async fn delete(&mut self, id: &RoleId) -> Result<bool, StoreError>;
    /// What it permits, by API and scope. Of the page, `skip`, `take` and `direction` count.
    async fn permissions(&mut self, id: &RoleId, page: &Page) -> Result<Vec<Permission>, StoreError>;
    /// All that these roles permit together, each once.
    async fn permissions_of(&mut self, ids: &[RoleId]) -> Result<Vec<Permission>, StoreError>;
    /// Let it permit these too.
    async fn add_permissions(&mut self, id: &RoleId, permissions: &[Permission]) -> Result<(), StoreError>;
    /// Let it no longer permit these.
    async fn remove_permissions(&mut self, id: &RoleId, permissions: &[Permission])
    -> Result<(), StoreError>;
    /// A user's roles outside organizations.
    async fn of_user(&mut self, user: &UserId, page: &Page) -> Result<Vec<Role>, StoreError>;
    /// Give a user these too.
    async fn add_to_user(&mut self, user: &UserId, roles: &[RoleId]) -> Result<(), StoreError>;
    /// Take these from a user.
    async fn remove_from_user(&mut self, user: &UserId, roles: &[RoleId]) -> Result<(), StoreError>;
    /// What a user is permitted directly, paged as [`permissions`](Self::permissions).
    async fn permissions_of_user(
        &mut self,
        user: &UserId,
        page: &Page,
    ) -> Result<Vec<Permission>, StoreError>;
    /// Permit a user these too.
    async fn permit_user(&mut self, user: &UserId, permissions: &[Permission]) -> Result<(), StoreError>;
    /// No longer permit a user these.
    async fn forbid_user(&mut self, user: &UserId, permissions: &[Permission]) -> Result<(), StoreError>;
}
