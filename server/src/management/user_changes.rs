//! Owns making and changing users on the wire (contract §2.8).
//! Never touches how users are shown.

use super::{
    App,
    body::{Body, Fields, boolean, object, parsed, text},
    gate::{Acting, Segments},
    users::view,
};
use crate::http::{extract::bearer::Caller, voice::api::ApiFault};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use portico_core::{
    admin::{Change, Mailing, UserChange, UserDraft},
    email::Email,
    id::UserId,
    secret::Secret,
};
use serde_json::{Map, Value, json};

pub(super) async fn create(State(app): App, Acting(actor): Acting, body: Body) -> Result<Response, ApiFault> {
    let draft = draft(body)?;
    let user = app.admin.create_user(&actor, draft).await?;
    Ok((StatusCode::CREATED, Json(view(&user))).into_response())
}

pub(super) async fn update(
    State(app): App,
    caller: Caller,
    Acting(actor): Acting,
    Segments(id): Segments<UserId>,
    body: Body,
) -> Result<Json<Value>, ApiFault> {
    let change = change(body)?;
    if !only_app_metadata(&change) {
        caller.require(&["update:users"])?;
    }
    Ok(Json(view(&app.admin.update_user(&actor, &id, change).await?)))
}

/// The scope of `app_metadata` alone reaches that far and no further.
fn only_app_metadata(change: &UserChange) -> bool {
    let UserChange {
        email,
        email_verified,
        username,
        password,
        connection: _,
        profile,
        user_metadata,
        app_metadata: _,
        blocked,
        verification,
    } = change;
    email.is_none()
        && email_verified.is_none()
        && username.is_none()
        && password.is_none()
        && profile.is_empty()
        && !user_metadata.is_mentioned()
        && blocked.is_none()
        && *verification == Mailing::Withhold
}

const CONNECTION: (&str, &str) = ("connection", "Name of the connection this user should be created in");
const EMAIL: (&str, &str) = ("email", "The user's email");
const VERIFIED: (&str, &str) = ("email_verified", "Whether this email address is verified");
const USERNAME: (&str, &str) = ("username", "The user's username");
const PASSWORD: (&str, &str) = ("password", "The user's password");
const BLOCKED: (&str, &str) = ("blocked", "Whether this user was blocked by an administrator");
const USER_METADATA: (&str, &str) = ("user_metadata", "Data that the user may change");
const APP_METADATA: (&str, &str) = ("app_metadata", "Data that only administrators and rules may change");

fn draft(body: Body) -> Result<UserDraft, ApiFault> {
    let mut fields = body.fields()?;
    let draft = UserDraft {
        connection: fields.required(CONNECTION, text(1..=128))?,
        email: fields.optional(EMAIL, parsed("email", Email::parse))?,
        email_verified: fields.optional(VERIFIED, boolean)?.unwrap_or(false),
        username: fields.optional(USERNAME, text(1..=128))?,
        password: fields.optional(PASSWORD, text(1..=1024))?.map(Secret::new),
        user_id: fields
            .optional(("user_id", "The external user's id provided by the identity provider"), key)?,
        profile: profile(&mut fields)?,
        user_metadata: fields.optional(USER_METADATA, object)?.unwrap_or_default(),
        app_metadata: fields.optional(APP_METADATA, object)?.unwrap_or_default(),
        blocked: fields.optional(BLOCKED, boolean)?.unwrap_or(false),
        verification: verification(&mut fields)?,
    };
    fields.finish()?;
    Ok(draft)
}

fn change(body: Body) -> Result<UserChange, ApiFault> {
    let mut fields = body.fields()?;
    let change = UserChange {
        email: fields.optional(EMAIL, parsed("email", Email::parse))?,
        email_verified: fields.optional(VERIFIED, boolean)?,
        username: fields.optional(USERNAME, text(1..=128))?,
        password: fields.optional(PASSWORD, text(1..=1024))?.map(Secret::new),
        connection: fields.optional(CONNECTION, text(1..=128))?,
        profile: profile(&mut fields)?,
        user_metadata: fields.change(USER_METADATA, object)?,
        app_metadata: fields.change(APP_METADATA, object)?,
        blocked: fields.optional(BLOCKED, boolean)?,
        verification: verification(&mut fields)?,
    };
    // In whose name the message is sent is not asked here: it is the installation's.
    fields.optional(("client_id", "ID of the client"), text(1..=64))?;
    fields.finish()?;
    Ok(change)
}

/// The parts of the profile that may be set.
fn profile(fields: &mut Fields) -> Result<Map<String, Value>, ApiFault> {
    const TEXTS: &[(&str, usize)] = &[
        ("name", 300),
        ("nickname", 350),
        ("given_name", 150),
        ("family_name", 150),
        ("picture", 2048),
        ("phone_number", 16),
    ];
    let mut profile = Map::new();
    for (name, most) in TEXTS {
        match fields.change((name, "A part of the user's profile"), text(1..=*most))? {
            Change::Keep => {}
            Change::Clear => drop(profile.insert((*name).to_owned(), Value::Null)),
            Change::Set(text) => drop(profile.insert((*name).to_owned(), json!(text))),
        }
    }
    if let Some(verified) = fields.optional(("phone_verified", "true or false"), boolean)? {
        profile.insert("phone_verified".to_owned(), json!(verified));
    }
    Ok(profile)
}

/// Whether a message asks for the address to be verified.
fn verification(fields: &mut Fields) -> Result<Mailing, ApiFault> {
    let what = ("verify_email", "Whether the user will receive a verification email");
    let wanted = fields.optional(what, boolean)?.unwrap_or(false);
    Ok(if wanted { Mailing::Send } else { Mailing::Withhold })
}

fn key(value: Value, path: &str, what: &str) -> Result<String, ApiFault> {
    let key = text(1..=255)(value, path, what)?;
    if key.chars().any(|c| c.is_whitespace() || c.is_control() || c == '|') {
        return Err(ApiFault::property(
            format!("String does not match pattern ^[^\\s|]*$: {key}"),
            path,
            what,
        ));
    }
    Ok(key)
}
