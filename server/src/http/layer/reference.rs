//! Owns the reference number of a request, its line in the log, and the containment of panics.
//! Never touches secrets: neither query strings nor headers are logged.

use super::fault;
use axum::{
    extract::{FromRequestParts, MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;
use http::{HeaderValue, request::Parts};
use portico_core::{entropy::Entropy, id::ReferenceId};
use std::{convert::Infallible, panic::AssertUnwindSafe, sync::Arc};
use tracing::Instrument;

/// The number that joins an answer, the page a visitor sees, and the log. Every request has one.
///
/// As an extractor it never fails; where the layer is missing (a test that calls an inner router) it is `ref_none`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reference(pub ReferenceId);

impl<S: Sync> FromRequestParts<S> for Reference {
    type Rejection = Infallible;

    #[expect(clippy::expect_used, reason = "the constant is an id")]
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let noted = parts.extensions.get().cloned();
        Ok(noted.unwrap_or_else(|| Self(ReferenceId::parse("ref_none").expect("the constant is an id"))))
    }
}

/// The layer: give the request its number, log it under a span of its own, and turn a panic into an answer.
pub(super) async fn trace(
    State(entropy): State<Arc<dyn Entropy>>,
    mut request: Request,
    next: Next,
) -> Response {
    let reference = ReferenceId::random(&*entropy);
    request.extensions_mut().insert(Reference(reference.clone()));
    // The template of the path, not the path: ids of users stay out of the log; queries may hold codes and tickets.
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", reference = %reference, method = %request.method(), route);
    let wanted = fault::Wanted::by(&request);
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone()).await;
    let mut response = answered.unwrap_or_else(|panic| {
        span.in_scope(|| tracing::error!(panic = panic_text(&*panic), "a request panicked"));
        fault::internal(wanted, &reference)
    });
    span.in_scope(|| {
        let status = response.status().as_u16();
        if response.status().is_server_error() {
            tracing::warn!(status, "answered");
        } else {
            tracing::debug!(status, "answered");
        }
    });
    if let Ok(value) = HeaderValue::from_str(reference.as_str()) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}
