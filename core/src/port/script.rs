//! Owns the port of customers' JavaScript.
//! Never touches an engine: scripts run outside the process (`security.md` §3.8).

use super::BoxError;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

/// Runs customers' JavaScript. One implementation for production, one scripted by tests.
#[async_trait]
pub trait ScriptRuntime: Send + Sync {
    /// Compile only, so that a syntax error is shown where the script is saved.
    async fn check(&self, source: &Source) -> Result<(), ScriptError>;
    /// Call the script's single function with `args` and a Node-style callback; its non-error arguments come back.
    async fn call(&self, source: &Source, call: Call) -> Result<Outcome, ScriptError>;
}

/// A script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// What people call it; in errors and logs.
    pub name: String,
    /// Changes with every change of the text; what is compiled is kept by name and revision.
    pub revision: u64,
    /// Its text: an expression that is a function, or statements that declare one.
    pub text: Arc<str>,
}

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// The arguments before the callback.
    pub args: Vec<Value>,
    /// Names the script finds in its global scope (`configuration`), as plain data.
    pub globals: Map<String, Value>,
    /// The organization the login is for: runs of one organization are limited together.
    pub organization: Option<String>,
    /// Texts that may not come out in console lines or errors (a password, the values of `configuration`).
    pub redact: BTreeSet<String>,
    /// What it may use.
    pub limits: Limits,
    /// What it may reach.
    pub reach: Reach,
    /// Who answers what is asked with a method whose name starts with `auth0.` (`auth0.users.updateAppMetadata`). Without
    /// one, a script that asks is told that it may not.
    pub answers: Option<Arc<dyn Attendant>>,
    /// Whether the value of a promise that the function returns counts as `callback(null, value)`, where the script has
    /// not called back and can not any more, and the value is not `undefined`.
    pub promised: bool,
}

/// What a run may reach outside (`security.md` §3.8). It narrows what the operator's configuration allows, and never
/// widens it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Reach {
    /// Whose run it is, such as a connection's id: a database connection that is kept open is used by runs of the same
    /// owner alone.
    pub owner: String,
    /// The hosts it may ask, each as `host` or `host:port`; without them all that the egress policy lets through.
    pub hosts: Option<BTreeSet<String>>,
}

/// What one run may use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// Time on the clock, waiting included.
    pub wall: Duration,
    /// Time on the processor. Loops inside the engine that cannot be stopped die up to a second later.
    pub cpu: Duration,
    /// Bytes of the script's heap.
    pub memory: usize,
    /// Bytes of its stack.
    pub stack: usize,
    /// Bytes of its result, as JSON.
    pub output: usize,
}

impl Limits {
    /// For the scripts of a custom database: they wait for other machines, up to 20 s (contract §5.1), and check passwords.
    pub fn of_a_database() -> Self {
        Self { wall: Duration::from_secs(20), cpu: Duration::from_secs(1), ..Self::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(10),
            cpu: Duration::from_millis(500),
            memory: 32 << 20,
            stack: 256 << 10,
            output: 64 << 10,
        }
    }
}

/// What a run gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The callback's arguments after the error.
    pub values: Vec<Value>,
    /// What it wrote to `console`, redacted, at most 16 KiB.
    pub console: Vec<String>,
}

/// Why a run gave nothing. Each is another thing to tell the author of the script.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// It does not compile.
    #[error("syntax error at {line}:{column}: {message}")]
    Syntax {
        /// Counted from 1.
        line: u32,
        /// Counted from 1.
        column: u32,
        /// The engine's words.
        message: String,
    },
    /// It threw, rejected, or called back with an error.
    #[error("{name}: {message}")]
    Raised {
        /// The error's class, such as `UnauthorizedError`; `Error` when it had none.
        name: String,
        /// Its message, redacted, at most 1 KiB.
        message: String,
        /// The code that it carries where it is a `ValidationError` (contract §5.1): at most 64 letters, digits, `_` and `-`.
        code: Option<String>,
        /// Where it was raised, counted from 1; 0 when the engine does not say.
        line: u32,
        /// What was written to `console` before.
        console: Vec<String>,
    },
    /// It ran longer than it may: this long, on the clock or on the processor.
    #[error("it ran longer than {0:?}")]
    TimedOut(Duration),
    /// It used more memory than it may.
    #[error("it used more memory than it may")]
    OutOfMemory,
    /// It ended without calling back.
    #[error("it ended without calling back")]
    Silent,
    /// Its result is not JSON, too deep, or too large.
    #[error("its result cannot be used: {0}")]
    Unusable(String),
    /// Too many runs are waiting.
    #[error("too many scripts are running")]
    Busy,
    /// The worker died or spoke nonsense: nothing is known of the run.
    #[error("the script worker failed")]
    Worker(#[source] BoxError),
}

/// What scripts may ask of the process that started their worker. The adapter applies the egress policy
/// (`security.md` §3.7), the budgets of a run (JS-10), and keeps database connections.
pub trait ScriptHost: Send + Sync {
    /// A run asks for the first time: who answers it. All that this one holds (a connection that was lent, a query that
    /// runs) is let go of or cancelled when it is dropped, which is when the run ends.
    fn attend(&self, reach: &Reach) -> Box<dyn Attendant>;
}

/// Answers one run.
#[async_trait]
pub trait Attendant: fmt::Debug + Send + Sync {
    /// Do what `method` names, such as `http` or `pg.query`. The request and the answer are plain data.
    async fn ask(&self, method: &str, request: Value) -> Result<Value, AskError>;
}

/// Why a script does not get what it asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// It could not be done. The reason is for the log: a script is told that it failed, and no more, so that it cannot
    /// map a network by its errors (JS-10).
    #[error("the request failed")]
    Failed(#[source] BoxError),
    /// The script is told: these become the properties of its error; `message` is among them.
    #[error("a script was told: {}", Value::Object(.0.clone()))]
    Told(Map<String, Value>),
}

impl AskError {
    /// The script is told this.
    pub fn told(message: impl Into<String>) -> Self {
        Self::Told(Map::from_iter([("message".to_owned(), json!(message.into()))]))
    }
}
