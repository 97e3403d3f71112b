//! Owns tickets: single-use links that were mailed.
//! Never touches invitations: their tickets are another kind, kept in another table (OP-33).

use crate::{
    email::Email,
    id::{ClientId, ConnectionId, OrganizationId, UserId},
    secret::TokenHash,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A single-use link, bound to the address it went to.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Ticket {
    /// What is stored of it.
    pub hash: TokenHash,
    /// What it is good for.
    pub kind: TicketKind,
    /// For whom.
    pub user_id: UserId,
    /// The address it is for: it says nothing about any other.
    pub email: Email,
    /// Whether choosing a password by it shows as well that the address is theirs: it was mailed there and shown nowhere
    /// else, or an administrator vouches for it (`mark_email_as_verified`).
    #[serde(default)]
    pub proves_address: bool,
    /// Where the browser goes afterwards, if whoever made it said so (contract §2.10 `result_url`).
    #[serde(default)]
    pub result_url: Option<String>,
    /// In which connection.
    pub connection_id: ConnectionId,
    /// From which application.
    pub client_id: Option<ClientId>,
    /// In which organization's branding.
    pub organization_id: Option<OrganizationId>,
    /// When it was made; a newer one of the same kind and user voids it.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
}

/// What a ticket is good for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketKind {
    /// Choosing a new password.
    ChangePassword,
    /// Showing that the address is one's own.
    VerifyEmail,
}

impl TicketKind {
    /// As it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChangePassword => "change_password",
            Self::VerifyEmail => "verify_email",
        }
    }
}
