//! Owns parameters of requests: query, form, and (where a surface says so) JSON; each at most once (OP-24).
//! Never touches their meaning.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header::CONTENT_TYPE, request::Parts};
use portico_core::connector::Reply;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// The parameters of a request: its query, and its form if it has one. A name in both counts as twice.
///
/// One that is sent without a value counts as omitted (RFC 6749 §3.1).
#[derive(Clone, Default)]
pub struct Params {
    values: BTreeMap<String, String>,
    /// The names of those that came without a value.
    bare: BTreeSet<String>,
    in_query: bool,
    in_body: bool,
}

impl Params {
    /// The parameter, if it came with a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Whether the parameter came, with a value or without: some are switches (`federated`, contract §1.8).
    pub fn mentions(&self, name: &str) -> bool {
        self.values.contains_key(name) || self.bare.contains(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether the query held any.
    pub const fn came_in_query(&self) -> bool {
        self.in_query
    }

    /// Whether the query and the body both held some: endpoints of protocols refuse that (OP-24).
    pub const fn came_both_ways(&self) -> bool {
        self.in_query && self.in_body
    }

    /// The name of one whose value has a control character, such as a line break: no parameter of OAuth may (RFC 6749 §A).
    pub fn with_control_character(&self) -> Option<&str> {
        self.iter().find(|(_, value)| value.chars().any(char::is_control)).map(|(name, _)| name)
    }

    /// As a connector reads them.
    pub fn into_reply(self) -> Reply {
        self.values.into_iter().collect()
    }

    /// Of a query string.
    pub fn of_query(query: &str) -> Result<Self, ParamsFault> {
        let mut collected = Collected::default();
        let in_query = collected.urlencoded(query)?;
        let (values, bare) = collected.finish();
        Ok(Self { values, bare, in_query, in_body: false })
    }

    /// Of a request: the query, and a body of at most `limit` bytes in one of the forms that `bodies` allows.
    pub async fn read(request: Request, limit: usize, bodies: Bodies) -> Result<Self, ParamsFault> {
        let mut collected = Collected::default();
        let in_query = collected.urlencoded(request.uri().query().unwrap_or_default())?;
        let in_body = match *request.method() {
            Method::GET | Method::HEAD => false,
            _ => {
                let (head, body) = request.into_parts();
                collected.body(&head.headers, &whole(body, limit).await?, bodies)?
            }
        };
        let (values, bare) = collected.finish();
        Ok(Self { values, bare, in_query, in_body })
    }
}

/// Names only: values may be passwords and codes.
impl fmt::Debug for Params {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

/// Which bodies a surface reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bodies {
    /// Forms, as browsers post them.
    Form,
    /// Forms and JSON objects, as SDKs post them (contract §0, "Bodies").
    FormOrJson,
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ParamsFault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ParamsFault> {
        Self::read(request, MAX_BODY_BYTES, Bodies::Form).await
    }
}

/// The parameters of a query alone, where the body is not read.
#[derive(Clone, Debug, Default)]
pub struct QueryParams(pub Params);

impl<S: Send + Sync> FromRequestParts<S> for QueryParams {
    type Rejection = ParamsFault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ParamsFault> {
        Params::of_query(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// [`Params`] that may come as a JSON object too.
#[derive(Clone, Debug, Default)]
pub struct FormOrJson(pub Params);

impl<S: Send + Sync> FromRequest<S> for FormOrJson {
    type Rejection = ParamsFault;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ParamsFault> {
        Params::read(request, MAX_BODY_BYTES, Bodies::FormOrJson).await.map(Self)
    }
}

/// What is wrong with how parameters came. Surfaces with a voice of their own extract `Result<Params, ParamsFault>`.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsFault {
    /// A name came twice (RFC 6749 §3.1).
    #[error("parameter `{0}` came more than once")]
    Duplicate(String),
    /// Not UTF-8, a NUL, or a percent sign without its digits.
    #[error("a parameter is not text")]
    NotText,
    /// A body that is not the JSON object it says it is.
    #[error("the body is not a JSON object of parameters")]
    NotJson,
    /// A body of another kind.
    #[error("the body must be application/x-www-form-urlencoded")]
    ContentType,
    /// Too many bytes or too many parameters.
    #[error("the request is too large")]
    TooLarge,
    /// The body ended before its end.
    #[error("the body could not be read")]
    Unreadable,
}

impl ParamsFault {
    /// The status that says it.
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Duplicate(_) | Self::NotText | Self::NotJson | Self::Unreadable => StatusCode::BAD_REQUEST,
        }
    }
}

impl IntoResponse for ParamsFault {
    fn into_response(self) -> Response {
        (self.status(), self.to_string()).into_response()
    }
}

async fn whole(body: Body, limit: usize) -> Result<Bytes, ParamsFault> {
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let error = error.into_inner();
        if error.is::<http_body_util::LengthLimitError>() {
            ParamsFault::TooLarge
        } else {
            ParamsFault::Unreadable
        }
    })
}

#[derive(Default)]
struct Collected(BTreeMap<String, String>);

impl Collected {
    /// Whether there were any.
    fn body(&mut self, headers: &HeaderMap, body: &[u8], bodies: Bodies) -> Result<bool, ParamsFault> {
        if body.is_empty() {
            return Ok(false);
        }
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            self.urlencoded(std::str::from_utf8(body).map_err(|_not_utf8| ParamsFault::NotText)?)
        } else if bodies == Bodies::FormOrJson && kind.eq_ignore_ascii_case("application/json") {
            self.json(body)
        } else {
            Err(ParamsFault::ContentType)
        }
    }

    fn urlencoded(&mut self, text: &str) -> Result<bool, ParamsFault> {
        let mut any = false;
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.insert(decode(name)?.into_owned(), decode(value)?.into_owned())?;
            any = true;
        }
        Ok(any)
    }

    /// Texts, numbers and truth values; members that are neither are no parameters of OAuth, and ignored as unknown ones are.
    fn json(&mut self, body: &[u8]) -> Result<bool, ParamsFault> {
        let Members(members) = serde_json::from_slice(body).map_err(|_not_json| ParamsFault::NotJson)?;
        let any = !members.is_empty();
        for (name, value) in members {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(truth) => truth.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
            };
            if text.contains('\0') || name.contains('\0') {
                return Err(ParamsFault::NotText);
            }
            self.insert(name, text)?;
        }
        Ok(any)
    }

    fn insert(&mut self, name: String, value: String) -> Result<(), ParamsFault> {
        if name.len() > MAX_NAME_BYTES || value.len() > MAX_VALUE_BYTES || self.0.len() >= MAX_COUNT {
            return Err(ParamsFault::TooLarge);
        }
        match self.0.insert(name.clone(), value) {
            None => Ok(()),
            Some(_) => Err(ParamsFault::Duplicate(name)),
        }
    }

    /// Those with a value, and the names of the others.
    fn finish(self) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let (values, bare): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.0.into_iter().partition(|(_, value)| !value.is_empty());
        (values, bare.into_keys().collect())
    }
}

/// The WHATWG URL standard's form decoding, but strict where it is lenient.
fn decode(text: &str) -> Result<Cow<'_, str>, ParamsFault> {
    if text.contains('\0') {
        return Err(ParamsFault::NotText);
    }
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let pair = digit().zip(digit()).ok_or(ParamsFault::NotText)?;
                u8::try_from(pair.0 * 16 + pair.1).map_err(|_above_255| ParamsFault::NotText)?
            }
            other => other,
        });
    }
    match String::from_utf8(decoded) {
        Ok(text) if !text.contains('\0') => Ok(Cow::Owned(text)),
        _ => Err(ParamsFault::NotText),
    }
}

/// The members of a JSON object, duplicates included.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

pub(crate) const MAX_BODY_BYTES: usize = 64 << 10;
const MAX_VALUE_BYTES: usize = 16 << 10;
const MAX_NAME_BYTES: usize = 128;
const MAX_COUNT: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    async fn post(kind: &str, body: impl Into<Body>) -> Result<Params, ParamsFault> {
        let request = Request::post("/oauth/token").header(CONTENT_TYPE, kind).body(body.into()).unwrap();
        Params::read(request, MAX_BODY_BYTES, Bodies::FormOrJson).await
    }

    const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

    #[tokio::test]
    async fn op_24_a_parameter_comes_once() {
        let params = post(FORM, "client_id=a+b%2Fc&empty=&organization=org_1").await.unwrap();
        assert_eq!(params.get("client_id"), Some("a b/c"));
        assert_eq!(params.get("empty"), None, "without a value it counts as omitted");
        assert!(params.mentions("empty") && params.mentions("client_id") && !params.mentions("other"));
        let twice = Err(ParamsFault::Duplicate("client_id".to_owned()));
        assert_eq!(post(FORM, "client_id=a&client_id=a").await.map(|_| ()), twice);
        assert_eq!(post(FORM, "client_id=&client_id=a").await.map(|_| ()), twice);
        assert_eq!(post(FORM, "client_id=a&client%5Fid=a").await.map(|_| ()), twice, "however it is spelled");
        let json = r#"{"client_id":"a","client_id":"b"}"#;
        assert_eq!(post("application/json", json).await.map(|_| ()), twice);
    }

    #[tokio::test]
    async fn op_24_a_query_and_a_body_are_told_apart() {
        let request = |uri: &str| {
            let request =
                Request::post(uri).header(CONTENT_TYPE, FORM).body(Body::from("client_id=a")).unwrap();
            Params::read(request, MAX_BODY_BYTES, Bodies::Form)
        };
        assert!(!request("/authorize").await.unwrap().came_both_ways());
        assert!(request("/authorize?state=1").await.unwrap().came_both_ways());
        let twice = request("/authorize?client_id=b").await.map(|_| ());
        assert_eq!(twice, Err(ParamsFault::Duplicate("client_id".to_owned())));
    }

    #[tokio::test]
    async fn op_24_what_is_not_text_is_refused() {
        for body in ["a=%00", "a=\0", "a=%ff", "a=%c3%28", "a=%zz", "a=%4", "%00=a"] {
            assert_eq!(post(FORM, body).await.map(|_| ()), Err(ParamsFault::NotText), "{body:?}");
        }
        assert_eq!(post(FORM, vec![b'a', b'=', 0xff]).await.map(|_| ()), Err(ParamsFault::NotText));
        let json = "{\"a\":\"\\u0000\"}";
        assert_eq!(post("application/json", json).await.map(|_| ()), Err(ParamsFault::NotText));
        let breaks = post(FORM, "state=a%0d%0ab").await.unwrap();
        assert_eq!(breaks.with_control_character(), Some("state"));
        assert_eq!(post(FORM, "state=%C3%A9").await.unwrap().get("state"), Some("é"));
    }

    #[tokio::test]
    async fn op_24_sizes_are_limited() {
        let state = format!("state={}", "a".repeat(64 << 10));
        assert_eq!(Params::of_query(&state).map(|_| ()), Err(ParamsFault::TooLarge));
        assert_eq!(post(FORM, state).await.map(|_| ()), Err(ParamsFault::TooLarge));
        let many = (0..101).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(Params::of_query(&many).map(|_| ()), Err(ParamsFault::TooLarge));
    }

    #[tokio::test]
    async fn json_is_read_where_a_surface_says_so() {
        let json = r#"{"grant_type":"client_credentials","n":7,"nested":{"a":[1]}}"#;
        let params = post("application/json; charset=utf-8", json).await.unwrap();
        assert_eq!(params.get("grant_type"), Some("client_credentials"));
        assert_eq!((params.get("n"), params.get("nested")), (Some("7"), None));
        assert_eq!(post("application/json", "[]").await.map(|_| ()), Err(ParamsFault::NotJson));
        assert_eq!(post("text/plain", "a=b").await.map(|_| ()), Err(ParamsFault::ContentType));
        let request =
            Request::post("/").header(CONTENT_TYPE, "application/json").body(Body::from("{}")).unwrap();
        let as_form = Params::read(request, MAX_BODY_BYTES, Bodies::Form).await;
        assert_eq!(as_form.map(|_| ()), Err(ParamsFault::ContentType));
    }
}
