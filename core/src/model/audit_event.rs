//! Owns the entries of the log: what happened, with Auth0's type codes.
//! Never touches secrets: no entry holds a password, token, code, ticket or assertion.

use crate::{
    entropy::Entropy,
    id::{ClientId, ConnectionId, LogId, OrganizationId, ReferenceId, SessionId, UserId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An entry of the log (contract §2.12; `security.md` §3.11). Written in the unit of work of the thing it tells of.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AuditEvent {
    /// Its id; ids sort as entries do, those of one instant too.
    pub id: LogId,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub at: Timestamp,
    /// In words.
    #[serde(default)]
    pub description: Option<String>,
    /// The application.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// Its name then.
    #[serde(default)]
    pub client_name: Option<String>,
    /// The connection.
    #[serde(default)]
    pub connection_id: Option<ConnectionId>,
    /// Its name then.
    #[serde(default)]
    pub connection: Option<String>,
    /// Its strategy.
    #[serde(default)]
    pub strategy: Option<String>,
    /// The organization.
    #[serde(default)]
    pub organization_id: Option<OrganizationId>,
    /// Its name then.
    #[serde(default)]
    pub organization_name: Option<String>,
    /// The user.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// What they are known by: an address, a user name, or what was typed.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The session.
    #[serde(default)]
    pub session_id: Option<SessionId>,
    /// From which address.
    #[serde(default)]
    pub ip: Option<String>,
    /// With which browser.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// What was asked for.
    #[serde(default)]
    pub scope: Option<String>,
    /// Of which API.
    #[serde(default)]
    pub audience: Option<String>,
    /// The number on the page that the visitor saw.
    #[serde(default)]
    pub reference: Option<ReferenceId>,
    /// Anything else: the reason code, the trace of decisions.
    #[serde(default)]
    pub details: Map<String, Value>,
}

impl AuditEvent {
    /// An entry of this kind that says nothing else yet.
    pub fn new(kind: EventKind, at: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            id: LogId::next(at, entropy),
            kind,
            at,
            description: None,
            client_id: None,
            client_name: None,
            connection_id: None,
            connection: None,
            strategy: None,
            organization_id: None,
            organization_name: None,
            user_id: None,
            user_name: None,
            session_id: None,
            ip: None,
            user_agent: None,
            scope: None,
            audience: None,
            reference: None,
            details: Map::new(),
        }
    }
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident = $code:literal,)*) => {
        /// What happened, by Auth0's type codes and ours.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        pub enum EventKind {
            $($(#[$meta])* #[serde(rename = $code)] $name,)*
        }

        impl EventKind {
            /// The code on the wire.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

kinds! {
    /// A login succeeded.
    Login = "s",
    /// A login failed.
    LoginFailed = "f",
    /// A password was wrong.
    WrongPassword = "fp",
    /// There is no such user.
    UnknownUser = "fu",
    /// A login from a session succeeded.
    SilentLogin = "ssa",
    /// A login from a session failed.
    SilentLoginFailed = "fsa",
    /// An account was made.
    SignUp = "ss",
    /// It was not.
    SignUpFailed = "fs",
    /// A logout.
    Logout = "slo",
    /// A logout that failed.
    LogoutFailed = "flo",
    /// An invitation was accepted.
    InvitationAccepted = "si",
    /// It was not.
    InvitationFailed = "fi",
    /// A member was added.
    MemberAdded = "organization_member_added",
    /// A member was removed.
    MemberRemoved = "organization_member_removed",
    /// A code was exchanged.
    CodeExchanged = "seacft",
    /// It was not.
    CodeExchangeFailed = "feacft",
    /// A refresh token was exchanged.
    RefreshExchanged = "sertft",
    /// It was not.
    RefreshExchangeFailed = "fertft",
    /// An old refresh token was used again: its family was ended.
    RefreshReused = "ferrt",
    /// A refresh token was revoked.
    RefreshRevoked = "srrt",
    /// A client got a token in its own name.
    ClientCredentials = "seccft",
    /// It did not.
    ClientCredentialsFailed = "feccft",
    /// A password was changed.
    PasswordChanged = "scp",
    /// It was not.
    PasswordChangeFailed = "fcp",
    /// A change of password was asked for.
    PasswordChangeRequested = "scpr",
    /// It was not granted.
    PasswordChangeRequestFailed = "fcpr",
    /// An address was verified.
    EmailVerified = "sv",
    /// It was not.
    EmailVerificationFailed = "fv",
    /// A user was deleted.
    UserDeleted = "sdu",
    /// A user of a customer's own database is kept by us from now on.
    UserMigrated = "user_migrated",
    /// An account and an address were blocked after too many attempts.
    BlockedAttempts = "limit_wc",
    /// An address was blocked after too many accounts.
    BlockedAddress = "limit_mu",
    /// A write of the Management API.
    ApiWrite = "sapi",
    /// One that failed.
    ApiWriteFailed = "fapi",
    /// A read of secrets by the Management API.
    ApiRead = "mgmt_api_read",
    /// Users were imported.
    UsersImported = "sui",
    /// They were not.
    UsersImportFailed = "fui",
    /// A mail was not delivered.
    MailFailed = "fn",
    /// Something to look at.
    Warning = "w",
    /// An identity provider's answer did not pass a check.
    AnswerRejected = "oidc_reject",
    /// An identity provider's signed answer did not pass a check.
    SignedAnswerRejected = "saml_reject",
    /// An identity provider's answer came a second time.
    AnswerReplayed = "saml_replay",
    /// A certificate that a connection trusts, or that we show, ends soon.
    CertificateExpiring = "cert_expiring",
    /// A redirect address was refused.
    RedirectRejected = "redirect_reject",
    /// A form came from elsewhere.
    CsrfRejected = "csrf_reject",
    /// An organization was denied.
    OrganizationDenied = "org_denied",
    /// What a connection trusts was changed.
    ConnectionTrustChanged = "connection_trust_changed",
    /// A script hit a limit.
    ScriptLimitHit = "script_limit_hit",
    /// A script of a connection failed.
    ScriptFailed = "script_failed",
    /// A signing key was rotated.
    KeyRotated = "key_rotated",
    /// A signing key was revoked.
    KeyRevoked = "key_revoked",
}
