//! Owns timers: which functions are to be called, and when.
//! Never touches the clock of the run: it is told what time it is.

use rquickjs::{Function, Persistent, Value};
use std::{collections::BTreeMap, time::Duration};

/// What `setTimeout` and its like have asked for.
#[derive(Default)]
pub(super) struct Timers {
    by_id: BTreeMap<u32, Timer>,
    last: u32,
}

/// One function that is to be called.
#[derive(Clone)]
pub(super) struct Timer {
    pub(super) due: Duration,
    pub(super) every: Option<Duration>,
    pub(super) function: Persistent<Function<'static>>,
    pub(super) args: Vec<Persistent<Value<'static>>>,
}

impl Timers {
    /// Remember one; `None` when there are too many.
    pub(super) fn add(&mut self, timer: Timer) -> Option<u32> {
        if self.by_id.len() >= MOST {
            return None;
        }
        self.last += 1;
        self.by_id.insert(self.last, timer);
        Some(self.last)
    }

    pub(super) fn remove(&mut self, id: u32) {
        self.by_id.remove(&id);
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Duration> {
        self.by_id.values().map(|timer| timer.due).min()
    }

    /// Take the first that is due; one that repeats is due again later.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<Timer> {
        let id =
            *self.by_id.iter().filter(|(_, timer)| timer.due <= now).min_by_key(|(_, timer)| timer.due)?.0;
        let timer = self.by_id.remove(&id)?;
        if let Some(every) = timer.every {
            self.by_id.insert(id, Timer { due: now + every, ..timer.clone() });
        }
        Some(timer)
    }
}

/// Timers of one run.
const MOST: usize = 256;
