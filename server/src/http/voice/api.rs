//! Owns how errors speak on the Management API: Auth0's shape, status and codes (contract §2.1).
//! Never touches pages or OAuth errors.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE},
};
use portico_core::{
    admin::AdminError,
    port::{script::ScriptError, store::StoreError},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// An answer that is not the one that was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiFault {
    status: StatusCode,
    message: String,
    code: Option<&'static str>,
    until: Option<Timestamp>,
}

impl ApiFault {
    /// With this status, text and `errorCode`.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code: Some(code), until: None }
    }

    /// Without an `errorCode`.
    pub fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), code: None, until: None }
    }

    /// 401: nobody is known to ask.
    pub fn unauthorized(message: &'static str) -> Self {
        Self::plain(StatusCode::UNAUTHORIZED, message)
    }

    /// 403 with the text that clients take apart: a comma after each scope, no space (contract §2.1).
    pub fn insufficient_scope<S: AsRef<str>>(any_of: &[S]) -> Self {
        let scopes: Vec<_> = any_of.iter().map(AsRef::as_ref).collect();
        let message = format!("Insufficient scope, expected any of: {}", scopes.join(","));
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message)
    }

    /// 400 about the body.
    pub fn body(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", message)
    }

    /// 400 about one property of the body.
    pub fn property(why: impl std::fmt::Display, property: &str, description: &str) -> Self {
        AdminError::property(why, property, description).into()
    }

    /// 400 about one parameter of the query.
    pub fn query(why: impl std::fmt::Display, parameter: &str, description: &str) -> Self {
        let message = format!("Query validation error: '{why}' on property {parameter} ({description}).");
        Self::new(StatusCode::BAD_REQUEST, "invalid_query_string", message)
    }

    /// 429 until then.
    pub fn too_many(message: impl Into<String>, until: Timestamp) -> Self {
        let mut fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        fault.until = Some(until);
        fault
    }

    /// The status line's number.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    fn internal() -> Self {
        let text =
            "Something went wrong on our side. The log tells more, under the number in `x-request-id`.";
        Self::plain(StatusCode::INTERNAL_SERVER_ERROR, text)
    }
}

impl IntoResponse for ApiFault {
    fn into_response(self) -> Response {
        let mut body = Map::new();
        body.insert("statusCode".to_owned(), Value::from(self.status.as_u16()));
        body.insert("error".to_owned(), Value::from(self.status.canonical_reason().unwrap_or("Error")));
        body.insert("message".to_owned(), Value::from(self.message));
        if let Some(code) = self.code {
            body.insert("errorCode".to_owned(), Value::from(code));
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(until) = self.until {
            // Whole seconds since the epoch: clients read it as a number (contract §1.11).
            headers.insert(RESET, HeaderValue::from(until.seconds() + 1));
        }
        response
    }
}

/// The header that says when there is room again.
pub const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is, the caller can do nothing about")]
impl From<AdminError> for ApiFault {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::Invalid { code, message } => Self::new(StatusCode::BAD_REQUEST, code, message),
            AdminError::Forbidden { code, message } => Self::new(StatusCode::FORBIDDEN, code, message),
            AdminError::Missing { code: Some(code), message } => {
                Self::new(StatusCode::NOT_FOUND, code, message)
            }
            AdminError::Missing { code: None, message } => Self::plain(StatusCode::NOT_FOUND, message),
            AdminError::Conflict { code, message } => Self::new(StatusCode::CONFLICT, code, message),
            AdminError::TooMany { until, message } => Self::too_many(message, until),
            AdminError::Busy => busy(),
            AdminError::Store(error) => error.into(),
            AdminError::Script(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a script could not be checked");
                if matches!(error, ScriptError::Worker(_)) { busy() } else { Self::internal() }
            }
            other => {
                tracing::error!(
                    error = &other as &dyn std::error::Error,
                    "an administrator's request failed"
                );
                Self::internal()
            }
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is, the caller can do nothing about")]
impl From<StoreError> for ApiFault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale => Self::new(
                StatusCode::CONFLICT,
                "stale",
                "It was changed by somebody else at the same time. Read it again, then repeat your change.",
            ),
            StoreError::Conflict(constraint) => {
                tracing::warn!(constraint, "a uniqueness constraint was broken without a text of its own");
                Self::new(StatusCode::CONFLICT, "conflict", "It exists already.")
            }
            StoreError::Unavailable(cause) => {
                tracing::error!(error = &*cause as &dyn std::error::Error, "the store cannot be had");
                let text = "The store does not answer at the moment. Please try again in a moment.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", text)
            }
            other => {
                tracing::error!(error = &other as &dyn std::error::Error, "the store failed");
                Self::internal()
            }
        }
    }
}

fn busy() -> ApiFault {
    let text = "Too much at once. Please try again in a moment.";
    ApiFault::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text)
}
