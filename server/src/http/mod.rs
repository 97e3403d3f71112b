//! Owns what every surface shares in speaking HTTP: layers around the router.
//! Never touches what a route does.

pub mod layer;
