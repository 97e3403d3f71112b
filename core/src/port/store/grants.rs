//! Owns the storage of codes and of the tokens that descend from them.
//! Never touches tokens: it knows their hashes.

use super::StoreError;
use crate::{
    id::{FamilyId, OrganizationId, SessionId, UserId},
    model::{AccessToken, AuthorizationCode, RefreshToken, TokenFamily},
    secret::TokenHash,
    time::Timestamp,
};
use async_trait::async_trait;

/// Authorization codes.
#[async_trait]
pub trait Codes: Send {
    /// By hash; used and expired ones are found too.
    async fn find(&mut self, hash: &TokenHash) -> Result<Option<AuthorizationCode>, StoreError>;
    /// Add one.
    async fn insert(&mut self, code: &AuthorizationCode) -> Result<(), StoreError>;
    /// Use one up; whether this call did (RFC 6749 §4.1.2).
    async fn consume(&mut self, hash: &TokenHash, at: Timestamp) -> Result<bool, StoreError>;
    /// Delete what expired before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}

/// Token families, access tokens and refresh tokens.
#[async_trait]
pub trait Grants: Send {
    /// A family, revoked or not.
    async fn find_family(&mut self, id: &FamilyId) -> Result<Option<TokenFamily>, StoreError>;
    /// Begin a family.
    async fn insert_family(&mut self, family: &TokenFamily) -> Result<(), StoreError>;
    /// End a family with all its tokens; whether this call did.
    async fn revoke_family(&mut self, id: &FamilyId, at: Timestamp) -> Result<bool, StoreError>;
    /// End all families of a user; of one organization only, if one is named.
    async fn revoke_of_user(
        &mut self,
        user: &UserId,
        organization: Option<&OrganizationId>,
        at: Timestamp,
    ) -> Result<u64, StoreError>;
    /// End all families of a session that have no refresh token.
    async fn revoke_of_session(&mut self, session: &SessionId, at: Timestamp) -> Result<u64, StoreError>;
    /// Add an access token.
    async fn insert_access_token(&mut self, token: &AccessToken) -> Result<(), StoreError>;
    /// An access token with its family.
    async fn find_access_token(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<(AccessToken, TokenFamily)>, StoreError>;
    /// Add a refresh token.
    async fn insert_refresh_token(&mut self, token: &RefreshToken) -> Result<(), StoreError>;
    /// A refresh token with its family.
    async fn find_refresh_token(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<(RefreshToken, TokenFamily)>, StoreError>;
    /// Use one up in favour of a child, and keep the child sealed if there is a leeway; whether this call did.
    async fn consume_refresh_token(
        &mut self,
        hash: &TokenHash,
        at: Timestamp,
        heir: Option<&str>,
    ) -> Result<bool, StoreError>;
    /// Move the idle end of one that does not rotate.
    async fn extend_refresh_token(
        &mut self,
        hash: &TokenHash,
        idle_expires_at: Option<Timestamp>,
    ) -> Result<bool, StoreError>;
    /// Delete tokens that expired before, and families without any; how many tokens there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}
