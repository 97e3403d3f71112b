//! Owns the connector of SAML 2.0 identity providers: strategy `samlp`.
//! Never touches users, pages or stored connections: it answers who somebody is at their identity provider.
//!
//! A response goes one way, from bytes to a [`VerifiedAssertion`](assertion::VerifiedAssertion), in the order of
//! `security.md` §3.1. Each check has a name, and each refusal a [`Reason`](reason::Reason).

pub mod assertion;
mod decrypt;
pub mod expectations;
pub mod fault;
pub mod gate;
pub mod hardening;
pub mod judge;
pub mod key;
pub mod reason;
pub mod response;
pub mod trace;
pub mod verify;
