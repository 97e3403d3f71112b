//! Owns `/client-grants` on the wire (contract §2.6).
//! Never touches clients or APIs.

use super::{
    App, Endpoint,
    body::{Body, boolean, choice, list, parsed, text},
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
    admin::{ClientGrantChange, ClientGrantDraft},
    id::{ClientGrantId, ClientId},
    model::{ClientGrant, GrantOrganizationUsage},
    port::store::ClientGrantFilter,
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ONE: &str = "/client-grants/{id}";
    vec![
        Endpoint::new(Method::GET, "/client-grants", &["read:client_grants"], index),
        Endpoint::new(Method::POST, "/client-grants", &["create:client_grants"], create),
        Endpoint::new(Method::GET, ONE, &["read:client_grants"], show),
        Endpoint::new(Method::PATCH, ONE, &["update:client_grants"], update),
        Endpoint::new(Method::DELETE, ONE, &["delete:client_grants"], delete),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    let paging = query.paging(&app.cursors)?;
    let filter = ClientGrantFilter {
        client_id: query.parsed("client_id", |text| ClientId::parse(text))?,
        audience: query.text("audience")?.map(str::to_owned),
        organization: None,
    };
    let (rows, total) = app.admin.client_grants(filter, paging.page()).await?;
    let last = rows.last().map(|row| (row.created_at.0, row.id.to_string()));
    let rows = rows.iter().map(view).collect();
    Ok(Listing::of("client_grants", rows).counted(total).ending(last).answer(&paging, &app.cursors))
}

async fn show(State(app): App, Segments(id): Segments<ClientGrantId>) -> Result<Json<Value>, ApiFault> {
    Ok(Json(view(&app.admin.client_grant(&id).await?)))
}

async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let client_id = ("client_id", "ID of the client");
    let draft = ClientGrantDraft {
        client_id: fields.required(client_id, parsed("client-id", |text: &str| ClientId::parse(text)))?,
        audience: fields
            .required(("audience", "The audience (API identifier) of this client grant"), text(1..=600))?,
        scope: fields.optional(SCOPE, list(0..=1000, || text(1..=280)))?.unwrap_or_default(),
        organization_usage: fields.optional(USAGE, choice(USAGES))?.unwrap_or_default(),
        allow_any_organization: fields.optional(ANY, boolean)?.unwrap_or(false),
    };
    // Grants for users do not exist here; the one kind there is may be named.
    fields.optional(("subject_type", "The type of application access: client"), choice(&[("client", ())]))?;
    fields.finish()?;
    let grant = app.admin.create_client_grant(&actor, draft).await?;
    Ok((StatusCode::CREATED, Json(view(&grant))).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ClientGrantId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let change = ClientGrantChange {
        scope: fields.optional(SCOPE, list(0..=1000, || text(1..=280)))?,
        organization_usage: fields.change(USAGE, choice(USAGES))?,
        allow_any_organization: fields.optional(ANY, boolean)?,
    };
    fields.finish()?;
    Ok(Json(view(&app.admin.update_client_grant(&actor, &id, change).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ClientGrantId>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_client_grant(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

const SCOPE: (&str, &str) = ("scope", "Scopes allowed for this client grant");
const USAGE: (&str, &str) =
    ("organization_usage", "Whether organizations can be used with client credentials");
const ANY: (&str, &str) = ("allow_any_organization", "Whether any organization can be used with this grant");
const USAGES: &[(&str, GrantOrganizationUsage)] = &[
    ("deny", GrantOrganizationUsage::Deny),
    ("allow", GrantOrganizationUsage::Allow),
    ("require", GrantOrganizationUsage::Require),
];

pub(super) fn view(grant: &ClientGrant) -> Value {
    json!({
        "id": grant.id,
        "client_id": grant.client_id,
        "audience": grant.audience,
        "scope": grant.scope,
        "organization_usage": grant.organization_usage,
        "allow_any_organization": grant.allow_any_organization,
        "subject_type": "client",
    })
}
