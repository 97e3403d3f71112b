//! Owns how connectors of this strategy come to be.
//! Never touches the network.

use portico_core::{
    connector::{Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Problem},
    model::Connection,
};
use serde_json::Value;
use std::sync::Arc;

/// Why no connection of this strategy can be made or used: the conversation is not written.
const ABSENT: &str = "the connector of the strategy `skeleton` is not written yet";

/// Makes connectors of the strategy `skeleton`. None can be made until the conversation is written, and none pretends.
#[derive(Clone, Copy, Debug)]
pub struct SkeletonFactory;

impl ConnectorFactory for SkeletonFactory {
    fn strategy(&self) -> &'static str {
        "skeleton"
    }

    fn check(&self, _options: &Value) -> Result<(), Vec<Problem>> {
        Err(vec![Problem { pointer: String::new(), message: ABSENT.to_owned() }])
    }

    fn build(
        &self,
        _connection: &Connection,
        _deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Connector>, ConnectorError> {
        Err(ConnectorError::Misconfigured(ABSENT.to_owned()))
    }
}
