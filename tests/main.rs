//! Everything that is tested from outside a crate.

mod architecture;
mod conformance;
mod flows;
mod management;
mod security;
mod worker;
mod world;
