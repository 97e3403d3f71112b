//! Owns the OpenID provider without HTTP: what is asked, what is granted, and what tokens say.
//! Never touches how anybody signed in.

mod api;
pub mod authorize;
mod claims;
mod client_auth;
pub mod discovery;
mod entry;
pub mod error;
mod grant;
mod heir;
mod issue;
pub mod logout;
mod pkce;
mod provider;
pub mod redirect;
mod request;
pub mod response;
mod revoke;
mod rules;
pub mod token;
pub mod userinfo;

pub use client_auth::client_of;
pub use entry::Caller;
pub use provider::OpenIdProvider;
pub use request::{AuthorizeRequest, PromptValue, ResponseMode};
