//! Owns journeys through a customer's own database: what a person sees, and which scripts ran in which order (contract
//! §5.2).
//! Never touches engines: scripts here do what a test decides. `really` runs real ones.

pub(crate) mod books;
mod import;
mod journeys;
mod legacy;
mod really;
