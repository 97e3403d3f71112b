//! Owns the door to a login: the request is checked, guesses at tickets are counted, and what is refused is logged, within
//! bounds.
//! Never touches what is checked: that is `oauth::authorize`.

use super::{Visitor, flow::Flow, throttle};
use crate::{
    connector::Reply,
    model::{AuditEvent, Client, EventKind},
    oauth::authorize::{Accepted, AuthorizeFault, accept},
};

impl Flow {
    /// Check an authorization request (contract §1.2). A refusal leaves one entry in the log, while there is room: anybody
    /// can cause one.
    pub async fn request(&self, parameters: &Reply, visitor: &Visitor) -> Result<Accepted, AuthorizeFault> {
        let now = self.clock.now();
        // INV-01: a look at a ticket is charged first, and given back when the ticket was good.
        let charges = parameters.get("invitation").map(|_| throttle::ticket(visitor.ip)).unwrap_or_default();
        if !charges.is_empty() {
            let full = self.store.charge(&charges, now).await?;
            if full.is_some() {
                return Err(self.log_fault(AuthorizeFault::TooManyTickets, visitor).await?);
            }
        }
        match accept(&*self.store, now, parameters).await {
            Ok(accepted) => {
                if !charges.is_empty() {
                    self.store.refund(&charges, now).await?;
                }
                Ok(accepted)
            }
            Err(fault) => Err(self.log_fault(fault, visitor).await?),
        }
    }

    async fn log_fault(
        &self,
        fault: AuthorizeFault,
        visitor: &Visitor,
    ) -> Result<AuthorizeFault, AuthorizeFault> {
        if let Some(entry) = self.entry_of(&fault, visitor) {
            self.watch.write(entry, visitor.ip).await?;
        }
        Ok(fault)
    }

    fn entry_of(&self, fault: &AuthorizeFault, visitor: &Visitor) -> Option<AuditEvent> {
        let (kind, reason, client) = match fault {
            AuthorizeFault::Redirect(client, _) => {
                (EventKind::RedirectRejected, "redirect_uri_mismatch", Some(client.as_ref()))
            }
            AuthorizeFault::Answer { guess: true, client, .. } => {
                (EventKind::InvitationFailed, "invitation_unusable", Some(client.as_ref()))
            }
            AuthorizeFault::Answer { error, client, .. } => {
                (EventKind::LoginFailed, *error, Some(client.as_ref()))
            }
            AuthorizeFault::UnknownClient(_) => (EventKind::LoginFailed, "unknown_client", None),
            AuthorizeFault::Missing(_) => (EventKind::LoginFailed, "parameter_missing", None),
            AuthorizeFault::TooManyTickets => (EventKind::BlockedAddress, "too_many_tickets", None),
            AuthorizeFault::Store(_) => return None,
        };
        // Strangers say what they like, at length.
        let cut = |text: &str| text.chars().take(256).collect::<String>();
        let entry =
            AuditEvent::new(kind, self.clock.now(), &*self.entropy).because(reason, cut(&fault.to_string()));
        Some(AuditEvent {
            client_id: client.map(|client: &Client| client.id.clone()),
            client_name: client.map(|client| client.name.clone()),
            ip: visitor.ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.clone(),
            ..entry
        })
    }
}
