//! Owns the fakes that tests of every crate share.
//! Never touches production: the feature `testing` is on in tests alone.

use crate::{
    entropy::Entropy,
    time::{Clock, Timestamp},
};
use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    time::Duration,
};

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// It shows this instant.
    pub const fn at(instant: Timestamp) -> Self {
        Self(AtomicI64::new(instant.0))
    }

    /// Let time pass.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX), SeqCst);
    }
}

impl Default for FakeClock {
    /// 2026-11-24T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp(1_795_521_600_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(SeqCst))
    }
}

/// "Randomness" that repeats from a seed: tests only, it is no secret.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// From this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Default for SeededEntropy {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            // SplitMix64, one step a byte.
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, SeqCst);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = x.to_le_bytes()[7];
        }
    }
}
