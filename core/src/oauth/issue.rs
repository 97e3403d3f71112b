//! Owns what a user's tokens are made of inside the unit of work that issues them.
//! Never touches who may have them: that was answered by `authorize_org` in the same unit.

use super::{
    api::{self, Access},
    authorize::OIDC_SCOPES,
    claims::{self, Basis},
    entry::Decided,
    error::Refusal,
    token::{AccessDraft, Draft},
};
use crate::{
    entropy::Entropy,
    login::authorize_org::{Granted, Question},
    model::{AccessToken, TokenFamily},
    port::store::{StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};
use serde_json::{Map, Value};
use std::time::Duration;

/// Random parts of an exchange, made before its unit of work.
pub(super) struct Fresh {
    pub(super) now: Timestamp,
    issuer: String,
    opaque: String,
    name: String,
    pub(super) refresh_token: String,
}

impl Fresh {
    pub(super) fn new(entropy: &dyn Entropy, issuer: &str, now: Timestamp) -> Self {
        Self {
            now,
            issuer: issuer.to_owned(),
            opaque: format!("{OPAQUE_PREFIX}{}", entropy.token()),
            name: entropy.token(),
            refresh_token: format!("rt_{}", entropy.token()),
        }
    }
}

/// One issue of tokens.
pub(super) struct Issue<'i> {
    pub(super) fresh: &'i Fresh,
    pub(super) family: &'i TokenFamily,
    /// The scope asked for in this exchange: the family's, or less.
    pub(super) scope: &'i [String],
    pub(super) granted: &'i Granted,
    pub(super) nonce: Option<&'i str>,
    pub(super) id_token_claims: &'i Map<String, Value>,
    pub(super) access_token_claims: &'i Map<String, Value>,
}

impl Issue<'_> {
    /// Decide what the tokens hold, and store what `/userinfo` will look for.
    pub(super) async fn write(self, unit: &mut dyn UnitOfWork) -> Result<Decided<Draft>, StoreError> {
        let settings = unit.tenant().settings().await?;
        let access = match &self.family.audience {
            Some(audience) => match self.access(unit, audience).await? {
                Some(access) => Some(access),
                None => return Ok(Err(Refusal::unknown_api(audience))),
            },
            None => None,
        };
        let scope = match &access {
            Some(access) => access.scope.clone(),
            None => self.scope.iter().filter(|one| OIDC_SCOPES.contains(&one.as_str())).cloned().collect(),
        };
        let lifetime = access.as_ref().map_or(OPAQUE_LIFETIME, |access| access.lifetime);
        let family = TokenFamily { scope: scope.clone(), ..self.family.clone() };
        let has_openid = scope.iter().any(|one| one == "openid");
        if has_openid || access.is_none() {
            let hash = match access {
                Some(_) => stored_name(&self.fresh.name),
                None => TokenHash::of(&self.fresh.opaque),
            };
            let expires_at = self.fresh.now.plus(seconds(lifetime));
            let token = AccessToken { hash, family_id: family.id.clone(), scope: scope.clone(), expires_at };
            unit.grants().insert_access_token(&token).await?;
        }
        let basis = Basis {
            issuer: &self.fresh.issuer,
            family: &family,
            granted: self.granted,
            settings: &settings,
            now: self.fresh.now,
        };
        let access_token = match &access {
            Some(access) => AccessDraft::Signed(
                access.typ(),
                claims::access_token(&basis, access, &self.fresh.name, self.access_token_claims),
            ),
            None => AccessDraft::Opaque(self.fresh.opaque.clone()),
        };
        let id_token = has_openid.then(|| claims::id_token(&basis, self.nonce, self.id_token_claims));
        Ok(Ok(Draft { access_token, id_token, refresh_token: None, scope, expires_in: lifetime }))
    }

    async fn access(&self, unit: &mut dyn UnitOfWork, audience: &str) -> Result<Option<Access>, StoreError> {
        let Some(server) = unit.resource_servers().find_by_identifier(audience).await? else {
            return Ok(None);
        };
        let permitted = api::permissions(unit, self.granted, &server).await?;
        Ok(Some(Access::of_user(&server, &permitted, self.scope)))
    }
}

/// The question that every use of a family asks again.
pub(super) fn question(family: &TokenFamily) -> Question {
    Question {
        user: family.user_id.clone(),
        connection: family.connection_id.clone(),
        client: family.client_id.clone(),
        organization: family.organization_id.clone(),
        epoch: family.epoch,
    }
}

/// What is stored of a signed access token: of its name. No opaque token has the same hash, since none has a colon.
pub(super) fn stored_name(name: &str) -> TokenHash {
    TokenHash::of(&format!("jti:{name}"))
}

pub(super) fn seconds(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// How opaque access tokens begin.
pub(super) const OPAQUE_PREFIX: &str = "at_";

/// Seconds that an access token without an API is valid (contract §1.4).
const OPAQUE_LIFETIME: i64 = 86_400;
