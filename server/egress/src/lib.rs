//! Owns the one outbound HTTP client: the adapter of [`portico_core::port::http`].
//! Never touches who asks or why: every caller gets the same policy (`security.md` §3.7).

mod address;
mod allow;
mod client;
mod lookup;
mod vet;

pub use address::private;
pub use allow::{AllowEntry, NotAnEntry};
pub use client::{Egress, EgressError, EgressPolicy, Limits};
pub use lookup::{Lookup, SystemLookup};
pub use vet::{Listing, vet};
