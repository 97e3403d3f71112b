//! Owns the section `[scripts]`: what customers' JavaScript may use.
//! Never touches scripts.

use super::ConfigError;
use portico_core::login::pipeline::Places;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[scripts]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptsSection {
    /// Scripts that run at the same time, each in a process of its own; 0 for four for each core. A process is started
    /// when it is first needed.
    pub workers: usize,
    /// HTTP requests that one run of a script may make (JS-10).
    pub requests: u32,
    /// Database statements that one run of a script may make.
    pub statements: u32,
    /// Databases that scripts may reach though they are private or on odd ports, each as `host:port`. Public ones on the
    /// usual ports they may reach without.
    pub databases: Vec<String>,
    /// The folder with `package.json` and `node_modules` in which the operator has installed packages for scripts.
    pub modules_dir: Option<PathBuf>,
    /// Where rules and actions may send a browser, besides the origins that applications have registered (JS-17): each
    /// `https://host[:port]`, `https://*.domain`, or `*` for every https address.
    pub redirects: Vec<String>,
}

impl ScriptsSection {
    pub(super) fn settle(&self) -> Result<(), ConfigError> {
        self.places().map(drop)
    }

    /// Where rules and actions may send a browser.
    pub fn places(&self) -> Result<Places, ConfigError> {
        Places::parse(&self.redirects).map_err(|problem| ConfigError::Unfit {
            key: "scripts.redirects",
            problem: format!("does not fit: {problem}"),
        })
    }
}

impl Default for ScriptsSection {
    fn default() -> Self {
        Self {
            workers: 0,
            requests: 5,
            statements: 50,
            databases: Vec::new(),
            modules_dir: None,
            redirects: Vec::new(),
        }
    }
}
