//! Owns the outer voices of errors, one for each kind of reader: an OAuth client, an API client, a person.
//! Never touches what went wrong inside: each voice has one table from inner errors.

pub mod api;
pub mod oauth;
pub mod page;
