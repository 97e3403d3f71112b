//! Owns the use cases behind the Management API and the dashboard, one file a resource.
//! Never touches HTTP: inputs are parsed, outputs are the model's.

pub mod bootstrap;
mod error;
mod scopes;

pub use error::AdminError;
pub use scopes::MANAGEMENT_SCOPES;
