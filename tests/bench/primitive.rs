//! Owns the raw primitives that figures are compared with, by the CPU time of one of them.
//! Never touches the gateway.

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// A hash as the gateway makes them by default, in memory that is used again.
pub(crate) struct Argon {
    argon: Argon2<'static>,
    memory: Vec<Block>,
}

impl Argon {
    /// With the gateway's defaults.
    pub(crate) fn new() -> Result<Self> {
        let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| anyhow!("{error}"))?;
        let memory = vec![Block::new(); params.block_count()];
        Ok(Self { argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), memory })
    }

    /// The CPU time of so many.
    pub(crate) fn hashes(&mut self, count: u32) -> Result<Duration> {
        let before = thread_time();
        for number in 0..count {
            let salt = [number.to_le_bytes(); 4].concat();
            self.argon
                .hash_password_into_with_memory(b"a password", &salt, &mut [0; 32], &mut self.memory)
                .map_err(|error| anyhow!("{error}"))?;
        }
        Ok(thread_time().saturating_sub(before))
    }
}

/// A signature of a token: RS256 with a key of 2048 bits.
pub(crate) struct Rsa {
    key: KeyPair,
    random: SystemRandom,
}

impl Rsa {
    /// With a new key.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { key: KeyPair::generate(KeySize::Rsa2048)?, random: SystemRandom::new() })
    }

    /// The CPU time of so many.
    pub(crate) fn signatures(&self, count: u32) -> Result<Duration> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        let before = thread_time();
        for number in 0..count {
            let message = [number.to_le_bytes(); 200].concat();
            self.key.sign(&RSA_PKCS1_SHA256, &self.random, &message, &mut signature)?;
        }
        Ok(thread_time().saturating_sub(before))
    }
}

/// The CPU time of this thread.
fn thread_time() -> Duration {
    time(ClockId::ThreadCPUTime)
}

/// The CPU time of this process.
pub(crate) fn process_time() -> Duration {
    time(ClockId::ProcessCPUTime)
}

fn time(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let (seconds, nanoseconds) = (time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0));
    Duration::new(seconds, nanoseconds)
}
