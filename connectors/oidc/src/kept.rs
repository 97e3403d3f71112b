//! Owns keeping something that is fetched: fresh for a while, usable for longer when it cannot be fetched again, and
//! fetched by one caller at a time while the others wait or use what there is.
//! Never touches what is kept or how it is fetched.

use crate::fault::Fault;
use portico_core::time::{Clock, Timestamp};
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How long something is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// For so long it is not fetched again.
    pub(crate) fresh: Duration,
    /// For so long it is used when it cannot be fetched again (RP-24: 24 hours).
    pub(crate) usable: Duration,
    /// So long passes between attempts that are not urgent, and between [`Want::NewerThan`] ones (RP-23: one minute).
    pub(crate) pause: Duration,
}

/// What a caller wants.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want {
    /// Something that is fresh, or else usable.
    Fresh,
    /// Something newer than this generation, if it may be fetched now; otherwise the same again.
    NewerThan(u64),
}

/// Something kept.
#[derive(Debug)]
pub(crate) struct Kept<T> {
    terms: Terms,
    state: Mutex<State<T>>,
}

/// A kept value, and which one it is.
#[derive(Debug)]
pub(crate) struct Held<T> {
    pub(crate) value: Arc<T>,
    pub(crate) generation: u64,
    fetched_at: Timestamp,
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

#[derive(Debug)]
struct State<T> {
    held: Option<Held<T>>,
    attempted_at: Option<Timestamp>,
    urged_at: Option<Timestamp>,
    /// The fetch that is under way. It is over when its sender is gone: a caller that is dropped leaves no trace.
    flight: Option<watch::Receiver<Option<Fault>>>,
}

enum Move<T> {
    Use(Held<T>),
    Wait(watch::Receiver<Option<Fault>>),
    Fetch(watch::Sender<Option<Fault>>),
}

impl<T: Send + Sync> Kept<T> {
    pub(crate) const fn new(terms: Terms) -> Self {
        let state = State { held: None, attempted_at: None, urged_at: None, flight: None };
        Self { terms, state: Mutex::new(state) }
    }

    /// What is kept, fetched with `fetch` if need be.
    pub(crate) async fn get<F>(
        &self,
        want: Want,
        clock: &dyn Clock,
        fetch: impl Fn() -> F + Send + Sync,
    ) -> Result<Held<T>, Fault>
    where
        F: Future<Output = Result<T, Fault>> + Send,
    {
        loop {
            match self.next(want, clock.now()) {
                Move::Use(held) => return Ok(held),
                Move::Wait(mut flight) => {
                    // An error here says that whoever fetched was dropped: look again.
                    let _ended = flight.changed().await;
                    let fault = flight.borrow().clone();
                    if let Some(fault) = fault {
                        return self.usable(clock.now()).ok_or(fault);
                    }
                }
                Move::Fetch(flight) => {
                    let fetched = fetch().await;
                    return self.land(fetched, &flight, clock.now());
                }
            }
        }
    }

    fn next(&self, want: Want, now: Timestamp) -> Move<T> {
        let mut state = self.state();
        let held = state.held.clone();
        let enough = held.as_ref().filter(|held| match want {
            Want::Fresh => now.since(held.fetched_at) < self.terms.fresh,
            Want::NewerThan(generation) => held.generation > generation,
        });
        if let Some(held) = enough {
            return Move::Use(held.clone());
        }
        let usable = held.filter(|held| now.since(held.fetched_at) < self.terms.usable);
        let under_way = state.flight.as_ref().filter(|flight| flight.has_changed().is_ok()).cloned();
        if let Some(flight) = under_way {
            return match (want, usable) {
                (Want::Fresh, Some(held)) => Move::Use(held),
                _ => Move::Wait(flight),
            };
        }
        let pausing =
            |since: Option<Timestamp>| since.is_some_and(|since| now.since(since) < self.terms.pause);
        let (paused, attempt) = match want {
            Want::Fresh => (pausing(state.attempted_at), &mut state.attempted_at),
            Want::NewerThan(_) => (pausing(state.urged_at), &mut state.urged_at),
        };
        if let (true, Some(held)) = (paused, usable) {
            return Move::Use(held);
        }
        *attempt = Some(now);
        let (sender, receiver) = watch::channel(None);
        state.flight = Some(receiver);
        Move::Fetch(sender)
    }

    fn land(
        &self,
        fetched: Result<T, Fault>,
        flight: &watch::Sender<Option<Fault>>,
        now: Timestamp,
    ) -> Result<Held<T>, Fault> {
        let outcome = {
            let mut state = self.state();
            state.flight = None;
            fetched.map(|value| {
                let generation = state.held.as_ref().map_or(0, |held| held.generation) + 1;
                let held = Held { value: Arc::new(value), generation, fetched_at: now };
                state.held = Some(held.clone());
                held
            })
        };
        // Nobody may be waiting, which is no error.
        let _nobody = flight.send(outcome.as_ref().err().cloned());
        outcome.or_else(|fault| self.usable(now).ok_or(fault))
    }

    fn usable(&self, now: Timestamp) -> Option<Held<T>> {
        self.state().held.clone().filter(|held| now.since(held.fetched_at) < self.terms.usable)
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Rejected;
    use portico_core::testing::FakeClock;
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering::SeqCst},
    };
    use tokio::task::yield_now;

    const TERMS: Terms = Terms {
        fresh: Duration::from_mins(10),
        usable: Duration::from_hours(24),
        pause: Duration::from_mins(1),
    };

    struct Source {
        fetches: AtomicUsize,
        clock: FakeClock,
        kept: Kept<usize>,
    }

    impl Source {
        fn new() -> Self {
            Self { fetches: AtomicUsize::new(0), clock: FakeClock::default(), kept: Kept::new(TERMS) }
        }

        async fn works(&self, want: Want) -> (usize, u64) {
            let fetch = || async {
                let number = self.fetches.fetch_add(1, SeqCst) + 1;
                yield_now().await;
                Ok(number)
            };
            let held = self.kept.get(want, &self.clock, fetch).await.unwrap();
            (*held.value, held.generation)
        }

        async fn fails(&self, want: Want) -> Result<usize, &'static str> {
            let fetch = || async {
                self.fetches.fetch_add(1, SeqCst);
                yield_now().await;
                Err(Fault::Rejected(Rejected("broken")))
            };
            match self.kept.get(want, &self.clock, fetch).await {
                Ok(held) => Ok(*held.value),
                Err(Fault::Rejected(Rejected(name))) => Err(name),
                Err(other) => panic!("{other:?}"),
            }
        }

        fn fetches(&self) -> usize {
            self.fetches.load(SeqCst)
        }
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_fetch() {
        let source = Source::new();
        let (first, second, third) =
            tokio::join!(source.works(Want::Fresh), source.works(Want::Fresh), source.works(Want::Fresh));
        assert_eq!((first, second, third), ((1, 1), (1, 1), (1, 1)));
        assert_eq!(source.fetches(), 1);
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_failure_and_the_next_one_tries_again() {
        let source = Source::new();
        let (first, second) = tokio::join!(source.fails(Want::Fresh), source.fails(Want::Fresh));
        assert_eq!((first, second), (Err("broken"), Err("broken")));
        assert_eq!(source.fetches(), 1);
        assert_eq!(source.works(Want::Fresh).await, (2, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_fetched_again_is_used_for_a_day_and_asked_for_once_a_minute() {
        let source = Source::new();
        assert_eq!(source.works(Want::Fresh).await, (1, 1));
        source.clock.advance(TERMS.fresh);
        assert_eq!(source.fails(Want::Fresh).await, Ok(1));
        assert_eq!(source.fails(Want::Fresh).await, Ok(1));
        assert_eq!(source.fetches(), 2);
        source.clock.advance(TERMS.pause);
        assert_eq!(source.fails(Want::Fresh).await, Ok(1));
        assert_eq!(source.fetches(), 3);
        source.clock.advance(TERMS.usable);
        assert_eq!(source.fails(Want::Fresh).await, Err("broken"));
    }

    #[tokio::test]
    async fn something_newer_is_fetched_at_most_once_a_minute() {
        let source = Source::new();
        let (_, first) = source.works(Want::Fresh).await;
        assert_eq!(source.works(Want::NewerThan(first)).await, (2, 2));
        assert_eq!(source.works(Want::NewerThan(first)).await, (2, 2), "there is something newer");
        for _ in 0..100 {
            assert_eq!(source.works(Want::NewerThan(2)).await, (2, 2), "the same again");
        }
        assert_eq!(source.fetches(), 2);
        source.clock.advance(TERMS.pause);
        assert_eq!(source.works(Want::NewerThan(2)).await, (3, 3));
    }

    #[tokio::test]
    async fn a_caller_that_is_dropped_while_fetching_blocks_nobody() {
        let source = Source::new();
        let hangs = source.kept.get(Want::Fresh, &source.clock, pending::<Result<usize, Fault>>);
        let other = async {
            yield_now().await;
            source.works(Want::Fresh).await
        };
        tokio::pin!(other);
        {
            tokio::pin!(hangs);
            tokio::select! {
                biased;
                _ = &mut hangs => unreachable!("it hangs"),
                () = async { for _ in 0..5 { yield_now().await; } } => {}
            }
            tokio::select! {
                biased;
                _ = &mut other => unreachable!("it waits for the one that hangs"),
                () = async { for _ in 0..5 { yield_now().await; } } => {}
            }
        }
        assert_eq!(other.await, (1, 1));
    }
}
