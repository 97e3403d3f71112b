//! Owns what OAuth clients are told when they get nothing: the table of contract §1.4.4.
//! Never touches HTTP: a status is a number here.

use crate::{
    login::authorize_org::{Denied, Question},
    port::{key_ring::KeyError, store::StoreError},
};

/// Why a client gets nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OAuthError {
    /// It was told no.
    #[error("{0}")]
    Refused(Refusal),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key ring failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A no, as the client hears it, and its reason, as the log has it. Made by the functions below alone.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{code}: {description}")]
pub struct Refusal {
    status: u16,
    code: &'static str,
    description: String,
    reason: &'static str,
    error_uri: Option<&'static str>,
}

impl Refusal {
    /// The HTTP status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The code that clients match on.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// What the client's developer may read.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The reason code of the log: several reasons share one description, so that nobody can tell them apart from outside.
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    /// Where to read more.
    pub const fn error_uri(&self) -> Option<&'static str> {
        self.error_uri
    }

    fn new(status: u16, code: &'static str, description: impl Into<String>, reason: &'static str) -> Self {
        Self { status, code, description: description.into(), reason, error_uri: None }
    }

    /// A parameter is missing.
    pub fn missing(parameter: &'static str) -> Self {
        Self::new(
            400,
            "invalid_request",
            format!("Missing required parameter: {parameter}"),
            "missing_parameter",
        )
    }

    /// Too many refusals in too short a time (`security.md` §3.5).
    pub fn too_many() -> Self {
        let description = "Too many failed requests of this client. Please wait a moment.";
        Self::new(429, "too_many_requests", description, "too_many_refusals")
    }

    /// The request cannot be understood.
    pub fn invalid_request(description: impl Into<String>, reason: &'static str) -> Self {
        Self::new(400, "invalid_request", description, reason)
    }

    /// The client did not show who it is: unknown, a wrong secret, or another way than the one it is registered with.
    pub fn unauthorized(reason: &'static str) -> Self {
        Self::new(401, "access_denied", "Unauthorized", reason)
    }

    /// The same, at the endpoint that revokes (contract §1.6).
    pub fn invalid_client(reason: &'static str) -> Self {
        Self::new(401, "invalid_client", "Invalid client", reason)
    }

    /// There is such a grant, but not for this client.
    pub fn grant_not_allowed(grant_type: &str) -> Self {
        let description = format!("Grant type '{grant_type}' not allowed for the client.");
        Self {
            error_uri: Some("https://auth0.com/docs/clients/client-grant-types"),
            ..Self::new(403, "unauthorized_client", description, "grant_not_allowed")
        }
    }

    /// There is no such grant.
    pub fn unsupported_grant() -> Self {
        Self::new(400, "unsupported_grant_type", "Unsupported grant type", "unsupported_grant_type")
    }

    /// The code is unknown, over, used, another client's, or was for another address.
    pub fn invalid_code(reason: &'static str) -> Self {
        Self::new(403, "invalid_grant", "Invalid authorization code", reason)
    }

    /// The verifier does not fit the challenge, or one of them is missing (RFC 7636 §4.6).
    pub fn invalid_verifier(reason: &'static str) -> Self {
        Self::new(403, "invalid_grant", "Failed to verify code verifier", reason)
    }

    /// The refresh token is unknown, over, used, revoked or another client's.
    pub fn invalid_refresh_token(reason: &'static str) -> Self {
        Self::new(403, "invalid_grant", "Unknown or invalid refresh token.", reason)
    }

    /// More was asked for than was granted (RFC 6749 §6).
    pub fn invalid_scope() -> Self {
        Self::new(400, "invalid_scope", "The requested scope exceeds what was granted", "scope_exceeded")
    }

    /// There is no such API.
    pub fn unknown_api(audience: &str) -> Self {
        Self::new(
            403,
            "access_denied",
            format!("Service not enabled within domain: {audience}"),
            "unknown_api",
        )
    }

    /// There is such an API, but no grant of it to this client.
    pub fn no_client_grant(audience: &str) -> Self {
        let description = format!(
            "Client is not authorized to access \"{audience}\". You might probably want to create a \"client-grant\" \
             associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"
        );
        Self::new(403, "access_denied", description, "no_client_grant")
    }

    /// The client's grant does not extend to this organization (contract §1.4.3).
    pub fn no_organization_grant(organization: &str) -> Self {
        let description = format!("Client is not authorized to access the {organization} organization");
        Self::new(403, "access_denied", description, "no_organization_grant")
    }

    /// A rule or an action wants to send the browser elsewhere, and there is none.
    pub fn interaction_required() -> Self {
        let description = "A rule or an action sends the user elsewhere, which needs a browser.";
        Self::new(403, "interaction_required", description, "script_redirects")
    }

    /// A rule said no (contract §4.1): its own words.
    pub fn by_rule(description: impl Into<String>, reason: &'static str) -> Self {
        Self::new(403, "access_denied", description, reason)
    }

    /// The user may have no token, says `authorize_org`, when a code is exchanged.
    pub fn denied(denied: &Denied, question: &Question) -> Self {
        if *denied == Denied::UserBlocked {
            return Self::blocked();
        }
        Self::new(403, "access_denied", denied.description(question), denied.reason())
    }

    /// The same, when a token is refreshed: clients begin a new login at these words.
    pub fn denied_refresh(denied: &Denied) -> Self {
        if *denied == Denied::UserBlocked {
            return Self::blocked();
        }
        Self::invalid_refresh_token(denied.reason())
    }

    fn blocked() -> Self {
        Self::new(403, "unauthorized", "user is blocked", Denied::UserBlocked.reason())
    }
}
