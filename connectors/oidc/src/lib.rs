//! Owns the connectors of OpenID Connect identity providers: strategies `oidc` and `okta`.
//! Never touches users, pages or stored connections: it answers who somebody is at their identity provider.
//!
//! The confidential code flow with PKCE is the only flow. An ID token is judged twice: by `gate` and `claims`, which
//! name the check that failed, and by the library `openidconnect`, which verifies the signature.

mod authorization;
mod claims;
mod connector;
mod factory;
mod fault;
mod gate;
mod id_token;
mod kept;
mod keys;
mod mapping;
mod options;
mod provider;
mod settings;
mod tokens;
mod userinfo;

pub use factory::OidcFactory;
