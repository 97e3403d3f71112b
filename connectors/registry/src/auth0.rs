//! Owns the strategy `auth0`: where its accounts are is looked at here, and nowhere else.
//! Never touches the accounts.

use async_trait::async_trait;
use portico_core::{
    connector::{
        Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Conversation, Population, Problem,
    },
    model::Connection,
};
use portico_custom_database::{CustomDatabases, Mode};
use portico_database::{HashingPool, Tables};
use serde_json::Value;
use std::sync::Arc;

/// Builds connectors of database connections: over our own table, over a customer's scripts, or over both in turn.
#[derive(Clone, Debug)]
pub struct Auth0Factory {
    tables: Tables,
    custom: CustomDatabases,
}

impl Auth0Factory {
    /// Passwords are hashed in this pool.
    pub fn new(pool: Arc<HashingPool>) -> Self {
        Self { tables: Tables::new(pool), custom: CustomDatabases }
    }
}

#[async_trait]
impl ConnectorFactory for Auth0Factory {
    fn strategy(&self) -> &'static str {
        "auth0"
    }

    fn check(&self, options: &Value) -> Result<(), Vec<Problem>> {
        let problems = [self.tables.check(options), self.custom.check(options)];
        let problems: Vec<_> = problems.into_iter().filter_map(Result::err).flatten().collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn check_change(&self, old: &Value, new: &Value, population: Population) -> Result<(), String> {
        self.custom.check_change(old, new, population)
    }

    fn secret_options(&self) -> &'static [&'static str] {
        CustomDatabases::SECRET_OPTIONS
    }

    async fn complete(&self, options: Value, deps: &ConnectorDeps) -> Result<Value, Vec<Problem>> {
        self.custom.compile(&options, deps).await?;
        Ok(options)
    }

    fn build(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Connector>, ConnectorError> {
        let local = self.tables.of(connection, deps)?;
        let backing = match self.custom.mode(&connection.options)? {
            Mode::Local => local,
            mode @ (Mode::Legacy | Mode::Migrating) => self.custom.of(mode, connection, deps, local)?,
        };
        Ok(Arc::new(Conversation::new(backing)))
    }
}
