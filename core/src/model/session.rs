//! Owns sessions: a browser's remembered authentication.
//! Never touches cookies.

use crate::{
    connector::Evidence,
    id::{ClientId, ConnectionId, OrganizationId, SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A browser's remembered authentication (OIDC Core §3.1.2.3).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Session {
    /// As tokens name it (`sid`).
    pub id: SessionId,
    /// What is stored of the cookie; changes at every authentication (OP-27).
    pub cookie: TokenHash,
    /// Who.
    pub user_id: UserId,
    /// Through which connection.
    pub connection_id: ConnectionId,
    /// For which organization they last signed in.
    pub organization_id: Option<OrganizationId>,
    /// How: RFC 8176.
    pub amr: Vec<String>,
    /// The applications that have had a code from it, for logout.
    pub clients: Vec<ClientId>,
    /// Of an earlier epoch than the user's: void.
    pub epoch: i64,
    /// When they showed who they are (`auth_time`).
    pub authenticated_at: Timestamp,
    /// When it was last used.
    pub used_at: Timestamp,
    /// When it ends without use.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// The session at the identity provider that it came from. Encrypted at rest.
    #[serde(skip)]
    pub upstream: Evidence,
}

impl Session {
    /// What is stored of whom an identity provider calls so: it is looked up when the provider ends their sessions.
    pub fn upstream_hash(connection: &ConnectionId, name: &str) -> TokenHash {
        TokenHash::of(&format!("upstream\n{connection}\n{name}"))
    }
}
