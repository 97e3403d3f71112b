//! Owns the OpenID provider without HTTP: what is asked, what is granted, and what tokens say.
//! Never touches how anybody signed in.

mod request;

pub use request::{AuthorizeRequest, PromptValue, ResponseMode};
