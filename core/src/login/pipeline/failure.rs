//! Owns why a rule or an action did not finish, and how the log and the application hear of it.
//! Never touches what is run.

use super::Misdirected;
use crate::port::script::ScriptError;
use std::fmt;

/// A rule or an action, by name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Script {
    /// Which of the two.
    pub kind: ScriptKind,
    /// Its name.
    pub name: String,
}

/// What runs at the end of a login.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ScriptKind {
    /// A rule (contract §4.1).
    Rule,
    /// An action (contract §4.2).
    Action,
}

impl ScriptKind {
    /// Its name in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Action => "action",
        }
    }

    /// The reason code of a login that one of these denied.
    pub const fn denial(self) -> &'static str {
        match self {
            Self::Rule => "rule_denied",
            Self::Action => "action_denied",
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} `{}`", self.kind.as_str(), self.name)
    }
}

/// A rule or an action did not finish: the login fails.
#[derive(Debug, thiserror::Error)]
#[error("{by}: {failure}")]
pub struct RuleFailed {
    /// Which one.
    pub by: Script,
    /// What became of it.
    #[source]
    pub failure: RuleFailure,
}

/// What became of a rule or an action that did not finish.
#[derive(Debug, thiserror::Error)]
pub enum RuleFailure {
    /// It failed as scripts fail.
    #[error(transparent)]
    Script(ScriptError),
    /// It asked for something that Portico does not do; letting the login pass as if it had been done would be wrong.
    #[error("`{0}` is not supported")]
    NotSupported(String),
    /// It sends the browser where it may not go (JS-17).
    #[error(transparent)]
    Misdirected(Misdirected),
    /// It sent the browser away, and is not there any more.
    #[error("it was taken away while the browser was elsewhere")]
    Gone,
}

impl RuleFailed {
    /// The reason code of the log: crash, time-out and memory are different things to repair.
    pub const fn reason(&self) -> &'static str {
        let (rule, action) = match &self.failure {
            RuleFailure::NotSupported(_) => ("rule_not_supported", "action_not_supported"),
            RuleFailure::Misdirected(_) => ("rule_redirect_refused", "action_redirect_refused"),
            RuleFailure::Gone => ("rule_gone", "action_gone"),
            RuleFailure::Script(error) => match error {
                ScriptError::Syntax { .. } => ("rule_syntax", "action_syntax"),
                ScriptError::Raised { .. } => ("rule_raised", "action_raised"),
                ScriptError::TimedOut(_) => ("rule_timed_out", "action_timed_out"),
                ScriptError::OutOfMemory => ("rule_out_of_memory", "action_out_of_memory"),
                ScriptError::Silent => ("rule_silent", "action_silent"),
                ScriptError::Unusable(_) => ("rule_result_unusable", "action_result_unusable"),
                ScriptError::Busy => ("scripts_busy", "scripts_busy"),
                ScriptError::Worker(_) => ("script_worker_failed", "script_worker_failed"),
            },
        };
        match self.by.kind {
            ScriptKind::Rule => rule,
            ScriptKind::Action => action,
        }
    }

    /// What the application is told: an error's own message (contract §4.1), and else that a rule or an action failed.
    pub fn description(&self) -> String {
        match (&self.failure, self.by.kind) {
            (RuleFailure::Script(ScriptError::Raised { message, .. }), ScriptKind::Rule) => message.clone(),
            (_, ScriptKind::Rule) => "a rule of this login failed".to_owned(),
            (_, ScriptKind::Action) => "an action of this login failed".to_owned(),
        }
    }

    /// What it wrote to `console`, where that is known.
    pub fn console(&self) -> &[String] {
        match &self.failure {
            RuleFailure::Script(ScriptError::Raised { console, .. }) => console,
            RuleFailure::Script(_)
            | RuleFailure::NotSupported(_)
            | RuleFailure::Misdirected(_)
            | RuleFailure::Gone => &[],
        }
    }
}
