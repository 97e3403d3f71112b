//! Portico's domain, and the ports through which it meets the world.
//!
//! This crate is pure: it opens no socket, no file and no database, and starts no task. Time comes from
//! [`time::Clock`], randomness from [`entropy::Entropy`], and everything else from [`port`].
//! Decisions are functions of their inputs; refusals are values, failures are errors.

pub mod account;
pub mod admin;
pub mod connector;
pub mod email;
pub mod entropy;
pub mod id;
pub mod jose;
pub mod login;
pub mod model;
pub mod oauth;
pub mod port;
pub mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;
pub mod watch;
