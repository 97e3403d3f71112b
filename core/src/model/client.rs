//! Owns clients: applications that ask us for tokens.
//! Never touches what they may ask of an API: that is a client grant.

use crate::{id::ClientId, secret::Secret, time::Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An application that asks us for tokens (RFC 6749 §1.1; contract §2.6).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Client {
    /// Its public identifier.
    pub id: ClientId,
    /// Its secret. Encrypted at rest; the Management API may show it (`read:client_keys`).
    #[serde(skip)]
    pub secret: Secret,
    /// Its name for people.
    pub name: String,
    /// `regular_web`, `spa`, `native`, `non_interactive`, … or absent.
    pub app_type: Option<String>,
    /// How it shows who it is at the token endpoint.
    pub authentication: ClientAuthentication,
    /// Where codes may go: compared exactly (`oauth::redirect`).
    pub callbacks: Vec<String>,
    /// Where browsers may go after logout.
    pub allowed_logout_urls: Vec<String>,
    /// Origins that may call the token endpoint from a browser.
    pub web_origins: Vec<String>,
    /// Further origins for CORS.
    pub allowed_origins: Vec<String>,
    /// The application's login address: where invitation links go.
    pub initiate_login_uri: Option<String>,
    /// The grants it may use.
    pub grant_types: Vec<String>,
    /// Ours, or somebody else's who needs consent.
    pub is_first_party: bool,
    /// Whether its logins may, must, or must not be for an organization.
    pub organization_usage: OrganizationUsage,
    /// What to do when they must be, and it did not say for which.
    pub organization_require_behavior: RequireBehavior,
    /// Seconds that its ID tokens are valid.
    pub id_token_lifetime: i64,
    /// How its refresh tokens live.
    pub refresh_token: RefreshTokenPolicy,
    /// The one global client (contract §2.2).
    pub is_global: bool,
    /// Fields of the API that are kept and given back as they came.
    pub extra: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Client {
    /// Whether it can keep a secret. Those that cannot must use PKCE.
    pub fn is_confidential(&self) -> bool {
        self.authentication != ClientAuthentication::None
    }

    /// Whether it may use this grant.
    pub fn may_use(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|allowed| allowed == grant_type)
    }
}

/// `token_endpoint_auth_method` (OIDC Core §9).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthentication {
    /// Not at all: a public client.
    None,
    /// The secret in the form.
    ClientSecretPost,
    /// The secret in the `Authorization` header.
    ClientSecretBasic,
}

/// `organization_usage` (contract §3.4).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationUsage {
    /// Logins are never for an organization.
    #[default]
    Deny,
    /// They may be.
    Allow,
    /// They always are.
    Require,
}

/// `organization_require_behavior` (contract §3.4).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RequireBehavior {
    /// The application must say which.
    #[default]
    NoPrompt,
    /// Ask for the organization's name first.
    PreLoginPrompt,
    /// Log in first, then choose among one's own.
    PostLoginPrompt,
}

/// `refresh_token` (contract §1.4.2).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct RefreshTokenPolicy {
    /// Whether each use gives a new one.
    pub rotation_type: RotationType,
    /// Whether they end by themselves.
    pub expiration_type: ExpirationType,
    /// Seconds in which the previous one is still answered, with the same child.
    pub leeway: i64,
    /// Seconds from the first one to the end of all.
    pub token_lifetime: i64,
    /// Seconds without use after which it ends.
    pub idle_token_lifetime: i64,
    /// Whether `token_lifetime` does not count.
    pub infinite_token_lifetime: bool,
    /// Whether `idle_token_lifetime` does not count.
    pub infinite_idle_token_lifetime: bool,
}

impl Default for RefreshTokenPolicy {
    fn default() -> Self {
        Self {
            rotation_type: RotationType::NonRotating,
            expiration_type: ExpirationType::NonExpiring,
            leeway: 0,
            token_lifetime: 31_557_600,
            idle_token_lifetime: 2_592_000,
            infinite_token_lifetime: true,
            infinite_idle_token_lifetime: true,
        }
    }
}

/// Whether each use of a refresh token gives a new one.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RotationType {
    /// It does, and using an old one ends them all.
    Rotating,
    /// It stays the same.
    #[default]
    NonRotating,
}

/// Whether refresh tokens end by themselves.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpirationType {
    /// They do.
    Expiring,
    /// They do not.
    #[default]
    NonExpiring,
}
