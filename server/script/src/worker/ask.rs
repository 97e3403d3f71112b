//! Owns asking the gateway for something: a promise of the answer, or the answer at once where a module is loaded.
//! Never touches what is asked for.

use super::{
    channel::Channel,
    state::{Request, State, Waiting},
};
use crate::frame::{DONE, Frame, Kind, RunId};
use rquickjs::{Ctx, Exception, Persistent, Promise, Value, object::Filter};
use std::{cell::RefCell, collections::VecDeque, io, rc::Rc};

/// The way to the gateway, while a run lasts.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) channel: Rc<RefCell<Channel>>,
    pub(super) id: RunId,
    /// Frames that came while something else was waited for.
    pub(super) inbox: Rc<RefCell<VecDeque<Frame>>>,
}

impl Link {
    pub(super) fn new(channel: &Rc<RefCell<Channel>>, id: RunId) -> Self {
        Self { channel: Rc::clone(channel), id, inbox: Rc::default() }
    }

    pub(super) fn send(&self, Request { number, method, request }: &Request) -> io::Result<()> {
        let parts: &[&[u8]] = &[&number.to_le_bytes(), method.as_bytes(), request.as_bytes()];
        self.channel.borrow().send(Kind::Ask, &self.id, parts)
    }
}

/// An answer of the gateway to a request.
pub(super) struct Answer {
    pub(super) number: u32,
    pub(super) done: bool,
    json: Vec<u8>,
}

impl Answer {
    /// What a frame answers; `None` if it is a late answer to an earlier run.
    pub(super) fn of(frame: Frame, id: &RunId) -> io::Result<Option<Self>> {
        let parts: Result<[Vec<u8>; 3], _> = frame.parts.try_into();
        let (Kind::Answer, Ok([number, status, json])) = (frame.kind, parts) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let Ok(number) = <[u8; 4]>::try_from(number.as_slice()).map(u32::from_le_bytes) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        Ok((&frame.id == id).then_some(Self { number, done: status == DONE, json }))
    }

    /// The answer as a value, or the error that the script is to get.
    pub(super) fn into_value<'js>(self, ctx: &Ctx<'js>) -> rquickjs::Result<Value<'js>> {
        let answer = ctx.json_parse(self.json)?;
        if self.done {
            return Ok(answer);
        }
        let properties = answer.into_object().ok_or(rquickjs::Error::Unknown)?;
        let message = properties.get::<_, String>("message")?;
        let error = Exception::from_message(ctx.clone(), &message)?.into_object();
        for property in properties.own_props::<String, Value<'js>>(Filter::new().string()) {
            let (name, value) = property?;
            error.set(name, value)?;
        }
        Ok(error.into_value())
    }
}

/// A promise of the answer.
pub(super) fn later<'js>(
    ctx: &Ctx<'js>,
    state: &State,
    method: String,
    request: String,
) -> rquickjs::Result<Promise<'js>> {
    let request = prepare(ctx, state, method, request)?;
    let (promise, resolve, reject) = ctx.promise()?;
    let waiting = Waiting { resolve: Persistent::save(ctx, resolve), reject: Persistent::save(ctx, reject) };
    state.waiting.borrow_mut().insert(request.number, waiting);
    state.asked.borrow_mut().push(request);
    Ok(promise)
}

/// Wait for the answer while nothing else runs.
pub(super) fn now<'js>(
    ctx: &Ctx<'js>,
    state: &State,
    method: &str,
    request: String,
) -> rquickjs::Result<Value<'js>> {
    let request = prepare(ctx, state, method.to_owned(), request)?;
    let lost = |_error: io::Error| Exception::throw_message(ctx, "the gateway does not answer");
    let Some(link) = state.link.borrow().clone() else {
        return Err(Exception::throw_message(ctx, "nothing can be asked for while a script is checked"));
    };
    link.send(&request).map_err(lost)?;
    loop {
        if state.must_stop() {
            return Err(Exception::throw_message(ctx, "the time is up"));
        }
        let frame = link.channel.borrow_mut().receive_within(state.time_left()).map_err(lost)?;
        let Some(frame) = frame else { continue };
        let is_it =
            frame.id == link.id && frame.parts.first() == Some(&request.number.to_le_bytes().to_vec());
        if !is_it {
            link.inbox.borrow_mut().push_back(frame);
            continue;
        }
        let Some(answer) = Answer::of(frame, &link.id).map_err(lost)? else { continue };
        let done = answer.done;
        let value = answer.into_value(ctx)?;
        return if done { Ok(value) } else { Err(ctx.throw(value)) };
    }
}

fn prepare(ctx: &Ctx<'_>, state: &State, method: String, request: String) -> rquickjs::Result<Request> {
    if request.len() > LONGEST_REQUEST {
        return Err(Exception::throw_range(ctx, "the request is too long"));
    }
    let number = state.requests.get();
    state.requests.set(number + 1);
    Ok(Request { number, method, request })
}

/// Bytes of one request, as JSON.
const LONGEST_REQUEST: usize = 2 << 20;
