//! Owns actions: scripts of a trigger, what of them is deployed, and in which order they run.
//! Never touches how they run.

use super::Rule;
use crate::{
    id::{ActionBindingId, ActionId, ActionVersionId},
    secret::Secret,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A script of a trigger (contract §2.9, §4.2). What it says here is its draft; what runs is what was deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its id.
    pub id: ActionId,
    /// Its unique name.
    pub name: String,
    /// When it runs.
    pub trigger: Trigger,
    /// What administrators edit.
    pub draft: ActionContent,
    /// What was deployed last, if anything was.
    pub deployed: Option<ActionVersion>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

impl Action {
    /// Whether what runs is what administrators see.
    pub fn all_changes_deployed(&self) -> bool {
        self.deployed.as_ref().is_some_and(|version| version.content == self.draft)
    }
}

/// When an action runs, and in which shape it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trigger {
    /// Such as `post-login`.
    pub id: String,
    /// Such as `v3`.
    pub version: String,
}

impl Trigger {
    /// The trigger at the end of a login and of an exchange of a refresh token: the one that is run here.
    pub const POST_LOGIN: &'static str = "post-login";
}

/// What an action is made of. Encrypted at rest.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionContent {
    /// Its text: a CommonJS module that exports `onExecutePostLogin`.
    pub code: String,
    /// The packages it says it needs.
    pub dependencies: Vec<Dependency>,
    /// The Node.js it says it was written for, such as `node22`.
    pub runtime: String,
    /// What it finds in `event.secrets`. No answer shows their values.
    pub secrets: Vec<ActionSecret>,
}

/// A package that an action says it needs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A secret of an action.
#[derive(Clone, Debug)]
pub struct ActionSecret {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
    /// When it was set.
    pub updated_at: Timestamp,
}

impl PartialEq for ActionSecret {
    fn eq(&self, other: &Self) -> bool {
        let same = self.value.matches(&other.value) || self.value.is_empty() && other.value.is_empty();
        same && self.name == other.name && self.updated_at == other.updated_at
    }
}

/// What an action was when it was deployed. Never changes.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionVersion {
    /// Its id.
    pub id: ActionVersionId,
    /// Of which action.
    pub action_id: ActionId,
    /// The how manieth of the action, from 1.
    pub number: i64,
    /// What runs.
    pub content: ActionContent,
    /// When it was deployed first.
    pub created_at: Timestamp,
}

/// An action at its place among those of its trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionBinding {
    /// Its id.
    pub id: ActionBindingId,
    /// Of which trigger.
    pub trigger_id: String,
    /// Which action.
    pub action_id: ActionId,
    /// Its name for people.
    pub display_name: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// All that runs at the end of a login.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoginScripts {
    /// The enabled rules, by their order.
    pub rules: Vec<Rule>,
    /// The deployed actions that are bound to [`Trigger::POST_LOGIN`], in their order. They run after the rules.
    pub actions: Vec<BoundAction>,
}

impl LoginScripts {
    /// Whether nothing runs.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.actions.is_empty()
    }
}

/// What runs of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundAction {
    /// The action's id.
    pub id: ActionId,
    /// The action's name.
    pub name: String,
    /// What runs.
    pub version: ActionVersion,
}
