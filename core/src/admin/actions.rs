//! Owns how administrators make, change, deploy and delete actions (contract §2.9).
//! Never touches how they run, nor their order: that is `action_bindings`.

use super::{Actor, Admin, AdminError, actor::About};
use crate::{
    id::{ActionId, ActionVersionId},
    login::pipeline::module_of,
    model::{Action, ActionContent, ActionSecret, ActionVersion, Dependency, Trigger},
    port::store::{ActionFilter, Page, UnitOfWork},
    secret::Secret,
    time::Timestamp,
};
use std::collections::BTreeSet;

/// Whether a change is deployed at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Deploy {
    /// It stays a draft.
    #[default]
    Later,
    /// It runs from now on, where the action is bound.
    Now,
}

/// A secret as it is sent: without a value, the one of that name stays as it is.
#[derive(Clone, Debug)]
pub struct SecretDraft {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Option<Secret>,
}

/// What an action is to be, as far as it is said.
#[derive(Clone, Debug, Default)]
pub struct ActionChange {
    /// Its name.
    pub name: Option<String>,
    /// When it runs.
    pub trigger: Option<Trigger>,
    /// Its text.
    pub code: Option<String>,
    /// The packages it says it needs.
    pub dependencies: Option<Vec<Dependency>>,
    /// The Node.js it says it was written for.
    pub runtime: Option<String>,
    /// Its secrets: all of them.
    pub secrets: Option<Vec<SecretDraft>>,
    /// Whether it is deployed at once.
    pub deploy: Deploy,
}

impl Admin {
    /// A page of the actions that fit, by when they were made, and how many there are.
    pub async fn actions(&self, filter: ActionFilter, page: Page) -> Result<(Vec<Action>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.actions().list(&filter, &page).await?;
                    Ok((rows, unit.actions().count(&filter).await?))
                })
            })
            .await
    }

    /// One action.
    pub async fn action(&self, id: &ActionId) -> Result<Action, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// Make one of a name and a trigger; its text must compile.
    pub async fn create_action(
        &self,
        actor: &Actor,
        (name, trigger): (String, Trigger),
        change: ActionChange,
    ) -> Result<Action, AdminError> {
        check_trigger(&trigger)?;
        self.compiles_as_action(&name, change.code.as_deref()).await?;
        let now = self.clock.now();
        let content = ActionContent {
            code: String::new(),
            dependencies: Vec::new(),
            runtime: NEWEST_RUNTIME.to_owned(),
            secrets: Vec::new(),
        };
        let mut action = Action {
            id: ActionId::random(self.entropy.as_ref()),
            name,
            trigger,
            draft: content,
            deployed: None,
            created_at: now,
            updated_at: now,
        };
        let deploy = change.deploy;
        apply(&mut action, change, now)?;
        let version = ActionVersionId::random(self.entropy.as_ref());
        let event = self.wrote(actor, "Create an action", About::resource(action.id.as_str()));
        self.write(event, move |unit| {
            Box::pin(async move {
                if unit.actions().count(&ActionFilter::default()).await? >= MOST_ACTIONS {
                    return Err(too_many());
                }
                unit.actions().insert(&action).await?;
                if deploy == Deploy::Now {
                    deployed(unit, &mut action, version, now).await?;
                }
                Ok(action)
            })
        })
        .await
        .map_err(taken)
    }

    /// Change one; its text must compile.
    pub async fn update_action(
        &self,
        actor: &Actor,
        id: &ActionId,
        change: ActionChange,
    ) -> Result<Action, AdminError> {
        if let Some(trigger) = &change.trigger {
            check_trigger(trigger)?;
        }
        self.compiles_as_action(change.name.as_deref().unwrap_or("action"), change.code.as_deref()).await?;
        let event = self.wrote(actor, "Update an action", About::resource(id.as_str()));
        let version = ActionVersionId::random(self.entropy.as_ref());
        let (id, now) = (id.clone(), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                let missing = || AdminError::missing_plain("Action not found and cannot be updated.");
                let mut action = unit.actions().find(&id).await?.ok_or_else(missing)?;
                let deploy = change.deploy;
                apply(&mut action, change, now)?;
                unit.actions().update(&action).await?;
                if deploy == Deploy::Now {
                    deployed(unit, &mut action, version, now).await?;
                }
                Ok(action)
            })
        })
        .await
        .map_err(taken)
    }

    /// Delete one with its versions. One that is bound is deleted only by `force`, which takes it out of the order.
    pub async fn delete_action(&self, actor: &Actor, id: &ActionId, force: Force) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete an action", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let action = found(unit, &id).await?;
                let bindings = unit.actions().bindings(&action.trigger.id).await?;
                if force == Force::No && bindings.iter().any(|binding| binding.action_id == id) {
                    let message =
                        "The action is bound to a trigger: take it out of the trigger's bindings first.";
                    return Err(AdminError::conflict("action_bound", message));
                }
                unit.actions().delete(&id).await?;
                Ok(())
            })
        })
        .await
    }

    /// Let the draft run from now on, where the action is bound.
    pub async fn deploy_action(
        &self,
        actor: &Actor,
        id: &ActionId,
    ) -> Result<(Action, ActionVersion), AdminError> {
        let event = self.wrote(actor, "Deploy an action", About::resource(id.as_str()));
        let version = ActionVersionId::random(self.entropy.as_ref());
        let (id, now) = (id.clone(), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut action = found(unit, &id).await?;
                let version = deployed(unit, &mut action, version, now).await?;
                Ok((action, version))
            })
        })
        .await
    }

    /// A page of an action's versions, the newest first, how many there are, and the action.
    pub async fn action_versions(
        &self,
        id: &ActionId,
        page: Page,
    ) -> Result<(Action, Vec<ActionVersion>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let action = found(unit, id).await?;
                    let rows = unit.actions().versions(id, &page).await?;
                    Ok((action, rows, unit.actions().count_versions(id).await?))
                })
            })
            .await
    }

    /// One version, and its action.
    pub async fn action_version(
        &self,
        id: &ActionId,
        version: &ActionVersionId,
    ) -> Result<(Action, ActionVersion), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move { Ok((found(unit, id).await?, found_version(unit, id, version).await?)) })
            })
            .await
    }

    /// Let an earlier version run again: it becomes the newest. With `Draft::Follow` the draft becomes it, too.
    pub async fn deploy_action_version(
        &self,
        actor: &Actor,
        (id, version): (&ActionId, &ActionVersionId),
        draft: Draft,
    ) -> Result<(Action, ActionVersion), AdminError> {
        let event = self.wrote(actor, "Deploy an action version", About::resource(id.as_str()));
        let next = ActionVersionId::random(self.entropy.as_ref());
        let (id, version, now) = (id.clone(), version.clone(), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut action = found(unit, &id).await?;
                let earlier = found_version(unit, &id, &version).await?;
                let kept = std::mem::replace(&mut action.draft, earlier.content);
                let deployed = deployed(unit, &mut action, next, now).await?;
                if draft == Draft::Stay {
                    action.draft = kept;
                }
                action.updated_at = now;
                unit.actions().update(&action).await?;
                Ok((action, deployed))
            })
        })
        .await
    }

    async fn compiles_as_action(&self, name: &str, code: Option<&str>) -> Result<(), AdminError> {
        match code {
            Some(code) => {
                self.compiles(name, &module_of(code), ("code", "The source code of the action.")).await
            }
            None => Ok(()),
        }
    }
}

/// Whether an action is deleted though it is bound.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Force {
    /// It is not.
    No,
    /// It is.
    Yes,
}

/// What becomes of the draft when an earlier version is deployed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Draft {
    /// It stays as it is.
    Stay,
    /// It becomes that version.
    Follow,
}

async fn found(unit: &mut (dyn UnitOfWork + '_), id: &ActionId) -> Result<Action, AdminError> {
    let found = unit.actions().find(id).await?;
    found.ok_or_else(|| AdminError::missing_plain("The action does not exist."))
}

async fn found_version(
    unit: &mut (dyn UnitOfWork + '_),
    id: &ActionId,
    version: &ActionVersionId,
) -> Result<ActionVersion, AdminError> {
    let found = unit.actions().version(id, version).await?;
    found.ok_or_else(|| AdminError::missing_plain("The action version does not exist."))
}

/// Make the draft the newest version, and let it run.
async fn deployed(
    unit: &mut (dyn UnitOfWork + '_),
    action: &mut Action,
    id: ActionVersionId,
    now: Timestamp,
) -> Result<ActionVersion, AdminError> {
    let newest = unit.actions().versions(&action.id, &Page::first(1)).await?;
    let version = ActionVersion {
        id,
        action_id: action.id.clone(),
        number: newest.first().map_or(0, |newest| newest.number) + 1,
        content: action.draft.clone(),
        created_at: now,
    };
    unit.actions().insert_version(&version, MOST_VERSIONS).await?;
    action.deployed = Some(version.clone());
    unit.actions().update(action).await?;
    Ok(version)
}

fn apply(action: &mut Action, change: ActionChange, now: Timestamp) -> Result<(), AdminError> {
    let ActionChange { name, trigger, code, dependencies, runtime, secrets, deploy: _ } = change;
    action.name = name.unwrap_or_else(|| action.name.clone());
    if let Some(trigger) = trigger {
        action.trigger = trigger;
    }
    let draft = &mut action.draft;
    if let Some(code) = code {
        draft.code = code;
    }
    if let Some(dependencies) = dependencies {
        draft.dependencies = dependencies;
    }
    if let Some(runtime) = runtime {
        draft.runtime = runtime;
    }
    if let Some(secrets) = secrets {
        draft.secrets = settled(secrets, &draft.secrets, now)?;
    }
    action.updated_at = now;
    Ok(())
}

/// The secrets as they will be: those without a value stay as they are.
fn settled(
    drafts: Vec<SecretDraft>,
    old: &[ActionSecret],
    now: Timestamp,
) -> Result<Vec<ActionSecret>, AdminError> {
    let names: BTreeSet<_> = drafts.iter().map(|draft| draft.name.as_str()).collect();
    if names.len() < drafts.len() {
        return Err(refused("A secret is there twice", "secrets"));
    }
    let settle = |SecretDraft { name, value }| {
        let before = old.iter().find(|secret| secret.name == name);
        match (value, before) {
            (None, Some(before)) => Ok(before.clone()),
            (Some(value), Some(before)) if before.value.matches(&value) => Ok(before.clone()),
            (Some(value), _) => Ok(ActionSecret { name, value, updated_at: now }),
            (None, None) => Err(refused("A new secret needs a value", "secrets")),
        }
    };
    drafts.into_iter().map(settle).collect()
}

fn refused(why: &str, property: &str) -> AdminError {
    AdminError::property(why, property, "The list of secrets that are included in an action.")
}

/// Only what runs can be made: an action of another trigger would never do anything.
fn check_trigger(trigger: &Trigger) -> Result<(), AdminError> {
    if trigger.id == Trigger::POST_LOGIN && matches!(trigger.version.as_str(), "v2" | "v3") {
        return Ok(());
    }
    let why = format!("No action runs at {} {}: only at post-login v2 and v3", trigger.id, trigger.version);
    let what = "The list of triggers that this action supports.";
    Err(AdminError::property(why, "supported_triggers", what))
}

fn too_many() -> AdminError {
    let message = "You reached the limit of entities of this type for this tenant.";
    AdminError::Forbidden { code: "too_many_entities", message: message.to_owned() }
}

fn taken(error: AdminError) -> AdminError {
    error.taken("actions_name_key", "action_conflict", "An action with the same name already exists.")
}

/// Actions of an installation (contract §3.1).
const MOST_ACTIONS: i64 = 100;

/// Versions of an action that are kept (contract §3.1).
const MOST_VERSIONS: i64 = 50;

/// The runtime that an action says it was written for, when it does not say.
const NEWEST_RUNTIME: &str = "node22";
