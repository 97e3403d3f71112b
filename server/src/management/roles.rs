//! Owns `/roles` on the wire (contract §2.7).
//! Never touches who has one.

use super::{
    App, Endpoint,
    body::{Body, Fields, list, text},
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
    admin::{PermissionRow, RoleChange, RoleDraft},
    id::RoleId,
    model::{Permission, Role},
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ONE: &str = "/roles/{id}";
    const PERMISSIONS: &str = "/roles/{id}/permissions";
    vec![
        Endpoint::new(Method::GET, "/roles", &["read:roles"], index),
        Endpoint::new(Method::POST, "/roles", &["create:roles"], create),
        Endpoint::new(Method::GET, ONE, &["read:roles"], show),
        Endpoint::new(Method::PATCH, ONE, &["update:roles"], update),
        Endpoint::new(Method::DELETE, ONE, &["delete:roles"], delete),
        Endpoint::new(Method::GET, PERMISSIONS, &["read:roles"], permission_index),
        Endpoint::new(Method::POST, PERMISSIONS, &["update:roles"], add_permissions),
        Endpoint::new(Method::DELETE, PERMISSIONS, &["update:roles"], remove_permissions),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let name_filter = query.text("name_filter")?.filter(|text| !text.is_empty()).map(str::to_owned);
    let (rows, total) = app.admin.roles(name_filter, paging.page()).await?;
    let rows = rows.iter().map(view).collect();
    Ok(Listing::of("roles", rows).counted(total).answer(&paging, &app.cursors))
}

async fn show(State(app): App, Segments(id): Segments<RoleId>) -> Result<Json<Value>, ApiFault> {
    Ok(Json(view(&app.admin.role(&id).await?)))
}

/// 200, not 201: so it is on the wire.
async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let draft = RoleDraft {
        name: fields.required(NAME, text(1..=255))?,
        description: fields.optional(DESCRIPTION, text(0..=255))?,
    };
    fields.finish()?;
    Ok(Json(view(&app.admin.create_role(&actor, draft).await?)))
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<RoleId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let change = RoleChange {
        name: fields.optional(NAME, text(1..=255))?,
        description: fields.change(DESCRIPTION, text(0..=255))?,
    };
    fields.finish()?;
    Ok(Json(view(&app.admin.update_role(&actor, &id, change).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<RoleId>,
) -> Result<Json<Value>, ApiFault> {
    app.admin.delete_role(&actor, &id).await?;
    Ok(Json(json!({})))
}

async fn permission_index(
    State(app): App,
    Segments(id): Segments<RoleId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let rows = app.admin.role_permissions(&id, paging.page()).await?;
    Ok(permission_list(rows).answer(&paging, &app.cursors))
}

async fn add_permissions(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<RoleId>,
    body: Body,
) -> Result<Response, ApiFault> {
    app.admin.add_role_permissions(&actor, &id, permissions(body)?).await?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}

async fn remove_permissions(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<RoleId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.remove_role_permissions(&actor, &id, permissions(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

const NAME: (&str, &str) = ("name", "Name of the role");
const DESCRIPTION: (&str, &str) = ("description", "Description of the role");

/// `{"permissions": [{"resource_server_identifier", "permission_name"}]}`.
pub(super) fn permissions(body: Body) -> Result<Vec<Permission>, ApiFault> {
    let one = || {
        |value: Value, path: &str, _what: &str| {
            let mut fields = Fields::within(value, path)?;
            let api = (
                "resource_server_identifier",
                "Resource server (API) identifier that this permission is for",
            );
            let permission = Permission {
                resource_server_identifier: fields.required(api, text(1..=600))?,
                permission_name: fields
                    .required(("permission_name", "Name of this permission"), text(1..=280))?,
            };
            fields.finish()?;
            Ok(permission)
        }
    };
    let mut fields = body.fields()?;
    let what = ("permissions", "List of resource_server_identifier, permission_name pairs");
    let permissions = fields.required(what, list(1..=1000, one))?;
    fields.finish()?;
    Ok(permissions)
}

/// Permissions in their envelope. Nobody counts them: the store has no number, and clients read on until a page is empty.
pub(super) fn permission_list(rows: Vec<PermissionRow>) -> Listing {
    let rows = rows
        .into_iter()
        .map(|row| {
            json!({
                "resource_server_identifier": row.permission.resource_server_identifier,
                "resource_server_name": row.resource_server_name,
                "permission_name": row.permission.permission_name,
                "description": row.description.unwrap_or_default(),
            })
        })
        .collect();
    Listing::of("permissions", rows)
}

pub(super) fn view(role: &Role) -> Value {
    json!({ "id": role.id, "name": role.name, "description": role.description, "type": "tenant" })
}
