//! Owns what all HTTP surfaces share: layers around the router, extractors, cookies, and the voices in which errors speak.
//! Never touches what a route does.

pub mod cookies;
pub mod extract;
pub mod layer;
pub mod operations;
pub mod voice;
