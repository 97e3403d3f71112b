//! Owns the model: plain data, one aggregate a file.
//! Never touches rules about it: those are in `admin`, `login` and `oauth`.

mod action;
mod audit_event;
mod certified_key;
mod client;
mod connection;
mod grant;
mod invitation;
mod job;
mod key;
mod membership;
mod organization;
mod outbox;
mod resource_server;
mod role;
mod rule;
mod session;
mod tenant;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod ticket;
mod user;

pub use action::{
    Action, ActionBinding, ActionContent, ActionSecret, ActionVersion, BoundAction, Dependency, LoginScripts,
    Trigger,
};
pub use audit_event::{AuditEvent, EventKind};
pub use certified_key::{CertifiedKey, KeyPurpose};
pub use client::{
    Client, ClientAuthentication, ExpirationType, OrganizationUsage, RefreshTokenPolicy, RequireBehavior,
    RotationType,
};
pub use connection::Connection;
pub use grant::{AccessToken, AuthorizationCode, CodeChallenge, RefreshToken, TokenFamily};
pub use invitation::{Invitation, TicketSource};
pub use job::{ExportField, ExportFormat, Job, JobError, JobStatus, JobSummary, JobTask};
pub use key::{KeyState, SigningKey};
pub use membership::Membership;
pub use organization::{Branding, Color, Organization, OrganizationConnection, OrganizationName};
pub use outbox::{OutboxMail, OutboxState};
pub use resource_server::{ClientGrant, GrantOrganizationUsage, Permission, ResourceServer, Scope};
pub use role::Role;
pub use rule::{Rule, RuleConfig};
pub use session::Session;
pub use tenant::TenantSettings;
pub use ticket::{Ticket, TicketKind};
pub use user::{Identity, PasswordCredential, User, is_foreign};
