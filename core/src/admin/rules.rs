//! Owns what administrators do with rules, and with the configuration they read.
//! Never touches how rules run.

use super::{Actor, Admin, AdminError, actor::About};
use crate::{
    id::RuleId,
    model::{Rule, RuleConfig},
    port::{
        script::{ScriptError, Source},
        store::{Page, UnitOfWork},
    },
    secret::Secret,
};
use std::sync::Arc;

/// A rule to be.
#[derive(Clone, Debug)]
pub struct RuleDraft {
    /// Its unique name.
    pub name: String,
    /// Its text.
    pub script: String,
    /// Where it stands; the last place when it is not said.
    pub order: Option<i64>,
    /// Whether it runs.
    pub enabled: bool,
}

/// What is to become of a rule.
#[derive(Clone, Debug, Default)]
pub struct RuleChange {
    /// Its unique name.
    pub name: Option<String>,
    /// Its text.
    pub script: Option<String>,
    /// Where it stands.
    pub order: Option<i64>,
    /// Whether it runs.
    pub enabled: Option<bool>,
}

impl Admin {
    /// A page of the rules by their order, all or only the enabled or disabled ones, and how many there are.
    pub async fn rules(&self, enabled: Option<bool>, page: Page) -> Result<(Vec<Rule>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.rules().list(enabled, &page).await?;
                    Ok((rows, unit.rules().count(enabled).await?))
                })
            })
            .await
    }

    /// One rule.
    pub async fn rule(&self, id: &RuleId) -> Result<Rule, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// Make one; its script must compile.
    pub async fn create_rule(&self, actor: &Actor, draft: RuleDraft) -> Result<Rule, AdminError> {
        check_name(&draft.name)?;
        self.compiles(&draft.name, &draft.script, SCRIPT).await?;
        let mut rule = Rule {
            id: RuleId::random(self.entropy.as_ref()),
            name: draft.name,
            script: draft.script,
            order: 0,
            enabled: draft.enabled,
            revision: 1,
            created_at: self.clock.now(),
        };
        let event = self.wrote(actor, "Create a rule", About::resource(rule.id.as_str()));
        self.write(event, move |unit| {
            Box::pin(async move {
                rule.order = match draft.order {
                    Some(order) => order,
                    None => unit.rules().next_order().await?,
                };
                unit.rules().insert(&rule).await?;
                Ok(rule)
            })
        })
        .await
        .map_err(taken)
    }

    /// Change one.
    pub async fn update_rule(
        &self,
        actor: &Actor,
        id: &RuleId,
        change: RuleChange,
    ) -> Result<Rule, AdminError> {
        if let Some(name) = &change.name {
            check_name(name)?;
        }
        if let Some(script) = &change.script {
            self.compiles(change.name.as_deref().unwrap_or("rule"), script, SCRIPT).await?;
        }
        let event = self.wrote(actor, "Update a rule", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut rule = found(unit, &id).await?;
                rule.name = change.name.unwrap_or(rule.name);
                if let Some(script) = change.script.filter(|script| *script != rule.script) {
                    rule.script = script;
                    rule.revision += 1;
                }
                rule.order = change.order.unwrap_or(rule.order);
                rule.enabled = change.enabled.unwrap_or(rule.enabled);
                unit.rules().update(&rule).await?;
                Ok(rule)
            })
        })
        .await
        .map_err(taken)
    }

    /// Delete one. Nothing happens if there is none.
    pub async fn delete_rule(&self, actor: &Actor, id: &RuleId) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete a rule", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.rules().delete(&id).await?;
                Ok(())
            })
        })
        .await
    }

    /// The names of what rules are configured with; their values are never shown (contract §2.9).
    pub async fn rule_config_keys(&self) -> Result<Vec<String>, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let configs = unit.rules().configs().await?;
                    Ok(configs.into_iter().map(|config| config.key).collect())
                })
            })
            .await
    }

    /// Set a value that rules find in `configuration`.
    pub async fn set_rule_config(&self, actor: &Actor, key: &str, value: Secret) -> Result<(), AdminError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-@*+:".contains(&byte);
        if !(1..=127).contains(&key.len()) || !key.bytes().all(plain) {
            return Err(AdminError::Invalid {
                code: "invalid_uri",
                message: format!(
                    "Path validation error: 'String does not match pattern ^[A-Za-z0-9_\\-@*+:]*$: {key}' on \
                     property key (Key of the rules config variable)."
                ),
            });
        }
        let event = self.wrote(actor, "Set a rules config", About::resource(key));
        let config = RuleConfig { key: key.to_owned(), value };
        self.write(event, move |unit| Box::pin(async move { Ok(unit.rules().set_config(&config).await?) }))
            .await
    }

    /// Remove a value. Nothing happens if there is none.
    pub async fn delete_rule_config(&self, actor: &Actor, key: &str) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete a rules config", About::resource(key));
        let key = key.to_owned();
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.rules().delete_config(&key).await?;
                Ok(())
            })
        })
        .await
    }

    /// Whether a script compiles; `property` is what it is in the request.
    pub(super) async fn compiles(
        &self,
        name: &str,
        script: &str,
        (property, what): (&str, &str),
    ) -> Result<(), AdminError> {
        let source = Source { name: name.to_owned(), revision: 0, text: Arc::from(script) };
        let why = match self.scripts.check(&source).await {
            Ok(()) => return Ok(()),
            Err(ScriptError::Syntax { line, column, message }) => {
                format!("Syntax error in line {line}, column {column}: {message}")
            }
            Err(ScriptError::Busy) => return Err(AdminError::Busy),
            Err(error @ (ScriptError::Worker(_) | ScriptError::Silent)) => {
                return Err(AdminError::Script(error));
            }
            Err(error) => format!("The script cannot be used: {error}"),
        };
        Err(AdminError::property(why, property, what))
    }
}

async fn found(unit: &mut (dyn UnitOfWork + '_), id: &RuleId) -> Result<Rule, AdminError> {
    unit.rules().find(id).await?.ok_or_else(|| AdminError::missing("inexistent_rule", "Rule not found."))
}

fn taken(error: AdminError) -> AdminError {
    error.taken("rules_name_key", "rule_conflict", "A rule with the same name already exists.").taken(
        "rules_position_key",
        "rule_conflict",
        "A rule with the same order already exists.",
    )
}

/// Letters, digits, hyphens and spaces, the first and the last a letter or digit.
fn check_name(name: &str) -> Result<(), AdminError> {
    let bytes = name.as_bytes();
    let ends = [bytes.first(), bytes.last()].iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-');
    if ends && bytes.len() <= 255 && bytes.iter().all(plain) {
        return Ok(());
    }
    Err(AdminError::property(
        format!("String does not match pattern ^[a-zA-Z0-9]([ \\-a-zA-Z0-9]*[a-zA-Z0-9])?$: {name}"),
        "name",
        "Name of this rule",
    ))
}

const SCRIPT: (&str, &str) = ("script", "A script that contains the rule's code");
