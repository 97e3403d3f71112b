//! Owns the connector of SAML 2.0 identity providers: strategy `samlp`.
//! Never touches users, pages or stored connections: it answers who somebody is at their identity provider.
//!
//! A response goes one way, from bytes to a [`VerifiedAssertion`](assertion::VerifiedAssertion), in the order of
//! `security.md` §3.1. Each check has a name, and each refusal a [`Reason`](reason::Reason).

pub mod assertion;
mod authn_request;
mod connector;
mod decrypt;
pub mod expectations;
mod factory;
mod farewell;
pub mod fault;
pub mod gate;
pub mod hardening;
pub mod judge;
pub mod key;
mod logout;
mod mapping;
mod message;
pub mod metadata;
mod options;
mod party;
mod pool;
pub mod posted;
pub mod query;
pub mod reason;
pub mod response;
pub mod settings;
mod signing;
#[cfg(test)]
mod testing;
pub mod trace;
pub mod verify;
mod xml;

pub use factory::SamlFactory;

#[cfg(test)]
mod tests;
