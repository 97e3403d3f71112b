//! Owns how the accounts of a database connection come to be had.
//! Never touches their conversation, or which strategy they are: `connectors/registry` knows.

use crate::{Dictionary, HashingPool, Options, table::Table};
use portico_core::{
    connector::{Backing, ConnectorDeps, ConnectorError, Problem},
    model::Connection,
};
use serde_json::Value;
use std::sync::Arc;

/// Gives the accounts of database connections. All of them share one pool of hashing threads and one dictionary.
#[derive(Clone, Debug)]
pub struct Tables {
    pool: Arc<HashingPool>,
    dictionary: Arc<Dictionary>,
}

impl Tables {
    /// With this pool.
    pub fn new(pool: Arc<HashingPool>) -> Self {
        Self { pool, dictionary: Arc::new(Dictionary::built_in()) }
    }

    /// What is wrong with the options, as far as they are about accounts in the store.
    pub fn check(&self, options: &Value) -> Result<(), Vec<Problem>> {
        Options::parse(options).map(|_options| ())
    }

    /// The accounts of a connection.
    pub fn of(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Backing>, ConnectorError> {
        let options = Options::parse(&connection.options).map_err(|problems| {
            let problems: Vec<_> = problems
                .into_iter()
                .map(|Problem { pointer, message }| format!("{pointer} {message}"))
                .collect();
            ConnectorError::Misconfigured(problems.join("; "))
        })?;
        let place = [Some(&connection.name), connection.display_name.as_ref()];
        Ok(Arc::new(Table {
            connection: connection.id.clone(),
            place: place.into_iter().flatten().cloned().collect(),
            options,
            pool: Arc::clone(&self.pool),
            dictionary: Arc::clone(&self.dictionary),
            store: Arc::clone(&deps.store),
            entropy: Arc::clone(&deps.entropy),
        }))
    }
}
