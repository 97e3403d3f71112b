//! Owns what a request tells of its browser: cookies, address, language.
//! Never touches parameters.

use super::Logins;
use crate::http::layer::{ClientAddress, CspNonce};
use axum::extract::FromRequestParts;
use http::{
    HeaderMap, Method,
    header::{ACCEPT_LANGUAGE, HOST, USER_AGENT},
    request::Parts,
};
use portico_core::{
    id::TransactionId,
    login::Visitor,
    secret::{Secret, TokenHash},
};
use serde_json::Map;
use std::{convert::Infallible, sync::Arc};

/// A browser at one of our pages.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    pub(crate) visitor: Visitor,
    pub(crate) nonce: String,
    pub(crate) accept_language: Option<String>,
    /// Whether a form was sent.
    pub(crate) posted: bool,
}

impl FromRequestParts<Arc<Logins>> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, logins: &Arc<Logins>) -> Result<Self, Infallible> {
        let headers = &parts.headers;
        let visitor = Visitor {
            browser: logins.cookies.read_browser(headers),
            session: logins.cookies.read_session(headers),
            ip: Some(ClientAddress::of(&parts.extensions).0),
            user_agent: text(headers, &USER_AGENT),
            hostname: text(headers, &HOST),
            query: Map::new(),
        };
        let nonce = parts.extensions.get::<CspNonce>().map(|nonce| nonce.0.clone()).unwrap_or_default();
        let posted = parts.method == Method::POST;
        Ok(Self { visitor, nonce, accept_language: text(headers, &ACCEPT_LANGUAGE), posted })
    }
}

impl Visit {
    /// The token that the forms of this login carry in this browser: nobody else can make it, for nobody else knows the
    /// cookie.
    pub(crate) fn form_token(&self, transaction: &TransactionId) -> Secret {
        let cookie = self.visitor.browser.as_ref().map_or("", Secret::expose);
        Secret::new(TokenHash::of(&format!("form\n{cookie}\n{transaction}")).as_str())
    }
}

fn text(headers: &HeaderMap, name: &http::HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(512).collect())
}
