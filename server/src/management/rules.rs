//! Owns `/rules` and `/rules-configs` on the wire (contract §2.9).
//! Never touches how rules run.

use super::{
    App, Endpoint,
    body::{Body, boolean, choice, integer, text},
    gate::{Acting, Segments},
    list::Listing,
    query::Query,
};
use crate::http::voice::api::ApiFault;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use portico_core::{
    admin::{RuleChange, RuleDraft},
    id::RuleId,
    model::Rule,
    secret::Secret,
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    // Scripts have up to 100 KB.
    const SCRIPT: usize = 128 << 10;
    vec![
        Endpoint::new(Method::GET, "/rules", &["read:rules"], index),
        Endpoint::new(Method::POST, "/rules", &["create:rules"], create).up_to(SCRIPT),
        Endpoint::new(Method::GET, "/rules/{id}", &["read:rules"], show),
        Endpoint::new(Method::PATCH, "/rules/{id}", &["update:rules"], update).up_to(SCRIPT),
        Endpoint::new(Method::DELETE, "/rules/{id}", &["delete:rules"], delete),
        Endpoint::new(Method::GET, "/rules-configs", &["read:rules_configs"], config_index),
        Endpoint::new(Method::PUT, "/rules-configs/{key}", &["update:rules_configs"], set_config),
        Endpoint::new(Method::DELETE, "/rules-configs/{key}", &["delete:rules_configs"], delete_config),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let fields = query.fields()?;
    let (rows, total) = app.admin.rules(query.boolean("enabled")?, paging.page()).await?;
    let rows = rows.iter().map(|row| {
        let mut row = view(row);
        fields.apply(&mut row);
        row
    });
    let rows = rows.collect();
    Ok(Listing::of("rules", rows).counted(total).answer(&paging, &app.cursors))
}

async fn show(
    State(app): App,
    Segments(id): Segments<RuleId>,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let fields = query.fields()?;
    let mut shown = view(&app.admin.rule(&id).await?);
    fields.apply(&mut shown);
    Ok(Json(shown))
}

async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let draft = RuleDraft {
        name: fields.required(NAME, text(1..=255))?,
        script: fields.required(SCRIPT, text(1..=100_000))?,
        order: fields.optional(ORDER, integer(0..=i64::from(i32::MAX)))?,
        enabled: fields.optional(ENABLED, boolean)?.unwrap_or(true),
    };
    fields.optional(STAGE, choice(STAGES))?;
    fields.finish()?;
    let rule = app.admin.create_rule(&actor, draft).await?;
    Ok((StatusCode::CREATED, Json(view(&rule))).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<RuleId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let change = RuleChange {
        name: fields.optional(NAME, text(1..=255))?,
        script: fields.optional(SCRIPT, text(1..=100_000))?,
        order: fields.optional(ORDER, integer(0..=i64::from(i32::MAX)))?,
        enabled: fields.optional(ENABLED, boolean)?,
    };
    fields.optional(STAGE, choice(STAGES))?;
    fields.finish()?;
    Ok(Json(view(&app.admin.update_rule(&actor, &id, change).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<RuleId>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_rule(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Names only (contract §2.9).
async fn config_index(State(app): App) -> Result<Json<Vec<Value>>, ApiFault> {
    let keys = app.admin.rule_config_keys().await?;
    Ok(Json(keys.into_iter().map(|key| json!({ "key": key })).collect()))
}

/// The one answer that holds the value: it says back what was sent.
async fn set_config(
    State(app): App,
    Acting(actor): Acting,
    Segments(key): Segments<String>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let value = fields.required(("value", "Value for a rules config variable"), text(0..=10_000))?;
    fields.finish()?;
    app.admin.set_rule_config(&actor, &key, Secret::new(value.clone())).await?;
    Ok(Json(json!({ "key": key, "value": value })))
}

async fn delete_config(
    State(app): App,
    Acting(actor): Acting,
    Segments(key): Segments<String>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_rule_config(&actor, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NAME: (&str, &str) = ("name", "Name of this rule");
const SCRIPT: (&str, &str) = ("script", "Code to be executed when this rule runs");
const ORDER: (&str, &str) = ("order", "Order that this rule should execute in relative to other rules");
const ENABLED: (&str, &str) = ("enabled", "Whether the rule is enabled");
const STAGE: (&str, &str) = ("stage", "Execution stage of this rule: login_success");
const STAGES: &[(&str, ())] = &[("login_success", ())];

fn view(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "name": rule.name,
        "script": rule.script,
        "order": rule.order,
        "stage": "login_success",
        "enabled": rule.enabled,
    })
}
