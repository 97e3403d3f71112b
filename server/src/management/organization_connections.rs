//! Owns an organization's connections on the wire: `enabled_connections`, and the newer `connections`, two views of one
//! table (contract §2.4).
//! Never touches connections themselves.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, choice, parsed, text},
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
    admin::{OrganizationConnectionChange, OrganizationConnectionDraft},
    id::{ConnectionId, OrganizationId},
    model::{Connection, OrganizationConnection},
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const READ: &[&str] = &["read:organization_connections"];
    const CREATE: &[&str] = &["create:organization_connections"];
    const UPDATE: &[&str] = &["update:organization_connections"];
    const DELETE: &[&str] = &["delete:organization_connections"];
    const OLD: &str = "/organizations/{id}/enabled_connections";
    const OLD_ONE: &str = "/organizations/{id}/enabled_connections/{connection_id}";
    const NEW: &str = "/organizations/{id}/connections";
    const NEW_ONE: &str = "/organizations/{id}/connections/{connection_id}";
    vec![
        Endpoint::new(Method::GET, OLD, READ, index),
        Endpoint::new(Method::POST, OLD, CREATE, create),
        Endpoint::new(Method::GET, OLD_ONE, READ, show),
        Endpoint::new(Method::PATCH, OLD_ONE, UPDATE, update),
        Endpoint::new(Method::DELETE, OLD_ONE, DELETE, delete),
        Endpoint::new(Method::GET, NEW, READ, new_index),
        Endpoint::new(Method::POST, NEW, CREATE, new_create),
        Endpoint::new(Method::GET, NEW_ONE, READ, new_show),
        Endpoint::new(Method::PATCH, NEW_ONE, UPDATE, new_update),
        Endpoint::new(Method::DELETE, NEW_ONE, DELETE, delete),
    ]
}

type One = Segments<(OrganizationId, ConnectionId)>;

async fn index(
    State(app): App,
    Segments(id): Segments<OrganizationId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let (rows, total) = app.admin.organization_connections(&id, paging.page()).await?;
    let rows = rows.iter().map(|(row, known)| view(row, known)).collect();
    Ok(Listing::of("enabled_connections", rows).counted(total).answer(&paging, &app.cursors))
}

async fn new_index(
    State(app): App,
    Segments(id): Segments<OrganizationId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let wanted = query.boolean("is_enabled")?;
    let (rows, total) = app.admin.organization_connections(&id, paging.page()).await?;
    // An organization has ten connections at the most: the filter never leaves a page half empty.
    let rows: Vec<_> = rows
        .iter()
        .filter(|(row, _)| wanted.is_none_or(|wanted| row.is_enabled == wanted))
        .map(|(row, known)| new_view(row, known))
        .collect();
    let total = if wanted.is_some() { i64::try_from(rows.len()).unwrap_or(total) } else { total };
    Ok(Listing::of("connections", rows).counted(total).answer(&paging, &app.cursors))
}

async fn show(State(app): App, Segments((id, connection)): One) -> Result<Json<Value>, ApiFault> {
    let (row, known) = app.admin.organization_connection(&id, &connection).await?;
    Ok(Json(view(&row, &known)))
}

async fn new_show(State(app): App, Segments((id, connection)): One) -> Result<Json<Value>, ApiFault> {
    let (row, known) = app.admin.organization_connection(&id, &connection).await?;
    Ok(Json(new_view(&row, &known)))
}

async fn create(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<Response, ApiFault> {
    let draft = draft(body.0, "", "")?;
    let (row, known) = app.admin.add_organization_connection(&actor, &id, draft).await?;
    Ok((StatusCode::CREATED, Json(view(&row, &known))).into_response())
}

async fn new_create(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let name = fields.optional(NAME, text(1..=50))?;
    let access = fields.optional(ACCESS, choice(ACCESS_LEVELS))?;
    let is_enabled = fields.optional(ENABLED, boolean)?;
    let mut draft = read(fields)?;
    draft.organization_connection_name = name;
    draft.organization_access_level = access.map(str::to_owned);
    draft.is_enabled = is_enabled.unwrap_or(true);
    let (row, known) = app.admin.add_organization_connection(&actor, &id, draft).await?;
    Ok((StatusCode::CREATED, Json(new_view(&row, &known))).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, connection)): One,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let change = flags(&mut fields)?;
    fields.finish()?;
    let (row, known) = app.admin.update_organization_connection(&actor, &id, &connection, change).await?;
    Ok(Json(view(&row, &known)))
}

async fn new_update(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, connection)): One,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let mut change = flags(&mut fields)?;
    change.organization_connection_name = fields.change(NAME, text(1..=50))?;
    change.organization_access_level = fields
        .change(ACCESS, |value, path, what| choice(ACCESS_LEVELS)(value, path, what).map(str::to_owned))?;
    change.is_enabled = fields.optional(ENABLED, boolean)?;
    fields.finish()?;
    let (row, known) = app.admin.update_organization_connection(&actor, &id, &connection, change).await?;
    Ok(Json(new_view(&row, &known)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, connection)): One,
) -> Result<StatusCode, ApiFault> {
    app.admin.remove_organization_connection(&actor, &id, &connection).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NAME: (&str, &str) = ("organization_connection_name", "Name of the connection in the organization");
const ACCESS: (&str, &str) =
    ("organization_access_level", "What the organization may do with the connection");
const ENABLED: (&str, &str) = ("is_enabled", "Whether the connection may be used");
const ACCESS_LEVELS: &[(&str, &str)] =
    &[("none", "none"), ("readonly", "readonly"), ("limited", "limited"), ("full", "full")];

/// A connection of an organization, by itself or in the list of a new organization.
pub(super) fn draft(value: Value, path: &str, _what: &str) -> Result<OrganizationConnectionDraft, ApiFault> {
    read(if path.is_empty() { Body(value).fields()? } else { Fields::within(value, path)? })
}

fn read(mut fields: Fields) -> Result<OrganizationConnectionDraft, ApiFault> {
    let id = ("connection_id", "ID of the connection");
    let connection_id =
        fields.required(id, parsed("connection-id", |text: &str| ConnectionId::parse(text)))?;
    let flags = flags(&mut fields)?;
    fields.finish()?;
    Ok(OrganizationConnectionDraft {
        connection_id,
        assign_membership_on_login: flags.assign_membership_on_login.unwrap_or(false),
        show_as_button: flags.show_as_button.unwrap_or(true),
        is_signup_enabled: flags.is_signup_enabled.unwrap_or(false),
        organization_connection_name: None,
        organization_access_level: None,
        is_enabled: true,
    })
}

fn flags(fields: &mut Fields) -> Result<OrganizationConnectionChange, ApiFault> {
    let membership = ("assign_membership_on_login", "Whether a login through it makes somebody a member");
    Ok(OrganizationConnectionChange {
        assign_membership_on_login: fields.optional(membership, boolean)?,
        show_as_button: fields.optional(("show_as_button", "Whether to show a button for it"), boolean)?,
        is_signup_enabled: fields
            .optional(("is_signup_enabled", "Whether people may make accounts through it"), boolean)?,
        ..OrganizationConnectionChange::default()
    })
}

/// The older view.
pub(super) fn view(row: &OrganizationConnection, connection: &Connection) -> Value {
    json!({
        "connection_id": row.connection_id,
        "assign_membership_on_login": row.assign_membership_on_login,
        "show_as_button": row.show_as_button,
        "is_signup_enabled": row.is_signup_enabled,
        "connection": { "name": connection.name, "strategy": connection.strategy },
    })
}

fn new_view(row: &OrganizationConnection, connection: &Connection) -> Value {
    let mut shown = view(row, connection);
    shown["is_enabled"] = json!(row.is_enabled);
    if let Some(name) = &row.organization_connection_name {
        shown["organization_connection_name"] = json!(name);
    }
    if let Some(level) = &row.organization_access_level {
        shown["organization_access_level"] = json!(level);
    }
    shown
}
