//! Owns how connectors come to be: from a stored connection and the ports.
//! Never touches which strategies there are: `connectors/registry` knows.

use super::{Connector, ConnectorError};
use crate::{
    entropy::Entropy,
    model::Connection,
    port::{http::HttpClient, script::ScriptRuntime, store::Store},
    time::Clock,
};
use serde_json::Value;
use std::sync::Arc;

/// Builds connectors of one strategy. Registered once, in `connectors/registry`.
pub trait ConnectorFactory: Send + Sync {
    /// The name stored in `connection.strategy`.
    fn strategy(&self) -> &'static str;

    /// Check options when they are saved, so that a bad connection fails in the dashboard and not at login.
    fn check(&self, options: &Value) -> Result<(), Vec<Problem>>;

    /// The names of the options that no answer of the Management API may show (`client_secret`).
    fn secret_options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Build one.
    fn build(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Connector>, ConnectorError>;
}

/// All the factories there are, by strategy. `connectors/registry` is the one for production.
pub trait Factories: Send + Sync {
    /// The factory of this strategy, if the strategy is built in.
    fn factory(&self, strategy: &str) -> Option<&dyn ConnectorFactory>;
}

/// What is wrong with an option.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Which one, as a JSON pointer below `options`.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What a connector may use: ports only.
#[derive(Clone)]
pub struct ConnectorDeps {
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The way out.
    pub http: Arc<dyn HttpClient>,
    /// Customers' scripts.
    pub scripts: Arc<dyn ScriptRuntime>,
    /// The store; a connector reads it, and writes only what is its own.
    pub store: Arc<dyn Store>,
}
