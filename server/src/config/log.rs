//! Owns the section `[log]`: how the log is written.
//! Never touches what is logged.

use super::ConfigError;
use serde::{Deserialize, Serialize};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// `[log]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSection {
    /// For people or for programs.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,portico_server=debug`.
    pub level: String,
    /// How long entries of the audit log are kept in the store.
    pub audit_days: u32,
}

/// For whom a line of the log is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// People.
    #[default]
    Text,
    /// Programs: one JSON object a line.
    Json,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned(), audit_days: 400 }
    }
}

impl LogSection {
    pub(super) fn settle(&self) -> Result<(), ConfigError> {
        if self.audit_days > 0 {
            return Ok(());
        }
        let problem = "is 0: nothing could ever be looked up".to_owned();
        Err(ConfigError::Unfit { key: "log.audit_days", problem })
    }

    /// Begin to log to standard error. A second call changes nothing.
    pub fn start(&self) -> Result<(), ConfigError> {
        let filter = EnvFilter::try_new(&self.level).map_err(|error| ConfigError::Unfit {
            key: "log.level",
            problem: format!("is `{}`: {error}", self.level),
        })?;
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(std::io::stderr().is_terminal())
            .with_writer(std::io::stderr);
        let _already = match self.format {
            LogFormat::Text => builder.with_target(false).try_init(),
            LogFormat::Json => builder.json().flatten_event(true).try_init(),
        };
        Ok(())
    }
}
