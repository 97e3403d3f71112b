//! Everything that is tested from outside a crate.

mod architecture;
mod security;
#[cfg(test)]
mod conformance;
mod worker;
