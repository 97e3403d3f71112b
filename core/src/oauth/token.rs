//! Owns the token endpoint (RFC 6749 §3.2, contract §1.4): who asks, for which grant, and the answer.
//! Never touches HTTP. Signing happens outside units of work: what was stored is signed then.

use super::{
    OpenIdProvider,
    client_auth::ClientCredentials,
    entry::{Caller, Decided, Entry},
    error::{OAuthError, Refusal},
    grant::{self, GrantType},
};
use crate::{connector::Reply, jose::jws, model::Client, port::store::StoreError};
use serde::Serialize;
use serde_json::{Map, Value};

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct TokenRequest<'r> {
    /// The parameters of its body.
    pub parameters: &'r Reply,
    /// Its `Authorization` header.
    pub authorization: Option<&'r str>,
    /// Where it came from.
    pub caller: Caller,
}

impl TokenRequest<'_> {
    /// A parameter that came with a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).filter(|value| !value.is_empty())
    }

    pub(super) fn require(&self, name: &'static str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }
}

/// The answer (RFC 6749 §5.1). It holds tokens: not to be logged, not to be cached.
#[derive(Clone, Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// The refresh token, where one was asked for and may be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token, where `openid` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// What was granted.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Seconds the access token is valid.
    pub expires_in: i64,
    /// Always `Bearer`.
    pub token_type: &'static str,
}

/// What is stored and only has to be signed.
pub(super) struct Draft {
    pub(super) access_token: AccessDraft,
    pub(super) id_token: Option<Map<String, Value>>,
    pub(super) refresh_token: Option<String>,
    pub(super) scope: Vec<String>,
    pub(super) expires_in: i64,
}

/// An access token before it is signed.
pub(super) enum AccessDraft {
    /// It needs no signature: it is found by its hash.
    Opaque(String),
    /// These claims, under this `typ`.
    Signed(&'static str, Map<String, Value>),
}

impl OpenIdProvider {
    /// Exchange a grant for tokens. Every attempt of a known client ends in one entry of the log.
    pub async fn exchange(&self, request: &TokenRequest<'_>) -> Result<TokenResponse, OAuthError> {
        let name = request.require("grant_type")?;
        let grant_type = GrantType::parse(name).ok_or_else(Refusal::unsupported_grant)?;
        let credentials = ClientCredentials::read(request.parameters, request.authorization)?;
        let now = self.clock.now();
        let found = self.find_client(&credentials).await?;
        let entry = Entry::new(grant_type.kinds(), found.as_ref(), &request.caller, (now, &*self.entropy));
        let client = match credentials.authenticate(found) {
            Ok(client) => client,
            Err(refusal) => return self.refuse(entry, refusal).await,
        };
        if !client.may_use(name) {
            return self.refuse(entry, Refusal::grant_not_allowed(name)).await;
        }
        let draft = match grant_type {
            GrantType::AuthorizationCode => {
                grant::authorization_code::redeem(self, client, request, entry).await?
            }
            GrantType::RefreshToken => grant::refresh_token::refresh(self, client, request, entry).await?,
            GrantType::ClientCredentials => {
                grant::client_credentials::grant(self, client, request, entry).await?
            }
        };
        self.sign(draft).await
    }

    pub(super) async fn find_client(
        &self,
        credentials: &ClientCredentials,
    ) -> Result<Option<Client>, OAuthError> {
        let id = credentials.client_id.clone();
        let found = self.store.read(|unit| Box::pin(async move { unit.clients().find(&id).await }));
        Ok(found.await?)
    }

    /// Log a refusal that nothing else was stored with. Attempts of nobody are not logged: anybody can make those.
    pub(super) async fn refuse<T>(&self, entry: Entry, refusal: Refusal) -> Result<T, OAuthError> {
        let decided: Result<Decided<()>, StoreError> =
            self.store.write(move |unit| Box::pin(entry.refuse(unit, refusal))).await;
        match decided? {
            Err(refusal) => Err(refusal.into()),
            Ok(()) => Err(StoreError::Broken.into()),
        }
    }

    async fn sign(&self, draft: Draft) -> Result<TokenResponse, OAuthError> {
        let access_token = match draft.access_token {
            AccessDraft::Opaque(token) => token,
            AccessDraft::Signed(typ, claims) => jws::compose(&*self.keys, typ, &claims).await?,
        };
        let id_token = match draft.id_token {
            Some(claims) => Some(jws::compose(&*self.keys, "JWT", &claims).await?),
            None => None,
        };
        Ok(TokenResponse {
            access_token,
            refresh_token: draft.refresh_token,
            id_token,
            scope: draft.scope.join(" "),
            expires_in: draft.expires_in,
            token_type: "Bearer",
        })
    }
}
