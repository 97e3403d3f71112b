//! Owns which client grants are good for an organization, on the wire (contract §2.4).
//! Never touches what a grant allows.

use super::{
    App, Endpoint,
    body::{Body, parsed},
    client_grants,
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
    id::{ClientGrantId, ClientId, OrganizationId},
    port::store::ClientGrantFilter,
};
use serde_json::json;

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/organizations/{id}/client-grants";
    const ONE: &str = "/organizations/{id}/client-grants/{grant_id}";
    vec![
        Endpoint::new(Method::GET, ALL, &["read:organization_client_grants"], index),
        Endpoint::new(Method::POST, ALL, &["create:organization_client_grants"], add),
        Endpoint::new(Method::DELETE, ONE, &["delete:organization_client_grants"], remove),
    ]
}

async fn index(
    State(app): App,
    Segments(id): Segments<OrganizationId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let filter = ClientGrantFilter {
        client_id: query.parsed("client_id", |text| ClientId::parse(text))?,
        audience: query.text("audience")?.map(str::to_owned),
        organization: None,
    };
    let (rows, total) = app.admin.organization_client_grants(&id, filter, paging.page()).await?;
    let rows = rows.iter().map(client_grants::view).collect();
    Ok(Listing::of("client_grants", rows).counted(total).answer(&paging, &app.cursors))
}

async fn add(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let property = ("grant_id", "A Client Grant ID to add to the organization");
    let grant =
        fields.required(property, parsed("client-grant-id", |text: &str| ClientGrantId::parse(text)))?;
    fields.finish()?;
    let grant = app.admin.add_organization_client_grant(&actor, &id, &grant).await?;
    let mut shown = client_grants::view(&grant);
    // The wire says `grant_id`, the published description `id`.
    shown["grant_id"] = json!(grant.id);
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

async fn remove(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, grant)): Segments<(OrganizationId, ClientGrantId)>,
) -> Result<StatusCode, ApiFault> {
    app.admin.remove_organization_client_grant(&actor, &id, &grant).await?;
    Ok(StatusCode::NO_CONTENT)
}
