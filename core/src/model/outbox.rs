//! Owns messages on their way out.
//! Never touches how they are rendered or sent.

use crate::{
    id::{MailId, OrganizationId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A message, written in the unit of work of the thing it tells of. Its data may hold a ticket: encrypted at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxMail {
    /// Its id; makes sending idempotent.
    pub id: MailId,
    /// To whom, as the address was stored.
    pub to: String,
    /// Which template: `user_invitation`, `reset_email`, `verify_email`, `password_changed`.
    pub template: String,
    /// In whose branding.
    pub organization_id: Option<OrganizationId>,
    /// What the template is filled with.
    pub data: Map<String, Value>,
    /// Where it stands.
    pub state: OutboxState,
    /// How often sending was tried.
    pub attempts: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When to try next.
    pub next_attempt_at: Timestamp,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// To be sent.
    Pending,
    /// Sent.
    Sent,
    /// Given up.
    Failed,
}

impl OutboxState {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}
