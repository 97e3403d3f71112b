//! Owns `/organizations` on the wire (contract §2.4).
//! Never touches what hangs below one organization: those are modules of their own.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, list, object, parsed, text},
    gate::{Acting, Segments},
    list::Listing,
    organization_connections,
    query::Query,
};
use crate::http::{extract::bearer::Caller, voice::api::ApiFault};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use portico_core::{
    admin::{Change, OrganizationChange, OrganizationDraft},
    id::OrganizationId,
    model::{Branding, Color, Organization, OrganizationName},
    port::store::Direction,
};
use serde_json::{Map, Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const READ: &[&str] = &["read:organizations", "read:organizations_summary"];
    vec![
        Endpoint::new(Method::GET, "/organizations", READ, index),
        Endpoint::new(Method::POST, "/organizations", &["create:organizations"], create),
        Endpoint::new(Method::GET, "/organizations/name/{name}", &["read:organizations"], by_name),
        Endpoint::new(Method::GET, "/organizations/{id}", READ, show),
        Endpoint::new(Method::PATCH, "/organizations/{id}", &["update:organizations"], update),
        Endpoint::new(Method::DELETE, "/organizations/{id}", &["delete:organizations"], delete),
    ]
}

async fn index(State(app): App, caller: Caller, query: Query) -> Result<Response, ApiFault> {
    let paging = query.paging(&app.cursors)?;
    let direction = query.sort("created_at")?.unwrap_or(Direction::Ascending);
    let (rows, total) = app.admin.organizations(paging.directed(direction)).await?;
    let last = rows.last().map(|row| (row.created_at.0, row.id.to_string()));
    let rows = rows.iter().map(|row| seen_by(&caller, row)).collect();
    Ok(Listing::of("organizations", rows).counted(total).ending(last).answer(&paging, &app.cursors))
}

async fn show(
    State(app): App,
    caller: Caller,
    Segments(id): Segments<OrganizationId>,
) -> Result<Json<Value>, ApiFault> {
    Ok(Json(seen_by(&caller, &app.admin.organization(&id).await?)))
}

async fn by_name(State(app): App, Segments(name): Segments<String>) -> Result<Json<Value>, ApiFault> {
    // A text that cannot be a name is the name of nothing.
    let missing = || ApiFault::plain(StatusCode::NOT_FOUND, "No organization found by that id or name");
    let name = OrganizationName::parse(&name).map_err(|_not_a_name| missing())?;
    Ok(Json(view(&app.admin.organization_by_name(&name).await?)))
}

async fn create(
    State(app): App,
    caller: Caller,
    Acting(actor): Acting,
    body: Body,
) -> Result<Response, ApiFault> {
    let draft = draft(body)?;
    if !draft.connections.is_empty() {
        caller.require(&["create:organization_connections"])?;
    }
    let (organization, connections) = app.admin.create_organization(&actor, draft).await?;
    let mut shown = view(&organization);
    if !connections.is_empty() {
        let rows: Vec<_> =
            connections.iter().map(|(row, known)| organization_connections::view(row, known)).collect();
        shown["enabled_connections"] = Value::from(rows);
    }
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let change = change(body)?;
    Ok(Json(view(&app.admin.update_organization(&actor, &id, change).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_organization(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NAME: (&str, &str) =
    ("name", "The name of this organization: [a-z0-9][a-z0-9_-]{0,49}, not beginning with org_");
const DISPLAY_NAME: (&str, &str) = ("display_name", "Friendly name of this organization");
const BRANDING: (&str, &str) = ("branding", "Theme defines how to style the login pages");
const METADATA: (&str, &str) = ("metadata", "Metadata associated with the organization");

fn draft(body: Body) -> Result<OrganizationDraft, ApiFault> {
    let mut fields = body.fields()?;
    let name = fields.required(NAME, parsed("organization-name", OrganizationName::parse))?;
    let display_name = fields.optional(DISPLAY_NAME, text(1..=255))?;
    let branding = fields.optional(BRANDING, branding)?;
    let metadata = fields.optional(METADATA, object)?;
    let what = ("enabled_connections", "Connections that will be enabled for this organization");
    let connections = fields.optional(what, list(0..=10, || organization_connections::draft))?;
    let extra = extra(&mut fields)?;
    fields.finish()?;
    let connections = connections.unwrap_or_default();
    Ok(OrganizationDraft { name, display_name, branding, metadata, extra, connections })
}

fn change(body: Body) -> Result<OrganizationChange, ApiFault> {
    let mut fields = body.fields()?;
    let change = OrganizationChange {
        name: fields.optional(NAME, parsed("organization-name", OrganizationName::parse))?,
        display_name: fields.change(DISPLAY_NAME, text(1..=255))?,
        branding: fields.change(BRANDING, branding)?,
        metadata: fields.change(METADATA, object)?,
        extra: extra(&mut fields)?,
    };
    fields.finish()?;
    Ok(change)
}

/// Fields of Auth0's that mean nothing here yet; they come back as they were given.
fn extra(fields: &mut Fields) -> Result<Map<String, Value>, ApiFault> {
    let mut extra = Map::new();
    let mut keep = |name: &str, change: Change<Value>| match change {
        Change::Keep => {}
        Change::Clear => drop(extra.insert(name.to_owned(), Value::Null)),
        Change::Set(value) => drop(extra.insert(name.to_owned(), value)),
    };
    let quota = fields.change(("token_quota", "Limits of tokens"), object)?;
    keep("token_quota", map(quota, Value::Object));
    let access = fields.change(("third_party_client_access", "block or allow"), text(1..=20))?;
    keep("third_party_client_access", map(access, Value::String));
    let active = fields.change(("is_app_entitlement_active", "true or false"), boolean)?;
    keep("is_app_entitlement_active", map(active, Value::Bool));
    Ok(extra)
}

fn map<T>(change: Change<T>, make: impl FnOnce(T) -> Value) -> Change<Value> {
    match change {
        Change::Keep => Change::Keep,
        Change::Clear => Change::Clear,
        Change::Set(value) => Change::Set(make(value)),
    }
}

fn branding(value: Value, path: &str, _what: &str) -> Result<Branding, ApiFault> {
    let mut fields = Fields::within(value, path)?;
    let logo_url = fields.optional(("logo_url", "URL of logo to display on login page"), text(1..=2048))?;
    let colors = fields.optional(("colors", "Color scheme used to customize the login pages"), object)?;
    fields.finish()?;
    let Some(colors) = colors else { return Ok(Branding { logo_url, primary: None, page_background: None }) };
    let mut fields = Fields::within(Value::Object(colors), &format!("{path}.colors"))?;
    let primary =
        fields.required(("primary", "HEX Color for primary elements"), parsed("html-color", Color::parse))?;
    let background = ("page_background", "HEX Color for background");
    let page_background = fields.required(background, parsed("html-color", Color::parse))?;
    fields.finish()?;
    Ok(Branding { logo_url, primary: Some(primary), page_background: Some(page_background) })
}

/// With the scope of summaries alone, ids and names.
fn seen_by(caller: &Caller, organization: &Organization) -> Value {
    if caller.may(&["read:organizations"]) {
        return view(organization);
    }
    let mut shown = json!({ "id": organization.id, "name": organization.name });
    if let Some(display_name) = &organization.display_name {
        shown["display_name"] = json!(display_name);
    }
    shown
}

pub(super) fn view(organization: &Organization) -> Value {
    let mut shown = json!({ "id": organization.id, "name": organization.name });
    if let Some(display_name) = &organization.display_name {
        shown["display_name"] = json!(display_name);
    }
    if let Some(branding) = &organization.branding {
        let mut theme = json!({});
        if let Some(logo_url) = &branding.logo_url {
            theme["logo_url"] = json!(logo_url);
        }
        if let (Some(primary), Some(background)) = (&branding.primary, &branding.page_background) {
            theme["colors"] = json!({ "primary": primary, "page_background": background });
        }
        shown["branding"] = theme;
    }
    if let Some(metadata) = &organization.metadata {
        shown["metadata"] = json!(metadata);
    }
    for (name, value) in &organization.extra {
        shown[name.as_str()] = value.clone();
    }
    shown
}
