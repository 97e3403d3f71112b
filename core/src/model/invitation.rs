//! Owns invitations: offers of membership, each bound to an address and to two tickets.
//! Never touches how one is accepted.

use crate::{
    email::Email,
    id::{ClientId, ConnectionId, InvitationId, OrganizationId, RoleId, UserId},
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An offer of membership (contract §3.2).
///
/// It has two tickets: the one that the Management API shows proves nothing about the mailbox; the one in the e-mail
/// does (`security.md` INV-11).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Membership of what.
    pub organization_id: OrganizationId,
    /// Who invites, for people.
    pub inviter_name: String,
    /// Who is invited.
    pub invitee_email: Email,
    /// The application the link goes to.
    pub client_id: ClientId,
    /// The one connection it may be accepted through, or any of the organization's.
    pub connection_id: Option<ConnectionId>,
    /// Roles in the organization.
    pub roles: Vec<RoleId>,
    /// Given to the user when one is made.
    pub app_metadata: Map<String, Value>,
    /// Likewise.
    pub user_metadata: Map<String, Value>,
    /// The ticket the API shows: 32 letters and digits. Encrypted at rest.
    #[serde(skip)]
    pub api_ticket: Secret,
    /// The ticket of the e-mail, if one was sent. Encrypted at rest until it is sent, kept for reminders.
    #[serde(skip)]
    pub mail_ticket: Option<Secret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends: at this instant it is over.
    pub expires_at: Timestamp,
    /// When it was used, successfully or not.
    pub consumed_at: Option<Timestamp>,
    /// Who used it successfully.
    pub accepted_by: Option<UserId>,
}

/// Which ticket an invitation was found by.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketSource {
    /// The one the API shows.
    Api,
    /// The one in the e-mail: proves the mailbox.
    Mail,
}
