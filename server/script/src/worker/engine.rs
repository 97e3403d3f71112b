//! Owns an engine: a QuickJS runtime with one context, made for one run.
//! Never touches a run that came before or comes after: nothing is shared between engines (JS-06).

use super::{failure, globals, modules::Packages, state::State};
use rquickjs::{Context, Runtime};
use std::{io, rc::Rc};

/// A runtime with one context and our globals, not used yet.
pub(super) struct Engine {
    // Fields are dropped in this order: the context before its runtime.
    pub(super) context: Context,
    pub(super) runtime: Runtime,
    pub(super) state: Rc<State>,
}

impl Engine {
    pub(super) fn new(packages: &Rc<Packages>) -> io::Result<Self> {
        let runtime = Runtime::new().map_err(io::Error::other)?;
        let state = Rc::new(State::with(packages));
        let watched = Rc::clone(&state);
        runtime.set_interrupt_handler(Some(Box::new(move || watched.must_stop())));
        let told = Rc::clone(&state);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(
            move |ctx, _promise, reason, is_handled| {
                let unhandled = (!is_handled).then(|| failure::of(&ctx, &told, &reason));
                told.unhandled.replace(unhandled);
            },
        )));
        let context = Context::full(&runtime).map_err(io::Error::other)?;
        context.with(|ctx| globals::install(&ctx, &state)).map_err(io::Error::other)?;
        Ok(Self { context, runtime, state })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.state.release();
    }
}
