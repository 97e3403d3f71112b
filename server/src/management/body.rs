//! Owns reading the body of a request: JSON without duplicate keys, then its properties one by one, none left over.
//! Never touches what they mean.

use super::Management;
use crate::http::voice::api::ApiFault;
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::{StatusCode, header::CONTENT_TYPE};
use portico_core::admin::Change;
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{fmt, ops::RangeInclusive, sync::Arc};

/// The body, read strictly (`security.md` API-08).
pub(super) struct Body(pub(super) Value);

impl FromRequest<Arc<Management>> for Body {
    type Rejection = ApiFault;

    async fn from_request(request: Request, state: &Arc<Management>) -> Result<Self, ApiFault> {
        let kind =
            request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(ApiFault::plain(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Unsupported Media Type: send application/json",
            ));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                ApiFault::plain(StatusCode::PAYLOAD_TOO_LARGE, "The body of the request is too large.")
            } else {
                ApiFault::body("The body of the request could not be read.")
            }
        })?;
        parse(&bytes).map(Self)
    }
}

impl Body {
    /// Its properties; it must be an object.
    pub(super) fn fields(self) -> Result<Fields, ApiFault> {
        if let Value::Object(map) = self.0 {
            return Ok(Fields { map, prefix: String::new() });
        }
        Err(ApiFault::body(format!(
            "Payload validation error: 'Expected type object but found type {}'.",
            type_of(&self.0)
        )))
    }
}

/// The properties of an object, to be taken out one by one.
pub(super) struct Fields {
    map: Map<String, Value>,
    prefix: String,
}

/// A property: its name, and what it is, for the text of an error.
pub(super) type Property = (&'static str, &'static str);

impl Fields {
    /// The properties of an object that is part of the body.
    pub(super) fn within(value: Value, prefix: &str) -> Result<Self, ApiFault> {
        Ok(Self { map: object(value, prefix, "An object")?, prefix: format!("{prefix}.") })
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name)
    }

    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// A property through `read`; `null` clears.
    pub(super) fn change<T>(
        &mut self,
        (name, what): Property,
        read: impl FnOnce(Value, &str, &str) -> Result<T, ApiFault>,
    ) -> Result<Change<T>, ApiFault> {
        match self.take(name) {
            None => Ok(Change::Keep),
            Some(Value::Null) => Ok(Change::Clear),
            Some(value) => read(value, &self.path(name), what).map(Change::Set),
        }
    }

    /// A property through `read`; `null` is as good as absent.
    pub(super) fn optional<T>(
        &mut self,
        property: Property,
        read: impl FnOnce(Value, &str, &str) -> Result<T, ApiFault>,
    ) -> Result<Option<T>, ApiFault> {
        match self.change(property, read)? {
            Change::Set(value) => Ok(Some(value)),
            Change::Keep | Change::Clear => Ok(None),
        }
    }

    /// A property that must be there.
    pub(super) fn required<T>(
        &mut self,
        property: Property,
        read: impl FnOnce(Value, &str, &str) -> Result<T, ApiFault>,
    ) -> Result<T, ApiFault> {
        let (name, _) = property;
        if !self.map.contains_key(name) {
            let place = self.prefix.trim_end_matches('.');
            let place = if place.is_empty() { String::new() } else { format!(" on property {place}") };
            return Err(ApiFault::body(format!(
                "Payload validation error: 'Missing required property: {name}'{place}."
            )));
        }
        let value = self.take(name).unwrap_or_default();
        let path = self.path(name);
        read(value, &path, property.1)
    }

    /// Refuse whatever is left (API-03).
    pub(super) fn finish(self) -> Result<(), ApiFault> {
        if self.map.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.map.keys().map(String::as_str).collect();
        let place = self.prefix.trim_end_matches('.');
        let place = if place.is_empty() { String::new() } else { format!(" on property {place}") };
        Err(ApiFault::body(format!(
            "Payload validation error: 'Additional properties not allowed: {}'{place}.",
            names.join(",")
        )))
    }

    /// Refuse these, and give back whatever else is left, to be kept.
    pub(super) fn rest(self, read_only: &[&str]) -> Result<Map<String, Value>, ApiFault> {
        if let Some(name) = self.map.keys().find(|name| read_only.contains(&name.as_str())) {
            return Err(ApiFault::body(format!(
                "Payload validation error: 'Additional properties not allowed: {name}'."
            )));
        }
        Ok(self.map)
    }
}

/// A text of so many characters.
pub(super) fn text(
    range: RangeInclusive<usize>,
) -> impl FnOnce(Value, &str, &str) -> Result<String, ApiFault> {
    move |value, path, what| {
        let Value::String(text) = value else { return Err(wrong_type("string", &value, path, what)) };
        let length = text.chars().count();
        if text.contains('\0') {
            return Err(ApiFault::property("String contains a NUL character", path, what));
        }
        if length < *range.start() {
            let why = format!("String is too short ({length} chars), minimum {}", range.start());
            return Err(ApiFault::property(why, path, what));
        }
        if length > *range.end() {
            let why = format!("String is too long ({length} chars), maximum {}", range.end());
            return Err(ApiFault::property(why, path, what));
        }
        Ok(text)
    }
}

/// A text that a parser takes: an id, an address, a colour.
pub(super) fn parsed<T, E>(
    format: &'static str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> impl FnOnce(Value, &str, &str) -> Result<T, ApiFault> {
    move |value, path, what| {
        let text = text(0..=2048)(value, path, what)?;
        parse(&text).map_err(|_refused| {
            ApiFault::property(
                format!("Object didn't pass validation for format {format}: {text}"),
                path,
                what,
            )
        })
    }
}

/// One of these.
pub(super) fn choice<T: Copy>(
    choices: &'static [(&'static str, T)],
) -> impl FnOnce(Value, &str, &str) -> Result<T, ApiFault> {
    move |value, path, what| {
        let text = text(0..=255)(value, path, what)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found
            .map(|(_, choice)| *choice)
            .ok_or_else(|| ApiFault::property(format!("No enum match for: {text}"), path, what))
    }
}

/// True or false.
#[expect(clippy::needless_pass_by_value, reason = "all readers take their value")]
pub(super) fn boolean(value: Value, path: &str, what: &str) -> Result<bool, ApiFault> {
    value.as_bool().ok_or_else(|| wrong_type("boolean", &value, path, what))
}

/// A whole number in this range.
pub(super) fn integer(range: RangeInclusive<i64>) -> impl FnOnce(Value, &str, &str) -> Result<i64, ApiFault> {
    move |value, path, what| {
        let number = value.as_i64().ok_or_else(|| wrong_type("integer", &value, path, what))?;
        if number < *range.start() {
            let why = format!("Value {number} is less than minimum {}", range.start());
            return Err(ApiFault::property(why, path, what));
        }
        if number > *range.end() {
            let why = format!("Value {number} is greater than maximum {}", range.end());
            return Err(ApiFault::property(why, path, what));
        }
        Ok(number)
    }
}

/// A number.
#[expect(clippy::needless_pass_by_value, reason = "all readers take their value")]
pub(super) fn number(value: Value, path: &str, what: &str) -> Result<f64, ApiFault> {
    value.as_f64().ok_or_else(|| wrong_type("number", &value, path, what))
}

/// An object, as it is.
pub(super) fn object(value: Value, path: &str, what: &str) -> Result<Map<String, Value>, ApiFault> {
    let Value::Object(map) = value else { return Err(wrong_type("object", &value, path, what)) };
    Ok(map)
}

/// A list of so many things, each through `read`.
pub(super) fn list<T, R, F>(
    range: RangeInclusive<usize>,
    read: F,
) -> impl FnOnce(Value, &str, &str) -> Result<Vec<T>, ApiFault>
where
    R: FnOnce(Value, &str, &str) -> Result<T, ApiFault>,
    F: Fn() -> R,
{
    move |value, path, what| {
        let Value::Array(items) = value else { return Err(wrong_type("array", &value, path, what)) };
        if items.len() < *range.start() {
            let why = format!("Array is too short ({}), minimum {}", items.len(), range.start());
            return Err(ApiFault::property(why, path, what));
        }
        if items.len() > *range.end() {
            let why = format!("Array is too long ({}), maximum {}", items.len(), range.end());
            return Err(ApiFault::property(why, path, what));
        }
        let items = items.into_iter().enumerate();
        items.map(|(index, item)| read()(item, &format!("{path}[{index}]"), what)).collect()
    }
}

fn wrong_type(expected: &str, found: &Value, path: &str, what: &str) -> ApiFault {
    ApiFault::property(format!("Expected type {expected} but found type {}", type_of(found)), path, what)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Read JSON; a key that is there twice, too deep a nesting and a number too large are refused.
fn parse(bytes: &[u8]) -> Result<Value, ApiFault> {
    let refused = |error: serde_json::Error| {
        let why = if error.is_data() { format!(": {error}") } else { String::new() };
        ApiFault::body(format!("Invalid request payload JSON format{why}"))
    };
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0).map_err(refused)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key `{key}` is there twice")));
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn api_08_hostile_json_is_refused() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let cases: [&[u8]; 9] = [
            b"",
            b"{",
            b"{\"a\":1,\"a\":2}",
            b"{\"a\":{\"b\":1,\"b\":1}}",
            b"{\"a\":1e400}",
            b"{\"a\":\"\\ud800\"}",
            b"\xef\xbb\xbf{}",
            b"{a:1}",
            deep.as_bytes(),
        ];
        for case in cases {
            let shown = String::from_utf8_lossy(&case[..case.len().min(40)]).into_owned();
            let fault = parse(case).expect_err(&shown);
            assert_eq!(fault.status(), StatusCode::BAD_REQUEST, "{shown}");
        }
        assert!(parse(b"{\"a\":[1,-1,1.5,\"x\",null,true,{}]}").is_ok());
    }

    #[test]
    fn what_is_left_over_is_named() {
        let mut fields = Body(serde_json::json!({"name": "x", "tenant": "y"})).fields().unwrap();
        assert_eq!(fields.required(("name", "Name"), text(1..=3)), Ok("x".to_owned()));
        let message = "Payload validation error: 'Additional properties not allowed: tenant'.";
        assert_eq!(fields.finish(), Err(ApiFault::body(message)));
    }
}
