//! Owns how connectors come to be: from a stored connection and the ports.
//! Never touches which strategies there are: `connectors/registry` knows.

use super::{Connector, ConnectorError};
use crate::{
    entropy::Entropy,
    model::{Connection, EventKind},
    port::{
        certified_keys::CertifiedKeyRing,
        http::HttpClient,
        script::{Limits, ScriptRuntime},
        store::Store,
    },
    time::Clock,
};
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::sync::Arc;
use url::Url;

/// Builds connectors of one strategy. Registered once, in `connectors/registry`.
#[async_trait]
pub trait ConnectorFactory: Send + Sync {
    /// The name stored in `connection.strategy`.
    fn strategy(&self) -> &'static str;

    /// Check options when they are saved, so that a bad connection fails in the dashboard and not at login.
    fn check(&self, options: &Value) -> Result<(), Vec<Problem>>;

    /// Check a change of options that passed [`check`](Self::check): some cannot be changed any more. The error is a
    /// sentence.
    fn check_change(&self, _old: &Value, _new: &Value, _population: Population) -> Result<(), String> {
        Ok(())
    }

    /// The names of the options that no answer of the Management API may show (`client_secret`).
    fn secret_options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Put what the other side publishes into options that passed [`check`](Self::check), before they are saved. A problem
    /// is one of the option that says where it is published.
    async fn complete(&self, options: Value, _deps: &ConnectorDeps) -> Result<Value, Vec<Problem>> {
        Ok(options)
    }

    /// Look again at what the other side publishes, and at what of it ends soon. The worker asks regularly; `None` when
    /// there is nothing to keep and nothing to tell.
    async fn renew(
        &self,
        _connection: &Connection,
        _deps: &ConnectorDeps,
    ) -> Result<Option<Renewal>, ConnectorError> {
        Ok(None)
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

/// Whether a connection has users.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Population {
    /// It has none.
    Empty,
    /// It has some.
    Inhabited,
}

/// What is wrong with an option.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Which one, as a JSON pointer below `options`.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What became of a connection when somebody looked again.
#[derive(Clone, Debug, PartialEq)]
pub struct Renewal {
    /// Its options from now on.
    pub options: Value,
    /// What the log is told in the same unit of work.
    pub notices: Vec<Notice>,
}

/// Something about a connection that administrators should know.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What the log calls it.
    pub kind: EventKind,
    /// In words.
    pub description: String,
    /// The particulars.
    pub details: Map<String, Value>,
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
    /// What one run of a script may use.
    pub script_limits: Limits,
    /// Our issuer, with its trailing slash: where our own addresses are.
    pub issuer: Url,
    /// Our key pairs with certificates.
    pub certified_keys: Arc<dyn CertifiedKeyRing>,
    /// The store; a connector reads it, and writes only what is its own.
    pub store: Arc<dyn Store>,
}
