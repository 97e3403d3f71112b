//! Owns the answer: who it is, as the connector knows them.
//! Never touches our users: admission makes one of an assertion.

use super::Memo;
use crate::{email::Email, secret::Secret, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

/// Who it is, protocol-neutrally: not yet one of our users.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// Their identifier at the connection. `(connection, subject)` is the identity; an e-mail never is.
    pub subject: Subject,
    /// What the connection says of them, by OIDC's standard claim names where there is one.
    ///
    /// `email_verified` in here is a claim of the connection's; admission decides what it is worth.
    pub profile: Map<String, Value>,
    /// How they showed it.
    pub evidence: Evidence,
    /// What the connection's administrator answers for beyond the profile.
    pub vouched: Option<Box<Vouched>>,
    /// A credential to be stored in the unit of work that makes the user, when the account is new here.
    pub credential: Option<Credential>,
    /// What makes the answer it comes from unusable once it was used: for answers that travel through the browser.
    pub once: Option<Once>,
}

/// What a connection says of an account that no identity provider may say of anybody: it is the customer's own list of
/// users, read by an administrator's code (contract §5.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vouched {
    /// Their user name.
    pub username: Option<String>,
    /// Whether the address is theirs: true only where the connection is configured to be believed (`security.md` JS-14).
    pub email_verified: bool,
    /// What the person may change; taken over once, with the user.
    pub user_metadata: Map<String, Value>,
    /// What only administrators and rules may change; taken over once, with the user.
    pub app_metadata: Map<String, Value>,
}

/// A mark of an answer that counts but once at its connection (`security.md` §3.1.8). It is noted in the unit of work that
/// uses the answer; when it was noted before, nobody is admitted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Once {
    /// What tells the answer from all others of its connection. Only its hash is stored.
    pub mark: String,
    /// Until when it must be remembered: afterwards the connector itself refuses the answer.
    pub until: Timestamp,
}

/// An identifier at the connection that asserts it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Subject(pub String);

/// How they showed who they are.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Evidence {
    /// Authentication methods by RFC 8176 (`pwd`), or what the identity provider said.
    pub amr: Vec<String>,
    /// The upstream session, for logout.
    pub session_index: Option<String>,
    /// The upstream ID token, as a hint for logout.
    pub id_token: Option<String>,
    /// What the other side calls them when it tells that the session ended.
    #[serde(default)]
    pub name: Option<String>,
    /// What the connector needs to end the upstream session, in its own writing.
    #[serde(default)]
    pub notes: Memo,
    /// When our session has to end because theirs does (SAML `SessionNotOnOrAfter`), in seconds since the epoch.
    pub not_after: Option<i64>,
}

/// The way on which a browser comes back from the end of its upstream session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WayBack {
    /// Our one landing: what is registered at identity providers (`/logout`).
    pub landing: Url,
    /// What comes back with the browser, as `state` or `RelayState`: fewer than 80 bytes (SAML Bindings §3.4.3).
    pub handle: String,
}

/// What must be stored so that a new account can sign in again.
#[derive(Clone, Debug)]
pub struct Credential {
    /// The hash, in PHC string format. None: nobody can sign in before a reset.
    pub password_hash: Option<Secret>,
    /// The address to find it by.
    pub email: Option<Email>,
    /// The user name to find it by, in lower case.
    pub username: Option<String>,
    /// How the account came about.
    pub origin: Origin,
}

/// How an account came about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// Somebody has just made it.
    Made,
    /// It was there before, elsewhere, and is kept here from now on (contract §5.2, import mode).
    Brought,
}
