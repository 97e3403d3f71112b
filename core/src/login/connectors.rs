//! Owns the port through which a running connector is had for a stored connection.
//! Never touches how connectors are built or kept: that is the server's.

use crate::{
    connector::{Connector, ConnectorError, Problem, Renewal},
    id::ConnectionId,
    model::Connection,
};
use async_trait::async_trait;
use serde_json::Value;
use std::sync::Arc;

/// Gives the running connector of a connection, as the connection is configured now.
#[async_trait]
pub trait Connectors: Send + Sync {
    /// The connector of this connection; [`ConnectorError::Misconfigured`] when there is no such connection, or
    /// nothing can be built of its options.
    async fn get(&self, id: &ConnectionId) -> Result<Arc<dyn Connector>, ConnectorError>;

    /// The same for a connection that was read just now: the store is not asked again.
    fn of(&self, connection: &Connection) -> Result<Arc<dyn Connector>, ConnectorError>;

    /// Put what the other side publishes into checked options, before they are saved
    /// ([`ConnectorFactory::complete`](crate::connector::ConnectorFactory::complete)).
    async fn complete(&self, strategy: &str, options: Value) -> Result<Value, Vec<Problem>>;

    /// Look again at what the other side publishes
    /// ([`ConnectorFactory::renew`](crate::connector::ConnectorFactory::renew)).
    async fn renew(&self, connection: &Connection) -> Result<Option<Renewal>, ConnectorError>;
}
