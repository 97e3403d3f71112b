//! Owns one run: call the function, then wait with it for timers and answers until it calls back or can not any more.
//! Never touches what the values mean.

use super::{
    channel::Channel,
    confine,
    engine::Engine,
    failure, source,
    state::{Settled, State, Waiting},
};
use crate::frame::{self, Ending, FETCHED, Kind, Order, RunId};
use rquickjs::{Ctx, Function, Promise, Value, function::Args, prelude::Rest, promise::PromiseState};
use std::{io, rc::Rc, time::Duration};

/// What is to be run. The texts are JSON that the gateway wrote.
pub(super) struct Asked<'a> {
    pub(super) order: Order,
    pub(super) text: &'a [u8],
    pub(super) args: &'a [u8],
    pub(super) globals: &'a [u8],
}

/// How it ended.
pub(super) struct Ended {
    pub(super) ending: Ending,
    /// A JSON array; empty when there are none.
    pub(super) values: String,
    pub(super) console: Vec<String>,
}

/// Find the function of a script, and no more.
pub(super) fn check(engine: &Engine, order: &Order, text: &[u8]) -> Ending {
    begin(engine, order);
    let ending = engine.context.with(|ctx| match source::function_of(&ctx, &engine.state, text) {
        Ok(_function) => Ending::Returned,
        Err(ending) => ending,
    });
    engine.state.tripped().map_or(ending, Ending::TimedOut)
}

/// Run a script. An error is one of the channel: then there is nobody to answer.
pub(super) fn run(
    engine: &Engine,
    asked: &Asked<'_>,
    channel: &mut Channel,
    id: &RunId,
) -> io::Result<Ended> {
    begin(engine, &asked.order);
    let state = &engine.state;
    let finished = engine.context.with(|ctx| match call(&ctx, state, asked) {
        Ok(returned) => wait(&ctx, state, returned, channel, id),
        Err(ending) => {
            // JS-11: a script that calls back and then throws has said two things.
            state.settled.replace(Some(Settled::Failed(ending)));
            Ok(())
        }
    });
    finished?;
    let settled = match state.tripped() {
        Some(limit) => Settled::Failed(Ending::TimedOut(limit)),
        None => state.settled.take().unwrap_or(Settled::Failed(Ending::Silent)),
    };
    let (ending, values) = match settled {
        Settled::Values(values) => (Ending::Returned, values),
        Settled::Failed(ending) => (ending, String::new()),
    };
    Ok(Ended { ending, values, console: state.console.take().into_lines() })
}

fn begin(engine: &Engine, order: &Order) {
    engine.runtime.set_memory_limit(order.memory);
    engine.runtime.set_max_stack_size(order.stack);
    engine.state.begin(order);
}

fn call<'js>(ctx: &Ctx<'js>, state: &Rc<State>, asked: &Asked<'_>) -> Result<Value<'js>, Ending> {
    let function = source::function_of(ctx, state, asked.text)?;
    let prepared = prepare(ctx, state, asked).map_err(|_thrown| failure::ending(ctx, state, &ctx.catch()))?;
    function.call_arg(prepared).map_err(|_thrown| failure::ending(ctx, state, &ctx.catch()))
}

fn prepare<'js>(ctx: &Ctx<'js>, state: &Rc<State>, asked: &Asked<'_>) -> rquickjs::Result<Args<'js>> {
    if let Some(globals) = ctx.json_parse(asked.globals)?.into_object() {
        for global in globals.own_props::<String, Value<'js>>(rquickjs::object::Filter::new().string()) {
            let (name, value) = global?;
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
            Err(ending) => Settled::Failed(ending),
        },
    };
    state.settle(settled);
}

/// JSON as `JSON.stringify` makes it: what it leaves out (functions, `undefined`) is `null` at the top; cycles and
/// big integers are errors; `NaN` is `null` (JS-13).
fn json_of<'js>(ctx: &Ctx<'js>, state: &State, values: &[Value<'js>]) -> Result<String, Ending> {
    let mut json = String::from("[");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        let text =
            ctx.json_stringify(value.clone()).and_then(|text| text.map(|text| text.to_string()).transpose());
        match text {
            Ok(text) => json.push_str(text.as_deref().unwrap_or("null")),
            Err(_thrown) => {
                let thrown = ctx.catch();
                let ending = failure::ending(ctx, state, &thrown);
                return Err(if let Ending::Raised { message, .. } = ending {
                    Ending::Unusable(message)
                } else {
                    ending
                });
            }
        }
        if json.len() > state.output.get() {
            break;
        }
    }
    json.push(']');
    frame::check_json(&json, state.output.get()).map_err(Ending::Unusable)?;
    Ok(json)
}

fn wait<'js>(
    ctx: &Ctx<'js>,
    state: &Rc<State>,
    returned: Value<'js>,
    channel: &mut Channel,
    id: &RunId,
) -> io::Result<()> {
    let promise = Promise::from_value(returned).ok();
    if let Some(ending) = promise.as_ref().and_then(|promise| rejection(ctx, state, promise)) {
        // Rejected before anything was awaited: like a throw, it makes an earlier callback ambiguous.
        state.settled.replace(Some(Settled::Failed(ending)));
    }
    while !state.is_settled() && !state.must_stop() {
        if ctx.execute_pending_job() {
            continue;
        }
        if let Some(ending) = promise.as_ref().and_then(|promise| rejection(ctx, state, promise)) {
            state.settle(Settled::Failed(ending));
            break;
        }
        if let Some(timer) = due(state) {
            fire(ctx, state, timer);
            continue;
        }
        for (number, request) in state.asked.take() {
            channel.send(Kind::Fetch, id, &[&number.to_le_bytes(), request.as_bytes()])?;
        }
        let next = state.timers.borrow().next();
        if next.is_none() && state.waiting.borrow().is_empty() {
            // Nothing can happen any more.
            let ending = state.unhandled.take().unwrap_or(Ending::Silent);
            state.settle(Settled::Failed(ending));
            break;
        }
        let patience = next.map_or(Duration::MAX, |due| due.saturating_sub(confine::clock()));
        if let Some(answer) = channel.receive_within(patience.min(state.time_left()))? {
            resume(ctx, state, answer.kind, &answer.id == id, &answer.parts)?;
        }
    }
    Ok(())
}

fn rejection<'js>(ctx: &Ctx<'js>, state: &State, promise: &Promise<'js>) -> Option<Ending> {
    if promise.state() != PromiseState::Rejected {
        return None;
    }
    let _rejected = promise.result::<Value<'js>>()?;
    Some(failure::ending(ctx, state, &ctx.catch()))
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
        let ending = failure::ending(ctx, state, &ctx.catch());
        state.settled.replace(Some(Settled::Failed(ending)));
    }
}

/// The gateway has answered a request.
fn resume<'js>(
    ctx: &Ctx<'js>,
    state: &State,
    kind: Kind,
    is_ours: bool,
    parts: &[Vec<u8>],
) -> io::Result<()> {
    let (Kind::Fetched, [number, status, answer]) = (kind, parts) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let number = number.as_slice().try_into().map(u32::from_le_bytes);
    let waiting =
        number.ok().filter(|_| is_ours).and_then(|number| state.waiting.borrow_mut().remove(&number));
    // Not ours: a late answer to an earlier run.
    let Some(Waiting { resolve, reject }) = waiting else { return Ok(()) };
    let function = if status == FETCHED { resolve } else { reject };
    let answer = String::from_utf8_lossy(answer).into_owned();
    let told = function.restore(ctx).and_then(|function| function.call::<_, Value<'js>>((answer,)));
    if told.is_err() {
        let ending = failure::ending(ctx, state, &ctx.catch());
        state.settle(Settled::Failed(ending));
    }
    Ok(())
}
