//! Owns `/userinfo` (OIDC Core §5.3, RFC 6750, contract §1.6).
//! Never touches what a token may learn.

use super::{Provider, authorization, cors};
use crate::http::{
    extract::params::{Params, ParamsFault},
    voice::oauth::OAuthFault,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header::CACHE_CONTROL};
use portico_core::oauth::userinfo::UserInfo;
use std::sync::Arc;

pub(super) async fn userinfo(
    State(state): State<Arc<Provider>>,
    headers: HeaderMap,
    parameters: Result<Params, ParamsFault>,
) -> Response {
    let (client, mut response) = match tell(&state, &headers, parameters).await {
        Ok(UserInfo { client_id, claims }) => (Some(client_id), Json(claims).into_response()),
        Err(fault) => (None, fault.into_response()),
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    cors::answer(&state, &headers, client, response).await
}

async fn tell(
    state: &Provider,
    headers: &HeaderMap,
    parameters: Result<Params, ParamsFault>,
) -> Result<UserInfo, OAuthFault> {
    let parameters = parameters?;
    let token = bearer(headers, &parameters)?;
    Ok(state.provider.userinfo(token).await?)
}

/// In the header, in a form, or in the query (some clients do: contract §1.6), and in one of them alone (RFC 6750 §2).
fn bearer<'r>(headers: &'r HeaderMap, parameters: &'r Params) -> Result<&'r str, OAuthFault> {
    let scheme = |header: &'r str| {
        header
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
    };
    match (authorization(headers), parameters.get("access_token")) {
        (Some(_), Some(_)) => {
            Err(OAuthFault::new(StatusCode::BAD_REQUEST, "invalid_request", "the access token came twice"))
        }
        (Some(header), None) => scheme(header).filter(|token| !token.is_empty()).ok_or_else(missing),
        (None, Some(token)) => Ok(token),
        (None, None) => Err(missing()),
    }
}

/// RFC 6750 §3.1: who shows nothing learns only how.
fn missing() -> OAuthFault {
    OAuthFault::new(StatusCode::UNAUTHORIZED, "invalid_request", "an access token is needed")
        .challenged("Bearer")
}
