//! Owns the log entries of a login: one terminal entry an attempt (`security.md` §5.1 I10).
//! Never touches what happened: that is told.

use super::{Transaction, scene::Scene};
use crate::{
    connector::Rejection,
    entropy::Entropy,
    id::{ConnectionId, ReferenceId, UserId},
    model::{AuditEvent, Connection, EventKind, User},
    time::Timestamp,
};
use serde_json::{Map, json};

/// An entry about a login, with the decisions taken so far.
pub fn login_event(
    kind: EventKind,
    at: Timestamp,
    entropy: &dyn Entropy,
    transaction: &Transaction,
    scene: Option<&Scene>,
) -> AuditEvent {
    let request = &transaction.request;
    let mut details = Map::new();
    if !transaction.trace.is_empty() {
        details.insert("trace".to_owned(), json!(transaction.trace));
    }
    AuditEvent {
        client_id: Some(request.client_id.clone()),
        client_name: scene.and_then(|scene| scene.client.as_ref()).map(|client| client.name.clone()),
        organization_id: request.organization.clone(),
        organization_name: scene
            .and_then(|scene| scene.organization.as_ref())
            .map(|organization| organization.name.to_string()),
        ip: transaction.ip.clone(),
        user_agent: transaction.user_agent.clone(),
        scope: Some(request.scope.join(" ")).filter(|scope| !scope.is_empty()),
        audience: request.audience.clone(),
        details,
        ..AuditEvent::new(kind, at, entropy)
    }
}

impl AuditEvent {
    /// About this user.
    #[must_use]
    pub fn about(mut self, user: &User) -> Self {
        self.user_id = Some(user.id.clone());
        let name = user.email.as_ref().map(|email| email.canonical().to_owned());
        self.user_name = name.or_else(|| user.username.clone());
        self
    }

    /// About whom a connector named: a user id, or what was typed.
    #[must_use]
    pub fn about_text(mut self, about: Option<&str>) -> Self {
        match about.map(|text| (text, UserId::parse(text))) {
            Some((_, Ok(id))) => self.user_id = Some(id),
            Some((text, Err(_))) => self.user_name = Some(text.chars().take(320).collect()),
            None => {}
        }
        self
    }

    /// Through this connection.
    #[must_use]
    pub fn through(mut self, connection: &Connection) -> Self {
        self.connection_id = Some(connection.id.clone());
        self.connection = Some(connection.name.clone());
        self.strategy = Some(connection.strategy.clone());
        self
    }

    /// Through the connection with this id.
    #[must_use]
    pub fn through_id(mut self, connection: &ConnectionId) -> Self {
        self.connection_id = Some(connection.clone());
        self
    }

    /// Because of this, and in these words.
    #[must_use]
    pub fn because(mut self, reason: &str, description: impl Into<String>) -> Self {
        self.details.insert("reason".to_owned(), reason.into());
        self.description = Some(description.into());
        self
    }

    /// Of an answer that did not pass, with every check that was made of it.
    #[must_use]
    pub fn telling(mut self, rejection: Rejection) -> Self {
        let Rejection { kind: _, check, advice, trace } = rejection;
        self.details.insert("check".to_owned(), check.into());
        self.details.insert("checks".to_owned(), trace);
        self.because("answer_rejected", advice)
    }

    /// With the number on the visitor's page.
    #[must_use]
    pub fn on_page(mut self, reference: &ReferenceId) -> Self {
        self.reference = Some(reference.clone());
        self
    }
}
