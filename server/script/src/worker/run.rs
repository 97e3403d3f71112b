//! Owns one run: call the function, then wait with it for timers and answers until it calls back or can not any more.
//! Never touches what the values mean.

use super::{
    ask::{Answer, Link},
    confine,
    engine::Engine,
    failure, source,
    state::{Settled, State, Waiting},
};
use crate::frame::{self, Failure, Frame, Order};
use rquickjs::{
    Ctx, Function, Persistent, Promise, Value, function::Args, prelude::Rest, promise::PromiseState,
};
use std::{borrow::Cow, io, rc::Rc, time::Duration};

/// What is to be run. The texts are JSON that the gateway wrote.
pub(super) struct Asked<'a> {
    pub(super) order: Order,
    pub(super) text: &'a [u8],
    pub(super) args: &'a [u8],
    pub(super) globals: &'a [u8],
}

/// How it ended.
pub(super) struct Ended {
    /// Why there are no values.
    pub(super) failure: Option<Failure>,
    /// A JSON array; empty when there are none.
    pub(super) values: String,
    pub(super) console: Vec<String>,
}

/// Find the function of a script, and no more.
pub(super) fn check(engine: &Engine, order: &Order, text: &[u8]) -> Option<Failure> {
    begin(engine, order);
    let failure = engine.context.with(|ctx| source::function_of(&ctx, &engine.state, text).err());
    engine.state.tripped().map(Failure::TimedOut).or(failure)
}

/// Run a script. An error is one of the channel: then there is nobody to answer.
pub(super) fn run(engine: &Engine, asked: &Asked<'_>, link: &Link) -> io::Result<Ended> {
    begin(engine, &asked.order);
    let state = &engine.state;
    state.link.replace(Some(link.clone()));
    let finished = engine.context.with(|ctx| match call(&ctx, state, asked) {
        Ok(returned) => wait(&ctx, state, returned, link),
        Err(failure) => {
            // JS-11: a script that calls back and then throws has said two things.
            state.settled.replace(Some(Settled::Failed(failure)));
            Ok(())
        }
    });
    finished?;
    let settled = match state.tripped() {
        Some(limit) => Settled::Failed(Failure::TimedOut(limit)),
        None => state.settled.take().unwrap_or(Settled::Failed(Failure::Silent)),
    };
    let (failure, values) = match settled {
        Settled::Values(values) => (None, values),
        Settled::Failed(failure) => (Some(failure), String::new()),
    };
    Ok(Ended { failure, values, console: state.console.take().into_lines() })
}

fn begin(engine: &Engine, order: &Order) {
    engine.runtime.set_memory_limit(order.memory);
    engine.runtime.set_max_stack_size(order.stack);
    engine.state.begin(order);
}

fn call<'js>(ctx: &Ctx<'js>, state: &Rc<State>, asked: &Asked<'_>) -> Result<Value<'js>, Failure> {
    let function = source::function_of(ctx, state, asked.text)?;
    let prepared = prepare(ctx, state, asked).map_err(|_thrown| failure::of(ctx, state, &ctx.catch()))?;
    function.call_arg(prepared).map_err(|_thrown| failure::of(ctx, state, &ctx.catch()))
}

fn prepare<'js>(ctx: &Ctx<'js>, state: &Rc<State>, asked: &Asked<'_>) -> rquickjs::Result<Args<'js>> {
    if let Some(globals) = ctx.json_parse(asked.globals)?.into_object() {
        for global in globals.own_props::<String, Value<'js>>(rquickjs::object::Filter::new().string()) {
            let (name, value) = global?;
            if name == "auth0" {
                // Data alone; its functions are of our module of that name.
                state.given.replace(Some(Persistent::save(ctx, value)));
                continue;
            }
            ctx.globals().set(name, value)?;
        }
    }
    let mut args = Args::new_unsized(ctx.clone());
    if let Some(values) = ctx.json_parse(asked.args)?.into_array() {
        args.push_args(values.iter::<Value<'js>>().collect::<rquickjs::Result<Vec<_>>>()?)?;
    }
    let state = Rc::clone(state);
    args.push_arg(Function::new(ctx.clone(), move |ctx: Ctx<'js>, said: Rest<Value<'js>>| {
        called_back(&ctx, &state, &said.0);
    })?)?;
    Ok(args)
}

/// `callback(error, …values)`. The first call counts; anything but `null` and `undefined` is an error (JS-11).
fn called_back<'js>(ctx: &Ctx<'js>, state: &State, said: &[Value<'js>]) {
    if state.is_settled() {
        return;
    }
    let settled = match said.first() {
        Some(error) if !error.is_null() && !error.is_undefined() => {
            Settled::Failed(failure::raised(ctx, state, error))
        }
        _ => match json_of(ctx, state, said.get(1..).unwrap_or_default()) {
            Ok(values) => Settled::Values(values),
            Err(failure) => Settled::Failed(failure),
        },
    };
    state.settle(settled);
}

/// JSON as `JSON.stringify` makes it: what it leaves out (functions, `undefined`) is `null` at the top; cycles and
/// big integers are errors; `NaN` is `null` (JS-13).
fn json_of<'js>(ctx: &Ctx<'js>, state: &State, values: &[Value<'js>]) -> Result<String, Failure> {
    let mut json = String::from("[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        let text =
            ctx.json_stringify(value.clone()).and_then(|text| text.map(|text| text.to_string()).transpose());
        match text {
            Ok(text) => json.push_str(&whole_characters(text.as_deref().unwrap_or("null"))),
            Err(_thrown) => {
                let thrown = ctx.catch();
                let failure = failure::of(ctx, state, &thrown);
                return Err(if let Failure::Raised { message, .. } = failure {
                    Failure::Unusable(message)
                } else {
                    failure
                });
            }
        }
        if json.len() > state.output.get() {
            break;
        }
    }
    json.push(']');
    frame::check_json(&json, state.output.get()).map_err(Failure::Unusable)?;
    Ok(json)
}

/// The engine writes half a character as an escape (`\ud800`), which is no JSON to others: U+FFFD takes its place.
fn whole_characters(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") {
        return Cow::Borrowed(json);
    }
    let mut whole = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        whole.push_str(before);
        // A pair is never written as escapes, so each of these is a half.
        let length = if escape.starts_with("\\ud") { 6 } else { 2 };
        whole.push_str(if length == 6 { "\\ufffd" } else { &escape[..2] });
        rest = &escape[length..];
    }
    whole.push_str(rest);
    Cow::Owned(whole)
}

fn wait<'js>(ctx: &Ctx<'js>, state: &Rc<State>, returned: Value<'js>, link: &Link) -> io::Result<()> {
    let promise = Promise::from_value(returned).ok();
    if let Some(failure) = promise.as_ref().and_then(|promise| rejection(ctx, state, promise)) {
        // Rejected before anything was awaited: like a throw, it makes an earlier callback ambiguous.
        state.settled.replace(Some(Settled::Failed(failure)));
    }
    while !state.is_settled() && !state.must_stop() {
        if ctx.execute_pending_job() {
            continue;
        }
        if let Some(failure) = promise.as_ref().and_then(|promise| rejection(ctx, state, promise)) {
            state.settle(Settled::Failed(failure));
            break;
        }
        if let Some(timer) = due(state) {
            fire(ctx, state, timer);
            continue;
        }
        for request in state.asked.take() {
            link.send(&request)?;
        }
        let next = state.timers.borrow().next();
        if next.is_none() && state.waiting.borrow().is_empty() {
            // Nothing can happen any more.
            let promised = promise.as_ref().filter(|_| state.promised.get()).and_then(Promise::result);
            state.settle(match (state.unhandled.take(), promised) {
                (Some(failure), _) => Settled::Failed(failure),
                (None, Some(Ok(value))) => returned_at_last(ctx, state, value),
                (None, _) => Settled::Failed(Failure::Silent),
            });
            break;
        }
        let patience = next.map_or(Duration::MAX, |due| due.saturating_sub(confine::clock()));
        if let Some(frame) = next_frame(link, patience.min(state.time_left()))? {
            resume(ctx, state, frame, link)?;
        }
    }
    Ok(())
}

/// What a promise gave that the function has returned.
fn returned_at_last<'js>(ctx: &Ctx<'js>, state: &State, value: Value<'js>) -> Settled {
    if value.is_undefined() {
        return Settled::Failed(Failure::Silent);
    }
    json_of(ctx, state, &[value]).map_or_else(Settled::Failed, Settled::Values)
}

fn rejection<'js>(ctx: &Ctx<'js>, state: &State, promise: &Promise<'js>) -> Option<Failure> {
    if promise.state() != PromiseState::Rejected {
        return None;
    }
    let _rejected = promise.result::<Value<'js>>()?;
    Some(failure::of(ctx, state, &ctx.catch()))
}

fn due(state: &State) -> Option<super::timers::Timer> {
    state.timers.borrow_mut().take_due(confine::clock())
}

fn fire<'js>(ctx: &Ctx<'js>, state: &State, timer: super::timers::Timer) {
    let call = || {
        let mut args = Args::new_unsized(ctx.clone());
        for arg in timer.args {
            args.push_arg(arg.restore(ctx)?)?;
        }
        timer.function.restore(ctx)?.call_arg::<Value<'js>>(args)
    };
    if call().is_err() {
        let failure = failure::of(ctx, state, &ctx.catch());
        state.settled.replace(Some(Settled::Failed(failure)));
    }
}

/// What came while a module was loaded, or what comes within this time.
fn next_frame(link: &Link, patience: Duration) -> io::Result<Option<Frame>> {
    let kept = link.inbox.borrow_mut().pop_front();
    if kept.is_some() { Ok(kept) } else { link.channel.borrow_mut().receive_within(patience) }
}

/// The gateway has answered a request.
fn resume<'js>(ctx: &Ctx<'js>, state: &State, frame: Frame, link: &Link) -> io::Result<()> {
    // Not ours: a late answer to an earlier run.
    let Some(answer) = Answer::of(frame, &link.id)? else { return Ok(()) };
    let waiting = state.waiting.borrow_mut().remove(&answer.number);
    let Some(Waiting { resolve, reject }) = waiting else { return Ok(()) };
    let function = if answer.done { resolve } else { reject };
    let tell = || function.restore(ctx)?.call::<_, Value<'js>>((answer.into_value(ctx)?,));
    if tell().is_err() {
        let failure = failure::of(ctx, state, &ctx.catch());
        state.settle(Settled::Failed(failure));
    }
    Ok(())
}
