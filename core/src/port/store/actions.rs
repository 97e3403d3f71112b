//! Owns the storage of actions, their versions and their order.
//! Never touches how they run.

use super::{Page, StoreError};
use crate::{
    id::{ActionId, ActionVersionId},
    model::{Action, ActionBinding, ActionVersion},
};
use async_trait::async_trait;

/// Actions, by when they were made. Their text and secrets are encrypted at rest.
#[async_trait]
pub trait Actions: Send {
    /// By id.
    async fn find(&mut self, id: &ActionId) -> Result<Option<Action>, StoreError>;
    /// By name.
    async fn find_by_name(&mut self, name: &str) -> Result<Option<Action>, StoreError>;
    /// A page of those that fit.
    async fn list(&mut self, filter: &ActionFilter, page: &Page) -> Result<Vec<Action>, StoreError>;
    /// How many fit.
    async fn count(&mut self, filter: &ActionFilter) -> Result<i64, StoreError>;
    /// Add one; [`StoreError::Conflict`] `actions_name_key`.
    async fn insert(&mut self, action: &Action) -> Result<(), StoreError>;
    /// Replace one, and say which of its versions runs; conflicts as `insert`; whether there was one.
    async fn update(&mut self, action: &Action) -> Result<bool, StoreError>;
    /// Delete one with its versions, and take it out of the order; whether there was one.
    async fn delete(&mut self, id: &ActionId) -> Result<bool, StoreError>;
    /// A page of an action's versions, the newest first.
    async fn versions(&mut self, id: &ActionId, page: &Page) -> Result<Vec<ActionVersion>, StoreError>;
    /// How many it has.
    async fn count_versions(&mut self, id: &ActionId) -> Result<i64, StoreError>;
    /// One version.
    async fn version(
        &mut self,
        id: &ActionId,
        version: &ActionVersionId,
    ) -> Result<Option<ActionVersion>, StoreError>;
    /// Add one; those beyond the newest `keep` of its action are deleted.
    async fn insert_version(&mut self, version: &ActionVersion, keep: i64) -> Result<(), StoreError>;
    /// The actions of a trigger, in their order.
    async fn bindings(&mut self, trigger: &str) -> Result<Vec<ActionBinding>, StoreError>;
    /// Replace them.
    async fn bind(&mut self, trigger: &str, bindings: &[ActionBinding]) -> Result<(), StoreError>;
}

/// Which actions; an absent part does not restrict.
#[derive(Clone, Debug, Default)]
pub struct ActionFilter {
    /// With this name.
    pub name: Option<String>,
    /// Of this trigger.
    pub trigger: Option<String>,
    /// Deployed, or not.
    pub deployed: Option<bool>,
}
