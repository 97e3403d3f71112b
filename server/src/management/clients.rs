//! Owns `/clients` on the wire (contract §2.6): which fields are read, and which are kept as they came.
//! Never touches grants.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, choice, integer, list, object, text},
    gate::{Acting, Segments},
    list::Listing,
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
    admin::{Change, ClientChange},
    id::ClientId,
    model::{Client, ClientAuthentication, OrganizationUsage, RefreshTokenPolicy, RequireBehavior},
    port::store::ClientFilter,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const READ: &[&str] =
        &["read:clients", "read:client_keys", "read:client_credentials", "read:client_summary"];
    vec![
        Endpoint::new(Method::GET, "/clients", READ, index),
        Endpoint::new(Method::POST, "/clients", &["create:clients"], create),
        Endpoint::new(Method::GET, "/clients/{id}", READ, show),
        Endpoint::new(Method::PATCH, "/clients/{id}", &["update:clients"], update),
        Endpoint::new(Method::DELETE, "/clients/{id}", &["delete:clients"], delete),
        Endpoint::new(Method::POST, "/clients/{id}/rotate-secret", &["update:client_keys"], rotate),
    ]
}

const READ_KEYS: &[&str] = &["read:client_keys"];

async fn index(
    State(app): App,
    caller: Caller,
    Acting(actor): Acting,
    query: Query,
) -> Result<Response, ApiFault> {
    let paging = query.paging(&app.cursors)?;
    let fields = query.fields()?;
    let filter = ClientFilter {
        is_global: query.boolean("is_global")?,
        is_first_party: query.boolean("is_first_party")?,
        app_types: query.texts("app_type"),
    };
    let (rows, total) = app.admin.clients(filter, paging.page()).await?;
    if caller.may(READ_KEYS) && !rows.is_empty() {
        app.admin.note_secrets_read(&actor, "Get clients", "clients").await?;
    }
    let last = rows.last().map(|row| (row.created_at.0, row.id.to_string()));
    let rows = rows.iter().map(|row| {
        let mut row = seen_by(&caller, row);
        fields.apply(&mut row);
        row
    });
    let rows = rows.collect();
    Ok(Listing::of("clients", rows).counted(total).ending(last).with_length().answer(&paging, &app.cursors))
}

async fn show(
    State(app): App,
    caller: Caller,
    Acting(actor): Acting,
    Segments(id): Segments<ClientId>,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let fields = query.fields()?;
    let client = app.admin.client(&id).await?;
    if caller.may(READ_KEYS) {
        app.admin.note_secrets_read(&actor, "Get a client", id.as_str()).await?;
    }
    let mut shown = seen_by(&caller, &client);
    fields.apply(&mut shown);
    Ok(Json(shown))
}

async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let name = fields.required(NAME, text(1..=255))?;
    let change = ClientChange { name: Some(name), ..change(fields)? };
    let client = app.admin.create_client(&actor, change).await?;
    Ok((StatusCode::CREATED, Json(with_secret(&client))).into_response())
}

async fn update(
    State(app): App,
    caller: Caller,
    Acting(actor): Acting,
    Segments(id): Segments<ClientId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let mut fields = body.fields()?;
    let name = fields.optional(NAME, text(1..=255))?;
    let change = ClientChange { name, ..change(fields)? };
    let client = app.admin.update_client(&actor, &id, change).await?;
    if caller.may(READ_KEYS) {
        app.admin.note_secrets_read(&actor, "Get a client", id.as_str()).await?;
    }
    Ok(Json(seen_by(&caller, &client)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ClientId>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_client(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn rotate(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<ClientId>,
) -> Result<Json<Value>, ApiFault> {
    Ok(Json(with_secret(&app.admin.rotate_client_secret(&actor, &id).await?)))
}

const NAME: (&str, &str) =
    ("name", "Name of this client (min length: 1 character, does not allow `<` or `>`)");

/// Fields that only the server sets.
const READ_ONLY: &[&str] = &[
    "client_id",
    "client_secret",
    "tenant",
    "global",
    "is_global",
    "signing_keys",
    "owners",
    "callback_url_template",
    "created_at",
    "updated_at",
];

fn change(mut fields: Fields) -> Result<ClientChange, ApiFault> {
    type Texts = (&'static str, &'static str);
    const CALLBACKS: Texts = ("callbacks", "URLs that are whitelisted for the client to use as a callback");
    const LOGOUT: Texts = ("allowed_logout_urls", "URLs that are valid to redirect to after logout");
    const WEB: Texts = ("web_origins", "Origins that may use web message response mode and refresh tokens");
    const ALLOWED: Texts = ("allowed_origins", "URLs allowed to make requests from JavaScript");
    let urls = || list(0..=100, || text(1..=2048));
    let authentication =
        ("token_endpoint_auth_method", "Requested authentication method for the token endpoint");
    Ok(ClientChange {
        name: None,
        app_type: fields.change(("app_type", "Type of client"), text(1..=64))?,
        authentication: fields.change(authentication, choice(AUTHENTICATIONS))?,
        callbacks: fields.change(CALLBACKS, urls())?,
        allowed_logout_urls: fields.change(LOGOUT, urls())?,
        web_origins: fields.change(WEB, urls())?,
        allowed_origins: fields.change(ALLOWED, urls())?,
        initiate_login_uri: fields
            .change(("initiate_login_uri", "Initiate login uri, must be https"), text(0..=2048))?,
        grant_types: fields.change(
            ("grant_types", "List of grant types supported for this application"),
            list(0..=20, || text(1..=100)),
        )?,
        is_first_party: fields
            .optional(("is_first_party", "Whether this client is a first party client"), boolean)?,
        organization_usage: fields.change(
            (
                "organization_usage",
                "How to proceed during an authentication transaction with regards to an organization",
            ),
            choice(USAGES),
        )?,
        organization_require_behavior: fields.change(
            ("organization_require_behavior", "How to proceed when organization_usage is require"),
            choice(BEHAVIORS),
        )?,
        id_token_lifetime: lifetime(&mut fields)?,
        refresh_token: fields.change(("refresh_token", "Refresh token configuration"), refresh_token)?,
        // Newer fields are kept and come back as they were given (contract §2.6).
        extra: fields.rest(READ_ONLY)?,
    })
}

const AUTHENTICATIONS: &[(&str, ClientAuthentication)] = &[
    ("none", ClientAuthentication::None),
    ("client_secret_post", ClientAuthentication::ClientSecretPost),
    ("client_secret_basic", ClientAuthentication::ClientSecretBasic),
];
const USAGES: &[(&str, OrganizationUsage)] = &[
    ("deny", OrganizationUsage::Deny),
    ("allow", OrganizationUsage::Allow),
    ("require", OrganizationUsage::Require),
];
const BEHAVIORS: &[(&str, RequireBehavior)] = &[
    ("no_prompt", RequireBehavior::NoPrompt),
    ("pre_login_prompt", RequireBehavior::PreLoginPrompt),
    ("post_login_prompt", RequireBehavior::PostLoginPrompt),
];

fn lifetime(fields: &mut Fields) -> Result<Change<i64>, ApiFault> {
    let what = ("jwt_configuration", "Configuration related to JWTs for the client");
    let configuration = match fields.change(what, object)? {
        Change::Keep => return Ok(Change::Keep),
        Change::Clear => return Ok(Change::Clear),
        Change::Set(configuration) => configuration,
    };
    let mut inner = Fields::within(Value::Object(configuration), "jwt_configuration")?;
    let seconds = ("lifetime_in_seconds", "Number of seconds the JWT will be valid for");
    let seconds = inner.change(seconds, integer(1..=2_592_000))?;
    inner.optional(("alg", "Algorithm used to sign JWTs: RS256"), choice(&[("RS256", ())]))?;
    inner.optional(("secret_encoded", "false"), boolean)?;
    inner.optional(("scopes", "Configuration related to id token claims"), object)?;
    inner.finish()?;
    Ok(seconds)
}

fn refresh_token(value: Value, path: &str, what: &str) -> Result<RefreshTokenPolicy, ApiFault> {
    const KNOWN: &[&str] = &[
        "rotation_type",
        "expiration_type",
        "leeway",
        "token_lifetime",
        "idle_token_lifetime",
        "infinite_token_lifetime",
        "infinite_idle_token_lifetime",
    ];
    let map = object(value, path, what)?;
    if let Some(name) = map.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(ApiFault::property(format!("Additional properties not allowed: {name}"), path, what));
    }
    RefreshTokenPolicy::deserialize(Value::Object(map))
        .map_err(|error| ApiFault::property(format!("Object didn't pass validation: {error}"), path, what))
}

/// With the scope of summaries alone, ids and names; the secret with the scope of keys alone.
fn seen_by(caller: &Caller, client: &Client) -> Value {
    if !caller.may(&["read:clients", "read:client_keys", "read:client_credentials", "update:clients"]) {
        return json!({ "client_id": client.id, "name": client.name, "app_type": client.app_type });
    }
    if caller.may(READ_KEYS) { with_secret(client) } else { view(client) }
}

fn with_secret(client: &Client) -> Value {
    let mut shown = view(client);
    shown["client_secret"] = json!(client.secret.expose());
    shown
}

fn view(client: &Client) -> Value {
    let mut shown = json!({
        "client_id": client.id,
        "name": client.name,
        "global": client.is_global,
        "is_first_party": client.is_first_party,
        "oidc_conformant": true,
        "callbacks": client.callbacks,
        "allowed_logout_urls": client.allowed_logout_urls,
        "web_origins": client.web_origins,
        "allowed_origins": client.allowed_origins,
        "grant_types": client.grant_types,
        "token_endpoint_auth_method": client.authentication,
        "jwt_configuration": {
            "lifetime_in_seconds": client.id_token_lifetime,
            "secret_encoded": false,
            "alg": "RS256",
        },
        "refresh_token": client.refresh_token,
        "organization_usage": client.organization_usage,
        "organization_require_behavior": client.organization_require_behavior,
    });
    if let Some(app_type) = &client.app_type {
        shown["app_type"] = json!(app_type);
    }
    if let Some(uri) = &client.initiate_login_uri {
        shown["initiate_login_uri"] = json!(uri);
    }
    for (name, value) in &client.extra {
        shown[name.as_str()] = value.clone();
    }
    shown
}
