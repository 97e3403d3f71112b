//! Owns what a script finds in its global scope beside the language: all of it, on one page.
//! Never touches files, processes, modules or sockets: they are not there to be found (JS-07).
//!
//! The language itself brings `eval`, `Function`, `Date`, `Math`, promises and typed arrays; they reach nothing outside.

use super::{
    confine, console,
    state::{Request, State, Waiting},
    timers::Timer,
};
use rquickjs::{
    Ctx, Exception, Function, Object, Persistent, Promise, Value,
    context::EvalOptions,
    prelude::{Opt, Rest},
};
use std::{rc::Rc, time::Duration};
use url::Url;

/// Put our globals into a fresh context.
pub(super) fn install(ctx: &Ctx<'_>, state: &Rc<State>) -> rquickjs::Result<()> {
    let globals = ctx.globals();
    // Survives nothing: the next run has another one.
    globals.set("global", globals.clone())?;
    globals.set("require", Function::new(ctx.clone(), require)?)?;
    install_console(ctx, state, &globals)?;
    install_timers(ctx, state, &globals)
}

/// Put in the globals written in JavaScript that this text speaks of. Making all of them costs as much as a small run.
pub(super) fn install_for(ctx: &Ctx<'_>, state: &Rc<State>, text: &str) -> rquickjs::Result<()> {
    for shim in SHIMS {
        for name in shim.names {
            let is_needed = speaks_of(text, name) || shim.serves.is_some_and(|other| speaks_of(text, other));
            if is_needed {
                install_shim(ctx, state, name, shim)?;
            }
        }
    }
    Ok(())
}

fn speaks_of(text: &str, name: &str) -> bool {
    // `context.request` is in every second rule, and is not the function.
    text.match_indices(name).any(|(at, _)| name != "request" || !text[..at].ends_with('.'))
}

#[expect(clippy::needless_pass_by_value, reason = "the engine hands contexts over by value")]
fn require<'js>(ctx: Ctx<'js>, module: Opt<Value<'js>>) -> rquickjs::Result<()> {
    let module = module.0.and_then(|module| module.as_string()?.to_string().ok()).unwrap_or_default();
    Err(Exception::throw_message(
        &ctx,
        &format!("Cannot find module '{module}': it is not available to scripts"),
    ))
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

/// Globals written in JavaScript. They are compiled when a script first uses one.
struct Shim {
    names: &'static [&'static str],
    /// An expression: a function from one native function to an object with the names.
    text: &'static str,
    native: Native,
    /// A global whose shim uses these.
    serves: Option<&'static str>,
}

/// What a shim gets from us.
#[derive(Clone, Copy)]
enum Native {
    /// Ask the gateway for a request; a promise of its answer.
    Ask,
    /// Take a URL apart.
    TakeUrlApart,
}

const SHIMS: &[Shim] = &[
    Shim {
        names: &["UnauthorizedError", "ValidationError", "WrongUsernameOrPasswordError"],
        text: include_str!("../shim/errors.js"),
        native: Native::TakeUrlApart,
        serves: None,
    },
    Shim {
        names: &["fetch", "request"],
        text: include_str!("../shim/fetch.js"),
        native: Native::Ask,
        serves: None,
    },
    Shim {
        names: &["URL", "URLSearchParams"],
        text: include_str!("../shim/url.js"),
        native: Native::TakeUrlApart,
        serves: None,
    },
    Shim {
        names: &["Buffer", "TextDecoder", "TextEncoder", "atob", "btoa"],
        text: include_str!("../shim/text.js"),
        native: Native::TakeUrlApart,
        serves: Some("request"),
    },
];

fn install_shim<'js>(
    ctx: &Ctx<'js>,
    state: &Rc<State>,
    name: &'static str,
    shim: &'static Shim,
) -> rquickjs::Result<()> {
    let state = Rc::clone(state);
    let read = move |ctx: Ctx<'js>| -> rquickjs::Result<Value<'js>> {
        let exports = load(&ctx, &state, shim)?;
        let globals = ctx.globals();
        for name in shim.names {
            globals.remove(*name)?;
            globals.set(*name, exports.get::<_, Value<'js>>(*name)?)?;
        }
        exports.get(name)
    };
    let write = move |ctx: Ctx<'js>, value: Value<'js>| -> rquickjs::Result<()> {
        ctx.globals().remove(name)?;
        ctx.globals().set(name, value)
    };
    let property = Object::new(ctx.clone())?;
    property.set("configurable", true)?;
    property.set("get", Function::new(ctx.clone(), read)?)?;
    property.set("set", Function::new(ctx.clone(), write)?)?;
    let define: Function<'js> = ctx.globals().get::<_, Object<'js>>("Object")?.get("defineProperty")?;
    define.call((ctx.globals(), name, property))
}

fn load<'js>(ctx: &Ctx<'js>, state: &Rc<State>, shim: &Shim) -> rquickjs::Result<Object<'js>> {
    let mut options = EvalOptions::default();
    // Not `script`: positions in errors are those of the customer's text.
    options.filename = Some(OURS.to_owned());
    let make: Function<'js> = ctx.eval_with_options(shim.text, options)?;
    let native = match shim.native {
        Native::Ask => {
            let state = Rc::clone(state);
            Function::new(ctx.clone(), move |ctx: Ctx<'js>, method: String, request: String| {
                ask(&ctx, &state, method, request)
            })?
        }
        Native::TakeUrlApart => Function::new(ctx.clone(), |text: String, base: Opt<String>| {
            take_url_apart(&text, base.0.as_deref())
        })?,
    };
    make.call((native,))
}

fn ask<'js>(
    ctx: &Ctx<'js>,
    state: &State,
    method: String,
    request: String,
) -> rquickjs::Result<Promise<'js>> {
    if request.len() > LONGEST_REQUEST {
        return Err(Exception::throw_range(ctx, "the request is too long"));
    }
    let (promise, resolve, reject) = ctx.promise()?;
    let number = state.requests.get();
    state.requests.set(number + 1);
    let waiting = Waiting { resolve: Persistent::save(ctx, resolve), reject: Persistent::save(ctx, reject) };
    state.waiting.borrow_mut().insert(number, waiting);
    state.asked.borrow_mut().push(Request { number, method, request });
    Ok(promise)
}

/// The parts of a URL (WHATWG URL) in the order in which the shim names them; `undefined` when it is none.
fn take_url_apart(text: &str, base: Option<&str>) -> Option<Vec<String>> {
    let base = base.map(Url::parse).transpose().ok()?;
    let url = Url::options().base_url(base.as_ref()).parse(text).ok()?;
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let prefixed = |prefix: char, part: Option<&str>| {
        part.filter(|part| !part.is_empty()).map(|part| format!("{prefix}{part}")).unwrap_or_default()
    };
    Some(vec![
        url.as_str().to_owned(),
        format!("{}:", url.scheme()),
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
        url.host_str().unwrap_or_default().to_owned(),
        port,
        url.path().to_owned(),
        prefixed('?', url.query()),
        prefixed('#', url.fragment()),
        url.origin().ascii_serialization(),
    ])
}

/// The name of shims in the engine's traces.
const OURS: &str = "portico";

/// Bytes of one request, as JSON.
const LONGEST_REQUEST: usize = 1 << 20;
