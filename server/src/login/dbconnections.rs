//! Owns the two calls by which applications' own pages make accounts and ask for new passwords (contract §1.9).
//! Never touches what is allowed: `portico_core::account` decides.

use crate::http::layer::ClientAddress;
use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use portico_core::{
    account::{
        AccountFault, Caller, NoSignUp, NotSignedUp, ResetRequest, ResetRequested, SelfService, SignUp,
        SignedUp,
    },
    connector::{ConnectorError, PasswordFault},
    id::{ClientId, OrganizationId},
    port::store::StoreError,
    secret::Secret,
    time::{Clock, Timestamp},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What the two calls need.
pub struct DbConnections {
    service: Arc<SelfService>,
    clock: Arc<dyn Clock>,
}

impl DbConnections {
    /// Over these use cases.
    pub fn new(service: Arc<SelfService>, clock: Arc<dyn Clock>) -> Self {
        Self { service, clock }
    }
}

/// The routes.
pub fn router(state: Arc<DbConnections>) -> Router {
    Router::new()
        .route("/dbconnections/signup", post(sign_up))
        .route("/dbconnections/change_password", post(change_password))
        .with_state(state)
}

/// `POST /dbconnections/signup`. A value of another type than it should be is refused, never coerced (DB-13).
#[derive(Deserialize)]
struct SignUpBody {
    client_id: String,
    email: String,
    password: String,
    connection: String,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    given_name: Option<String>,
    #[serde(default)]
    family_name: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    nickname: Option<String>,
    #[serde(default)]
    picture: Option<String>,
    #[serde(default)]
    user_metadata: Map<String, Value>,
}

async fn sign_up(
    State(state): State<Arc<DbConnections>>,
    ClientAddress(ip): ClientAddress,
    headers: HeaderMap,
    body: Result<Json<SignUpBody>, JsonRejection>,
) -> Response {
    let wanted = match body.map_err(|rejection| rejection.body_text()).and_then(|Json(body)| body.parse()) {
        Ok(wanted) => wanted,
        Err(reason) => return refused("invalid_signup", &reason),
    };
    let profile = wanted.profile.clone();
    let user_metadata = wanted.user_metadata.clone();
    match state.service.sign_up(wanted, &caller(ip, &headers)).await {
        Ok(Ok(signed_up)) => Json(shown(&signed_up, profile, user_metadata)).into_response(),
        Ok(Err(not)) => not_signed_up(&not, state.clock.now()),
        Err(fault) => broken(&fault),
    }
}

impl SignUpBody {
    /// Contract §1.9 and §2.8: lengths, and at most ten texts of metadata.
    fn parse(self) -> Result<SignUp, String> {
        let client_id = ClientId::parse(self.client_id).map_err(|error| error.to_string())?;
        let texts = [
            ("given_name", self.given_name, 150),
            ("family_name", self.family_name, 150),
            ("name", self.name, 300),
            ("nickname", self.nickname, 300),
            ("picture", self.picture, 2048),
        ];
        let mut profile = Map::new();
        for (name, value, most) in texts {
            let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
            if value.chars().count() > most {
                return Err(format!("{name} has more than {most} characters"));
            }
            if name == "picture" && !value.starts_with("https://") {
                return Err("picture is not an https address".to_owned());
            }
            profile.insert(name.to_owned(), Value::from(value));
        }
        let fits = |value: &Value| value.as_str().is_some_and(|text| text.chars().count() <= 500);
        if self.user_metadata.len() > 10 || !self.user_metadata.values().all(fits) {
            return Err("user_metadata is more than ten texts of at most 500 characters".to_owned());
        }
        Ok(SignUp {
            client_id,
            connection: self.connection,
            email: self.email,
            username: self.username,
            password: Secret::new(self.password),
            profile,
            user_metadata: self.user_metadata,
        })
    }
}

/// The account as it was asked for: what the store holds of an account that was there before is not shown (DB-03).
fn shown(signed_up: &SignedUp, mut profile: Map<String, Value>, user_metadata: Map<String, Value>) -> Value {
    profile.insert("_id".to_owned(), signed_up.subject.0.clone().into());
    profile.insert("email".to_owned(), signed_up.email.canonical().into());
    profile.insert("email_verified".to_owned(), false.into());
    if let Some(username) = &signed_up.username {
        profile.insert("username".to_owned(), username.clone().into());
    }
    if !user_metadata.is_empty() {
        profile.insert("user_metadata".to_owned(), user_metadata.into());
    }
    Value::Object(profile)
}

fn not_signed_up(not: &NotSignedUp, now: Timestamp) -> Response {
    match not {
        NotSignedUp::Refused(NoSignUp::Closed) => {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "public signup is disabled" }))).into_response()
        }
        NotSignedUp::Refused(NoSignUp::NotEnabled) => {
            refused("invalid_signup", "the connection is not enabled for this application")
        }
        NotSignedUp::EmailUnusable => refused("invalid_signup", "email is not an e-mail address"),
        NotSignedUp::UsernameUnusable(reason) => refused("invalid_signup", &format!("username: {reason}")),
        NotSignedUp::UsernameTaken => refused("username_exists", "The username provided is in use already."),
        NotSignedUp::Faults(faults) => weak_password(faults),
        // Contract §5.1: the code of a script's `ValidationError`.
        NotSignedUp::NotTaken(code) => {
            refused(code.as_deref().unwrap_or("invalid_signup"), "the account cannot be made")
        }
        NotSignedUp::TooMany(room_at) => too_many(*room_at, now),
    }
}

/// The first fault names the code, as Auth0's do (contract §1.9); all of them are in the text.
fn weak_password(faults: &[PasswordFault]) -> Response {
    let (name, code, message) = match faults {
        [PasswordFault::Common, ..] => {
            ("PasswordDictionaryError", "password_dictionary_error", "Password is too common")
        }
        [PasswordFault::Personal, ..] => {
            ("PasswordNoUserInfoError", "password_no_user_info_error", "Password contains user information")
        }
        _ => ("PasswordStrengthError", "invalid_password", "Password is too weak"),
    };
    let policy: Vec<_> = faults.iter().map(|fault| format!("* {}", sentence(*fault))).collect();
    let body = json!({
        "name": name, "code": code, "message": message, "description": message,
        "policy": policy.join("\n"), "statusCode": 400,
    });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn sentence(fault: PasswordFault) -> &'static str {
    match fault {
        PasswordFault::TooShort => "The password is too short",
        PasswordFault::TooLong => "The password has more than 256 characters or 1024 bytes",
        PasswordFault::TooSimple => "The password needs more kinds of characters",
        PasswordFault::Repetitive => "The password has more than two identical characters in a row",
        PasswordFault::Sequential => "The password has a sequence of characters",
        PasswordFault::Common => "The password is too common",
        PasswordFault::Personal => "The password contains user information",
        PasswordFault::Reused => "The password has previously been used",
        _ => "The password does not meet the policy",
    }
}

/// `POST /dbconnections/change_password`.
#[derive(Deserialize)]
struct ChangeBody {
    client_id: String,
    email: String,
    connection: String,
    #[serde(default)]
    organization: Option<String>,
}

async fn change_password(
    State(state): State<Arc<DbConnections>>,
    ClientAddress(ip): ClientAddress,
    headers: HeaderMap,
    body: Result<Json<ChangeBody>, JsonRejection>,
) -> Response {
    let body = match body {
        Ok(Json(body)) => body,
        Err(rejection) => return invalid(&rejection.body_text()),
    };
    let Ok(client) = ClientId::parse(body.client_id) else { return invalid("client_id is not a client id") };
    let organization = match body.organization.map(OrganizationId::parse).transpose() {
        Ok(organization) => organization,
        Err(error) => return invalid(&format!("organization: {error}")),
    };
    let enabled = state.service.enabled_connection(&body.connection, &client, organization.as_ref()).await;
    let connection = match enabled {
        Ok(Some(connection)) => connection.id,
        Ok(None) => return invalid("the connection is not enabled for this application"),
        Err(fault) => return broken(&fault),
    };
    let request = ResetRequest { connection, email: body.email, client: Some(client), organization };
    match state.service.request_password_change(&request, &caller(ip, &headers)).await {
        // The same for every address (DB-03).
        Ok(ResetRequested::Accepted) => {
            let html = HeaderValue::from_static("text/html; charset=utf-8");
            ([(header::CONTENT_TYPE, html)], "We've just sent you an email to reset your password.")
                .into_response()
        }
        Ok(ResetRequested::NotAnAddress) => invalid("email is not an e-mail address"),
        Ok(ResetRequested::Closed) => invalid("the connection does not offer to reset passwords"),
        Ok(ResetRequested::TooMany(room_at)) => too_many(room_at, state.clock.now()),
        Err(fault) => broken(&fault),
    }
}

fn caller(ip: std::net::IpAddr, headers: &HeaderMap) -> Caller {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Caller { ip: Some(ip), user_agent: user_agent.map(|text| text.chars().take(512).collect()) }
}

fn refused(code: &str, description: &str) -> Response {
    let body =
        json!({ "name": "BadRequestError", "code": code, "description": description, "statusCode": 400 });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn invalid(description: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": description });
    (StatusCode::BAD_REQUEST, Json(body)).into_response()
}

fn too_many(room_at: Timestamp, now: Timestamp) -> Response {
    let seconds = room_at.since(now).as_secs().max(1);
    let body =
        json!({ "error": "too_many_requests", "error_description": "Too many requests. Try again later." });
    let retry_after = [(header::RETRY_AFTER, seconds.to_string())];
    (StatusCode::TOO_MANY_REQUESTS, retry_after, Json(body)).into_response()
}

/// Something of ours is broken, or too busy. The cause is for the log.
fn broken(fault: &AccountFault) -> Response {
    let passes = match fault {
        AccountFault::Connector(ConnectorError::Busy) => Some("Too many logins at once."),
        AccountFault::Store(StoreError::Unavailable(_))
        | AccountFault::Connector(ConnectorError::Store(StoreError::Unavailable(_))) => {
            tracing::error!(error = %fault, "a request about an account was not answered");
            Some("The service does not answer at the moment; try again.")
        }
        AccountFault::Connector(_) | AccountFault::Store(_) | _ => None,
    };
    if let Some(description) = passes {
        let body = json!({ "error": "temporarily_unavailable", "error_description": description });
        let retry_after = [(header::RETRY_AFTER, "2")];
        return (StatusCode::SERVICE_UNAVAILABLE, retry_after, Json(body)).into_response();
    }
    tracing::error!(error = %fault, "a request about an account failed");
    let body = json!({ "error": "server_error", "error_description": "Something went wrong on our side." });
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}
