//! Owns `/connections` on the wire (contract §2.5).
//! Never touches what options mean.

use super::{
    App, Endpoint, Management,
    body::{Body, Fields, boolean, list, object, parsed, text},
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
    admin::{Change, ConnectionChange, ConnectionDraft, EnabledClient},
    email::Email,
    id::{ClientId, ConnectionId},
    model::Connection,
    port::store::ConnectionFilter,
};
use serde_json::{Map, Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const READ: &[&str] = &["read:connections"];
    const UPDATE: &[&str] = &["update:connections"];
    // Options may hold scripts and certificates.
    const LARGE: usize = 1 << 20;
    vec![
        Endpoint::new(Method::GET, "/connections", READ, index),
        Endpoint::new(Method::POST, "/connections", &["create:connections"], create).up_to(LARGE),
        Endpoint::new(Method::GET, "/connections/{id}", READ, show),
        Endpoint::new(Method::PATCH, "/connections/{id}", UPDATE, update).up_to(LARGE),
        Endpoint::new(Method::DELETE, "/connections/{id}", &["delete:connections"], delete),
        Endpoint::new(Method::GET, "/connections/{id}/clients", READ, client_index),
        Endpoint::new(Method::PATCH, "/connections/{id}/clients", UPDATE, enable),
        Endpoint::new(Method::DELETE, "/connections/{id}/users", &["delete:users"], delete_user),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    let paging = query.paging(&app.cursors)?;
    let fields = query.fields()?;
    let filter = ConnectionFilter {
        strategies: query.texts("strategy"),
        name: query.text("name")?.map(str::to_owned),
    };
    let (rows, total) = app.admin.connections(filter, paging.page()).await?;
    let last = rows.last().map(|row| (row.created_at.0, row.id.to_string()));
    let rows = rows.iter().map(|row| {
        let mut row = view(&app, row);
        fields.apply(&mut row);
        row
    });
    let rows = rows.collect();
    Ok(Listing::of("connections", rows).counted(total).ending(last).answer(&paging, &app.cursors))
}

async fn show(
    State(app): App,
    Segments(id): Segments<ConnectionId>,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let fields = query.fields()?;
    let mut shown = view(&app, &app.admin.connection(&id).await?);
    fields.apply(&mut shown);
    Ok(Json(shown))
}

async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let draft = draft(body)?;
    let connection = app.admin.create_connection(&actor, draft).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &connection))).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ConnectionId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let change = change(body)?;
    let connection = app.admin.update_connection(&actor, &id, change).await?;
    Ok(Json(view(&app, &connection)))
}

/// 202 with the job that deletes the users, which `GET /jobs/{id}` follows: deleting is asynchronous (contract §2.5).
async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ConnectionId>,
) -> Result<(StatusCode, Json<Value>), ApiFault> {
    let job = app.admin.delete_connection(&actor, &id).await?;
    let body =
        job.map_or_else(|| json!({}), |job| json!({ "deleted_at": job.created_at.iso(), "job_id": job.id }));
    Ok((StatusCode::ACCEPTED, Json(body)))
}

async fn delete_user(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ConnectionId>,
    query: Query,
) -> Result<StatusCode, ApiFault> {
    let what = "The email of the user to delete";
    let email = query.parsed("email", Email::parse)?;
    let email = email.ok_or_else(|| ApiFault::query("Missing required property: email", "email", what))?;
    app.admin.delete_user_of_connection(&actor, &id, &email).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn client_index(
    State(app): App,
    Segments(id): Segments<ConnectionId>,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.checkpoints(&app.cursors)?;
    let clients = app.admin.connection_clients(&id, paging.page()).await?;
    let last = clients.last().map(|client| (0, client.to_string()));
    let rows = clients.iter().map(|client| json!({ "client_id": client })).collect();
    Ok(Listing::of("clients", rows).ending(last).answer(&paging, &app.cursors))
}

async fn enable(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ConnectionId>,
    body: Body,
) -> Result<StatusCode, ApiFault> {
    let one = || {
        |value: Value, path: &str, _what: &str| {
            let mut fields = Fields::within(value, path)?;
            let client_id = fields.required(
                ("client_id", "The client_id of the client to be enabled or disabled"),
                parsed("client-id", |text: &str| ClientId::parse(text)),
            )?;
            let status =
                fields.required(("status", "Whether the connection is enabled for the client"), boolean)?;
            fields.finish()?;
            Ok(EnabledClient { client_id, status })
        }
    };
    let clients = list(1..=50, one)(body.0, "payload", "Clients to be enabled or disabled")?;
    app.admin.enable_connection(&actor, &id, clients).await?;
    Ok(StatusCode::NO_CONTENT)
}

const DISPLAY_NAME: (&str, &str) = ("display_name", "Connection name used in the login screen");
const OPTIONS: (&str, &str) = ("options", "The connection's options (dependent on the connection strategy)");
const CLIENTS: (&str, &str) =
    ("enabled_clients", "The ids of the clients for which the connection is enabled");
const REALMS: (&str, &str) = ("realms", "The realms for which the connection will be used");

fn draft(body: Body) -> Result<ConnectionDraft, ApiFault> {
    let mut fields = body.fields()?;
    let draft = ConnectionDraft {
        name: fields.required(("name", "The name of the connection"), text(1..=128))?,
        strategy: fields.required(("strategy", "The type of the connection"), text(1..=64))?,
        display_name: fields.optional(DISPLAY_NAME, text(1..=128))?,
        options: fields.optional(OPTIONS, object)?.unwrap_or_default(),
        enabled_clients: fields.optional(CLIENTS, list(0..=100, client_id))?.unwrap_or_default(),
        realms: fields.optional(REALMS, list(0..=20, || text(1..=128)))?.unwrap_or_default(),
        extra: extra(&mut fields)?,
    };
    fields.finish()?;
    Ok(draft)
}

fn change(body: Body) -> Result<ConnectionChange, ApiFault> {
    let mut fields = body.fields()?;
    let change = ConnectionChange {
        display_name: fields.change(DISPLAY_NAME, text(1..=128))?,
        options: fields.optional(OPTIONS, object)?,
        enabled_clients: fields.optional(CLIENTS, list(0..=100, client_id))?,
        realms: fields.change(REALMS, list(0..=20, || text(1..=128)))?,
        extra: extra(&mut fields)?,
    };
    fields.finish()?;
    Ok(change)
}

fn client_id() -> impl FnOnce(Value, &str, &str) -> Result<ClientId, ApiFault> {
    parsed("client-id", |text: &str| ClientId::parse(text))
}

/// Fields of Auth0's that are kept and given back.
fn extra(fields: &mut Fields) -> Result<Map<String, Value>, ApiFault> {
    let mut extra = Map::new();
    for name in ["is_domain_connection", "show_as_button"] {
        match fields.change((name, "true or false"), boolean)? {
            Change::Keep => {}
            Change::Clear => drop(extra.insert(name.to_owned(), Value::Null)),
            Change::Set(value) => drop(extra.insert(name.to_owned(), json!(value))),
        }
    }
    for name in ["metadata", "authentication", "connected_accounts"] {
        match fields.change((name, "An object"), object)? {
            Change::Keep => {}
            Change::Clear => drop(extra.insert(name.to_owned(), Value::Null)),
            Change::Set(value) => drop(extra.insert(name.to_owned(), Value::Object(value))),
        }
    }
    Ok(extra)
}

fn view(app: &Management, connection: &Connection) -> Value {
    let mut shown = json!({ "id": connection.id, "name": connection.name });
    if let Some(display_name) = &connection.display_name {
        shown["display_name"] = json!(display_name);
    }
    shown["strategy"] = json!(connection.strategy);
    shown["options"] = app.admin.shown_options(connection);
    shown["enabled_clients"] = json!(connection.enabled_clients);
    shown["realms"] = json!(connection.realms);
    shown["is_domain_connection"] = json!(false);
    for (name, value) in &connection.extra {
        shown[name.as_str()] = value.clone();
    }
    shown
}
