//! Owns how many calls an application may make, and the headers that say so (contract §1.11, `security.md` API-12).
//! Never touches limits of other surfaces: those are in the store. This one is a node's own, and counts by application,
//! not by token.

use crate::http::voice::api::{ApiFault, RESET};
use http::{HeaderMap, HeaderName, HeaderValue};
use portico_core::{
    id::ClientId,
    time::{Clock, Timestamp},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Calls that fit at once.
const BURST: u32 = 1000;
/// After how long there is room for one more: 50 a second.
const PERIOD: Duration = Duration::from_millis(20);
/// How many applications are remembered before those with a full allowance are forgotten.
const REMEMBERED: usize = 4096;

/// Counts calls by GCRA: a theoretical arrival time for each application, and one for everybody unknown.
pub(super) struct Rate {
    clock: Arc<dyn Clock>,
    arrivals: Mutex<BTreeMap<Option<ClientId>, Timestamp>>,
}

/// What is left after a call was counted.
pub(super) struct Allowance {
    /// The answer, if there was no room.
    pub(super) refused: Option<ApiFault>,
    remaining: u128,
    reset: Timestamp,
}

impl Rate {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, arrivals: Mutex::default() }
    }

    pub(super) fn charge(&self, client: Option<&ClientId>) -> Allowance {
        let now = self.clock.now();
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        if arrivals.len() > REMEMBERED {
            arrivals.retain(|_, arrival| *arrival > now);
        }
        let arrival = arrivals.entry(client.cloned()).or_insert(now);
        let busy = (*arrival).max(now);
        let room = PERIOD * BURST;
        let next = busy.plus(PERIOD);
        if next.since(now) > room {
            let until = next.minus(room);
            let text = "Too many requests. Check the X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset \
                        headers.";
            return Allowance { refused: Some(ApiFault::too_many(text, until)), remaining: 0, reset: until };
        }
        *arrival = next;
        let left = room.saturating_sub(next.since(now));
        Allowance { refused: None, remaining: left.as_millis() / PERIOD.as_millis(), reset: next }
    }
}

impl Allowance {
    pub(super) fn note(&self, headers: &mut HeaderMap) {
        let remaining = HeaderValue::from(u64::try_from(self.remaining).unwrap_or(u64::MAX));
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(BURST));
        headers.entry(HeaderName::from_static("x-ratelimit-remaining")).or_insert(remaining);
        headers.entry(RESET).or_insert(HeaderValue::from(self.reset.seconds() + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::testing::FakeClock;

    #[test]
    fn api_12_an_application_has_one_allowance_however_many_tokens_it_has() {
        let clock = Arc::new(FakeClock::default());
        let rate = Rate::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let one = ClientId::parse("one").unwrap();
        for _ in 0..BURST {
            assert!(rate.charge(Some(&one)).refused.is_none());
        }
        assert!(rate.charge(Some(&one)).refused.is_some());
        assert!(rate.charge(Some(&ClientId::parse("two").unwrap())).refused.is_none());
        assert!(rate.charge(None).refused.is_none());
        clock.advance(PERIOD);
        assert!(rate.charge(Some(&one)).refused.is_none(), "there is room for one more");
        assert!(rate.charge(Some(&one)).refused.is_some());
    }

    #[test]
    fn the_headers_are_whole_numbers() {
        let rate = Rate::new(Arc::new(FakeClock::default()));
        let mut headers = HeaderMap::new();
        rate.charge(None).note(&mut headers);
        assert_eq!(headers["x-ratelimit-limit"], "1000");
        assert_eq!(headers["x-ratelimit-remaining"], "999");
        assert!(headers["x-ratelimit-reset"].to_str().unwrap().parse::<i64>().is_ok());
    }
}
