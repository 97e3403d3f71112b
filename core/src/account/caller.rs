//! Owns who asks: where a request came from, for limits and for the log.
//! Never touches headers.

use crate::{
    entropy::Entropy,
    model::{AuditEvent, Connection, EventKind},
    time::Timestamp,
};
use std::net::IpAddr;

/// Who asks.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// From which address, as far as trusted proxies say.
    pub ip: Option<IpAddr>,
    /// With which browser, at most 512 characters.
    pub user_agent: Option<String>,
}

impl Caller {
    /// An entry of the log about something that was asked at a connection.
    pub(super) fn event(
        &self,
        kind: EventKind,
        at: Timestamp,
        entropy: &dyn Entropy,
        connection: &Connection,
    ) -> AuditEvent {
        let mut event = AuditEvent::new(kind, at, entropy).through(connection);
        event.ip = self.ip.map(|ip| ip.to_string());
        event.user_agent.clone_from(&self.user_agent);
        event
    }
}
