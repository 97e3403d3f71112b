//! The accounts of custom database connections (strategy `auth0` with `enabledDatabaseCustomization`): kept by a customer,
//! reached by scripts of theirs; and the accounts of connections that bring such users over as they come.
//!
//! Scripts run behind a port, outside this process. Nothing is written here but the log entry of a script that failed:
//! what comes back is stored by whoever asked.

mod factory;
mod legacy;
mod migrating;
mod options;
mod profile;
mod scripts;

pub use factory::{CustomDatabases, Mode};
