//! Owns which web pages may read our answers: those of the client that the request is of (contract §0, "CORS").
//! Never touches cookies: no answer of these endpoints depends on one, and none may be sent along.

use super::{Provider, authorization};
use crate::http::extract::params::Params;
use axum::response::{IntoResponse, Response};
use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
    },
};
use portico_core::{
    id::ClientId,
    model::Client,
    oauth::{client_of, redirect},
};

/// A browser asks before it asks. It does not say for which client, so this says yes to any page: the answer that
/// follows is shown to the client's own pages alone.
pub(super) async fn preflight(headers: HeaderMap) -> Response {
    let Some(origin) = web_origin(&headers) else { return StatusCode::NO_CONTENT.into_response() };
    let fixed = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    let headers = [
        (ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        fixed(VARY, "Origin"),
        fixed(ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        fixed(ACCESS_CONTROL_ALLOW_HEADERS, "auth0-client, content-type, authorization, dpop"),
        fixed(ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// The client that a request says it is of.
pub(super) fn client(parameters: &Params, headers: &HeaderMap) -> Option<ClientId> {
    client_of(parameters.get("client_id"), authorization(headers))
}

/// The answer, with the headers that let a page of this client read it.
pub(super) async fn answer(
    state: &Provider,
    headers: &HeaderMap,
    client: Option<ClientId>,
    mut response: Response,
) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
    let (Some(origin), Some(id)) = (web_origin(headers), client) else { return response };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        // The store would only be waited for once more.
        return response;
    }
    let found =
        state.provider.store.read(|unit| Box::pin(async move { unit.clients().find(&id).await })).await;
    if let Ok(Some(client)) = found
        && origin.to_str().is_ok_and(|origin| is_of(&client, origin))
    {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        let exposed = HeaderValue::from_static("www-authenticate, retry-after, x-request-id");
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
    }
    response
}

/// Listed, or that of a callback.
fn is_of(client: &Client, origin: &str) -> bool {
    let listed = client.web_origins.iter().chain(&client.allowed_origins);
    listed.map(|listed| listed.trim_end_matches('/')).any(|listed| listed == origin)
        || client.callbacks.iter().filter_map(|url| redirect::origin(url)).any(|own| own == origin)
}

/// `null` is nobody's: sandboxed frames and local files of anybody have it.
fn web_origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(ORIGIN).filter(|origin| origin.as_bytes() != b"null")
}
