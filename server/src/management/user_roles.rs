//! Owns the roles, permissions and organizations of users on the wire (contract §2.8).
//! Never touches the roles of members.

use super::{
    App, Endpoint,
    body::Body,
    gate::{Acting, Segments},
    list::Listing,
    members::role_ids,
    organizations,
    query::Query,
    roles::{permission_list, permissions, view},
};
use crate::http::voice::api::ApiFault;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode};
use portico_core::id::UserId;
use serde_json::json;

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ROLES: &str = "/users/{id}/roles";
    const PERMISSIONS: &str = "/users/{id}/permissions";
    let read_roles = &["read:users", "read:roles", "read:role_members"];
    vec![
        Endpoint::new(Method::GET, "/users/{id}/organizations", &["read:organizations"], organization_index),
        Endpoint::new(Method::GET, ROLES, read_roles, index),
        Endpoint::new(Method::POST, ROLES, &["update:users", "create:role_members"], add),
        Endpoint::new(Method::DELETE, ROLES, &["update:users", "delete:role_members"], remove),
        Endpoint::new(Method::GET, PERMISSIONS, &["read:users"], permission_index),
        Endpoint::new(Method::POST, PERMISSIONS, &["update:users"], permit),
        Endpoint::new(Method::DELETE, PERMISSIONS, &["update:users"], forbid),
    ]
}

async fn organization_index(
    State(app): App,
    Segments(id): Segments<UserId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let (rows, total) = app.admin.organizations_of_user(&id, paging.page()).await?;
    let rows = rows.iter().map(organizations::view).collect();
    Ok(Listing::of("organizations", rows).counted(total).answer(&paging, &app.cursors))
}

async fn index(State(app): App, Segments(id): Segments<UserId>, query: Query) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let rows = app.admin.user_roles(&id, paging.page()).await?;
    let rows = rows.iter().map(view).collect();
    Ok(Listing::of("roles", rows).answer(&paging, &app.cursors))
}

async fn add(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<UserId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.add_user_roles(&actor, &id, role_ids(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<UserId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.remove_user_roles(&actor, &id, role_ids(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn permission_index(
    State(app): App,
    Segments(id): Segments<UserId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let rows = app.admin.user_permissions(&id, paging.page()).await?;
    Ok(permission_list(rows).answer(&paging, &app.cursors))
}

async fn permit(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<UserId>,
    body: Body,
) -> Result<Response, ApiFault> {
    app.admin.permit_user(&actor, &id, permissions(body)?).await?;
    Ok((StatusCode::CREATED, Json(json!({}))).into_response())
}

async fn forbid(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<UserId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.forbid_user(&actor, &id, permissions(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}
