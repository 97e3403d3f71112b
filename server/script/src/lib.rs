//! Owns customers' JavaScript: the worker process that runs it, and the pool through which the gateway asks for runs.
//! Never touches the network or the store: what a script asks for is done by the [`ScriptHost`] of the gateway.
//!
//! ```text
//!  gateway: ScriptPool ── a socket pair, one run at a time ──► worker: `portico script-worker`
//!     │  deadline, SIGKILL, random ids                            │ rlimits, seccomp, landlock, empty environment
//!     └─ Attendant::ask ◄──── a request as plain data ────────────┘ a fresh QuickJS runtime for every run
//! ```
//!
//! Scripts never run in the gateway's address space, and no engine object leaves the worker: all that passes is JSON
//! (`security.md` §3.8).
//!
//! [`ScriptHost`]: portico_core::port::script::ScriptHost

mod frame;
mod gate;
mod pool;
mod process;
mod worker;

pub use pool::ScriptPool;
pub use process::WorkerCommand;
pub use worker::worker_main;
