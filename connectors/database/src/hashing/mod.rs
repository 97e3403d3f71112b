//! Owns the hashing of passwords: argon2id on a bounded pool of threads.
//! Never touches where hashes are stored.

mod phc;
mod pool;

pub use phc::{Parameters, PhcError, PhcHash};
pub use pool::{HashingError, HashingPool, HashingSettings, Match, WorkDone};
