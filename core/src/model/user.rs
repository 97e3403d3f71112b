//! Owns users, their identities, and the password credentials of database connections.
//! Never touches memberships.

use super::Connection;
use crate::{
    connector::{Credential, Subject},
    email::Email,
    id::{ConnectionId, UserId},
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A person, as one connection knows them. The identity is `(connection, subject)`, never the e-mail.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct User {
    /// `strategy|key`; never used again for another person.
    pub id: UserId,
    /// How they log in; the first one is the primary identity.
    #[serde(skip)]
    pub identities: Vec<Identity>,
    /// Their address, if the connection gave one.
    pub email: Option<Email>,
    /// Whether a mail round trip of ours, or a connection for a domain it has proven, has shown that it is theirs.
    pub email_verified: bool,
    /// Their user name, in connections that have them.
    pub username: Option<String>,
    /// The rest of the profile, by OIDC's standard claim names: `name`, `nickname`, `picture`, `given_name`,
    /// `family_name`, `phone_number`, and whatever else the identity provider said.
    pub profile: Map<String, Value>,
    /// What the person may change.
    pub user_metadata: Map<String, Value>,
    /// What only administrators and rules may change.
    pub app_metadata: Map<String, Value>,
    /// Whether they may not log in at all.
    pub blocked: bool,
    /// How often they have logged in.
    pub logins_count: i64,
    /// When they last did.
    pub last_login: Option<Timestamp>,
    /// From where.
    pub last_ip: Option<String>,
    /// When their password was last reset.
    pub last_password_reset: Option<Timestamp>,
    /// Sessions and tokens of an earlier epoch are void: grows at a password change, a block, a global logout.
    pub session_epoch: i64,
    /// When the user was made.
    pub created_at: Timestamp,
    /// When the user was changed last.
    pub updated_at: Timestamp,
}

impl User {
    /// A user whose one identity is this account of a connection, made now, of whom nothing else is known.
    pub fn new(id: UserId, connection: &Connection, subject: Subject, at: Timestamp) -> Self {
        Self {
            id,
            identities: vec![Identity {
                connection_id: connection.id.clone(),
                connection: connection.name.clone(),
                provider: connection.strategy.clone(),
                subject,
            }],
            email: None,
            email_verified: false,
            username: None,
            profile: Map::new(),
            user_metadata: Map::new(),
            app_metadata: Map::new(),
            blocked: false,
            logins_count: 0,
            last_login: None,
            last_ip: None,
            last_password_reset: None,
            session_epoch: 0,
            created_at: at,
            updated_at: at,
        }
    }

    /// A text of the profile.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.profile.get(claim).and_then(Value::as_str)
    }

    /// The identity at this connection.
    pub fn identity_at(&self, connection: &ConnectionId) -> Option<&Identity> {
        self.identities.iter().find(|identity| &identity.connection_id == connection)
    }
}

/// One upstream account of a user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Identity {
    /// The connection that asserts it.
    pub connection_id: ConnectionId,
    /// That connection's name.
    pub connection: String,
    /// That connection's strategy.
    pub provider: String,
    /// The identifier there.
    pub subject: Subject,
}

/// What a database connection knows of an account: found by address or user name, never by user id alone.
#[derive(Clone, Debug)]
pub struct PasswordCredential {
    /// The connection. Addresses and user names are unique in it.
    pub connection_id: ConnectionId,
    /// Whose.
    pub user_id: UserId,
    /// The identifier in the connection.
    pub subject: Subject,
    /// The address, in canonical form.
    pub email_normalized: Option<String>,
    /// The user name, in lower case.
    pub username_normalized: Option<String>,
    /// The hash: in PHC string format, or as another system made it ([`is_foreign`]). None: nobody can sign in before a
    /// reset.
    pub password_hash: Option<Secret>,
    /// Earlier hashes, newest first, as many as the connection's history keeps.
    pub history: Vec<Secret>,
    /// When the password was set.
    pub changed_at: Timestamp,
    /// Whether somebody made it for themselves with an address that they have not shown to be theirs: until they have, or
    /// an administrator says so, the password opens nothing (`security.md` DB-03).
    pub awaits_verification: bool,
}

impl PasswordCredential {
    /// What is stored of the credential of this user's account, made now.
    pub fn new(
        connection: &ConnectionId,
        user: &UserId,
        subject: Subject,
        credential: Credential,
        at: Timestamp,
    ) -> Self {
        Self {
            connection_id: connection.clone(),
            user_id: user.clone(),
            subject,
            email_normalized: credential.email.map(|email| email.canonical().to_owned()),
            username_normalized: credential.username.map(|username| username.to_lowercase()),
            password_hash: credential.password_hash,
            history: Vec::new(),
            changed_at: at,
            awaits_verification: false,
        }
    }
}

/// Whether a stored hash is one that another system made: it is sealed at rest, since it may be quick to guess, and
/// replaced by one of ours at the first login (contract §2.10).
pub fn is_foreign(hash: &Secret) -> bool {
    hash.expose().starts_with("foreign:")
}
