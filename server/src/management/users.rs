//! Owns `/users` and `/users-by-email` on the wire (contract §2.8).
//! Never touches roles, permissions and organizations of users.

use super::{
    App, Endpoint,
    gate::{Acting, Segments},
    list::Listing,
    query::Query,
    user_changes,
};
use crate::http::voice::api::ApiFault;
use axum::{Json, extract::State, response::Response};
use http::{Method, StatusCode};
use portico_core::{
    admin::parse_user_query,
    email::Email,
    id::UserId,
    model::User,
    port::store::{Direction, UserFilter},
};
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const READ: &[&str] = &["read:users"];
    const UPDATE: &[&str] = &["update:users", "update:users_app_metadata"];
    vec![
        Endpoint::new(Method::GET, "/users", READ, index),
        Endpoint::new(Method::POST, "/users", &["create:users"], user_changes::create),
        Endpoint::new(Method::GET, "/users/{id}", READ, show),
        Endpoint::new(Method::PATCH, "/users/{id}", UPDATE, user_changes::update),
        Endpoint::new(Method::DELETE, "/users/{id}", &["delete:users"], delete),
        Endpoint::new(Method::GET, "/users-by-email", READ, by_email),
    ]
}

async fn index(State(app): App, query: Query) -> Result<Response, ApiFault> {
    if query.text("search_engine")?.is_some_and(|engine| engine != "v3") {
        let text = "You are not allowed to use this search_engine. Use search_engine=v3 instead.";
        return Err(ApiFault::new(StatusCode::BAD_REQUEST, "invalid_query_string", text));
    }
    let paging = query.pages()?;
    let fields = query.fields()?;
    let direction = query.sort("created_at")?.unwrap_or(Direction::Ascending);
    let mut filter = match query.text("q")? {
        Some(text) => parse_user_query(text)?,
        None => UserFilter::default(),
    };
    if let Some(connection) = query.text("connection")? {
        filter.connection = Some(connection.to_owned());
    }
    let (rows, total) = app.admin.users(filter, paging.directed(direction)).await?;
    let rows = rows.iter().map(|row| {
        let mut row = view(row);
        fields.apply(&mut row);
        row
    });
    let rows = rows.collect();
    Ok(Listing::of("users", rows).counted(total).with_length().answer(&paging, &app.cursors))
}

async fn by_email(State(app): App, query: Query) -> Result<Json<Vec<Value>>, ApiFault> {
    let fields = query.fields()?;
    let email = query.parsed("email", Email::parse)?;
    let email =
        email.ok_or_else(|| ApiFault::query("Missing required property: email", "email", "Email address"))?;
    let users = app.admin.users_by_email(&email).await?;
    let rows = users.iter().map(|user| {
        let mut row = view(user);
        fields.apply(&mut row);
        row
    });
    Ok(Json(rows.collect()))
}

async fn show(
    State(app): App,
    Segments(id): Segments<UserId>,
    query: Query,
) -> Result<Json<Value>, ApiFault> {
    let fields = query.fields()?;
    let mut shown = view(&app.admin.user(&id).await?);
    fields.apply(&mut shown);
    Ok(Json(shown))
}

async fn delete(
    State(app): App,
    Acting(actor): Acting,
    Segments(id): Segments<UserId>,
) -> Result<StatusCode, ApiFault> {
    app.admin.delete_user(&actor, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A user with what is known of them; absent rather than null or empty (contract §2.8).
pub(crate) fn view(user: &User) -> Value {
    let mut shown = json!({ "user_id": user.id });
    for (claim, value) in &user.profile {
        shown[claim.as_str()] = value.clone();
    }
    // Ours comes last: an identity provider's claim of the same name does not hide it.
    shown["user_id"] = json!(user.id);
    shown["email_verified"] = json!(user.email_verified);
    if let Some(email) = &user.email {
        shown["email"] = json!(email.canonical());
    }
    if let Some(username) = &user.username {
        shown["username"] = json!(username);
    }
    let identities = user.identities.iter().map(|identity| {
        json!({
            "connection": identity.connection,
            "user_id": identity.subject,
            "provider": identity.provider,
            "isSocial": false,
        })
    });
    shown["identities"] = Value::from(identities.collect::<Vec<_>>());
    for (name, metadata) in [("user_metadata", &user.user_metadata), ("app_metadata", &user.app_metadata)] {
        if metadata.is_empty() {
            remove(&mut shown, name);
        } else {
            shown[name] = json!(metadata);
        }
    }
    if user.blocked {
        shown["blocked"] = json!(true);
    } else {
        remove(&mut shown, "blocked");
    }
    shown["created_at"] = json!(user.created_at.iso());
    shown["updated_at"] = json!(user.updated_at.iso());
    shown["logins_count"] = json!(user.logins_count);
    for (name, at) in [("last_login", user.last_login), ("last_password_reset", user.last_password_reset)] {
        if let Some(at) = at {
            shown[name] = json!(at.iso());
        }
    }
    if let Some(ip) = &user.last_ip {
        shown["last_ip"] = json!(ip);
    }
    shown
}

fn remove(shown: &mut Value, name: &str) {
    if let Some(shown) = shown.as_object_mut() {
        shown.shift_remove(name);
    }
}
