//! Owns the answers that the layers give themselves, when no route was reached or a route fell over.
//! Never touches templates: these must work when nothing else does.

use axum::{
    extract::Request,
    response::{Html, IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT, CACHE_CONTROL},
};
use portico_core::id::ReferenceId;
use serde_json::json;

/// In which form the asker reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// A browser.
    Page,
    /// A program that speaks the Management API.
    Api,
    /// Any other program.
    Program,
}

impl Wanted {
    /// What this request suggests.
    pub(super) fn by(request: &Request) -> Self {
        let html = request
            .headers()
            .get(ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|a| a.contains("text/html"));
        if request.uri().path().starts_with("/api/v2/") {
            Self::Api
        } else if html {
            Self::Page
        } else {
            Self::Program
        }
    }
}

/// Something of ours broke; the log has the cause under the reference number.
pub(super) fn internal(wanted: Wanted, reference: &ReferenceId) -> Response {
    refused(
        wanted,
        StatusCode::INTERNAL_SERVER_ERROR,
        &format!(
            "Something went wrong on our side. Please try again; if it happens again, tell your administrator this reference: {reference}"
        ),
    )
}

/// The answer `status`, with one sentence for whoever reads it.
pub(super) fn refused(wanted: Wanted, status: StatusCode, sentence: &str) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let mut response = match wanted {
        Wanted::Page => (status, Html(page(reason, sentence))).into_response(),
        Wanted::Api => {
            let body = json!({ "statusCode": status.as_u16(), "error": reason, "message": sentence });
            (status, axum::Json(body)).into_response()
        }
        Wanted::Program => {
            let error = if status.is_server_error() { "server_error" } else { "invalid_request" };
            (status, axum::Json(json!({ "error": error, "error_description": sentence }))).into_response()
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// `sentence` is ours or was checked to be plain: it holds no markup.
fn page(title: &str, sentence: &str) -> String {
    let sentence = sentence.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title></head>\n<body><main><h1>{title}</h1><p>{sentence}</p></main></body></html>\n"
    )
}
