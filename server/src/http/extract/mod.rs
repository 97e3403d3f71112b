//! Owns the extractors: what is read from a request, checked before anybody sees it.
//! Never touches what it is for.

pub mod bearer;
pub mod params;
