//! Owns what a request may take: time, and encodings of its body.
//! Never touches sizes by itself: they are axum's `DefaultBodyLimit`, which a route may set for itself.

use super::{fault, fault::Wanted};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_ENCODING},
};
use std::time::Duration;

/// What the layer needs.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// From the head of the request to the head of the answer. Handlers read the whole body before they answer, so
    /// this bounds slow bodies too (INF-01).
    pub(super) timeout: Duration,
}

/// The layer: 415 for a compressed body, which could be a thousand times its size (INF-03); 408 when time is up.
pub(super) async fn limit(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    let wanted = Wanted::by(&request);
    let plain = |encoding: &HeaderValue| encoding.as_bytes().eq_ignore_ascii_case(b"identity");
    if !request.headers().get_all(CONTENT_ENCODING).iter().all(plain) {
        return fault::refused(
            wanted,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The body of the request may not be compressed.",
        );
    }
    tokio::time::timeout(limits.timeout, next.run(request)).await.unwrap_or_else(|_elapsed| {
        let sentence = "The request took too long. Please try again.";
        let mut response = fault::refused(wanted, StatusCode::REQUEST_TIMEOUT, sentence);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    })
}
