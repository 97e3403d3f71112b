//! Portico's server: everything that touches the world.
//!
//! Each surface is a function `router(state) -> axum::Router` with a small state of its own; `wire` makes every part once.

pub mod adapters;
pub mod certified_keys;
pub mod cli;
pub mod config;
pub mod connectors;
pub mod edge;
pub mod gateway;
pub mod http;
pub mod kek;
pub mod keys;
pub mod login;
pub mod management;
pub mod oidc;
pub mod page;
pub mod partner;
pub mod wire;
pub mod worker;
