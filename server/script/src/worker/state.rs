//! Owns what one run has done so far, seen from outside the engine.
//! Never touches the engine but to hold functions that it will call.

use super::{ask::Link, confine, console::Console, modules::Packages, timers::Timers};
use crate::frame::{Failure, Order};
use rquickjs::{Function, Object, Persistent, Value};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    time::Duration,
};

/// What one run has done so far. Functions that scripts call share it.
#[derive(Default)]
pub(super) struct State {
    /// The first outcome; it stays (JS-11).
    pub(super) settled: RefCell<Option<Settled>>,
    pub(super) console: RefCell<Console>,
    pub(super) timers: RefCell<Timers>,
    /// The number of the next request.
    pub(super) requests: Cell<u32>,
    /// Requests that were not sent yet.
    pub(super) asked: RefCell<Vec<Request>>,
    /// What to do when their answers come.
    pub(super) waiting: RefCell<BTreeMap<u32, Waiting>>,
    /// The way to the gateway; none while a script is checked.
    pub(super) link: RefCell<Option<Link>>,
    /// What was required so far: our modules, and the `module` of packages' files.
    pub(super) modules: RefCell<BTreeMap<String, Persistent<Value<'static>>>>,
    /// What our modules are made of, once one is needed.
    pub(super) natives: RefCell<Option<Persistent<Object<'static>>>>,
    /// What the caller said of the global `auth0`.
    pub(super) given: RefCell<Option<Persistent<Value<'static>>>>,
    pub(super) packages: Rc<Packages>,
    pub(super) has_all_globals: Cell<bool>,
    /// The last rejection that nothing handled: what went wrong when a script ends without calling back.
    pub(super) unhandled: RefCell<Option<Failure>>,
    limits: Cell<Option<Deadlines>>,
    tripped: Cell<Option<Duration>>,
    pub(super) output: Cell<usize>,
    /// Whether what a returned promise gives counts as an outcome.
    pub(super) promised: Cell<bool>,
}

/// What is asked of the gateway.
pub(super) struct Request {
    pub(super) number: u32,
    pub(super) method: String,
    /// JSON.
    pub(super) request: String,
}

/// Resolves or rejects a promise.
pub(super) struct Waiting {
    pub(super) resolve: Persistent<Function<'static>>,
    pub(super) reject: Persistent<Function<'static>>,
}

/// An outcome.
pub(super) enum Settled {
    /// The values of the callback as a JSON array.
    Values(String),
    /// It failed.
    Failed(Failure),
}

#[derive(Clone, Copy)]
struct Deadlines {
    wall_at: Duration,
    cpu_at: Duration,
    wall: Duration,
    cpu: Duration,
}

impl State {
    /// Of a run that may use these packages without asking for them.
    pub(super) fn with(packages: &Rc<Packages>) -> Self {
        Self { packages: Rc::clone(packages), ..Self::default() }
    }

    /// The run begins.
    pub(super) fn begin(&self, order: &Order) {
        self.limits.set(Some(Deadlines {
            wall_at: confine::clock() + order.wall,
            cpu_at: confine::processor_time() + order.cpu,
            wall: order.wall,
            cpu: order.cpu,
        }));
        self.output.set(order.output);
        self.promised.set(order.promised);
        self.console.borrow_mut().hide(&order.redact);
    }

    /// Asked by the engine now and then: whether the script must stop.
    pub(super) fn must_stop(&self) -> bool {
        let Some(limits) = self.limits.get() else { return false };
        if self.tripped.get().is_none() {
            if confine::clock() >= limits.wall_at {
                self.tripped.set(Some(limits.wall));
            } else if confine::processor_time() >= limits.cpu_at {
                self.tripped.set(Some(limits.cpu));
            }
        }
        self.tripped.get().is_some()
    }

    /// The limit of time that stopped the script, if one did.
    pub(super) fn tripped(&self) -> Option<Duration> {
        self.tripped.get()
    }

    /// What is left on the clock.
    pub(super) fn time_left(&self) -> Duration {
        self.limits.get().map_or(Duration::ZERO, |limits| limits.wall_at.saturating_sub(confine::clock()))
    }

    /// Settle, if nothing has.
    pub(super) fn settle(&self, settled: Settled) {
        self.settled.borrow_mut().get_or_insert(settled);
    }

    pub(super) fn is_settled(&self) -> bool {
        self.settled.borrow().is_some()
    }

    /// Let go of everything that belongs to the engine: it must not outlive it.
    pub(super) fn release(&self) {
        self.timers.take();
        self.waiting.take();
        self.modules.take();
        self.natives.take();
        self.given.take();
        self.link.take();
        // From now on nothing stops finalizers.
        self.limits.set(None);
    }
}
