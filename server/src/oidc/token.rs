//! Owns `POST /oauth/token` (contract §1.4).
//! Never touches what is granted.

use super::{From, Provider, authorization, cors};
use crate::http::{
    extract::params::{FormOrJson, Params, ParamsFault},
    voice::oauth::OAuthFault,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, PRAGMA},
};
use portico_core::oauth::{
    Caller,
    token::{TokenRequest, TokenResponse},
};
use std::sync::Arc;

pub(super) async fn token(
    State(state): State<Arc<Provider>>,
    From(caller): From,
    headers: HeaderMap,
    parameters: Result<FormOrJson, ParamsFault>,
) -> Response {
    let client =
        parameters.as_ref().ok().and_then(|FormOrJson(parameters)| cors::client(parameters, &headers));
    let mut response = match exchange(&state, caller, &headers, parameters).await {
        Ok(tokens) => Json(tokens).into_response(),
        Err(fault) => fault.into_response(),
    };
    // RFC 6749 §5.1: nobody keeps an answer that holds tokens.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    cors::answer(&state, &headers, client, response).await
}

async fn exchange(
    state: &Provider,
    caller: Caller,
    headers: &HeaderMap,
    parameters: Result<FormOrJson, ParamsFault>,
) -> Result<TokenResponse, OAuthFault> {
    let FormOrJson(parameters) = parameters?;
    in_body(&parameters)?;
    let parameters = parameters.into_reply();
    let authorization = authorization(headers);
    let request = TokenRequest { parameters: &parameters, authorization, caller };
    let outcome = state.provider.exchange(&request).await.map_err(OAuthFault::from);
    outcome.map_err(|fault| fault.challenged_if(authorization.is_some()))
}

/// Codes and secrets do not belong where proxies and browsers write addresses down (RFC 6749 §2.3.1, OP-15).
pub(super) fn in_body(parameters: &Params) -> Result<(), OAuthFault> {
    let invalid =
        |description: String| OAuthFault::new(StatusCode::BAD_REQUEST, "invalid_request", description);
    if parameters.came_in_query() {
        return Err(invalid("parameters must be in the body".to_owned()));
    }
    match parameters.with_control_character() {
        Some(name) => Err(invalid(format!("parameter `{name}` has a control character"))),
        None => Ok(()),
    }
}
