//! Owns the use cases behind the Management API and the dashboard, one file a resource.
//! Never touches HTTP: inputs are parsed, outputs are the model's.

mod action_bindings;
mod actions;
mod actor;
pub mod bootstrap;
mod change;
mod client_checks;
mod client_grants;
mod clients;
mod connections;
mod error;
mod invitations;
mod jobs;
mod logs;
mod member_roles;
mod members;
mod organization_client_grants;
mod organization_connections;
mod organizations;
mod resource_servers;
mod roles;
mod rules;
mod scopes;
mod tenant;
mod text;
mod user_changes;
mod user_query;
mod user_roles;
mod user_verification;
mod users;
mod web_address;

pub use action_bindings::{ActionRef, BindingDraft, BoundAt};
pub use actions::{ActionChange, Deploy, Draft, Force, SecretDraft};
pub use actor::Actor;
pub use change::Change;
pub(crate) use change::merge;
pub use client_grants::{ClientGrantChange, ClientGrantDraft};
pub use clients::{ClientChange, GRANT_TYPES};
pub use connections::{ConnectionChange, ConnectionDraft, EnabledClient, MASK};
pub use error::AdminError;
pub use invitations::{InvitationDraft, InvitationView, Mailing};
pub use jobs::{Batch, ExportDraft, IMPORT_BATCH, ImportDraft, Importer, JobStep, delete_some_users};
pub use organization_connections::{OrganizationConnectionChange, OrganizationConnectionDraft};
pub use organizations::{OrganizationChange, OrganizationDraft};
pub use resource_servers::{ResourceServerChange, ResourceServerDraft};
pub use roles::{PermissionRow, RoleChange, RoleDraft};
pub use rules::{RuleChange, RuleDraft};
pub use scopes::MANAGEMENT_SCOPES;
pub use tenant::{BrandingChange, TenantChange};
pub use user_changes::UserChange;
pub use user_query::parse as parse_user_query;
pub use users::UserDraft;

use crate::{
    account::AccountSettings,
    connector::Factories,
    entropy::Entropy,
    login::Connectors,
    model::AuditEvent,
    port::{
        script::ScriptRuntime,
        store::{BoxFuture, Store, UnitOfWork},
    },
    time::Clock,
};
use std::sync::Arc;

/// What the use cases need of the outside.
#[derive(Clone)]
pub struct AdminPorts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Compiles rules when they are saved.
    pub scripts: Arc<dyn ScriptRuntime>,
    /// Check options of connections when they are saved.
    pub factories: Arc<dyn Factories>,
    /// Make credentials of new users, under their connection's policy.
    pub connectors: Arc<dyn Connectors>,
    /// What links to verify addresses are made with.
    pub accounts: AccountSettings,
}

/// The use cases of administrators. One instance serves all callers.
pub struct Admin {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    scripts: Arc<dyn ScriptRuntime>,
    factories: Arc<dyn Factories>,
    connectors: Arc<dyn Connectors>,
    accounts: AccountSettings,
}

impl Admin {
    /// Over these ports.
    pub fn new(ports: AdminPorts) -> Self {
        let AdminPorts { store, clock, entropy, scripts, factories, connectors, accounts } = ports;
        Self { store, clock, entropy, scripts, factories, connectors, accounts }
    }

    /// Run a write, with its entry in the log, in one unit of work.
    async fn write<T, F>(&self, event: AuditEvent, work: F) -> Result<T, AdminError>
    where
        T: Send + 'static,
        F: for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'static)) -> BoxFuture<'u, Result<T, AdminError>>
            + Send
            + 'static,
    {
        self.store
            .write(move |unit| {
                Box::pin(async move {
                    let done = work(&mut *unit).await?;
                    unit.events().insert(&event).await?;
                    Ok(done)
                })
            })
            .await
    }
}
