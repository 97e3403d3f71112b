//! Owns resource servers (APIs), their permissions, and what clients may ask of them.
//! Never touches tokens.

use crate::{
    id::{ClientGrantId, ClientId, OrganizationId, ResourceServerId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An API, named by its audience (contract §2.7).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ResourceServer {
    /// Its id.
    pub id: ResourceServerId,
    /// Its audience; never changes.
    pub identifier: String,
    /// Its name for people.
    pub name: Option<String>,
    /// The scopes it knows.
    pub scopes: Vec<Scope>,
    /// Whether refresh tokens may be had for it.
    pub allow_offline_access: bool,
    /// Seconds an access token is valid.
    pub token_lifetime: i64,
    /// The same, for logins in a browser.
    pub token_lifetime_for_web: i64,
    /// Whether tokens hold the user's `permissions`, and their scopes are cut down to them.
    pub enforce_policies: bool,
    /// `access_token`, `access_token_authz`, `rfc9068_profile`, `rfc9068_profile_authz`.
    pub token_dialect: String,
    /// The Management API itself: cannot be changed or deleted.
    pub is_system: bool,
    /// Fields of the API that are kept and given back as they came.
    pub extra: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A scope of an API. `value` and `description` are what the wire says.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Scope {
    /// The scope itself.
    pub value: String,
    /// What it allows, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A scope of a particular API.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Permission {
    /// The API's identifier.
    pub resource_server_identifier: String,
    /// The scope.
    pub permission_name: String,
}

/// What a client may ask of an API in its own name (contract §2.6).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ClientGrant {
    /// Its id.
    pub id: ClientGrantId,
    /// The client.
    pub client_id: ClientId,
    /// The API.
    pub audience: String,
    /// The scopes.
    pub scope: Vec<String>,
    /// Whether tokens may, must, or must not be for an organization.
    pub organization_usage: GrantOrganizationUsage,
    /// Whether any organization will do.
    pub allow_any_organization: bool,
    /// The organizations that were named.
    pub organizations: Vec<OrganizationId>,
    /// Grows with every change: tokens of an earlier one are void (API-13).
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A grant's `organization_usage`; absent means deny.
pub type GrantOrganizationUsage = super::OrganizationUsage;
