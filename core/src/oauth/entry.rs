//! Owns the log entries of the token endpoint: one an attempt (`security.md` §3.11).
//! Never touches tokens: none is ever in an entry.

use super::error::Refusal;
use crate::{
    entropy::Entropy,
    login::authorize_org::Granted,
    model::{AuditEvent, Client, EventKind, Session, TokenFamily},
    port::store::{Charge, StoreError, UnitOfWork},
    time::Timestamp,
};
use std::time::Duration;

/// Where a request of a client came from.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// From which address.
    pub ip: Option<String>,
    /// With which program.
    pub user_agent: Option<String>,
}

/// The entry that an attempt will end in: which one is known at its end.
#[derive(Clone)]
pub(super) struct Entry {
    succeeded: EventKind,
    failed: EventKind,
    event: AuditEvent,
}

/// A refusal inside a unit of work: what was stored with it stays.
pub(super) type Decided<T> = Result<T, Refusal>;

impl Entry {
    pub(super) fn new(
        (succeeded, failed): (EventKind, EventKind),
        client: Option<&Client>,
        caller: &Caller,
        (now, entropy): (Timestamp, &dyn Entropy),
    ) -> Self {
        let mut event = AuditEvent::new(succeeded, now, entropy);
        event.client_id = client.map(|client| client.id.clone());
        event.client_name = client.map(|client| client.name.clone());
        event.ip.clone_from(&caller.ip);
        event.user_agent.clone_from(&caller.user_agent);
        Self { succeeded, failed, event }
    }

    /// What it is about, as soon as that is known.
    pub(super) fn of_family(mut self, family: &TokenFamily) -> Self {
        self.event.user_id = Some(family.user_id.clone());
        self.event.connection_id = Some(family.connection_id.clone());
        self.event.organization_id.clone_from(&family.organization_id);
        self.event.session_id.clone_from(&family.session_id);
        self.event.audience.clone_from(&family.audience);
        self
    }

    pub(super) fn of_session(mut self, session: &Session) -> Self {
        self.event.user_id = Some(session.user_id.clone());
        self.event.connection_id = Some(session.connection_id.clone());
        self.event.organization_id.clone_from(&session.organization_id);
        self.event.session_id = Some(session.id.clone());
        self
    }

    /// Names, as soon as they are known.
    pub(super) fn of_granted(mut self, granted: &Granted) -> Self {
        self.event = self.event.about(&granted.user).through(&granted.connection);
        let organization = granted.organization.as_ref();
        self.event.organization_name = organization.map(|(organization, _)| organization.name.to_string());
        self
    }

    pub(super) fn of_audience(mut self, audience: &str) -> Self {
        self.event.audience = Some(audience.to_owned());
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.event.details.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn succeeded(mut self, scope: &[String]) -> AuditEvent {
        self.event.kind = self.succeeded;
        self.event.scope = Some(scope.join(" ")).filter(|scope| !scope.is_empty());
        self.event
    }

    pub(super) fn refused(self, refusal: &Refusal) -> AuditEvent {
        self.failed(refusal.reason(), refusal.description())
    }

    pub(super) fn failed(mut self, reason: &str, description: &str) -> AuditEvent {
        self.event.kind = self.failed;
        self.event.because(reason, description)
    }

    /// Refuse, and write it down in this unit. When a client is refused too often it only learns that, and the log is
    /// spared: whoever guesses at its secret can fill neither. What is right is never refused for that.
    pub(super) async fn refuse<T>(
        self,
        unit: &mut dyn UnitOfWork,
        refusal: Refusal,
    ) -> Result<Decided<T>, StoreError> {
        let Some(client) = &self.event.client_id else { return Ok(Err(refusal)) };
        let charge =
            Charge { key: format!("refused:client:{client}"), burst: 60, period: Duration::from_secs(1) };
        if unit.limits().charge(&[charge], self.event.at).await?.is_some() {
            return Ok(Err(Refusal::too_many()));
        }
        unit.events().insert(&self.refused(&refusal)).await?;
        Ok(Err(refusal))
    }

    /// Refuse, and write it down as this kind of entry however often it happens: something was stolen.
    pub(super) async fn alarm<T>(
        mut self,
        kind: EventKind,
        unit: &mut dyn UnitOfWork,
        refusal: Refusal,
    ) -> Result<Decided<T>, StoreError> {
        self.failed = kind;
        unit.events().insert(&self.refused(&refusal)).await?;
        Ok(Err(refusal))
    }
}
