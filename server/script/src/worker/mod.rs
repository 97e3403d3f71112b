//! Owns the worker process: confine itself, then run what it is told, one thing at a time, until its pipe is closed.
//! Never touches the network, a file, or anything that outlives a run.

mod ask;
mod channel;
mod confine;
mod console;
mod engine;
mod failure;
mod globals;
mod modules;
mod native;
mod run;
mod source;
mod state;
mod timers;
mod url_parts;

use crate::frame::{Failure, Kind, Order};
use ask::Link;
use channel::Channel;
use engine::Engine;
use modules::Packages;
use run::Ended;
use std::{cell::RefCell, io, mem, process::ExitCode, rc::Rc};

/// The main function of a worker. It must be called before the process has started a thread or opened a file, by a
/// program that was started by [`ScriptPool`](crate::ScriptPool) and has its socket as descriptor 0.
///
/// Where the kernel lacks a protection it goes on without, and says so to the pool, which logs a warning.
pub fn worker_main() -> ExitCode {
    let missing = confine::confine();
    match serve(&missing) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_error) => ExitCode::FAILURE,
    }
}

fn serve(missing: &[String]) -> io::Result<()> {
    let channel = Rc::new(RefCell::new(Channel::new()));
    let packages = Rc::new(Packages::default());
    channel.borrow().send(Kind::Hello, &[0; 16], &[&json(&missing)?])?;
    // The engine of a run is made while nobody waits for it; each serves one run.
    let mut engine = Engine::new(&packages)?;
    loop {
        let received = channel.borrow_mut().receive()?;
        let Some(frame) = received else { return Ok(()) };
        let Ended { failure, values, console } = match (frame.kind, frame.parts.as_slice()) {
            (Kind::Run, [order, text, args, globals]) => {
                let order = order_of(order)?;
                confine::allow_processor_time(order.cpu);
                let asked = run::Asked { order, text, args, globals };
                run::run(&engine, &asked, &Link::new(&channel, frame.id))?
            }
            (Kind::Check, [order, text]) => {
                let order = order_of(order)?;
                confine::allow_processor_time(order.cpu);
                Ended::without_values(run::check(&engine, &order, text))
            }
            // An answer to a request of a run that has ended.
            (Kind::Answer, _) => continue,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        channel.borrow().send(
            Kind::Done,
            &frame.id,
            &[&json(&failure)?, values.as_bytes(), &json(&console)?],
        )?;
        if failure.as_ref().is_some_and(Failure::hit_a_limit) {
            // The pool ends this process; tearing a heap down that is full of tricks is not worth it.
            continue;
        }
        confine::allow_processor_time(TIDYING);
        // The new one before the old one goes: its memory then comes from where the last but one was, without the kernel.
        let next = Engine::new(&packages)?;
        drop(mem::replace(&mut engine, next));
    }
}

fn order_of(bytes: &[u8]) -> io::Result<Order> {
    serde_json::from_slice(bytes).map_err(io::Error::from)
}

fn json(value: &impl serde::Serialize) -> io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(io::Error::from)
}

/// What putting an engine away and making the next may take.
const TIDYING: std::time::Duration = std::time::Duration::from_millis(500);

impl Ended {
    fn without_values(failure: Option<Failure>) -> Self {
        Self { failure, values: String::new(), console: Vec::new() }
    }
}
