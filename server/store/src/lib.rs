//! Owns storage: the SQL adapter of `portico_core::port::store`, for `SQLite` and PostgreSQL from one source of SQL.
//! Never touches what the domain decides; nothing outside this crate names a database.
//!
//! Repositories are written once, in plain SQL, on `unit::SqlUnit`, one file an aggregate. `sqlite` and `postgres`
//! decide where a unit runs and when it is durable. What is secret is sealed on its way in (`seal`).

mod actions;
mod answers;
mod certified_keys;
mod client_grants;
mod clients;
mod codes;
mod connections;
mod credentials;
mod data_keys;
mod events;
#[cfg(test)]
mod faults;
mod grants;
mod invitations;
mod jobs;
mod keys;
mod limits;
mod maintenance;
mod members;
mod migrate;
mod options;
mod organizations;
mod outbox;
#[cfg(test)]
mod plans;
mod postgres;
mod resource_servers;
mod roles;
mod rules;
mod seal;
mod sessions;
mod sql;
mod sqlite;
mod temporary;
mod tenant;
mod tickets;
mod tls;
mod transactions;
mod unit;
mod users;

pub use data_keys::Verified;
pub use maintenance::{backup, migrate, pending, restored, rewrap, verify_integrity, verify_secrets};
pub use migrate::Schema;
pub use options::StoreOptions;
pub use seal::{Kek, KekError, Keks};
pub use temporary::temporary;

use crate::{migrate::MIGRATIONS, options::Location, postgres::PostgresStore, sqlite::SqliteStore};
use portico_core::port::store::{Store, StoreError};
use std::sync::Arc;

/// Open the store that a URL names: `postgres://…`, or a file's path, which is made if there is none.
///
/// Fails if its schema lacks something and [`Schema::Require`] was asked for, and if its data keys do not unwrap under
/// the given key-encryption keys: they are never made anew (`security.md` INF-10).
pub async fn open(url: &str, options: &StoreOptions) -> Result<Arc<dyn Store>, StoreError> {
    Ok(match Location::of(url) {
        Location::File(path) => {
            Arc::new(SqliteStore::open(path, MIGRATIONS, options.schema, &options.keks).await?)
        }
        Location::Server(url) => Arc::new(PostgresStore::open(url, MIGRATIONS, options).await?),
    })
}
