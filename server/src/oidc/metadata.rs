//! Owns the provider's metadata and its public keys over HTTP (contract §1.7).
//! Never touches private keys, or the host of a request (OP-30).

use super::Provider;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue,
    header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL},
};
use portico_core::oauth::discovery;
use serde_json::json;
use std::sync::Arc;

pub(super) async fn configuration(State(state): State<Arc<Provider>>) -> Response {
    let keys = state.provider.keys.published();
    (public(), Json(discovery::metadata(&state.provider.issuer, &keys))).into_response()
}

pub(super) async fn keys(State(state): State<Arc<Provider>>) -> Response {
    (public(), Json(json!({ "keys": state.provider.keys.published() }))).into_response()
}

/// Anybody may read and keep these. Five minutes: the next key is published long before it signs, and a revoked one is
/// soon forgotten.
fn public() -> [(HeaderName, HeaderValue); 2] {
    [
        (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
        (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
    ]
}
