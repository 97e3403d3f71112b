//! Owns `POST /oauth/revoke` (RFC 7009, contract §1.6).
//! Never touches what is revoked.

use super::{From, Provider, authorization, cors, token::in_body};
use crate::http::{
    extract::params::{FormOrJson, ParamsFault},
    voice::oauth::OAuthFault,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use portico_core::oauth::{Caller, token::TokenRequest};
use std::sync::Arc;

pub(super) async fn revoke(
    State(state): State<Arc<Provider>>,
    From(caller): From,
    headers: HeaderMap,
    parameters: Result<FormOrJson, ParamsFault>,
) -> Response {
    let client =
        parameters.as_ref().ok().and_then(|FormOrJson(parameters)| cors::client(parameters, &headers));
    let response = match end(&state, caller, &headers, parameters).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(fault) => fault.into_response(),
    };
    cors::answer(&state, &headers, client, response).await
}

async fn end(
    state: &Provider,
    caller: Caller,
    headers: &HeaderMap,
    parameters: Result<FormOrJson, ParamsFault>,
) -> Result<(), OAuthFault> {
    let FormOrJson(parameters) = parameters?;
    in_body(&parameters)?;
    let parameters = parameters.into_reply();
    let authorization = authorization(headers);
    let request = TokenRequest { parameters: &parameters, authorization, caller };
    let outcome = state.provider.revoke(&request).await.map_err(OAuthFault::from);
    outcome.map_err(|fault| fault.challenged_if(authorization.is_some()))
}
