//! Owns `/resource-servers` on the wire (contract §2.7).
//! Never touches tokens.

use super::{
    App, Endpoint,
    body::{Body, Fields, boolean, choice, integer, list, object, text},
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
    admin::{Change, ResourceServerChange, ResourceServerDraft},
    model::{ResourceServer, Scope},
};
use serde_json::{Map, Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ALL: &str = "/resource-servers";
    const ONE: &str = "/resource-servers/{id}";
    const LARGE: usize = 512 << 10;
    vec![
        Endpoint::new(Method::GET, ALL, &["read:resource_servers"], index),
        Endpoint::new(Method::POST, ALL, &["create:resource_servers"], create).up_to(LARGE),
        Endpoint::new(Method::GET, ONE, &["read:resource_servers"], show),
        Endpoint::new(Method::PATCH, ONE, &["update:resource_servers"], update).up_to(LARGE),
        Endpoint::new(Method::DELETE, ONE, &["delete:resource_servers"], delete),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    let paging = query.pages()?;
    let identifiers = query.texts("identifiers");
    let (rows, total) = app.admin.resource_servers(identifiers, paging.page()).await?;
    let rows = rows.iter().map(view).collect();
    Ok(Listing::of("resource_servers", rows).counted(total).answer(&paging, &app.cursors))
}

async fn show(State(app): App, Segments(key): Segments<String>) -> Result<Json<Value>, ApiFault> {
    Ok(Json(view(&app.admin.resource_server(&key).await?)))
}

async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let mut fields = body.fields()?;
    let what =
        ("identifier", "Unique identifier for the API used as the audience parameter on authorization calls");
    let identifier = fields.required(what, text(1..=600))?;
    let draft = ResourceServerDraft { identifier, fields: change(fields)? };
    let server = app.admin.create_resource_server(&actor, draft).await?;
    Ok((StatusCode::CREATED, Json(view(&server))).into_response())
}

async fn update(
    State(app): App,
    Acting(actor): Acting,
    Segments(key): Segments<String>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let change = change(body.fields()?)?;
    Ok(Json(view(&app.admin.update_resource_server(&actor, &key, change).await?)))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(key): Segments<String>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_resource_server(&actor, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn change(mut fields: Fields) -> Result<ResourceServerChange, ApiFault> {
    const DIALECTS: &[(&str, &str)] = &[
        ("access_token", "access_token"),
        ("access_token_authz", "access_token_authz"),
        ("rfc9068_profile", "rfc9068_profile"),
        ("rfc9068_profile_authz", "rfc9068_profile_authz"),
    ];
    let seconds = || integer(0..=2_592_000);
    let dialect = ("token_dialect", "Dialect of issued access tokens");
    let web = ("token_lifetime_for_web", "Seconds that tokens of logins in a browser are valid");
    let change = ResourceServerChange {
        name: fields.change(("name", "Friendly name for this resource server"), name)?,
        scopes: fields.optional(
            ("scopes", "List of permissions (scopes) that this API uses"),
            list(0..=1000, || scope),
        )?,
        allow_offline_access: fields
            .optional(("allow_offline_access", "Whether refresh tokens can be issued"), boolean)?,
        token_lifetime: fields
            .optional(("token_lifetime", "Seconds that access tokens are valid"), seconds())?,
        token_lifetime_for_web: fields.optional(web, seconds())?,
        enforce_policies: fields
            .optional(("enforce_policies", "Whether authorization policies are enforced"), boolean)?,
        token_dialect: fields.optional(dialect, choice(DIALECTS))?.map(str::to_owned),
        extra: extra(&mut fields)?,
    };
    fields.optional(("signing_alg", "Algorithm used to sign JWTs: RS256"), choice(&[("RS256", ())]))?;
    fields.finish()?;
    Ok(change)
}

fn name(value: Value, path: &str, what: &str) -> Result<String, ApiFault> {
    let name = text(0..=200)(value, path, what)?;
    if name.contains(['<', '>']) {
        return Err(ApiFault::property("String does not match pattern ^[^<>]+$", path, what));
    }
    Ok(name)
}

fn scope(value: Value, path: &str, _what: &str) -> Result<Scope, ApiFault> {
    let mut fields = Fields::within(value, path)?;
    let value = fields.required(("value", "Value of this scope"), text(1..=280))?;
    let description =
        fields.optional(("description", "User-friendly description of this scope"), text(0..=500))?;
    fields.finish()?;
    Ok(Scope { value, description })
}

/// Fields of Auth0's that are kept and given back.
fn extra(fields: &mut Fields) -> Result<Map<String, Value>, ApiFault> {
    let mut extra = Map::new();
    for name in ["skip_consent_for_verifiable_first_party_clients", "allow_online_access"] {
        if let Some(value) = fields.optional((name, "true or false"), boolean)? {
            extra.insert(name.to_owned(), json!(value));
        }
    }
    match fields.change(("subject_type_authorization", "Who may have tokens for this API"), object)? {
        Change::Set(value) => {
            extra.insert("subject_type_authorization".to_owned(), Value::Object(value));
        }
        Change::Clear => drop(extra.insert("subject_type_authorization".to_owned(), Value::Null)),
        Change::Keep => {}
    }
    // Not built; saying so with `null` is how exports of other installations look.
    for name in ["consent_policy", "authorization_details", "token_encryption", "proof_of_possession"] {
        let refuse = |_value: Value, path: &str, _what: &str| {
            Err::<(), _>(ApiFault::property(
                "Only null is supported",
                path,
                "A feature that this gateway does not have",
            ))
        };
        fields.optional((name, "null"), refuse)?;
    }
    Ok(extra)
}

fn view(server: &ResourceServer) -> Value {
    let mut shown = json!({ "id": server.id, "identifier": server.identifier });
    if let Some(name) = &server.name {
        shown["name"] = json!(name);
    }
    if server.is_system {
        shown["is_system"] = json!(true);
    }
    shown["scopes"] = json!(server.scopes);
    shown["signing_alg"] = json!("RS256");
    shown["allow_offline_access"] = json!(server.allow_offline_access);
    shown["token_lifetime"] = json!(server.token_lifetime);
    shown["token_lifetime_for_web"] = json!(server.token_lifetime_for_web);
    shown["enforce_policies"] = json!(server.enforce_policies);
    shown["token_dialect"] = json!(server.token_dialect);
    shown["skip_consent_for_verifiable_first_party_clients"] = json!(true);
    for (name, value) in &server.extra {
        shown[name.as_str()] = value.clone();
    }
    shown
}
