//! Owns `/actions/triggers` on the wire (contract §2.9): which triggers there are, and what is bound to them.
//! Never touches the actions themselves.

use super::{
    App, Endpoint,
    actions::{enveloped, view},
    body::{Body, Fields, choice, list, text},
    gate::{Acting, Segments},
    query::Query,
};
use crate::http::voice::api::ApiFault;
use axum::{Json, extract::State};
use http::Method;
use portico_core::{
    admin::{ActionRef, BindingDraft, BoundAt},
    id::{ActionBindingId, ActionId},
    model::Trigger,
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const BINDINGS: &str = "/actions/triggers/{trigger}/bindings";
    vec![
        Endpoint::new(Method::GET, "/actions/triggers", &["read:actions"], index),
        Endpoint::new(Method::GET, BINDINGS, &["read:actions"], bindings),
        Endpoint::new(Method::PATCH, BINDINGS, &["update:actions"], bind),
    ]
}

/// The one that is run here.
async fn index() -> Json<Value> {
    Json(json!({ "triggers": [{
        "id": Trigger::POST_LOGIN,
        "version": "v3",
        "status": "CURRENT",
        "runtimes": ["node18-actions", "node18", "node22"],
        "default_runtime": "node22",
        "binding_policy": "trigger-bound",
        "compatible_triggers": [],
    }] }))
}

async fn bindings(
    State(app): App,
    Segments(trigger): Segments<String>,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let page = query.pages()?.page();
    let all = app.admin.action_bindings(&trigger).await?;
    let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let (skip, take) = (usize::try_from(page.skip), usize::try_from(page.take));
    let (skip, take) = (skip.unwrap_or_default(), take.unwrap_or_default());
    let rows: Vec<_> = all.iter().skip(skip).take(take).map(bound_view).collect();
    Ok(enveloped("bindings", &rows, total, &page))
}

async fn bind(
    State(app): App,
    Acting(actor): Acting,
    Segments(trigger): Segments<String>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let what = ("bindings", "The actions that will be bound to this trigger.");
    let drafts = fields.required(what, list(0..=20, || binding))?;
    fields.finish()?;
    let bound = app.admin.bind_actions(&actor, &trigger, drafts).await?;
    Ok(Json(json!({ "bindings": bound.iter().map(bound_view).collect::<Vec<_>>() })))
}

#[derive(Clone, Copy)]
enum RefType {
    Id,
    Name,
    Binding,
}

const REF_TYPES: &[(&str, RefType)] =
    &[("action_id", RefType::Id), ("action_name", RefType::Name), ("binding_id", RefType::Binding)];

fn binding(value: Value, path: &str, _what: &str) -> Result<BindingDraft, ApiFault> {
    let mut fields = Fields::within(value, path)?;
    let display_name = fields.optional(("display_name", "The name of the binding"), text(1..=255))?;
    let place = format!("{path}.ref");
    let reference = fields.required(("ref", "A reference to an action"), |value, _, _| Ok(value))?;
    fields.rest(&[])?;
    let mut reference = Fields::within(reference, &place)?;
    let what = ("type", "How the action is being referred to");
    let kind = reference.required(what, choice(REF_TYPES))?;
    let value = reference.required(("value", "The id or name of an action"), text(1..=255))?;
    reference.finish()?;
    let not_an_id = || ApiFault::property("Not an id", &place, "The id of an action or of a binding");
    let action = match kind {
        RefType::Id => ActionRef::Id(ActionId::parse(value).map_err(|_other| not_an_id())?),
        RefType::Name => ActionRef::Name(value),
        RefType::Binding => ActionRef::Binding(ActionBindingId::parse(value).map_err(|_other| not_an_id())?),
    };
    Ok(BindingDraft { action, display_name })
}

fn bound_view(bound: &BoundAt) -> Value {
    let BoundAt { binding, action } = bound;
    json!({
        "id": binding.id,
        "trigger_id": binding.trigger_id,
        "action": view(action),
        "display_name": binding.display_name,
        "created_at": binding.created_at.iso(),
        "updated_at": binding.updated_at.iso(),
    })
}
