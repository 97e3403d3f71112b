//! Owns what scripts may ask of the gateway.
//! Never touches policy: the HTTP port vets where a request goes (`security.md` §3.7).

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use portico_core::port::{
    http::{HttpClient, HttpError},
    script::{AskError, Attendant, Reach, ScriptHost},
};
use serde_json::{Map, Value, json};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

/// What one run may ask for (JS-10).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// HTTP requests.
    pub requests: u32,
    /// How long each may take.
    pub patience: Duration,
}

impl Default for Budget {
    /// Five requests of five seconds each.
    fn default() -> Self {
        Self { requests: 5, patience: Duration::from_secs(5) }
    }
}

/// Answers scripts' requests through the one way out.
pub struct Fetching {
    http: Arc<dyn HttpClient>,
    budget: Budget,
}

impl Fetching {
    /// Over this client, which bounds the size of answers.
    pub fn new(http: Arc<dyn HttpClient>, budget: Budget) -> Self {
        Self { http, budget }
    }
}

impl ScriptHost for Fetching {
    fn attend(&self, reach: &Reach) -> Box<dyn Attendant> {
        Box::new(Run {
            http: Arc::clone(&self.http),
            reach: reach.clone(),
            budget: self.budget,
            requests: AtomicU32::new(0),
        })
    }
}

/// One run, and what it has used of its budget.
struct Run {
    http: Arc<dyn HttpClient>,
    reach: Reach,
    budget: Budget,
    requests: AtomicU32,
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Run").field("reach", &self.reach).finish_non_exhaustive()
    }
}

#[async_trait]
impl Attendant for Run {
    async fn ask(&self, method: &str, request: Value) -> Result<Value, AskError> {
        match method {
            "http" => self.http(&request).await,
            _ => Err(AskError::told(format!("there is no {method}"))),
        }
    }
}

impl Run {
    async fn http(&self, request: &Value) -> Result<Value, AskError> {
        if self.requests.fetch_add(1, Ordering::Relaxed) >= self.budget.requests {
            let most = self.budget.requests;
            return Err(AskError::told(format!("a script may make {most} requests")));
        }
        let failed = |error: HttpError| AskError::Failed(error.into());
        let request = request_of(request).map_err(failed)?;
        let url = request.uri().to_string();
        if !is_listed(&self.reach, request.uri()) {
            let reason = "the hosts that this script may reach are listed, and it is not among them";
            return Err(failed(HttpError::Refused { url, reason: reason.to_owned() }));
        }
        let answer = timeout(self.budget.patience, self.http.send(request)).await;
        let answer = answer.map_err(|_elapsed| failed(HttpError::TimedOut(url)))?.map_err(failed)?;
        let (parts, body) = answer.into_parts();
        Ok(json!({
            "status": parts.status.as_u16(),
            "headers": headers_of(&parts.headers),
            "body": String::from_utf8_lossy(&body),
        }))
    }
}

/// Whether a run may ask this host. An entry without a port allows the scheme's own.
fn is_listed(reach: &Reach, uri: &http::Uri) -> bool {
    let Some(hosts) = &reach.hosts else { return true };
    let host = uri.host().unwrap_or_default().to_ascii_lowercase();
    match uri.port_u16() {
        None | Some(80 | 443) if hosts.contains(&host) => true,
        Some(port) => hosts.contains(&format!("{host}:{port}")),
        None => false,
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
