//! Owns the pool: which worker gets a run, until when it must answer, and when a worker is replaced.
//! Never touches the engine, and starts no task: a call drives its own worker.

use crate::{
    frame::{Failure, Kind, Order},
    gate::Gates,
    process::{Attendance, Broken, Report, Worker, WorkerCommand},
};
use async_trait::async_trait;
use portico_core::{
    entropy::Entropy,
    port::script::{Attendant, Call, Limits, Outcome, Reach, ScriptError, ScriptHost, ScriptRuntime, Source},
    time::{Clock, Timestamp},
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

/// Worker processes, and the runs that wait for one (`security.md` §3.8).
///
/// Every run has a fresh engine. On top of that a worker is replaced after [`ScriptPool::RUNS`] runs, after any limit it
/// hit, and after it has served a second organization; the replacement starts while nobody waits for it. What a worker
/// says is checked, and one that dies or speaks nonsense fails the run it had, and is gone.
pub struct ScriptPool {
    command: WorkerCommand,
    host: Arc<dyn ScriptHost>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    places: Semaphore,
    places_of_one: usize,
    gates: Gates,
    state: Mutex<State>,
    warned: Once,
}

#[derive(Default)]
struct State {
    idle: VecDeque<Seat>,
    /// When a worker was last replaced because it had served two organizations.
    separated_at: Option<Timestamp>,
}

/// A worker, and whom it has served.
struct Seat {
    worker: Worker,
    runs: u32,
    served: Served,
}

#[derive(PartialEq)]
enum Served {
    Nobody,
    /// An organization, or logins without one.
    One(Option<String>),
}

impl ScriptPool {
    /// Runs after which a worker is replaced.
    pub const RUNS: u32 = 100;
    /// Runs of one organization at a time, where the pool is large enough that others still find a place.
    pub const OF_ONE_ORGANIZATION: usize = 4;

    /// At most `size` runs at a time, at least 1. No process is started before it is needed; see [`ScriptPool::warm`].
    pub fn new(
        command: WorkerCommand,
        size: usize,
        host: Arc<dyn ScriptHost>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let size = size.max(1);
        Self {
            command,
            host,
            clock,
            entropy,
            places: Semaphore::new(size),
            places_of_one: Self::OF_ONE_ORGANIZATION.min(size.saturating_sub(1)).max(1),
            gates: Gates::default(),
            state: Mutex::default(),
            warned: Once::new(),
        }
    }

    /// Start a worker now, so that the first run does not wait for it. Must be called inside the async runtime.
    pub fn warm(&self) -> Result<(), ScriptError> {
        let seat = self.seat()?;
        self.state().idle.push_back(seat);
        Ok(())
    }

    async fn order(&self, order: Dispatch<'_>) -> Result<Report, ScriptError> {
        let Dispatch { kind, limits, organization, parts, reach, answers } = order;
        let patience = Instant::now() + limits.wall;
        let entry = self.gates.enter(organization.map(str::to_owned), self.places_of_one);
        let _entry = timeout_at(patience, entry).await.map_err(|_elapsed| ScriptError::Busy)??;
        let place =
            timeout_at(patience, self.places.acquire()).await.map_err(|_elapsed| ScriptError::Busy)?;
        let _place = place.map_err(|closed| ScriptError::Worker(closed.into()))?;
        let mut seat = match self.take(organization) {
            Some(seat) => seat,
            None => self.seat()?,
        };
        let id = self.entropy.bytes();
        let deadline = Instant::now() + limits.wall + GRACE;
        let attendance = Attendance { host: &*self.host, reach, answers };
        // A seat that is not given back, because this future was dropped or because of an error, is killed.
        let answer =
            timeout_at(deadline, seat.worker.order(kind, id, parts, limits.output, attendance)).await;
        let report = match answer {
            Ok(Ok(report)) => report,
            Ok(Err(Broken::ProcessorTime)) => {
                self.replace(seat);
                return Err(ScriptError::TimedOut(limits.cpu));
            }
            Ok(Err(broken)) => {
                self.replace(seat);
                return Err(ScriptError::Worker(broken.into()));
            }
            Err(_elapsed) => {
                self.replace(seat);
                return Err(ScriptError::TimedOut(limits.wall));
            }
        };
        self.warned.call_once(|| {
            for protection in seat.worker.missing() {
                tracing::warn!("script workers run without a protection: {protection}");
            }
        });
        if report.failure.as_ref().is_some_and(Failure::hit_a_limit) {
            self.replace(seat);
        } else {
            self.give_back(seat, organization);
        }
        Ok(report)
    }

    /// One that has served the same organization, else one that has served nobody, else any.
    fn take(&self, organization: Option<&str>) -> Option<Seat> {
        let mut state = self.state();
        state.idle.retain_mut(|seat| seat.worker.is_alive());
        let same = Served::One(organization.map(str::to_owned));
        let position = state
            .idle
            .iter()
            .position(|seat| seat.served == same)
            .or_else(|| state.idle.iter().position(|seat| seat.served == Served::Nobody))
            .or_else(|| (!state.idle.is_empty()).then_some(0))?;
        state.idle.remove(position)
    }

    fn give_back(&self, mut seat: Seat, organization: Option<&str>) {
        seat.runs += 1;
        let now = Served::One(organization.map(str::to_owned));
        let separate = seat.served != Served::Nobody && seat.served != now;
        seat.served = now;
        if seat.runs >= Self::RUNS {
            // Its replacement was started `EARLY` runs ago.
            return;
        }
        if separate && self.may_separate() {
            return self.replace(seat);
        }
        let early = seat.runs == Self::RUNS - EARLY;
        self.state().idle.push_front(seat);
        if early {
            self.start_spare();
        }
    }

    /// Replacing a process costs more than most runs: under load, separation by process is done this often, and
    /// separation by engine for every run as always.
    fn may_separate(&self) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        let due = state.separated_at.is_none_or(|at| now.since(at) >= SEPARATION);
        if due {
            state.separated_at = Some(now);
        }
        due
    }

    fn replace(&self, seat: Seat) {
        drop(seat);
        self.start_spare();
    }

    fn start_spare(&self) {
        match self.seat() {
            Ok(seat) => self.state().idle.push_back(seat),
            Err(error) => tracing::warn!("a script worker cannot be started: {error}"),
        }
    }

    fn seat(&self) -> Result<Seat, ScriptError> {
        let worker = Worker::start(&self.command).map_err(|broken| ScriptError::Worker(broken.into()))?;
        Ok(Seat { worker, runs: 0, served: Served::Nobody })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Dispatch<'a> {
    kind: Kind,
    limits: Limits,
    organization: Option<&'a str>,
    parts: &'a [&'a [u8]],
    reach: &'a Reach,
    answers: Option<&'a dyn Attendant>,
}

#[async_trait]
impl ScriptRuntime for ScriptPool {
    async fn check(&self, source: &Source) -> Result<(), ScriptError> {
        let limits = Limits { wall: CHECK, ..Limits::default() };
        let order = json(&Order::new(limits, BTreeSet::new(), false))?;
        let parts: &[&[u8]] = &[&order, source.text.as_bytes()];
        let reach = &Reach::default();
        let dispatch =
            Dispatch { kind: Kind::Check, limits, organization: None, parts, reach, answers: None };
        let report = self.order(dispatch).await?;
        report.failure.map_or(Ok(()), |failure| Err(failure.into_error(report.console)))
    }

    async fn call(&self, source: &Source, call: Call) -> Result<Outcome, ScriptError> {
        let Call { args, globals, organization, redact, limits, reach, answers, promised } = call;
        let order = json(&Order::new(limits, redact, promised))?;
        let (args, globals) = (json(&args)?, json(&globals)?);
        let parts: &[&[u8]] = &[&order, source.text.as_bytes(), &args, &globals];
        let (organization, answers) = (organization.as_deref(), answers.as_deref());
        let dispatch = Dispatch { kind: Kind::Run, limits, organization, parts, reach: &reach, answers };
        let report = self.order(dispatch).await?;
        let Report { failure, values, console } = report;
        match failure {
            None => Ok(Outcome { values, console }),
            Some(failure) => Err(failure.into_error(console)),
        }
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, ScriptError> {
    serde_json::to_vec(value).map_err(|error| ScriptError::Unusable(error.to_string()))
}

/// How long after a run's deadline its worker is killed: it should have stopped the script itself.
const GRACE: Duration = Duration::from_millis(250);

/// How many runs before its last one the replacement of a worker is started.
const EARLY: u32 = 5;

/// How often a worker is replaced because it has served two organizations.
const SEPARATION: Duration = Duration::from_millis(250);

/// What compiling a script may take.
const CHECK: Duration = Duration::from_secs(2);

#[cfg(test)]
mod required;
#[cfg(test)]
mod tests;
