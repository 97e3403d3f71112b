//! Owns the OpenID provider's endpoints over HTTP, but for `/authorize`: what comes in, and how the answer looks.
//! Never touches decisions: those are `portico_core::oauth`'s.

mod cors;
mod logout;
mod metadata;
mod revoke;
mod token;
mod userinfo;

use crate::{
    http::{cookies::Cookies, layer::ClientAddress},
    page::Pages,
};
use axum::{
    Router,
    extract::FromRequestParts,
    routing::{get, post},
};
use http::{
    HeaderMap,
    header::{AUTHORIZATION, USER_AGENT},
    request::Parts,
};
use portico_core::oauth::{Caller, OpenIdProvider};
use std::{convert::Infallible, sync::Arc};

/// What the endpoints need.
pub struct Provider {
    provider: Arc<OpenIdProvider>,
    cookies: Cookies,
    pages: Arc<Pages>,
}

impl Provider {
    /// Over this provider.
    pub fn new(provider: Arc<OpenIdProvider>, cookies: Cookies, pages: Arc<Pages>) -> Self {
        Self { provider, cookies, pages }
    }
}

/// The routes (contract §1.1).
pub fn router(provider: Arc<Provider>) -> Router {
    Router::new()
        .route("/oauth/token", post(token::token).options(cors::preflight))
        .route("/oauth/revoke", post(revoke::revoke).options(cors::preflight))
        .route("/userinfo", get(userinfo::userinfo).post(userinfo::userinfo).options(cors::preflight))
        .route("/.well-known/openid-configuration", get(metadata::configuration))
        .route("/.well-known/oauth-authorization-server", get(metadata::configuration))
        .route("/.well-known/jwks.json", get(metadata::keys))
        .route("/v2/logout", get(logout::v2))
        .route("/logout", get(logout::landing).post(logout::landing))
        .route("/oidc/logout", get(logout::oidc).post(logout::oidc))
        .with_state(provider)
}

/// What the log notes of a request.
struct From(Caller);

impl<S: Sync> FromRequestParts<S> for From {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(Caller {
            ip: Some(ClientAddress::of(&parts.extensions).0.to_string()),
            user_agent: user_agent.map(|agent| agent.chars().take(512).collect()),
        }))
    }
}

/// The `Authorization` header. One that is not text, or came twice, is there and shows nothing.
fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).into_iter();
    let first = all.next()?;
    Some(if all.next().is_some() { "" } else { first.to_str().unwrap_or_default() })
}
