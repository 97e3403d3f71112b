//! Owns the ports: what the outside must provide.
//! Never touches an implementation: those are adapters, made once in the server's `wire.rs`.

pub mod certified_keys;
pub mod http;
pub mod key_ring;
pub mod mailer;
pub mod script;
pub mod store;

/// An error whose type is nobody's business but the log's.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
