//! Owns the run of the actions that are bound to the end of a login (contract §4.2), one after the other.
//! Never touches what their commands do: that is `commands`.

use super::{
    Changes, Console, Pipeline, Protocol, RuleFailed, RuleFailure, RuleInput, Script, ScriptKind, Verdict,
    commands::{Ledger, Said},
    metadata::MetadataUpdates,
    run::Clocked,
};
use crate::{
    id::ActionId,
    model::BoundAction,
    port::script::{Call, Limits, ScriptError, Source},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

/// What waits while the browser is where an action sent it: the rules have run, and so have the actions before it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Suspended {
    /// The action that sent it.
    pub action: ActionId,
    /// What is to become of tokens so far.
    pub changes: Changes,
    /// What is to become of the user's metadata when all actions have run.
    pub metadata: MetadataUpdates,
    /// The `state` that the browser has to bring back: tokens that it brings with it have to name it.
    pub state: String,
}

/// Whether an action is asked for the first time, or after a journey.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Handler {
    Execute,
    Continue,
}

impl Handler {
    const fn name(self) -> &'static str {
        match self {
            Self::Execute => "onExecutePostLogin",
            Self::Continue => "onContinuePostLogin",
        }
    }
}

impl Pipeline {
    /// Run the actions, from the beginning or from the one that sent the browser away.
    pub(super) async fn act(
        &self,
        actions: &[BoundAction],
        clocked: &Clocked<'_>,
        (mut changes, resumed): (Changes, Option<(ActionId, String)>),
        metadata: &mut MetadataUpdates,
    ) -> Result<Verdict, RuleFailed> {
        let mut rest = actions;
        if let Some((id, _)) = &resumed {
            let at = actions.iter().position(|action| action.id == *id);
            let gone = || RuleFailed {
                by: Script { kind: ScriptKind::Action, name: id.to_string() },
                failure: RuleFailure::Gone,
            };
            rest = &actions[at.ok_or_else(gone)?..];
        }
        let mut state = resumed.map(|(_, state)| state);
        for action in rest {
            let by = Script { kind: ScriptKind::Action, name: action.name.clone() };
            let outcome = self.ask(action, clocked, state.take()).await;
            let (said, console) = match outcome {
                Ok((commands, console)) => {
                    let mut ledger = Ledger {
                        action: &action.name,
                        asked: clocked.input.scope,
                        changes: &mut changes,
                        metadata,
                    };
                    (ledger.carry_out(&commands).map_err(ScriptError::Unusable), console)
                }
                Err(error) => (Err(error), Vec::new()),
            };
            let failure = match said {
                Ok(Said::Deny(reason)) => return Ok(Verdict::Deny { by, reason, console }),
                Ok(Said::Invalid(message)) => return Ok(Verdict::Invalid { by, message, console }),
                Ok(Said::GoOn) => {
                    note(&mut changes, action, console);
                    continue;
                }
                Ok(Said::SendTo(url)) => {
                    note(&mut changes, action, console);
                    let metadata = std::mem::take(metadata);
                    let suspended =
                        Suspended { action: action.id.clone(), changes, metadata, state: String::new() };
                    return Ok(Verdict::Pause { by, url, suspended: Some(Box::new(suspended)) });
                }
                Ok(Said::NotSupported(what)) => RuleFailure::NotSupported(what),
                Err(error) => RuleFailure::Script(error),
            };
            return Err(RuleFailed { by, failure });
        }
        Ok(Verdict::Allow(Box::new(changes)))
    }

    /// Run one; its commands, and what it wrote to `console`.
    async fn ask(
        &self,
        action: &BoundAction,
        clocked: &Clocked<'_>,
        state: Option<String>,
    ) -> Result<(Value, Vec<String>), ScriptError> {
        let left = clocked.left()?;
        let handler = if state.is_some() { Handler::Continue } else { Handler::Execute };
        let input = clocked.input;
        let how = json!({
            "handler": handler.name(),
            "issuer": input.asked.issuer,
            "can_redirect": input.can_redirect(),
            "state": state,
            "rules": clocked.rules,
        });
        let content = &action.version.content;
        let secrets = content.secrets.iter().map(|secret| secret.value.expose().to_owned());
        let call = Call {
            args: vec![input.event(action), how],
            organization: input.organization.map(|organization| organization.id.to_string()),
            redact: secrets.filter(|value| value.len() >= super::SHORTEST_SECRET).collect(),
            limits: Limits { wall: self.limits.wall.min(left), ..self.limits },
            ..Call::default()
        };
        let outcome = self.runtime.call(&source_of(action), call).await?;
        match outcome.values.into_iter().next() {
            Some(commands) => Ok((commands, outcome.console)),
            None => Err(ScriptError::Unusable("an action's commands are missing".to_owned())),
        }
    }
}

impl RuleInput<'_> {
    /// Whether there is a browser that can be sent elsewhere, and that may be.
    fn can_redirect(&self) -> bool {
        let silent =
            self.asked.request.is_some_and(|request| request.prompts(crate::oauth::PromptValue::None));
        self.protocol != Protocol::RefreshToken && !silent
    }
}

fn note(changes: &mut Changes, action: &BoundAction, lines: Vec<String>) {
    if !lines.is_empty() {
        changes.console.push(Console { rule: action.name.clone(), lines });
    }
}

/// What is run of a deployed action. Its name is one that no rule can have, and its revision that of the version: an
/// action that was made anew under the same name is another one.
fn source_of(action: &BoundAction) -> Source {
    let version: String = action.version.id.as_str().chars().filter(|c| *c != '-').take(16).collect();
    Source {
        name: format!("actions/{}", action.name),
        revision: u64::from_str_radix(&version, 16).unwrap_or_default(),
        text: Arc::from(module_of(&action.version.content.code)),
    }
}

/// An action's text inside what runs it. It begins in the first line, so that errors name the author's lines; and it is
/// what is compiled when an action is saved.
pub(crate) fn module_of(code: &str) -> String {
    let runner: String = RUNNER.lines().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
    format!(
        "((authored, runner) => (event, how, callback) => runner(authored, event, how, callback))\
         (function (exports, module) {{{code}\n}}, {runner})"
    )
}

const RUNNER: &str = include_str!("action.js");
