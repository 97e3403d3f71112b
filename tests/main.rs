//! Everything that is tested from outside a crate.

#[cfg(test)]
mod architecture;
#[cfg(test)]
mod commands;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod management;
#[cfg(test)]
mod scripts;
#[cfg(test)]
mod security;
#[cfg(test)]
mod worker;
#[cfg(test)]
mod world;
