//! Owns what a script finds in its global scope beside the language: all of it, on one page.
//! Never touches files, processes, modules or sockets: they are not there to be found (JS-07).
//!
//! The language itself brings `eval`, `Function`, `Date`, `Math`, promises and typed arrays; they reach nothing outside.

use super::{confine, console, modules, state::State, timers::Timer};
use rquickjs::{
    Ctx, Exception, Function, Object, Persistent, Value,
    prelude::{Opt, Rest},
};
use std::{rc::Rc, time::Duration};

/// Put our globals into a fresh context.
pub(super) fn install(ctx: &Ctx<'_>, state: &Rc<State>) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    // Survives nothing: the next run has another one.
    globals.set("global", globals.clone())?;
    modules::install(ctx, state, &globals)?;
    install_console(ctx, state, &globals)?;
    install_timers(ctx, state, &globals)
}

/// Put in the globals that are modules of ours, where this text speaks of them. Making all of them costs as much as a small
/// run.
pub(super) fn install_for(ctx: &Ctx<'_>, state: &Rc<State>, text: &str) -> rquickjs::Result<()> {
    for lazy in LAZY {
        if speaks_of(text, lazy.name) {
            install_lazy(ctx, state, lazy)?;
        }
    }
    Ok(())
}

/// Put in all of them that the run does not have yet: a package was loaded, which may speak of any.
pub(super) fn install_all(ctx: &Ctx<'_>, state: &Rc<State>) -> rquickjs::Result<()> {
    if state.has_all_globals.replace(true) {
        return Ok(());
    }
    let globals = ctx.globals();
    for lazy in LAZY.iter().filter(|lazy| lazy.of_the_platform) {
        if !globals.contains_key(lazy.name)? {
            install_lazy(ctx, state, lazy)?;
        }
    }
    Ok(())
}

fn speaks_of(text: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    text.match_indices(name).any(|(at, _)| {
        // `context.request` is in every second rule, and is not the function.
        let before = text[..at].chars().next_back();
        !before.is_some_and(|before| is_part(before) || before == '.')
            && !text[at + name.len()..].starts_with(is_part)
    })
}

fn install_console<'js>(ctx: &Ctx<'js>, state: &Rc<State>, globals: &Object<'js>) -> rquickjs::Result<()> {
    let object = Object::new(ctx.clone())?;
    let state = Rc::clone(state);
    let write = Function::new(ctx.clone(), move |ctx: Ctx<'js>, values: Rest<Value<'js>>| {
        console::write(&ctx, &state, &values.0);
    })?;
    for level in ["debug", "error", "info", "log", "trace", "warn"] {
        object.set(level, write.clone())?;
    }
    globals.set("console", object)
}

fn install_timers<'js>(ctx: &Ctx<'js>, state: &Rc<State>, globals: &Object<'js>) -> rquickjs::Result<()> {
    for (name, kind) in [
        ("setTimeout", Repeat::Never),
        ("setInterval", Repeat::Always),
        ("setImmediate", Repeat::Immediately),
    ] {
        let state = Rc::clone(state);
        let start = move |ctx: Ctx<'js>, function: Function<'js>, rest: Rest<Value<'js>>| {
            start_timer(&ctx, &state, kind, function, rest.0)
        };
        globals.set(name, Function::new(ctx.clone(), start)?)?;
    }
    for name in ["clearTimeout", "clearInterval", "clearImmediate"] {
        let state = Rc::clone(state);
        let stop = move |id: Opt<Value<'js>>| {
            if let Some(id) = id.0.and_then(|id| u32::try_from(id.as_int()?).ok()) {
                state.timers.borrow_mut().remove(id);
            }
        };
        globals.set(name, Function::new(ctx.clone(), stop)?)?;
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Repeat {
    Never,
    Always,
    /// Never, and without a delay among the arguments.
    Immediately,
}

fn start_timer<'js>(
    ctx: &Ctx<'js>,
    state: &State,
    repeat: Repeat,
    function: Function<'js>,
    rest: Vec<Value<'js>>,
) -> rquickjs::Result<u32> {
    let mut rest = rest.into_iter();
    let delay = match repeat {
        Repeat::Immediately => Duration::ZERO,
        Repeat::Never | Repeat::Always => delay_of(rest.next().as_ref()),
    };
    let timer = Timer {
        due: confine::clock() + delay,
        every: matches!(repeat, Repeat::Always).then_some(delay),
        function: Persistent::save(ctx, function),
        args: rest.map(|arg| Persistent::save(ctx, arg)).collect(),
    };
    let added = state.timers.borrow_mut().add(timer);
    added.ok_or_else(|| Exception::throw_range(ctx, "too many timers"))
}

/// Milliseconds; what is no number counts as 1, as everywhere.
fn delay_of(value: Option<&Value<'_>>) -> Duration {
    let milliseconds = value.and_then(Value::as_number).filter(|number| number.is_finite()).unwrap_or(1.0);
    Duration::from_secs_f64(milliseconds.clamp(1.0, 86_400_000.0) / 1000.0)
}

/// A global that is made when a script first uses it.
struct Lazy {
    name: &'static str,
    /// The module of ours that it is, or a package.
    module: &'static str,
    /// Which of its properties; without one the module itself.
    property: Option<&'static str>,
    /// Whether packages may expect it, as Node.js has it.
    of_the_platform: bool,
}

const fn part(name: &'static str, module: &'static str) -> Lazy {
    Lazy { name, module, property: Some(name), of_the_platform: true }
}

/// What Auth0's older scripts find without `require`.
const fn whole(name: &'static str, module: &'static str) -> Lazy {
    Lazy { name, module, property: None, of_the_platform: false }
}

const LAZY: &[Lazy] = &[
    part("UnauthorizedError", "portico:errors"),
    part("ValidationError", "portico:errors"),
    part("WrongUsernameOrPasswordError", "portico:errors"),
    part("Buffer", "buffer"),
    part("TextDecoder", "buffer"),
    part("TextEncoder", "buffer"),
    part("atob", "buffer"),
    part("btoa", "buffer"),
    part("URL", "portico:whatwg_url"),
    part("URLSearchParams", "portico:whatwg_url"),
    part("fetch", "portico:fetch"),
    part("Headers", "portico:fetch"),
    part("Request", "portico:fetch"),
    part("Response", "portico:fetch"),
    part("AbortController", "portico:fetch"),
    part("AbortSignal", "portico:fetch"),
    part("auth0", "auth0"),
    whole("bcrypt", "bcrypt"),
    whole("crypto", "crypto"),
    whole("mysql", "mysql"),
    Lazy { name: "postgres", module: "pg", property: Some("connect"), of_the_platform: false },
    whole("querystring", "querystring"),
    whole("request", "request"),
];

fn install_lazy<'js>(ctx: &Ctx<'js>, state: &Rc<State>, lazy: &'static Lazy) -> rquickjs::Result<()> {
    let Lazy { name, module, property, .. } = *lazy;
    let state = Rc::clone(state);
    let read = move |ctx: Ctx<'js>| -> rquickjs::Result<Value<'js>> {
        let module = modules::own(&ctx, &state, module)?;
        let value = match property {
            Some(property) => module.into_object().ok_or(rquickjs::Error::Unknown)?.get(property)?,
            None => module,
        };
        replace(&ctx, name, Value::clone(&value))?;
        Ok(value)
    };
    let write = move |ctx: Ctx<'js>, value: Value<'js>| replace(&ctx, name, value);
    let property = Object::new(ctx.clone())?;
    property.set("configurable", true)?;
    property.set("get", Function::new(ctx.clone(), read)?)?;
    property.set("set", Function::new(ctx.clone(), write)?)?;
    let define: Function<'js> = ctx.globals().get::<_, Object<'js>>("Object")?.get("defineProperty")?;
    define.call((ctx.globals(), name, property))
}

fn replace<'js>(ctx: &Ctx<'js>, name: &str, value: Value<'js>) -> rquickjs::Result<()> {
    ctx.globals().remove(name)?;
    ctx.globals().set(name, value)
}
