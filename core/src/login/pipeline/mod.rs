//! Owns the rule pipeline: which rules run, in which order, for how long, and what their results may change.
//! Never touches JavaScript: that is behind [`ScriptRuntime`].

mod changes;
mod input;
mod places;

pub use changes::{Changes, Console, IgnoredEdit, is_our_word, is_profile};
pub use input::{Method, Protocol, RuleInput, RuleRequest};
pub use places::{Misdirected, NotAPlace, Places};

use crate::{
    model::{Rule, RuleConfig},
    port::script::{Call, Limits, Outcome, ScriptError, ScriptRuntime, Source},
    time::Clock,
};
use changes::{Draft, Unacceptable};
use serde_json::{Map, Value};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Runs rules at the end of a login (contract §4.1). A struct, not a port: it has one implementation, over the
/// runtime's port.
pub struct Pipeline {
    runtime: Arc<dyn ScriptRuntime>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl Pipeline {
    /// What all rules of one login may take together (contract §4.1).
    pub const TOTAL: Duration = Duration::from_secs(20);

    /// Over this runtime, with these limits for each rule.
    pub fn new(runtime: Arc<dyn ScriptRuntime>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { runtime, clock, limits }
    }

    /// Run the enabled rules by ascending order; each sees the user and the context that its predecessor left.
    ///
    /// The first denial or failure ends it, and nothing that earlier rules changed has an effect. `rules` may hold
    /// disabled ones and need not be sorted. `configs` is what rules find in `configuration`.
    pub async fn run(
        &self,
        rules: &[Rule],
        configs: &[RuleConfig],
        input: RuleInput<'_>,
    ) -> Result<Verdict, RuleFailed> {
        let mut rules: Vec<&Rule> = rules.iter().filter(|rule| rule.enabled).collect();
        rules.sort_by_key(|rule| rule.order);
        let mut draft = Draft::new(&input);
        let organization = input.organization.map(|organization| organization.id.to_string());
        let globals = Map::from_iter([("configuration".to_owned(), configuration(configs))]);
        let redact: BTreeSet<String> = configs
            .iter()
            .map(|config| config.value.expose().to_owned())
            .filter(|value| value.len() >= SHORTEST_SECRET)
            .collect();
        let begun = self.clock.now();
        for rule in rules {
            let left = Self::TOTAL.saturating_sub(self.clock.now().since(begun));
            if left.is_zero() {
                return Err(RuleFailed::of(rule, RuleFailure::Script(ScriptError::TimedOut(Self::TOTAL))));
            }
            let source = Source {
                name: rule.name.clone(),
                revision: u64::try_from(rule.revision).unwrap_or_default(),
                text: Arc::from(rule.script.as_str()),
            };
            let call = Call {
                args: draft.arguments(),
                globals: globals.clone(),
                organization: organization.clone(),
                redact: redact.clone(),
                limits: Limits { wall: self.limits.wall.min(left), ..self.limits },
                ..Call::default()
            };
            match self.runtime.call(&source, call).await {
                Ok(outcome) => {
                    accept(&mut draft, rule, outcome).map_err(|failure| RuleFailed::of(rule, failure))?;
                }
                Err(ScriptError::Raised { name, message, console, .. }) if name == DENIAL => {
                    return Ok(Verdict::Deny { rule: rule.name.clone(), reason: message, console });
                }
                Err(error) => return Err(RuleFailed::of(rule, RuleFailure::Script(error))),
            }
        }
        Ok(match draft.redirect() {
            Some((by, url)) => Verdict::Pause { by, url },
            None => Verdict::Allow(Box::new(draft.finish())),
        })
    }
}

fn configuration(configs: &[RuleConfig]) -> Value {
    let values =
        configs.iter().map(|config| (config.key.clone(), Value::from(config.value.expose().to_owned())));
    Value::Object(values.collect())
}

fn accept(draft: &mut Draft, rule: &Rule, outcome: Outcome) -> Result<(), RuleFailure> {
    let mut values = outcome.values.into_iter();
    match (values.next(), values.next()) {
        (Some(Value::Object(user)), Some(Value::Object(context))) => {
            draft.take(&rule.name, user, context, outcome.console).map_err(|refused| match refused {
                Unacceptable::NotSupported(what) => RuleFailure::NotSupported(what),
                Unacceptable::Malformed(what) => RuleFailure::Script(ScriptError::Unusable(what)),
            })
        }
        // JS-11: a result that could mean several things is a failure.
        _ => Err(RuleFailure::Script(ScriptError::Unusable(
            "a rule ends with callback(null, user, context)".to_owned(),
        ))),
    }
}

/// What the rules say.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Go on, with these changes to the tokens.
    Allow(Box<Changes>),
    /// A rule called back with an `UnauthorizedError`.
    Deny {
        /// Which one.
        rule: String,
        /// Its message: the application is told (contract §4.1).
        reason: String,
        /// What it wrote to `console`.
        console: Vec<String>,
    },
    /// The browser is to go elsewhere first (contract §4.1, `context.redirect`): all rules ran, and none denied.
    Pause {
        /// Which rule says so.
        by: String,
        /// Where to: not looked at yet ([`Places::target`]).
        url: String,
    },
}

/// A rule did not finish: the login fails.
#[derive(Debug, thiserror::Error)]
#[error("rule `{rule}`: {failure}")]
pub struct RuleFailed {
    /// The rule's name.
    pub rule: String,
    /// What became of it.
    #[source]
    pub failure: RuleFailure,
}

/// What became of a rule that did not finish.
#[derive(Debug, thiserror::Error)]
pub enum RuleFailure {
    /// It failed as scripts fail.
    #[error(transparent)]
    Script(ScriptError),
    /// It asked for something that Portico does not do; letting the login pass as if it had been done would be wrong.
    #[error("`{0}` is not supported")]
    NotSupported(&'static str),
    /// It sends the browser where it may not go (JS-17).
    #[error(transparent)]
    Misdirected(Misdirected),
}

impl RuleFailed {
    fn of(rule: &Rule, failure: RuleFailure) -> Self {
        Self { rule: rule.name.clone(), failure }
    }

    /// The reason code of the log: crash, time-out and memory are different things to repair.
    pub const fn reason(&self) -> &'static str {
        match &self.failure {
            RuleFailure::NotSupported(_) => "rule_not_supported",
            RuleFailure::Misdirected(_) => "rule_redirect_refused",
            RuleFailure::Script(error) => match error {
                ScriptError::Syntax { .. } => "rule_syntax",
                ScriptError::Raised { .. } => "rule_raised",
                ScriptError::TimedOut(_) => "rule_timed_out",
                ScriptError::OutOfMemory => "rule_out_of_memory",
                ScriptError::Silent => "rule_silent",
                ScriptError::Unusable(_) => "rule_result_unusable",
                ScriptError::Busy => "scripts_busy",
                ScriptError::Worker(_) => "script_worker_failed",
            },
        }
    }

    /// What the application is told: an error's own message (contract §4.1), and else that a rule failed.
    pub fn description(&self) -> String {
        match &self.failure {
            RuleFailure::Script(ScriptError::Raised { message, .. }) => message.clone(),
            RuleFailure::Script(_) | RuleFailure::NotSupported(_) | RuleFailure::Misdirected(_) => {
                "a rule of this login failed".to_owned()
            }
        }
    }

    /// What the failed rule wrote to `console`, where that is known.
    pub fn console(&self) -> &[String] {
        match &self.failure {
            RuleFailure::Script(ScriptError::Raised { console, .. }) => console,
            RuleFailure::Script(_) | RuleFailure::NotSupported(_) | RuleFailure::Misdirected(_) => &[],
        }
    }
}

/// The class of error that denies (contract §4.1).
const DENIAL: &str = "UnauthorizedError";

/// Values of `configuration` that are shorter than this (`true`, `1`) are not secrets: blacking them out would spoil logs.
const SHORTEST_SECRET: usize = 6;

#[cfg(test)]
mod tests;
