//! Everything that is tested from outside a crate.

mod architecture;
mod conformance;
mod flows;
mod security;
mod worker;
mod world;
