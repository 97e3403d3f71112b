//! Owns how database connectors come to be.
//! Never touches their conversation.

use crate::{Dictionary, HashingPool, Options, connector::DatabaseConnector};
use portico_core::{
    connector::{Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Problem},
    model::Connection,
};
use serde_json::Value;
use std::sync::Arc;

/// Builds connectors of the strategy `auth0`. All of them share one pool of hashing threads and one dictionary.
#[derive(Clone, Debug)]
pub struct DatabaseFactory {
    pool: Arc<HashingPool>,
    dictionary: Arc<Dictionary>,
}

impl DatabaseFactory {
    /// With this pool.
    pub fn new(pool: Arc<HashingPool>) -> Self {
        Self { pool, dictionary: Arc::new(Dictionary::built_in()) }
    }
}

impl ConnectorFactory for DatabaseFactory {
    fn strategy(&self) -> &'static str {
        "auth0"
    }

    fn check(&self, options: &Value) -> Result<(), Vec<Problem>> {
        Options::parse(options).map(|_options| ())
    }

    fn build(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Connector>, ConnectorError> {
        let options = Options::parse(&connection.options).map_err(|problems| {
            let problems: Vec<_> = problems
                .into_iter()
                .map(|Problem { pointer, message }| format!("{pointer} {message}"))
                .collect();
            ConnectorError::Misconfigured(problems.join("; "))
        })?;
        let place = [Some(&connection.name), connection.display_name.as_ref()];
        Ok(Arc::new(DatabaseConnector {
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
