//! Measures how many passwords a second the pool hashes, against bare argon2id with reused memory on as many threads.
//!
//! `cargo run --release -p portico-database --example hashing -- [seconds]`

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a measurement reads the machine's clock, speaks to a terminal, and ends when something is wrong"
)]

use argon2::{Algorithm, Argon2, Block, Params, Version};
use portico_core::entropy::SystemEntropy;
use portico_database::{HashingPool, HashingSettings, Password};
use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    let span = Duration::from_secs(seconds);
    let settings = HashingSettings::default();
    println!("{} threads, {:?}", settings.threads, settings.parameters);
    let before = processor_seconds();
    let (bare, bare_hashes) = bare(settings, span);
    let between = processor_seconds();
    let (pooled, pooled_hashes) = pooled(settings, span);
    let after = processor_seconds();
    println!("on the clock: bare argon2id {bare:.1}/s, the pool {pooled:.1}/s, ratio {:.3}", pooled / bare);
    // On a machine that does other things as well, this is the fairer comparison.
    let (bare, pooled) = (bare_hashes / (between - before), pooled_hashes / (after - between));
    println!(
        "on the processor: bare {bare:.1}/s a core, the pool {pooled:.1}/s a core, ratio {:.3}",
        pooled / bare
    );
}

/// What this process has used of the processors so far (`proc(5)`: fields 14 and 15, in hundredths of a second).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit_once(')').expect("the name is in parentheses").1.split_whitespace();
    let ticks: u32 = fields.skip(11).take(2).map(|field| field.parse::<u32>().expect("a number")).sum();
    f64::from(ticks) / 100.0
}

/// Hashes in a loop on every thread.
fn bare(settings: HashingSettings, span: Duration) -> (f64, f64) {
    let costs = settings.parameters;
    let work = move || {
        let params = Params::new(costs.memory_kib, costs.iterations, costs.parallelism, Some(32))
            .expect("the default parameters are in range");
        let mut memory = vec![Block::new(); params.block_count()];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let (mut output, mut hashes) = ([0; 32], 0_u32);
        let began = Instant::now();
        while began.elapsed() < span {
            argon2
                .hash_password_into_with_memory(
                    b"correct horse",
                    b"sixteen bytes!!!",
                    &mut output,
                    &mut memory,
                )
                .expect("the inputs are in range");
            hashes += 1;
        }
        (f64::from(hashes) / began.elapsed().as_secs_f64(), f64::from(hashes))
    };
    let threads: Vec<_> = (0..settings.threads).map(|_| thread::spawn(work)).collect();
    let rates = threads.into_iter().map(|thread| thread.join().expect("no thread panics"));
    rates.fold((0.0, 0.0), |(rate, hashes), (more, further)| (rate + more, hashes + further))
}

/// Keeps the pool busy from twice as many tasks as it has threads.
fn pooled(settings: HashingSettings, span: Duration) -> (f64, f64) {
    let pool = HashingPool::start(settings, Arc::new(SystemEntropy::default())).expect("the pool starts");
    let password = Password::parse("correct horse").expect("it is short");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let began = Instant::now();
    runtime.block_on(async {
        let mut asked: Vec<_> = (0..2 * settings.threads).map(|_| Box::pin(pool.hash(&password))).collect();
        std::future::poll_fn(|context| {
            for one in &mut asked {
                while let std::task::Poll::Ready(hash) = one.as_mut().poll(context) {
                    hash.expect("the queue has room");
                    if began.elapsed() >= span {
                        return std::task::Poll::Ready(());
                    }
                    *one = Box::pin(pool.hash(&password));
                }
            }
            std::task::Poll::Pending
        })
        .await;
    });
    let hashed = u32::try_from(pool.work_done().passwords).expect("fewer than four thousand million");
    (f64::from(hashed) / began.elapsed().as_secs_f64(), f64::from(hashed))
}
