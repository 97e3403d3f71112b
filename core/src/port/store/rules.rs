//! Owns the storage of rules and of what they read.
//! Never touches how they run.

use super::{Page, StoreError};
use crate::{
    id::RuleId,
    model::{LoginScripts, Rule, RuleConfig},
};
use async_trait::async_trait;

/// Rules, by their order.
#[async_trait]
pub trait Rules: Send {
    /// By id.
    async fn find(&mut self, id: &RuleId) -> Result<Option<Rule>, StoreError>;
    /// A page of all, or of the enabled or disabled ones, by order.
    async fn list(&mut self, enabled: Option<bool>, page: &Page) -> Result<Vec<Rule>, StoreError>;
    /// How many that is.
    async fn count(&mut self, enabled: Option<bool>) -> Result<i64, StoreError>;
    /// The enabled ones, by order, and the deployed actions that are bound to the end of a login, in theirs. Each login
    /// asks: it is one statement.
    async fn at_login(&mut self) -> Result<LoginScripts, StoreError>;
    /// One more than the highest order there is.
    async fn next_order(&mut self) -> Result<i64, StoreError>;
    /// Add one; [`StoreError::Conflict`] `rules_name_key` or `rules_position_key`.
    async fn insert(&mut self, rule: &Rule) -> Result<(), StoreError>;
    /// Replace one; conflicts as `insert`; whether there was one.
    async fn update(&mut self, rule: &Rule) -> Result<bool, StoreError>;
    /// Delete one; whether there was one.
    async fn delete(&mut self, id: &RuleId) -> Result<bool, StoreError>;
    /// What rules read. Encrypted at rest.
    async fn configs(&mut self) -> Result<Vec<RuleConfig>, StoreError>;
    /// Set a value.
    async fn set_config(&mut self, config: &RuleConfig) -> Result<(), StoreError>;
    /// Remove a value; whether there was one.
    async fn delete_config(&mut self, key: &str) -> Result<bool, StoreError>;
}
