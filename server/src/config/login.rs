//! Owns the section `[login]`: how long logins may take.
//! Never touches sessions: their lifetimes are settings of the installation, in the store.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[login]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginSection {
    /// How long a person may take from the application to the application.
    pub transaction_minutes: u32,
}

impl Default for LoginSection {
    fn default() -> Self {
        Self { transaction_minutes: 10 }
    }
}

impl LoginSection {
    pub(super) fn settle(&self) -> Result<(), ConfigError> {
        if (1..=120).contains(&self.transaction_minutes) {
            return Ok(());
        }
        let problem = format!("is {}: it must be 1 to 120 minutes", self.transaction_minutes);
        Err(ConfigError::Unfit { key: "login.transaction_minutes", problem })
    }

    /// How long a person may take from the application to the application.
    pub fn transaction_lifetime(&self) -> Duration {
        Duration::from_mins(self.transaction_minutes.into())
    }
}
