//! Owns members and their roles on the wire (contract §2.4).
//! Never touches users.

use super::{
    App, Endpoint,
    body::{Body, list, parsed},
    gate::{Acting, Segments},
    list::Listing,
    query::Query,
    roles,
};
use crate::http::{extract::bearer::Caller, voice::api::ApiFault};
use axum::{extract::State, response::Response};
use http::{Method, StatusCode};
use portico_core::{
    id::{OrganizationId, RoleId, UserId},
    model::User,
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/organizations/{id}/members";
    const ROLES: &str = "/organizations/{id}/members/{user_id}/roles";
    vec![
        Endpoint::new(Method::GET, ALL, &["read:organization_members"], index),
        Endpoint::new(Method::POST, ALL, &["create:organization_members"], add),
        Endpoint::new(Method::DELETE, ALL, &["delete:organization_members"], remove),
        Endpoint::new(Method::GET, ROLES, &["read:organization_member_roles"], role_index),
        Endpoint::new(Method::POST, ROLES, &["create:organization_member_roles"], add_roles),
        Endpoint::new(Method::DELETE, ROLES, &["delete:organization_member_roles"], remove_roles),
    ]
}

type Member = Segments<(OrganizationId, UserId)>;

async fn index(
    State(app): App,
    caller: Caller,
    Segments(id): Segments<OrganizationId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.paging(&app.cursors)?;
    let fields = query.fields()?;
    let with_roles = fields.names("roles");
    if with_roles {
        caller.require(&["read:organization_member_roles"])?;
    }
    let (members, total) = app.admin.members(&id, paging.page()).await?;
    let last = match members.last() {
        Some(last) if paging.is_full(members.len()) => {
            app.admin.joined_at(&id, &last.id).await?.map(|at| (at.0, last.id.to_string()))
        }
        _ => None,
    };
    let roles = if with_roles { app.admin.roles_of_members(&id, &members).await? } else { Vec::new() };
    let rows = members.iter().map(|member| {
        let mut row = view(member);
        if with_roles {
            let held = roles.iter().filter(|(user, _)| user == &member.id);
            let held: Vec<_> = held.map(|(_, role)| json!({ "id": role.id, "name": role.name })).collect();
            row["roles"] = Value::from(held);
        }
        fields.apply(&mut row);
        row
    });
    let rows = rows.collect();
    Ok(Listing::of("members", rows).counted(total).ending(last).answer(&paging, &app.cursors))
}

async fn add(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.add_members(&actor, &id, users(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.remove_members(&actor, &id, users(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn role_index(
    State(app): App,
    Segments((id, user)): Member,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let (rows, total) = app.admin.member_roles(&id, &user, paging.page()).await?;
    let rows = rows.iter().map(roles::view).collect();
    Ok(Listing::of("roles", rows).counted(total).answer(&paging, &app.cursors))
}

async fn add_roles(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, user)): Member,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.add_member_roles(&actor, &id, &user, role_ids(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn remove_roles(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, user)): Member,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    app.admin.remove_member_roles(&actor, &id, &user, role_ids(body)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn users(body: Body) -> Result<Vec<UserId>, ApiFault> {
    let mut fields = body.fields()?;
    let id = || parsed("user-id-with-max-length", |text: &str| UserId::parse(text));
    let users = fields.required(("members", "List of user IDs"), list(1..=10, id))?;
    fields.finish()?;
    Ok(users)
}

/// `{"roles": […]}`, at most 50.
pub(super) fn role_ids(body: Body) -> Result<Vec<RoleId>, ApiFault> {
    let mut fields = body.fields()?;
    let id = || parsed("role-id", |text: &str| RoleId::parse(text));
    let roles = fields.required(("roles", "List of role IDs"), list(1..=50, id))?;
    fields.finish()?;
    Ok(roles)
}

fn view(member: &User) -> Value {
    let mut row = json!({ "user_id": member.id });
    if let Some(email) = &member.email {
        row["email"] = json!(email.canonical());
    }
    for claim in ["picture", "name"] {
        if let Some(text) = member.text(claim) {
            row[claim] = json!(text);
        }
    }
    row
}
