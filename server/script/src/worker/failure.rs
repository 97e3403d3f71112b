//! Owns what becomes of a thrown value: of any shape, made by anybody (JS-12).
//! Never touches results.

use super::{console, state::State};
use crate::frame::Failure;
use rquickjs::{Ctx, Value};

/// What a thrown or rejected value, or the error of a callback, says.
pub(super) fn of<'js>(ctx: &Ctx<'js>, state: &State, thrown: &Value<'js>) -> Failure {
    // The engine throws `null` when there is no memory left for an error.
    if thrown.is_null() || is_out_of_memory(ctx, thrown) {
        return Failure::OutOfMemory;
    }
    raised(ctx, state, thrown)
}

/// The same for a value that the engine has not thrown itself.
pub(super) fn raised<'js>(ctx: &Ctx<'js>, state: &State, thrown: &Value<'js>) -> Failure {
    let (name, message) = name_and_message(ctx, thrown);
    let mut message = state.console.borrow().redact(&message);
    message.truncate(message.floor_char_boundary(MOST_OF_A_MESSAGE));
    let code = if name == "ValidationError" { text_property(ctx, thrown, "code") } else { None };
    let code = code.filter(|code| is_a_word(code));
    Failure::Raised { name, message, code, line: position(ctx, thrown).map_or(0, |(line, _)| line) }
}

fn is_out_of_memory<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> bool {
    thrown.is_error() && {
        let (name, message) = name_and_message(ctx, thrown);
        name == "InternalError" && message.starts_with("out of memory")
    }
}

/// Only real errors have a class; what merely looks like one is an `Error`.
pub(super) fn name_and_message<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> (String, String) {
    if !thrown.is_object() {
        return (PLAIN.to_owned(), text_of(thrown));
    }
    let message = text_property(ctx, thrown, "message");
    if !thrown.is_error() {
        return (PLAIN.to_owned(), message.unwrap_or_else(|| "an object was thrown".to_owned()));
    }
    let name = text_property(ctx, thrown, "name")
        .filter(|name| is_a_word(name) && name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (name.unwrap_or_else(|| PLAIN.to_owned()), message.unwrap_or_default())
}

fn is_a_word(text: &str) -> bool {
    (1..=MOST_OF_A_NAME).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Where it was thrown, counted from 1, as far as the engine's trace says.
pub(super) fn position<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Option<(u32, u32)> {
    let stack = thrown.is_error().then(|| text_property(ctx, thrown, "stack"))??;
    let (_, after) = stack.split_once(&format!("{FILE}:"))?;
    let mut numbers = after.split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A property that is a text. Reading it may run the script's code, here in the worker; what that throws is dropped.
fn text_property<'js>(ctx: &Ctx<'js>, object: &Value<'js>, name: &str) -> Option<String> {
    match object.as_object()?.get::<_, Value<'js>>(name) {
        Ok(value) => value.as_string()?.to_string().ok(),
        Err(_thrown) => {
            ctx.catch();
            None
        }
    }
}

/// A value that is no object, as text.
pub(super) fn text_of(value: &Value<'_>) -> String {
    if value.is_symbol() { "a symbol".to_owned() } else { console::coerced(value).unwrap_or_default() }
}

/// The name of scripts in the engine's traces.
pub(super) const FILE: &str = "script";

const PLAIN: &str = "Error";
const MOST_OF_A_NAME: usize = 64;
const MOST_OF_A_MESSAGE: usize = 1 << 10;
