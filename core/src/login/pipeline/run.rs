//! Owns one run of the pipeline: the rules, then the actions, within the time that all of them have together.
//! Never touches what a script gives back: `changes` and `commands` do.

use super::{
    Pipeline, RuleFailed, RuleFailure, RuleInput, Script, ScriptKind, Verdict,
    acting::Suspended,
    changes::{Changes, Draft, Unacceptable},
    metadata::{MetadataUpdates, OwnUser},
};
use crate::{
    model::{LoginScripts, Rule, RuleConfig},
    port::script::{Call, Limits, Outcome, ScriptError, Source},
    time::{Clock, Timestamp},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// What came of a run.
#[derive(Debug)]
pub struct Ran {
    /// What the scripts say.
    pub verdict: Result<Verdict, RuleFailed>,
    /// What is to be stored of what they changed of the user's metadata, whatever they say.
    pub metadata: MetadataUpdates,
}

/// A run, and since when.
pub(super) struct Clocked<'r> {
    pub(super) input: &'r RuleInput<'r>,
    /// The ids of the rules that run.
    pub(super) rules: Vec<&'r str>,
    clock: &'r dyn Clock,
    begun: Timestamp,
}

impl Clocked<'_> {
    /// What is left of the time.
    pub(super) fn left(&self) -> Result<Duration, ScriptError> {
        let left = Pipeline::TOTAL.saturating_sub(self.clock.now().since(self.begun));
        if left.is_zero() { Err(ScriptError::TimedOut(Pipeline::TOTAL)) } else { Ok(left) }
    }
}

/// What the rules say.
enum Ruled {
    /// Go on to the actions.
    GoOn(Changes),
    /// It ends here.
    Over(Verdict),
}

impl Pipeline {
    /// Run the enabled rules by ascending order, each with the user and the context that its predecessor left, and then
    /// the actions in theirs; or, after a journey that an action sent the browser on, go on with that action.
    ///
    /// The first denial or failure ends it, and nothing that was changed before has an effect on tokens. `scripts.rules`
    /// may hold disabled ones and need not be sorted. `configs` is what rules find in `configuration`.
    pub async fn run(
        &self,
        scripts: &LoginScripts,
        configs: &[RuleConfig],
        input: &RuleInput<'_>,
        from: Option<Suspended>,
    ) -> Ran {
        let user = Arc::new(OwnUser::new(input.user));
        let mut of_actions = MetadataUpdates::default();
        let mut rules: Vec<&Rule> = scripts.rules.iter().filter(|rule| rule.enabled).collect();
        rules.sort_by_key(|rule| rule.order);
        let ids = rules.iter().map(|rule| rule.id.as_str()).collect();
        let clocked = Clocked { input, rules: ids, clock: &*self.clock, begun: self.clock.now() };
        let verdict = async {
            let start = match from {
                Some(Suspended { action, changes, metadata, state }) => {
                    of_actions = metadata;
                    (changes, Some((action, state)))
                }
                None => match self.rule(&rules, configs, &clocked, &user).await? {
                    Ruled::GoOn(changes) => (changes, None),
                    Ruled::Over(verdict) => return Ok(verdict),
                },
            };
            self.act(&scripts.actions, &clocked, start, &mut of_actions).await
        };
        let verdict = verdict.await;
        // What rules ask for is done at once; what actions ask for when their trigger is over (contract §4.1, §4.2).
        let mut metadata = user.updates();
        if verdict.is_ok() {
            metadata.extend(of_actions);
        }
        Ran { verdict, metadata }
    }

    async fn rule(
        &self,
        rules: &[&Rule],
        configs: &[RuleConfig],
        clocked: &Clocked<'_>,
        user: &Arc<OwnUser>,
    ) -> Result<Ruled, RuleFailed> {
        let input = clocked.input;
        let mut draft = Draft::new(input);
        let organization = input.organization.map(|organization| organization.id.to_string());
        let globals = Map::from_iter([
            ("configuration".to_owned(), configuration(configs)),
            ("auth0".to_owned(), ourselves(input.asked.issuer)),
        ]);
        let redact: BTreeSet<String> = configs
            .iter()
            .map(|config| config.value.expose().to_owned())
            .filter(|value| value.len() >= super::SHORTEST_SECRET)
            .collect();
        for rule in rules {
            let failed = |failure| RuleFailed { by: name_of(rule), failure };
            let left = clocked.left().map_err(|error| failed(RuleFailure::Script(error)))?;
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
                answers: Some(Arc::<OwnUser>::clone(user)),
                ..Call::default()
            };
            match self.runtime.call(&source, call).await {
                Ok(outcome) => accept(&mut draft, rule, outcome).map_err(failed)?,
                Err(ScriptError::Raised { name, message, console, .. }) if name == DENIAL => {
                    return Ok(Ruled::Over(Verdict::Deny { by: name_of(rule), reason: message, console }));
                }
                Err(error) => return Err(failed(RuleFailure::Script(error))),
            }
        }
        Ok(match draft.redirect() {
            Some((by, url)) => {
                let by = Script { kind: ScriptKind::Rule, name: by };
                Ruled::Over(Verdict::Pause { by, url, suspended: None })
            }
            None => Ruled::GoOn(draft.finish()),
        })
    }
}

fn name_of(rule: &Rule) -> Script {
    Script { kind: ScriptKind::Rule, name: rule.name.clone() }
}

/// What rules find in `auth0` beside its calls. There is no `accessToken`: a rule reaches the user who signs in by
/// `auth0.users`, and nobody else.
fn ourselves(issuer: &str) -> Value {
    let domain = issuer.split_once("://").map_or(issuer, |(_, rest)| rest).trim_end_matches('/');
    json!({ "domain": domain, "baseUrl": format!("{issuer}api/v2") })
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
                Unacceptable::NotSupported(what) => RuleFailure::NotSupported(what.to_owned()),
                Unacceptable::Malformed(what) => RuleFailure::Script(ScriptError::Unusable(what)),
            })
        }
        // JS-11: a result that could mean several things is a failure.
        _ => Err(RuleFailure::Script(ScriptError::Unusable(
            "a rule ends with callback(null, user, context)".to_owned(),
        ))),
    }
}

/// The class of error that denies (contract §4.1).
const DENIAL: &str = "UnauthorizedError";
