//! Owns the lines of `console`: how values are written, what is blacked out, and when it is enough (JS-15).
//! Never touches where the lines go.

use super::failure;
use rquickjs::{Coerced, Ctx, Value};
use serde_json::Value as Json;
use std::{borrow::Cow, collections::BTreeSet};

/// What a run wrote to `console`.
#[derive(Default)]
pub(super) struct Console {
    lines: Vec<String>,
    bytes: usize,
    full: bool,
    /// Texts to black out, the longest first, each in every form it can be met in.
    hidden: Vec<String>,
}

impl Console {
    /// Black these texts out from now on.
    pub(super) fn hide(&mut self, secrets: &BTreeSet<String>) {
        let forms: BTreeSet<String> =
            secrets.iter().filter(|secret| !secret.is_empty()).flat_map(|secret| forms_of(secret)).collect();
        self.hidden = forms.into_iter().collect();
        self.hidden.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text without what must not be seen.
    pub(super) fn redact(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for secret in &self.hidden {
            if text.contains(secret) {
                text = Cow::Owned(text.replace(secret, REDACTED));
            }
        }
        text.into_owned()
    }

    fn push(&mut self, line: &str) {
        if self.full {
            return;
        }
        let mut line = self.redact(line);
        if line.len() > MOST_OF_A_LINE {
            line.truncate(line.floor_char_boundary(MOST_OF_A_LINE));
            line.push('…');
        }
        if self.bytes + line.len() > MOST - CUT.len() {
            self.full = true;
            CUT.clone_into(&mut line);
        }
        self.bytes += line.len();
        self.lines.push(line);
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

/// As it is, in JSON, and in a URL.
fn forms_of(secret: &str) -> Vec<String> {
    let json = Json::from(secret).to_string();
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let percent = form.replace('+', "%20");
    vec![secret.to_owned(), json[1..json.len() - 1].to_owned(), form, percent]
}

/// Write a line of these values.
pub(super) fn write<'js>(ctx: &Ctx<'js>, state: &super::state::State, values: &[Value<'js>]) {
    if state.console.borrow().full {
        return;
    }
    let words: Vec<String> = values.iter().map(|value| word(ctx, value)).collect();
    state.console.borrow_mut().push(&words.join(" "));
}

fn word<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> String {
    if value.is_function() {
        return "[function]".to_owned();
    }
    if value.is_error() {
        let (name, message) = failure::name_and_message(ctx, value);
        return format!("{name}: {message}");
    }
    if value.is_object() {
        return match ctx.json_stringify(value.clone()).map(|text| text.map(|text| text.to_string())) {
            Ok(Some(Ok(json))) if json.len() <= MOST => without_secret_keys(&json),
            Ok(Some(Ok(_))) => "[large object]".to_owned(),
            Ok(_) => "undefined".to_owned(),
            Err(_unserializable) => {
                ctx.catch();
                "[object]".to_owned()
            }
        };
    }
    failure::text_of(value)
}

/// The same JSON, with the values of keys that name secrets blacked out.
fn without_secret_keys(json: &str) -> String {
    fn black_out(value: &mut Json) {
        match value {
            Json::Object(object) => {
                for (key, value) in object {
                    let key = key.to_ascii_lowercase();
                    if SECRET_KEYS.iter().any(|secret| key.contains(secret)) && !value.is_boolean() {
                        *value = Json::from(REDACTED);
                    } else {
                        black_out(value);
                    }
                }
            }
            Json::Array(values) => values.iter_mut().for_each(black_out),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }
    serde_json::from_str(json).map_or_else(
        |_too_deep| "[deep object]".to_owned(),
        |mut value| {
            black_out(&mut value);
            value.to_string()
        },
    )
}

/// A primitive value as text.
pub(super) fn coerced(value: &Value<'_>) -> Option<String> {
    value.get::<Coerced<String>>().ok().map(|text| text.0)
}

const REDACTED: &str = "[redacted]";

/// A key that contains one of these holds something that nobody should read in a log.
const SECRET_KEYS: [&str; 9] =
    ["password", "passwd", "secret", "token", "authorization", "cookie", "credential", "apikey", "api_key"];

/// Bytes of all lines together.
const MOST: usize = 16 << 10;
const MOST_OF_A_LINE: usize = 4 << 10;
const CUT: &str = "… and more, which was left out";
