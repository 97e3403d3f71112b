//! Owns the OpenID provider without HTTP: what is asked, what is granted, and what tokens say.
//! Never touches how anybody signed in.

pub mod authorize;
pub mod redirect;
mod request;
pub mod response;

pub use request::{AuthorizeRequest, PromptValue, ResponseMode};
