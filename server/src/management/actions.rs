//! Owns `/actions/actions` on the wire (contract §2.9): actions, their versions, their deployment.
//! Never touches how they run, nor in which order.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, list, text},
    gate::{Acting, Segments},
    query::Query,
};
use crate::http::voice::api::ApiFault;
use axum::{
    Json,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header::CONTENT_TYPE};
use portico_core::{
    admin::{ActionChange, Deploy, Draft, Force, SecretDraft},
    id::{ActionId, ActionVersionId},
    model::{Action, ActionContent, ActionSecret, ActionVersion, Dependency, Trigger},
    port::store::{ActionFilter, Page},
    secret::Secret,
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/actions/actions";
    const ONE: &str = "/actions/actions/{id}";
    // Scripts have up to 100 KB, and thirty secrets stand beside them.
    const SCRIPT: usize = 256 << 10;
    vec![
        Endpoint::new(Method::GET, ALL, &["read:actions"], index),
        Endpoint::new(Method::POST, ALL, &["create:actions"], create).up_to(SCRIPT),
        Endpoint::new(Method::GET, ONE, &["read:actions"], show),
        Endpoint::new(Method::PATCH, ONE, &["update:actions"], update).up_to(SCRIPT),
        Endpoint::new(Method::DELETE, ONE, &["delete:actions"], delete),
        Endpoint::new(Method::POST, "/actions/actions/{id}/deploy", &["create:actions"], deploy),
        Endpoint::new(Method::GET, "/actions/actions/{id}/versions", &["read:actions"], versions),
        Endpoint::new(Method::GET, "/actions/actions/{id}/versions/{version_id}", &["read:actions"], version),
        Endpoint::new(
            Method::POST,
            "/actions/actions/{id}/versions/{version_id}/deploy",
            &["create:actions"],
            deploy_version,
        ),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Json<Value>, ApiFault> {
    let page = query.pages()?.page();
    let filter = ActionFilter {
        name: query.text("actionName")?.map(str::to_owned),
        trigger: query.text("triggerId")?.map(str::to_owned),
        deployed: query.boolean("deployed")?,
    };
    // Nothing here comes from a marketplace.
    if query.boolean("installed")? == Some(true) {
        return Ok(enveloped("actions", &[], 0, &page));
    }
    let (rows, total) = app.admin.actions(filter, page.clone()).await?;
    let rows: Vec<_> = rows.iter().map(view).collect();
    Ok(enveloped("actions", &rows, total, &page))
}

/// Lists of actions are always in an envelope.
pub(super) fn enveloped(key: &str, rows: &[Value], total: i64, page: &Page) -> Json<Value> {
    Json(json!({ key: rows, "total": total, "page": page.skip / page.take, "per_page": page.take }))
}

async fn show(State(app): App, Segments(id): Segments<ActionId>) -> Result<Json<Value>, ApiFault> {
    Ok(Json(view(&app.admin.action(&id).await?)))
}

async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let name = fields.required(NAME, text(1..=255))?;
    let trigger = only(fields.required(TRIGGERS, list(1..=1, || trigger))?);
    let change = change(fields)?;
    let action = app.admin.create_action(&actor, (name, trigger), change).await?;
    Ok((StatusCode::CREATED, Json(view(&action))).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ActionId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let name = fields.optional(NAME, text(1..=255))?;
    let trigger = fields.optional(TRIGGERS, list(1..=1, || trigger))?.map(only);
    let change = ActionChange { name, trigger, ..change(fields)? };
    Ok(Json(view(&app.admin.update_action(&actor, &id, change).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ActionId>,
    query: Query,
) -> Result<StatusCode, ApiFault> {
    let force = if query.boolean("force")? == Some(true) { Force::Yes } else { Force::No };
    app.admin.delete_action(&actor, &id, force).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// 200 on the wire, where Auth0's specification says 202 (contract §2.9).
async fn deploy(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ActionId>,
) -> Result<Json<Value>, ApiFault> {
    let (action, version) = app.admin.deploy_action(&actor, &id).await?;
    Ok(Json(version_view(&action, &version)))
}

async fn versions(
    State(app): App,
    Segments(id): Segments<ActionId>,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let page = query.pages()?.page();
    let (action, rows, total) = app.admin.action_versions(&id, page.clone()).await?;
    let rows: Vec<_> = rows.iter().map(|version| version_view(&action, version)).collect();
    Ok(enveloped("versions", &rows, total, &page))
}

async fn version(
    State(app): App,
    Segments((id, version)): Segments<(ActionId, ActionVersionId)>,
) -> Result<Json<Value>, ApiFault> {
    let (action, version) = app.admin.action_version(&id, &version).await?;
    Ok(Json(version_view(&action, &version)))
}

async fn deploy_version(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, version)): Segments<(ActionId, ActionVersionId)>,
    request: Request,
) -> Result<Response, ApiFault> {
    let mut draft = Draft::Stay;
    // The body may be left out.
    if request.headers().contains_key(CONTENT_TYPE) {
        let mut fields = Body::from_request(request, &app).await?.fields()?;
        if fields.optional(UPDATE_DRAFT, boolean)? == Some(true) {
            draft = Draft::Follow;
        }
        fields.finish()?;
    }
    let (action, version) = app.admin.deploy_action_version(&actor, (&id, &version), draft).await?;
    Ok((StatusCode::ACCEPTED, Json(version_view(&action, &version))).into_response())
}

/// What is left of a body when name and trigger are taken out of it.
fn change(mut fields: Fields) -> Result<ActionChange, ApiFault> {
    let deploys = fields.optional(DEPLOY, boolean)?.unwrap_or(false);
    let change = ActionChange {
        name: None,
        trigger: None,
        code: fields.optional(CODE, text(0..=100_000))?,
        dependencies: fields.optional(DEPENDENCIES, list(0..=10, || dependency))?,
        runtime: fields.optional(RUNTIME, runtime)?,
        secrets: fields.optional(SECRETS, list(0..=30, || secret))?,
        deploy: if deploys { Deploy::Now } else { Deploy::Later },
    };
    // Modules of Auth0's are not built: an action that needs one would not run.
    fields.optional(MODULES, list(0..=0, || |_, _: &str, _: &str| Ok(())))?;
    fields.finish()?;
    Ok(change)
}

fn trigger(value: Value, path: &str, _what: &str) -> Result<Trigger, ApiFault> {
    let mut fields = Fields::within(value, path)?;
    let id = fields.required(("id", "An actions trigger"), text(1..=64))?;
    let version = fields.optional(("version", "The version of a trigger"), text(1..=8))?;
    // What `GET` shows beside them comes back with tools that read, change and write.
    fields.rest(&[])?;
    Ok(Trigger { id, version: version.unwrap_or_else(|| "v3".to_owned()) })
}

/// `list(1..=1, …)` has seen to it that there is one.
fn only(triggers: Vec<Trigger>) -> Trigger {
    let none = || Trigger { id: String::new(), version: String::new() };
    triggers.into_iter().next().unwrap_or_else(none)
}

fn dependency(value: Value, path: &str, _what: &str) -> Result<Dependency, ApiFault> {
    let mut fields = Fields::within(value, path)?;
    let name = fields.required(("name", "The name of an npm module"), text(1..=214))?;
    let version = fields.optional(("version", "The version of an npm module"), text(1..=64))?;
    fields.optional(("registry_url", "The registry of an npm module"), text(0..=512))?;
    fields.finish()?;
    Ok(Dependency { name, version: version.unwrap_or_else(|| "latest".to_owned()) })
}

fn secret(value: Value, path: &str, _what: &str) -> Result<SecretDraft, ApiFault> {
    let mut fields = Fields::within(value, path)?;
    let name = fields.required(("name", "The name of the particular secret"), text(1..=128))?;
    let value = fields.optional(("value", "The value of the particular secret"), text(1..=4096))?;
    fields.optional(("updated_at", "The time when the secret was last updated"), text(0..=64))?;
    fields.finish()?;
    Ok(SecretDraft { name, value: value.map(Secret::new) })
}

fn runtime(value: Value, path: &str, what: &str) -> Result<String, ApiFault> {
    let runtime = text(1..=32)(value, path, what)?;
    let plain =
        runtime.strip_prefix("node").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if plain { Ok(runtime) } else { Err(ApiFault::property("Not a Node.js runtime", path, what)) }
}

const NAME: (&str, &str) = ("name", "The name of an action.");
const TRIGGERS: (&str, &str) = ("supported_triggers", "The list of triggers that this action supports.");
const CODE: (&str, &str) = ("code", "The source code of the action.");
const DEPENDENCIES: (&str, &str) = ("dependencies", "The npm modules that this action depends on.");
const RUNTIME: (&str, &str) = ("runtime", "The Node runtime. For example: `node22`.");
const SECRETS: (&str, &str) = ("secrets", "The list of secrets that are included in an action.");
const UPDATE_DRAFT: (&str, &str) = ("update_draft", "Whether the draft becomes that version, too.");
const DEPLOY: (&str, &str) = ("deploy", "True if the action should be deployed after creation.");
const MODULES: (&str, &str) =
    ("modules", "The action modules that this action references; there are none here.");

/// An action, without the values of its secrets.
pub(super) fn view(action: &Action) -> Value {
    let mut shown = json!({
        "id": action.id,
        "name": action.name,
        "supported_triggers": [trigger_view(&action.trigger)],
        "created_at": action.created_at.iso(),
        "updated_at": action.updated_at.iso(),
        "code": action.draft.code,
        "dependencies": action.draft.dependencies,
        "runtime": action.draft.runtime,
        "status": "built",
        "secrets": secrets_view(&action.draft),
        "all_changes_deployed": action.all_changes_deployed(),
        "modules": [],
    });
    if let Some(version) = &action.deployed {
        let deployed = version_fields(version, true);
        shown["current_version"] = deployed.clone();
        shown["deployed_version"] = deployed;
    }
    shown
}

fn version_view(action: &Action, version: &ActionVersion) -> Value {
    let runs = action.deployed.as_ref().is_some_and(|deployed| deployed.id == version.id);
    let mut shown = version_fields(version, runs);
    shown["action"] = json!({
        "id": action.id,
        "name": action.name,
        "supported_triggers": [trigger_view(&action.trigger)],
        "created_at": action.created_at.iso(),
        "updated_at": action.updated_at.iso(),
        "all_changes_deployed": action.all_changes_deployed(),
    });
    shown["supported_triggers"] = json!([trigger_view(&action.trigger)]);
    shown
}

fn version_fields(version: &ActionVersion, runs: bool) -> Value {
    json!({
        "id": version.id,
        "action_id": version.action_id,
        "code": version.content.code,
        "dependencies": version.content.dependencies,
        "runtime": version.content.runtime,
        "secrets": secrets_view(&version.content),
        "status": "built",
        "number": version.number,
        "deployed": runs,
        "created_at": version.created_at.iso(),
        "updated_at": version.created_at.iso(),
        "built_at": version.created_at.iso(),
    })
}

fn trigger_view(trigger: &Trigger) -> Value {
    json!({ "id": trigger.id, "version": trigger.version })
}

fn secrets_view(content: &ActionContent) -> Vec<Value> {
    let view = |secret: &ActionSecret| json!({ "name": secret.name, "updated_at": secret.updated_at.iso() });
    content.secrets.iter().map(view).collect()
}
