//! Owns which actions run at a trigger, and in which order (contract §2.9).
//! Never touches the actions themselves.

use super::{Actor, Admin, AdminError, actor::About};
use crate::{
    id::{ActionBindingId, ActionId},
    model::{Action, ActionBinding, Trigger},
    port::store::{ActionFilter, Page, StoreError, UnitOfWork},
};

/// How a request names an action.
#[derive(Clone, Debug)]
pub enum ActionRef {
    /// By its id.
    Id(ActionId),
    /// By its name.
    Name(String),
    /// By the place it has already.
    Binding(ActionBindingId),
}

/// An action at its place, as it is sent.
#[derive(Clone, Debug)]
pub struct BindingDraft {
    /// Which action.
    pub action: ActionRef,
    /// Its name for people; without one the action's.
    pub display_name: Option<String>,
}

/// An action at its place.
#[derive(Clone, Debug)]
pub struct BoundAt {
    /// The place.
    pub binding: ActionBinding,
    /// The action.
    pub action: Action,
}

impl Admin {
    /// The actions of a trigger, in their order.
    pub async fn action_bindings(&self, trigger: &str) -> Result<Vec<BoundAt>, AdminError> {
        check(trigger)?;
        let read = self.store.read(|unit| Box::pin(bound(unit, trigger)));
        Ok(read.await?)
    }

    /// Let these run at the trigger from now on, in this order, and no others.
    pub async fn bind_actions(
        &self,
        actor: &Actor,
        trigger: &str,
        drafts: Vec<BindingDraft>,
    ) -> Result<Vec<BoundAt>, AdminError> {
        check(trigger)?;
        if drafts.len() > MOST_BOUND {
            return Err(refused(format!("At most {MOST_BOUND} actions are bound to a trigger")));
        }
        let event = self.wrote(actor, "Update trigger bindings", About::resource(trigger));
        let fresh: Vec<_> = drafts.iter().map(|_| ActionBindingId::random(self.entropy.as_ref())).collect();
        let (trigger, now) = (trigger.to_owned(), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                let old = unit.actions().bindings(&trigger).await?;
                let actions = all(unit, &trigger).await?;
                let mut bindings: Vec<ActionBinding> = Vec::new();
                for (draft, fresh) in drafts.into_iter().zip(fresh) {
                    let action = named(&draft.action, &actions, &old)?;
                    if bindings.iter().any(|binding| binding.action_id == action.id) {
                        return Err(refused(format!("The action `{}` is there twice", action.name)));
                    }
                    if action.deployed.is_none() {
                        return Err(refused(format!("The action `{}` is not deployed", action.name)));
                    }
                    let before = old.iter().find(|binding| binding.action_id == action.id);
                    bindings.push(ActionBinding {
                        id: before.map_or(fresh, |before| before.id.clone()),
                        trigger_id: trigger.clone(),
                        action_id: action.id.clone(),
                        display_name: draft.display_name.unwrap_or_else(|| action.name.clone()),
                        created_at: before.map_or(now, |before| before.created_at),
                        updated_at: now,
                    });
                }
                unit.actions().bind(&trigger, &bindings).await?;
                Ok(bound(unit, &trigger).await?)
            })
        })
        .await
    }
}

async fn all(unit: &mut (dyn UnitOfWork + '_), trigger: &str) -> Result<Vec<Action>, StoreError> {
    let filter = ActionFilter { trigger: Some(trigger.to_owned()), ..ActionFilter::default() };
    unit.actions().list(&filter, &Page::first(1000)).await
}

async fn bound(unit: &mut (dyn UnitOfWork + '_), trigger: &str) -> Result<Vec<BoundAt>, StoreError> {
    let bindings = unit.actions().bindings(trigger).await?;
    if bindings.is_empty() {
        return Ok(Vec::new());
    }
    let actions = all(unit, trigger).await?;
    let of = |id: &ActionId| actions.iter().find(|action| action.id == *id).cloned();
    let bound =
        bindings.into_iter().filter_map(|binding| Some(BoundAt { action: of(&binding.action_id)?, binding }));
    Ok(bound.collect())
}

fn named<'a>(
    wanted: &ActionRef,
    actions: &'a [Action],
    old: &[ActionBinding],
) -> Result<&'a Action, AdminError> {
    let (found, name) = match wanted {
        ActionRef::Id(id) => (actions.iter().find(|action| action.id == *id), id.as_str()),
        ActionRef::Name(name) => (actions.iter().find(|action| action.name == *name), name.as_str()),
        ActionRef::Binding(id) => {
            let binding = old.iter().find(|binding| binding.id == *id);
            let action = binding.and_then(|b| actions.iter().find(|action| action.id == b.action_id));
            (action, id.as_str())
        }
    };
    found.ok_or_else(|| refused(format!("There is no action `{name}` of this trigger")))
}

/// A trigger that is not run here has no bindings; a text that is no trigger is none.
fn check(trigger: &str) -> Result<(), AdminError> {
    if KNOWN.contains(&trigger) {
        return Ok(());
    }
    Err(AdminError::missing_plain("The trigger does not exist."))
}

fn refused(why: String) -> AdminError {
    AdminError::property(why, "bindings", "The actions that will be bound to this trigger.")
}

/// Actions of a trigger (contract §3.1).
const MOST_BOUND: usize = 20;

/// What client programs ask for. Nothing can be bound but to the first: no action of another trigger can be made.
const KNOWN: [&str; 15] = [
    Trigger::POST_LOGIN,
    "credentials-exchange",
    "pre-user-registration",
    "post-user-registration",
    "post-change-password",
    "send-phone-message",
    "password-reset-post-challenge",
    "custom-phone-provider",
    "custom-email-provider",
    "custom-token-exchange",
    "event-stream",
    "password-hash-migration",
    "mcp-tool",
    "login-post-identifier",
    "signup-post-identifier",
];
