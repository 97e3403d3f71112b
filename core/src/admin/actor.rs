//! Owns who asks for something to be changed, and the log entries that say so.
//! Never touches tokens: by the time there is an actor, one was checked.

use super::{Admin, AdminError};
use crate::{
    id::{ClientId, ConnectionId, OrganizationId, UserId},
    model::{AuditEvent, EventKind},
};
use serde_json::{Value, json};

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The application whose token it is; none for the command line.
    pub client_id: Option<ClientId>,
    /// From which address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
    /// The method of the request.
    pub method: String,
    /// The path of the request, without its query.
    pub path: String,
    /// The one organization that the token is for, if it is for one (ORG-17, ORG-19).
    pub organization: Option<OrganizationId>,
}

impl Actor {
    /// Refuse to somebody who acts for one organization what only the installation decides (`security.md` ORG-19).
    pub(super) fn acts_for_all(&self, what: &str) -> Result<(), AdminError> {
        if self.organization.is_none() {
            return Ok(());
        }
        let message = format!("A token of one organization cannot {what}.");
        Err(AdminError::Forbidden { code: "operation_not_supported", message })
    }
}

/// What an entry of the log is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    pub(crate) organization: Option<OrganizationId>,
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) user: Option<UserId>,
    pub(crate) resource: Option<String>,
}

impl About {
    pub(crate) fn organization(id: &OrganizationId) -> Self {
        Self { organization: Some(id.clone()), resource: Some(id.to_string()), ..Self::default() }
    }

    pub(crate) fn connection(id: &ConnectionId) -> Self {
        Self { connection: Some(id.clone()), resource: Some(id.to_string()), ..Self::default() }
    }

    pub(crate) fn user(id: &UserId) -> Self {
        Self { user: Some(id.clone()), resource: Some(id.to_string()), ..Self::default() }
    }

    pub(crate) fn resource(id: impl Into<String>) -> Self {
        Self { resource: Some(id.into()), ..Self::default() }
    }

    pub(crate) fn with_resource(self, id: impl Into<String>) -> Self {
        Self { resource: Some(id.into()), ..self }
    }

    pub(crate) fn with_user(self, id: &UserId) -> Self {
        Self { user: Some(id.clone()), ..self }
    }
}

impl Admin {
    /// The entry `sapi` of a write. It holds no field of the request's body: those may be secrets.
    pub(crate) fn wrote(&self, actor: &Actor, what: &str, about: About) -> AuditEvent {
        self.event(actor, EventKind::ApiWrite, what, about)
    }

    /// An entry of any kind.
    pub(crate) fn event(&self, actor: &Actor, kind: EventKind, what: &str, about: About) -> AuditEvent {
        let mut event = AuditEvent::new(kind, self.clock.now(), self.entropy.as_ref());
        let request = json!({ "method": actor.method, "path": actor.path });
        event.details.insert("request".to_owned(), request);
        if let Some(resource) = about.resource {
            event.details.insert("resource_id".to_owned(), Value::from(resource));
        }
        event.description = Some(what.to_owned());
        event.client_id.clone_from(&actor.client_id);
        event.ip.clone_from(&actor.ip);
        event.user_agent.clone_from(&actor.user_agent);
        event.organization_id = about.organization;
        event.connection_id = about.connection;
        event.user_id = about.user;
        event
    }
}
