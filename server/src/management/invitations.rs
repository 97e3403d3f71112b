//! Owns invitations on the wire (contract §2.4, §3.2).
//! Never touches how one is accepted.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, integer, list, object, parsed, text},
    gate::{Acting, Segments},
    list::Listing,
    query::Query,
};
use crate::http::voice::api::ApiFault;
use axum::{Json, extract::State, response::Response};
use http::{Method, StatusCode};
use portico_core::{
    admin::{InvitationDraft, InvitationView, Mailing},
    email::Email,
    id::{ClientId, ConnectionId, InvitationId, OrganizationId, RoleId},
    port::store::Direction,
};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/organizations/{id}/invitations";
    const ONE: &str = "/organizations/{id}/invitations/{invitation_id}";
    vec![
        Endpoint::new(Method::GET, ALL, &["read:organization_invitations"], index),
        Endpoint::new(Method::POST, ALL, &["create:organization_invitations"], create),
        Endpoint::new(Method::GET, ONE, &["read:organization_invitations"], show),
        Endpoint::new(Method::DELETE, ONE, &["delete:organization_invitations"], delete),
    ]
}

type One = Segments<(OrganizationId, InvitationId)>;

async fn index(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let fields = query.fields()?;
    let direction = query.sort("created_at")?.unwrap_or(Direction::Ascending);
    let (rows, total) = app.admin.invitations(&id, paging.directed(direction)).await?;
    if !rows.is_empty() {
        // Rows hold tickets (API-05).
        app.admin.note_secrets_read(&actor, "List invitations of an Organization", id.as_str()).await?;
    }
    let rows = rows.iter().map(|row| {
        let mut row = view(row);
        fields.apply(&mut row);
        row
    });
    let rows = rows.collect();
    Ok(Listing::of("invitations", rows).counted(total).answer(&paging, &app.cursors))
}

async fn show(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, invitation)): One,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let fields = query.fields()?;
    let mut shown = view(&app.admin.invitation(&id, &invitation).await?);
    app.admin.note_secrets_read(&actor, "Get an invitation of an Organization", invitation.as_str()).await?;
    fields.apply(&mut shown);
    Ok(Json(shown))
}

async fn create(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<OrganizationId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let draft = draft(body)?;
    Ok(Json(view(&app.admin.invite(&actor, &id, draft).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments((id, invitation)): One,
) -> Result<StatusCode, ApiFault> {
    app.admin.revoke_invitation(&actor, &id, &invitation).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn draft(body: Body) -> Result<InvitationDraft, ApiFault> {
    let mut fields = body.fields()?;
    let mut inviter =
        Fields::within(Value::Object(fields.required(("inviter", "The inviter"), object)?), "inviter")?;
    let inviter_name = inviter.required(("name", "The inviter's name"), text(1..=300))?;
    inviter.finish()?;
    let mut invitee =
        Fields::within(Value::Object(fields.required(("invitee", "The invitee"), object)?), "invitee")?;
    let invitee_email = invitee.required(("email", "The invitee's email"), parsed("email", Email::parse))?;
    invitee.finish()?;
    let client_id =
        ("client_id", "Auth0 client ID. Used to resolve the application's login initiation endpoint");
    let client_id = fields.required(client_id, parsed("client-id", |text: &str| ClientId::parse(text)))?;
    let connection_id = ("connection_id", "The id of the connection to force invitee to authenticate with");
    let connection = parsed("connection-id", |text: &str| ConnectionId::parse(text));
    let role = || parsed("role-id", |text: &str| RoleId::parse(text));
    let draft = InvitationDraft {
        inviter_name,
        invitee_email,
        client_id,
        connection_id: fields.optional(connection_id, connection)?,
        roles: fields
            .optional(("roles", "List of roles IDs to be assigned to the user"), list(1..=50, role))?
            .unwrap_or_default(),
        app_metadata: fields
            .optional(("app_metadata", "Data that the user cannot change"), object)?
            .unwrap_or_default(),
        user_metadata: fields
            .optional(("user_metadata", "Data that the user can change"), object)?
            .unwrap_or_default(),
        ttl: fields
            .optional(
                ("ttl_sec", "Number of seconds for which the invitation is valid"),
                integer(0..=2_592_000),
            )?
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs),
        mail: match fields.optional(
            ("send_invitation_email", "Whether the user will receive an invitation email"),
            boolean,
        )? {
            Some(false) => Mailing::Withhold,
            Some(true) | None => Mailing::Send,
        },
    };
    fields.finish()?;
    Ok(draft)
}

fn view(shown: &InvitationView) -> Value {
    let invitation = &shown.invitation;
    let mut row = json!({
        "id": invitation.id,
        "organization_id": invitation.organization_id,
        "inviter": { "name": invitation.inviter_name },
        "invitee": { "email": invitation.invitee_email.as_given() },
        "created_at": invitation.created_at.iso(),
        "expires_at": invitation.expires_at.iso(),
        "client_id": invitation.client_id,
        "app_metadata": invitation.app_metadata,
        "user_metadata": invitation.user_metadata,
        "ticket_id": invitation.api_ticket.expose(),
    });
    if let Some(url) = &shown.url {
        row["invitation_url"] = json!(url.as_str());
    }
    if let Some(connection) = &invitation.connection_id {
        row["connection_id"] = json!(connection);
    }
    if !invitation.roles.is_empty() {
        row["roles"] = json!(invitation.roles);
    }
    row
}
