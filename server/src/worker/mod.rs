//! Owns everything that runs beside requests, and how it is stopped: the only place that spawns.
//! Never touches requests.

mod stop;

pub use stop::{Stop, Stopper};
