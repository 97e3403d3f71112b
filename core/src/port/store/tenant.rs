//! Owns the storage of the installation's settings, and of marks that are set once.
//! Never touches configuration files.

use super::StoreError;
use crate::model::TenantSettings;
use async_trait::async_trait;

/// Settings of the installation.
#[async_trait]
pub trait Tenant: Send {
    /// The settings; the defaults before they were first changed.
    async fn settings(&mut self) -> Result<TenantSettings, StoreError>;
    /// Replace them.
    async fn set_settings(&mut self, settings: &TenantSettings) -> Result<(), StoreError>;
    /// A mark, such as the id of the first client.
    async fn mark(&mut self, name: &str) -> Result<Option<String>, StoreError>;
    /// Set a mark if it is not set; whether this call did. What races to bootstrap a store is decided here.
    async fn set_mark(&mut self, name: &str, value: &str) -> Result<bool, StoreError>;
}
