//! Owns how the accounts of a custom database come to be had, and whether its scripts compile.
//! Never touches which strategy they are: `connectors/registry` knows.

use crate::{
    legacy::Legacy,
    migrating::Migrating,
    options::Options,
    scripts::{Scripts, source},
};
use portico_core::{
    connector::{Backing, ConnectorDeps, ConnectorError, Population, Problem},
    model::Connection,
    port::script::ScriptError,
};
use serde_json::Value;
use std::sync::Arc;

/// Where the accounts of a database connection are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// In the store.
    Local,
    /// In the customer's database, for good.
    Legacy,
    /// There, until their owners come; then in the store.
    Migrating,
}

/// Gives the accounts of custom databases.
#[derive(Clone, Copy, Debug, Default)]
pub struct CustomDatabases;

impl CustomDatabases {
    /// The options whose texts are nobody's to read again: scripts find them in `configuration`.
    pub const SECRET_OPTIONS: &[&str] = &["configuration"];

    /// What is wrong with the options, as far as they are about a custom database.
    pub fn check(self, options: &Value) -> Result<(), Vec<Problem>> {
        Options::parse(options).map(|_options| ())
    }

    /// Where the accounts are, as the options say.
    pub fn mode(self, options: &Value) -> Result<Mode, ConnectorError> {
        let options = Options::parse(options).map_err(misconfigured)?;
        Ok(match (options.enabled, options.import) {
            (true, true) => Mode::Migrating,
            (true, false) => Mode::Legacy,
            (false, _) => Mode::Local,
        })
    }

    /// Compile every script, so that a mistake is told where the script is saved: with its name, line and column.
    pub async fn compile(self, options: &Value, deps: &ConnectorDeps) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        for (name, text) in Options::parse(options)?.scripts {
            let Err(error) = deps.scripts.check(&source("checked", name, &text)).await else { continue };
            let key = name.key();
            let message = if let ScriptError::Syntax { line, column, message } = error {
                format!("{key}: syntax error in line {line}, column {column}: {message}")
            } else {
                format!("{key}: {error}")
            };
            problems.push(Problem { pointer: format!("/customScripts/{key}"), message });
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Whether options may come after others: where the accounts are does not change under users (contract §2.5), and the
    /// scripts' context is for good (contract §5.1).
    pub fn check_change(self, old: &Value, new: &Value, population: Population) -> Result<(), String> {
        let is_on = |options: &Value, name: &str| options.get(name).and_then(Value::as_bool) == Some(true);
        let customized = |options| is_on(options, "enabledDatabaseCustomization");
        if population == Population::Inhabited && customized(old) != customized(new) {
            return Err("This database contains users. You cannot change \
                        \"options.enabledDatabaseCustomization\" setting."
                .to_owned());
        }
        if is_on(old, "enable_script_context") && !is_on(new, "enable_script_context") {
            return Err("\"options.enable_script_context\" cannot be turned off again.".to_owned());
        }
        Ok(())
    }

    /// The accounts of a connection in this mode. `local` are those in the store, and the connection's rules.
    pub fn of(
        self,
        mode: Mode,
        connection: &Connection,
        deps: &ConnectorDeps,
        local: Arc<dyn Backing>,
    ) -> Result<Arc<dyn Backing>, ConnectorError> {
        let options = Options::parse(&connection.options).map_err(misconfigured)?;
        let scripts = Scripts { connection: connection.clone(), options, deps: deps.clone() };
        let legacy = |rules| Legacy { scripts, rules };
        Ok(match mode {
            Mode::Local => local,
            Mode::Legacy => Arc::new(legacy(local)),
            Mode::Migrating => Arc::new(Migrating { here: Arc::clone(&local), there: legacy(local) }),
        })
    }
}

fn misconfigured(problems: Vec<Problem>) -> ConnectorError {
    let problems = problems.into_iter().map(|Problem { pointer, message }| format!("{pointer} {message}"));
    ConnectorError::Misconfigured(problems.collect::<Vec<_>>().join("; "))
}
