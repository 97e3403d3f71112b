//! Owns what scripts may ask of the gateway: today, to fetch.
//! Never touches policy: the HTTP port vets where a request goes (`security.md` §3.7).

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use portico_core::port::{
    http::{HttpClient, HttpError},
    script::ScriptHost,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Answers scripts' requests through the one way out.
pub struct Fetching {
    http: Arc<dyn HttpClient>,
}

impl Fetching {
    /// Over this client.
    pub fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http }
    }
}

#[async_trait]
impl ScriptHost for Fetching {
    async fn fetch(&self, request: Value) -> Result<Value, HttpError> {
        let request = request_of(&request)?;
        let (parts, body) = self.http.send(request).await?.into_parts();
        Ok(json!({
            "status": parts.status.as_u16(),
            "headers": headers_of(&parts.headers),
            "body": String::from_utf8_lossy(&body),
        }))
    }
}

fn request_of(asked: &Value) -> Result<Request<Bytes>, HttpError> {
    let text = |name: &str| asked.get(name).and_then(Value::as_str);
    let url = text("url").unwrap_or_default();
    let refused = |reason: &str| HttpError::Refused { url: url.to_owned(), reason: reason.to_owned() };
    let method = text("method").unwrap_or("GET").to_ascii_uppercase();
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_unknown| refused("its method is unknown"))?;
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in asked.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name =
            HeaderName::try_from(name.as_str()).map_err(|_bad| refused("a header's name is not one"))?;
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        request = request.header(name, value.ok_or_else(|| refused("a header's value is not text"))?);
    }
    let body = text("body").unwrap_or_default().to_owned();
    request.body(Bytes::from(body)).map_err(|_bad| refused("it is not a URL"))
}

fn headers_of(headers: &HeaderMap) -> Map<String, Value> {
    let readable =
        headers.iter().filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.into())));
    readable.collect()
}
