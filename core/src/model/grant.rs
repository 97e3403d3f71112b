//! Owns what was issued: authorization codes, access tokens without an API, refresh tokens and their families.
//! Never touches the tokens themselves: only their hashes are kept.

use crate::{
    id::{ClientId, ConnectionId, FamilyId, OrganizationId, SessionId, UserId},
    secret::TokenHash,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A code, which is used at most once (RFC 6749 §4.1.2).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AuthorizationCode {
    /// What is stored of it.
    pub hash: TokenHash,
    /// What its tokens will belong to.
    pub family: TokenFamily,
    /// Where it went.
    pub redirect_uri: String,
    /// Whether its request named the redirect URI: then the exchange must, too (RFC 6749 §4.1.3).
    pub redirect_uri_given: bool,
    /// The nonce of its request.
    pub nonce: Option<String>,
    /// What the verifier must match.
    pub code_challenge: Option<CodeChallenge>,
    /// Claims that rules set in the ID token.
    pub id_token_claims: Map<String, Value>,
    /// Claims that rules set in the access token.
    pub access_token_claims: Map<String, Value>,
    /// When it ends: 60 seconds after it was made.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
}

/// A challenge of RFC 7636.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum CodeChallenge {
    /// Base64url of SHA-256 of the verifier.
    S256(String),
}

/// All that descends from one authorization: it lives and dies together.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TokenFamily {
    /// Its id.
    pub id: FamilyId,
    /// For which application.
    pub client_id: ClientId,
    /// About whom.
    pub user_id: UserId,
    /// Signed in through which connection.
    pub connection_id: ConnectionId,
    /// For which organization. Frozen.
    pub organization_id: Option<OrganizationId>,
    /// For which API; none means `/userinfo` alone.
    pub audience: Option<String>,
    /// What was granted.
    pub scope: Vec<String>,
    /// In which session.
    pub session_id: Option<SessionId>,
    /// When the user showed who they are.
    pub auth_time: Timestamp,
    /// How: RFC 8176.
    pub amr: Vec<String>,
    /// The user's epoch at that time; a later one voids it.
    pub epoch: i64,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

/// An access token that `/userinfo` accepts: an opaque one, or one for an API that names `/userinfo` too.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AccessToken {
    /// What is stored of it: of the token, or of the name (`jti`) of one that is signed.
    pub hash: TokenHash,
    /// What it belongs to.
    pub family_id: FamilyId,
    /// What it may do: what was granted, or less.
    pub scope: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// One generation of a refresh token. At most one of a family is a live leaf.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RefreshToken {
    /// What is stored of it.
    pub hash: TokenHash,
    /// What it belongs to.
    pub family_id: FamilyId,
    /// Counts up from 1 within the family.
    pub generation: i64,
    /// When it ends without use; none means never.
    pub idle_expires_at: Option<Timestamp>,
    /// When it ends in any case; none means never. Rotation does not move it.
    pub expires_at: Option<Timestamp>,
    /// When a child replaced it.
    pub consumed_at: Option<Timestamp>,
    /// The child, sealed so that only who has this token can read it; kept when the client's policy has a leeway.
    pub heir: Option<String>,
}
