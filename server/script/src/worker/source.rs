//! Owns how the one function of a script is found in its text.
//! Never touches what the function does.

use super::{
    failure::{self, FILE},
    globals,
    state::State,
};
use crate::frame::Failure;
use rquickjs::{Ctx, Function, Value, context::EvalOptions, object::Filter};
use std::rc::Rc;

/// The function that `text` is, or declares.
///
/// A function expression is tried first, as almost every rule is one; then statements, whose value is a function or
/// that declare exactly one, of any name.
pub(super) fn function_of<'js>(
    ctx: &Ctx<'js>,
    state: &Rc<State>,
    text: &[u8],
) -> Result<Function<'js>, Failure> {
    let text =
        str::from_utf8(text).map_err(|_invalid| Failure::Unusable("the script is not UTF-8".to_owned()))?;
    // NUL ends a text for the engine: nothing behind it would be read.
    if text.contains('\0') {
        return Err(not_one_function("it holds a character NUL"));
    }
    globals::install_for(ctx, state, text).map_err(|_thrown| failure::of(ctx, state, &ctx.catch()))?;
    let of_expression = match evaluate(ctx, &format!("({text}\n)")) {
        Ok(value) => {
            return value
                .into_function()
                .ok_or_else(|| not_one_function("it is an expression of something else"));
        }
        Err(thrown) => syntax_error(ctx, state, &thrown, 1)?,
    };
    let before = names(ctx);
    match evaluate(ctx, text) {
        Ok(value) => match value.into_function() {
            Some(function) => Ok(function),
            None => declared(ctx, &before),
        },
        Err(thrown) => {
            let of_statements = syntax_error(ctx, state, &thrown, 0)?;
            // The reading that got further is the one that was meant.
            Err([of_expression, of_statements].into_iter().max_by_key(place).unwrap_or(Failure::Silent))
        }
    }
}

fn evaluate<'js>(ctx: &Ctx<'js>, text: &str) -> Result<Value<'js>, Value<'js>> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(FILE.to_owned());
    ctx.eval_with_options(text, options).map_err(|_thrown| ctx.catch())
}

/// A syntax error, or whatever else came of evaluating the text as an error.
fn syntax_error<'js>(
    ctx: &Ctx<'js>,
    state: &State,
    thrown: &Value<'js>,
    shift: u32,
) -> Result<Failure, Failure> {
    let (name, message) = failure::name_and_message(ctx, thrown);
    match failure::position(ctx, thrown) {
        Some((line, column)) if name == "SyntaxError" => {
            let column = if line == 1 { column.saturating_sub(shift).max(1) } else { column };
            Ok(Failure::Syntax { line, column, message })
        }
        _ => Err(failure::of(ctx, state, thrown)),
    }
}

fn place(failure: &Failure) -> (u32, u32) {
    if let Failure::Syntax { line, column, .. } = failure { (*line, *column) } else { (0, 0) }
}

fn declared<'js>(ctx: &Ctx<'js>, before: &[String]) -> Result<Function<'js>, Failure> {
    let globals = ctx.globals();
    let mut functions = names(ctx)
        .into_iter()
        .filter(|name| !before.contains(name))
        .filter_map(|name| globals.get::<_, Function<'js>>(name).ok());
    match (functions.next(), functions.next()) {
        (Some(function), None) => Ok(function),
        (None, _) => Err(not_one_function("it declares none")),
        (Some(_), Some(_)) => Err(not_one_function("it declares several; put the others inside")),
    }
}

fn names(ctx: &Ctx<'_>) -> Vec<String> {
    ctx.globals().own_keys::<String>(Filter::new().string()).flatten().collect()
}

fn not_one_function(why: &str) -> Failure {
    Failure::Syntax { line: 1, column: 1, message: format!("a script is one function: {why}") }
}
