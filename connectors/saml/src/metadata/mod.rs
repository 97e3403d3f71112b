//! Owns metadata: what identity providers publish about themselves, and what we publish about us.
//! Never touches messages.

pub(crate) mod fetch;
pub(crate) mod published;
pub mod read;
pub(crate) mod write;

/// `md:` (SAML Metadata §1.1).
pub(crate) const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// What a role that speaks SAML 2.0 says it supports.
pub(crate) const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
