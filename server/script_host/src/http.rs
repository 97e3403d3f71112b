//! Owns scripts' HTTP requests: from plain data to the one way out and back, redirects included.
//! Never touches policy: the HTTP port vets where each request goes (`security.md` §3.7).

use crate::reach::is_listed;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use portico_core::port::{
    http::{HttpClient, HttpError},
    script::{AskError, Reach},
};
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

/// Sends a script's request.
pub(crate) struct Fetching<'a> {
    pub(crate) http: &'a dyn HttpClient,
    pub(crate) reach: &'a Reach,
    pub(crate) patience: Duration,
    /// One more request, if the run may.
    pub(crate) spend: &'a (dyn Fn() -> Result<(), AskError> + Send + Sync),
}

/// What is asked.
struct Asked {
    url: Url,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Fetching<'_> {
    /// `{url, method, headers, body or base64, redirects}`; back comes `{status, message, url, headers, body or base64}`.
    pub(crate) async fn fetch(&self, request: &Value) -> Result<Value, AskError> {
        let mut asked = asked_of(request)?;
        let mut redirects = request.get("redirects").and_then(Value::as_u64).unwrap_or(0).min(MOST_REDIRECTS);
        loop {
            let answer = self.send(&asked).await?;
            match asked.redirected(&answer).filter(|_| redirects > 0) {
                Some(next) => asked = next,
                None => return Ok(told(&asked.url, &answer)),
            }
            redirects -= 1;
        }
    }

    async fn send(&self, asked: &Asked) -> Result<Response<Bytes>, AskError> {
        (self.spend)()?;
        let failed = |error: HttpError| AskError::Failed(error.into());
        let Asked { url, method, headers, body } = asked;
        let (host, port) =
            (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
        let spoken = format!("{}://{host}:{port}", url.scheme());
        if !is_listed(self.reach, host, port, &[80, 443]) {
            let reason =
                "the hosts that this script may reach are listed, and it is not among them".to_owned();
            return Err(failed(HttpError::Refused { url: spoken, reason }));
        }
        let mut request = Request::new(body.clone());
        *request.method_mut() = method.clone();
        *request.headers_mut() = headers.clone();
        *request.uri_mut() = url.as_str().parse().map_err(|_no_uri| AskError::told("it is not a URL"))?;
        let answer = timeout(self.patience, self.http.send(request)).await;
        answer.map_err(|_elapsed| failed(HttpError::TimedOut(spoken)))?.map_err(failed)
    }
}

impl Asked {
    /// The request that a redirect leads to (RFC 9110 §15.4), without what is meant for the first host alone.
    fn redirected(&self, answer: &Response<Bytes>) -> Option<Self> {
        let status = answer.status();
        if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let to = answer.headers().get(header::LOCATION)?.to_str().ok()?;
        let url = self.url.join(to).ok()?;
        let mut headers = self.headers.clone();
        if url.origin() != self.url.origin() {
            for name in [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION] {
                headers.remove(name);
            }
        }
        let keeps = matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT)
            || matches!(self.method, Method::GET | Method::HEAD);
        if keeps {
            return Some(Self { url, method: self.method.clone(), headers, body: self.body.clone() });
        }
        for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        Some(Self { url, method: Method::GET, headers, body: Bytes::new() })
    }
}

fn asked_of(request: &Value) -> Result<Asked, AskError> {
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let url = text("url").unwrap_or_default();
    let url = Url::parse(url).map_err(|_not_a_url| AskError::told(format!("Invalid URI \"{url}\"")))?;
    let method = text("method").unwrap_or("GET").to_ascii_uppercase();
    let method =
        Method::from_bytes(method.as_bytes()).map_err(|_unknown| AskError::told("its method is unknown"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in request.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name = HeaderName::try_from(name.as_str());
        let name = name.map_err(|_bad| AskError::told("a header's name is not one"))?;
        if OURS.contains(&name) {
            continue;
        }
        let value = value.as_str().and_then(|value| HeaderValue::from_str(value).ok());
        headers.insert(name, value.ok_or_else(|| AskError::told("a header's value is not text"))?);
    }
    let body = match text("base64") {
        Some(text) => STANDARD.decode(text).map_err(|_bad| AskError::told("its body is not base64"))?,
        None => text("body").unwrap_or_default().as_bytes().to_vec(),
    };
    Ok(Asked { url, method, headers, body: body.into() })
}

fn told(url: &Url, answer: &Response<Bytes>) -> Value {
    let status = answer.status();
    let mut told = json!({
        "status": status.as_u16(),
        "message": status.canonical_reason().unwrap_or_default(),
        "url": url.as_str(),
        "headers": headers_of(answer.headers()),
    });
    match str::from_utf8(answer.body()) {
        Ok(text) => told["body"] = json!(text),
        Err(_bytes) => told["base64"] = json!(STANDARD.encode(answer.body())),
    }
    told
}

/// Each once, as Node.js has it: cookies as a list, others joined.
fn headers_of(headers: &HeaderMap) -> Map<String, Value> {
    let mut readable = Map::new();
    for name in headers.keys() {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        let value = if *name == header::SET_COOKIE { json!(values) } else { json!(values.join(", ")) };
        readable.insert(name.to_string(), value);
    }
    readable
}

/// What is the client's to say.
const OURS: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::ACCEPT_ENCODING,
];

const MOST_REDIRECTS: u64 = 5;
