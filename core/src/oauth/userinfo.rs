//! Owns `/userinfo` without HTTP (OIDC Core §5.3, contract §1.6): which token, and what it may learn.
//! Never touches tokens of APIs alone: only one that names `/userinfo` is good here.

use super::{
    OpenIdProvider,
    claims::{self, Basis, userinfo_audience},
    issue::{OPAQUE_PREFIX, question, stored_name},
};
use crate::{
    id::ClientId,
    jose::jwt::{TokenFault, verify_access_token},
    login::authorize_org::{Denied, Facts, authorize_org},
    model::TokenFamily,
    port::store::{StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};
use serde_json::{Map, Value};

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct UserInfo {
    /// The application whose token it was.
    pub client_id: ClientId,
    /// What it may know of the user.
    pub claims: Map<String, Value>,
}

/// Why there is no answer. Who asked learns `invalid_token` or `insufficient_scope`; the texts are for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UserInfoFault {
    /// The token is no token of ours, or none for here.
    #[error(transparent)]
    Token(#[from] TokenFault),
    /// There is no such token, or no longer.
    #[error("the access token is unknown, over or revoked")]
    Unknown,
    /// The user may not have it any more (ORG-08).
    #[error("the access token is void: {}", .0.reason())]
    Denied(Denied),
    /// It was not made for OpenID Connect.
    #[error("the access token has no scope `openid`")]
    NoOpenId,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl OpenIdProvider {
    /// The claims about the user that a token's scopes allow.
    pub async fn userinfo(&self, token: &str) -> Result<UserInfo, UserInfoFault> {
        let hash = self.find_by(token).await?;
        let now = self.now();
        let issuer = self.issuer.as_str();
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let (token, family) =
                        unit.grants().find_access_token(&hash).await?.ok_or(UserInfoFault::Unknown)?;
                    if now >= token.expires_at || family.revoked_at.is_some() {
                        return Err(UserInfoFault::Unknown);
                    }
                    tell(unit, TokenFamily { scope: token.scope, ..family }, (issuer, now)).await
                })
            })
            .await
    }

    /// What the token is stored by.
    async fn find_by(&self, token: &str) -> Result<TokenHash, UserInfoFault> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if token.starts_with(OPAQUE_PREFIX) && token.bytes().all(plain) {
            return Ok(TokenHash::of(token));
        }
        let keys = self.keys.verifiers(token).await;
        let audience = userinfo_audience(self.issuer.as_str());
        let claims = verify_access_token(token, &keys, self.issuer.as_str(), &audience, self.now())?;
        let name = claims.all.get("jti").and_then(Value::as_str).ok_or(TokenFault::Claim("jti"))?;
        Ok(stored_name(name))
    }
}

async fn tell(
    unit: &mut dyn UnitOfWork,
    family: TokenFamily,
    (issuer, now): (&str, Timestamp),
) -> Result<UserInfo, UserInfoFault> {
    if !family.scope.iter().any(|scope| scope == "openid") {
        return Err(UserInfoFault::NoOpenId);
    }
    let question = question(&family);
    let granted =
        authorize_org(&question, Facts::load(unit, &question).await?).map_err(UserInfoFault::Denied)?;
    let settings = unit.tenant().settings().await?;
    let basis = Basis { issuer, family: &family, granted: &granted, settings: &settings, now };
    Ok(UserInfo { client_id: granted.client.id.clone(), claims: claims::userinfo(&basis) })
}
