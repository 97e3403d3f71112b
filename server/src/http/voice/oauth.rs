//! Owns how errors speak to OAuth clients: JSON of RFC 6749 §5.2, never a page (contract §1.4.4).
//! Never touches redirects with an error: those are the authorization endpoint's.

use crate::http::extract::params::ParamsFault;
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, PRAGMA, RETRY_AFTER, WWW_AUTHENTICATE},
};
use portico_core::{
    oauth::{error::OAuthError, userinfo::UserInfoFault},
    port::{BoxError, key_ring::KeyError, store::StoreError},
};
use serde_json::json;
use std::borrow::Cow;

/// An error as an OAuth client hears it. Code and description are its; the cause is the log's alone.
#[derive(Debug)]
pub struct OAuthFault {
    /// The status.
    pub status: StatusCode,
    /// The code: a word that clients match on.
    pub code: &'static str,
    /// What the client's developer may read.
    pub description: Cow<'static, str>,
    /// Where to read more.
    pub error_uri: Option<&'static str>,
    /// How the client may show who it is, for a 401 (RFC 6750 §3, RFC 7235 §4.1).
    pub challenge: Option<&'static str>,
    /// What happened inside. Logged, never sent.
    pub cause: Option<BoxError>,
}

impl OAuthFault {
    /// With this code and description.
    pub fn new(status: StatusCode, code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, description: description.into(), error_uri: None, challenge: None, cause: None }
    }

    /// Something broke: the client learns that, and nothing else.
    pub fn broken(cause: impl Into<BoxError>) -> Self {
        let description = "the request could not be completed";
        Self {
            cause: Some(cause.into()),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", description)
        }
    }

    /// The store failed: for good, or for a moment (RFC 6749 §4.1.2.1 has a word for that, and clients try again).
    fn of_store(cause: StoreError) -> Self {
        if !matches!(cause, StoreError::Unavailable(_)) {
            return Self::broken(cause);
        }
        let description = "the service does not answer at the moment; try again";
        let (status, code) = (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable");
        Self { cause: Some(cause.into()), ..Self::new(status, code, description) }
    }

    /// With a `WWW-Authenticate`.
    #[must_use]
    pub fn challenged(self, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// RFC 6749 §5.2: a 401 to a client that used the `Authorization` header says how to use it.
    #[must_use]
    pub fn challenged_if(self, used_header: bool) -> Self {
        if used_header && self.status == StatusCode::UNAUTHORIZED {
            self.challenged("Basic realm=\"oauth\"")
        } else {
            self
        }
    }
}

impl From<ParamsFault> for OAuthFault {
    fn from(fault: ParamsFault) -> Self {
        Self::new(fault.status(), "invalid_request", fault.to_string())
    }
}

impl From<OAuthError> for OAuthFault {
    fn from(error: OAuthError) -> Self {
        let refusal = match error {
            OAuthError::Refused(refusal) => refusal,
            OAuthError::Store(cause) | OAuthError::Key(KeyError::Store(cause)) => {
                return Self::of_store(cause);
            }
            OAuthError::Key(cause) => return Self::broken(cause),
            other => return Self::broken(other),
        };
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let description = refusal.description().to_owned();
        Self { error_uri: refusal.error_uri(), ..Self::new(status, refusal.code(), description) }
    }
}

/// RFC 6750 §3.1: `invalid_token` whatever was wrong with it; what it was is the log's.
impl From<UserInfoFault> for OAuthFault {
    fn from(fault: UserInfoFault) -> Self {
        match fault {
            UserInfoFault::Store(cause) => Self::of_store(cause),
            UserInfoFault::NoOpenId => {
                Self::new(StatusCode::FORBIDDEN, "insufficient_scope", "the scope openid is needed")
                    .challenged("Bearer error=\"insufficient_scope\", scope=\"openid\"")
            }
            other @ (UserInfoFault::Token(_) | UserInfoFault::Unknown | UserInfoFault::Denied(_) | _) => {
                tracing::info!(reason = %other, "an access token was refused");
                Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "the access token is not valid")
                    .challenged("Bearer error=\"invalid_token\"")
            }
        }
    }
}

impl IntoResponse for OAuthFault {
    fn into_response(self) -> Response {
        if let Some(cause) = &self.cause {
            tracing::error!(error = cause, "an OAuth request failed");
        }
        let mut body = json!({ "error": self.code, "error_description": self.description });
        if let Some(uri) = self.error_uri {
            body["error_uri"] = uri.into();
        }
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}
