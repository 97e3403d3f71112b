//! Owns the connector's notes between moves.
//! Never touches their meaning: they are opaque to the router, encrypted at rest, and never shown to the browser.

use super::ConnectorError;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A PKCE verifier, a nonce, the id of a request: whatever a connector must find again.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Memo(Value);

impl Memo {
    /// Nothing to remember.
    pub const fn none() -> Self {
        Self(Value::Null)
    }

    /// Take notes.
    pub fn write<T: Serialize>(notes: &T) -> Result<Self, ConnectorError> {
        serde_json::to_value(notes).map(Self).map_err(|_unwritable| ConnectorError::Memo)
    }

    /// Read them back.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConnectorError> {
        T::deserialize(&self.0).map_err(|_unreadable| ConnectorError::Memo)
    }
}
