//! Owns the connector of the strategy `skeleton`.
//! Never touches users, pages or stored connections: it answers who somebody is.

mod factory;

pub use factory::SkeletonFactory;
