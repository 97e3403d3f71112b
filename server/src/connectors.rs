//! Owns running connectors: each is built once from its connection, and again when the connection changes.
//! Never touches what a connector does.

use async_trait::async_trait;
use dashmap::DashMap;
use portico_core::{
    connector::{Connector, ConnectorDeps, ConnectorError, Factories, Problem, Renewal},
    id::ConnectionId,
    login::Connectors,
    model::Connection,
};
use serde_json::Value;
use std::sync::Arc;

/// Connectors by connection and revision.
pub struct LiveConnectors {
    factories: Arc<dyn Factories>,
    deps: ConnectorDeps,
    built: DashMap<ConnectionId, (i64, Arc<dyn Connector>)>,
}

impl LiveConnectors {
    /// Over these factories, which get these ports.
    pub fn new(factories: Arc<dyn Factories>, deps: ConnectorDeps) -> Self {
        Self { factories, deps, built: DashMap::new() }
    }
}

#[async_trait]
impl Connectors for LiveConnectors {
    async fn get(&self, id: &ConnectionId) -> Result<Arc<dyn Connector>, ConnectorError> {
        let found =
            self.deps.store.read(|unit| Box::pin(async move { unit.connections().find(id).await })).await?;
        let Some(connection) = found else {
            self.built.remove(id);
            return Err(ConnectorError::Misconfigured(format!("connection `{id}` does not exist")));
        };
        self.of(&connection)
    }

    fn of(&self, connection: &Connection) -> Result<Arc<dyn Connector>, ConnectorError> {
        let id = &connection.id;
        let kept =
            self.built.get(id).filter(|kept| kept.0 == connection.revision).map(|kept| Arc::clone(&kept.1));
        if let Some(connector) = kept {
            return Ok(connector);
        }
        let factory = self.factories.factory(&connection.strategy).ok_or_else(|| {
            ConnectorError::Misconfigured(format!(
                "no connector serves the strategy `{}`",
                connection.strategy
            ))
        })?;
        let connector = factory.build(connection, &self.deps)?;
        self.built.insert(id.clone(), (connection.revision, Arc::clone(&connector)));
        Ok(connector)
    }

    async fn complete(&self, strategy: &str, options: Value) -> Result<Value, Vec<Problem>> {
        match self.factories.factory(strategy) {
            Some(factory) => factory.complete(options, &self.deps).await,
            None => Ok(options),
        }
    }

    async fn renew(&self, connection: &Connection) -> Result<Option<Renewal>, ConnectorError> {
        match self.factories.factory(&connection.strategy) {
            Some(factory) => factory.renew(connection, &self.deps).await,
            None => Ok(None),
        }
    }
}
