//! Owns the ways in which talking to an identity provider goes wrong.
//! Never touches what a visitor is told about it: that is the router's.

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use portico_core::{
    connector::ConnectorError,
    port::http::{HttpClient, HttpError},
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The name of the check that an answer did not pass: stable, for the log and for tests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Rejected(pub(crate) &'static str);

/// Why there is no usable answer of an endpoint. Everybody who waits for one answer shares one fault.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It cannot be reached, or is out of order.
    Unavailable(Arc<HttpError>),
    /// It answered 429 or 5xx.
    OutOfOrder(&'static str, StatusCode),
    /// The operator's egress policy does not let us ask it.
    Policy(String),
    /// What it says is not acceptable.
    Rejected(Rejected),
}

impl From<Rejected> for Fault {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<Rejected> for ConnectorError {
    fn from(rejected: Rejected) -> Self {
        Self::Protocol(rejected.0.to_owned())
    }
}

impl From<Fault> for ConnectorError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(cause) => Self::Unavailable(cause.into()),
            Fault::OutOfOrder(endpoint, status) => {
                Self::Unavailable(format!("the {endpoint} endpoint answered {status}").into())
            }
            Fault::Policy(text) => Self::Misconfigured(text),
            Fault::Rejected(rejected) => rejected.into(),
        }
    }
}

/// An endpoint, and what its answers' faults are called.
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) too_large: Rejected,
    pub(crate) status: Rejected,
    pub(crate) content_type: Rejected,
    pub(crate) json: Rejected,
}

macro_rules! endpoint {
    ($name:ident, $text:literal) => {
        pub(crate) const $name: Endpoint = Endpoint {
            name: $text,
            too_large: Rejected(concat!($text, "_too_large")),
            status: Rejected(concat!($text, "_status")),
            content_type: Rejected(concat!($text, "_content_type")),
            json: Rejected(concat!($text, "_json")),
        };
    };
}

endpoint!(DISCOVERY, "discovery");
endpoint!(JWKS, "jwks");
endpoint!(TOKEN, "token");
endpoint!(USERINFO, "userinfo");

impl Endpoint {
    /// Send a request, and take the answer whatever its status.
    pub(crate) async fn send(
        &self,
        http: &dyn HttpClient,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        match http.send(request).await {
            Ok(response)
                if response.status().is_server_error()
                    || response.status() == StatusCode::TOO_MANY_REQUESTS =>
            {
                Err(Fault::OutOfOrder(self.name, response.status()))
            }
            Ok(response) => Ok(response),
            Err(HttpError::TooLarge(_)) => Err(self.too_large.into()),
            Err(HttpError::Refused { url, reason }) => {
                // What the rule was would tell a customer's administrator about our network (RP-21).
                tracing::warn!(%reason, "the {} endpoint `{url}` is not asked", self.name);
                Err(Fault::Policy(format!("`{url}` may not be reached from here")))
            }
            Err(error) => Err(Fault::Unavailable(Arc::new(error))),
        }
    }

    /// The JSON object of an answer of status 200. A redirect is not followed: it is a wrong status (RP-25).
    pub(crate) fn object(&self, response: &Response<Bytes>) -> Result<Map<String, Value>, Rejected> {
        if response.status() != StatusCode::OK {
            return Err(self.status);
        }
        if !is_json(response) {
            return Err(self.content_type);
        }
        serde_json::from_slice(response.body()).map_err(|_unreadable| self.json)
    }

    /// Ask for a JSON object.
    pub(crate) async fn get(
        &self,
        http: &dyn HttpClient,
        url: &url::Url,
    ) -> Result<Map<String, Value>, Fault> {
        let request =
            Request::get(url.as_str()).header(header::ACCEPT, "application/json").body(Bytes::new());
        let request = request.map_err(|_no_request| Fault::Policy(format!("`{url}` cannot be asked")))?;
        Ok(self.object(&self.send(http, request).await?)?)
    }
}

/// Whether an answer says it is JSON (`application/json`, or a JWK set's own type).
pub(crate) fn is_json(response: &Response<Bytes>) -> bool {
    let essence = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    essence.and_then(|text| text.split(';').next()).map(str::trim).is_some_and(|text| {
        text.eq_ignore_ascii_case("application/json") || text.eq_ignore_ascii_case("application/jwk-set+json")
    })
}
