//! Owns connections: stored configurations of ways to log in.
//! Never touches the running connector that is built from one.

use crate::{
    id::{ClientId, ConnectionId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A way to log in, as it is configured. Name and strategy never change.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Connection {
    /// Its id; never used again, even for the same name (API-16).
    pub id: ConnectionId,
    /// Its unique name.
    pub name: String,
    /// Which connector it is for.
    pub strategy: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// The connector's own configuration, checked by its factory. Encrypted at rest.
    #[serde(skip)]
    pub options: Value,
    /// The applications it is enabled for, in no particular order.
    #[serde(skip)]
    pub enabled_clients: Vec<ClientId>,
    /// Names by which password grants mean it.
    pub realms: Vec<String>,
    /// Fields of the API that are kept and given back as they came (`metadata`, `show_as_button`, …).
    pub extra: Map<String, Value>,
    /// Grows with every change: connectors are kept by id and revision.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Connection {
    /// The name people see.
    pub fn title(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.name)
    }
}
