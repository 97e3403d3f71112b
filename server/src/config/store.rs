//! Owns the section `[store]`: where data is.
//! Never touches the database.

use super::SecretText;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[store]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// `postgres://…`, or a file's path; absent, `portico.db` in the data folder. A secret: it may hold a password.
    pub database_url: Option<SecretText>,
    /// A file that holds it.
    pub database_url_file: Option<PathBuf>,
    /// PostgreSQL: connections in each of the two pools.
    pub pool: usize,
    /// PostgreSQL: how long to wait for a connection.
    pub pool_wait_seconds: u64,
    /// PostgreSQL: certificates to trust, in PEM, instead of the public authorities.
    pub root_certificates: Option<PathBuf>,
}

impl Default for StoreSection {
    fn default() -> Self {
        Self {
            database_url: None,
            database_url_file: None,
            pool: 16,
            pool_wait_seconds: 5,
            root_certificates: None,
        }
    }
}
