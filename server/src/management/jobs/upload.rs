//! Owns the form with a file of users (contract §2.10).
//! Never touches what is in the file, but for its size.

use super::super::Management;
use crate::http::voice::api::ApiFault;
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::{StatusCode, header::CONTENT_TYPE};
use multer::Multipart;
use portico_core::id::ConnectionId;
use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

/// The most bytes a file may have.
pub(super) const MOST_BYTES: usize = 512_000;

/// A file of users, and what to do with it.
pub(super) struct Upload {
    pub(super) users: String,
    pub(super) connection_id: ConnectionId,
    pub(super) upsert: bool,
    pub(super) external_id: Option<String>,
}

impl FromRequest<Arc<Management>> for Upload {
    type Rejection = ApiFault;

    async fn from_request(request: Request, state: &Arc<Management>) -> Result<Self, ApiFault> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let boundary = kind.and_then(|kind| multer::parse_boundary(kind).ok()).ok_or_else(malformed)?;
        let body = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { too_large() } else { malformed() }
        })?;
        let parts = parts(body, boundary).await?;
        Self::of(parts)
    }
}

/// The parts by name; none may be there twice.
async fn parts(body: Bytes, boundary: String) -> Result<BTreeMap<String, Bytes>, ApiFault> {
    let body = futures_util::stream::iter([Ok::<_, Infallible>(body)]);
    let mut form = Multipart::new(body, boundary);
    let mut parts = BTreeMap::new();
    while let Some(part) = form.next_field().await.map_err(|_error| malformed())? {
        let name = part.name().unwrap_or_default().to_owned();
        let content = part.bytes().await.map_err(|_error| malformed())?;
        if parts.insert(name, content).is_some() {
            return Err(malformed());
        }
    }
    Ok(parts)
}

impl Upload {
    fn of(mut parts: BTreeMap<String, Bytes>) -> Result<Self, ApiFault> {
        let users = parts
            .remove("users")
            .ok_or_else(|| ApiFault::body("Must provide 'users' file as multipart part."))?;
        if users.is_empty() {
            return Err(ApiFault::body("Users file must not be empty."));
        }
        if users.len() > MOST_BYTES {
            return Err(too_large());
        }
        let users = String::from_utf8(users.into()).map_err(|_not_utf8| {
            ApiFault::body(
                "Failed to parse users file JSON when importing users. Make sure it is valid JSON.",
            )
        })?;
        let mut text = |name: &str| match parts.remove(name) {
            Some(value) => {
                std::str::from_utf8(&value).map(|text| Some(text.to_owned())).map_err(|_not_utf8| malformed())
            }
            None => Ok(None),
        };
        let connection = text("connection_id")?
            .ok_or_else(|| ApiFault::body("Must provide 'connection_id' as multipart part."))?;
        let connection_id = ConnectionId::parse(connection).map_err(|error| {
            ApiFault::property(
                error,
                "connection_id",
                "connection_id of the connection to which users are imported",
            )
        })?;
        let upsert = flag(text("upsert")?.as_deref(), "upsert", false)?;
        // There is nobody to tell: administrators have no address here. Whoever asked looks at the job.
        flag(text("send_completion_email")?.as_deref(), "send_completion_email", true)?;
        let external_id = text("external_id")?;
        if external_id.as_ref().is_some_and(|id| id.chars().count() > 255) {
            return Err(ApiFault::property("String is too long", "external_id", "Customer-defined ID"));
        }
        if let Some(name) = parts.keys().next() {
            let text = format!("Payload validation error: 'Additional properties not allowed: {name}'.");
            return Err(ApiFault::body(text));
        }
        Ok(Self { users, connection_id, upsert, external_id })
    }
}

fn flag(text: Option<&str>, name: &'static str, default: bool) -> Result<bool, ApiFault> {
    match text {
        None => Ok(default),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(ApiFault::property("Expected type boolean", name, "true or false")),
    }
}

fn malformed() -> ApiFault {
    ApiFault::body("Payload validation error: 'Invalid multipart payload format'.")
}

fn too_large() -> ApiFault {
    let text = format!("Payload content length greater than maximum allowed: {MOST_BYTES}.");
    ApiFault::plain(StatusCode::PAYLOAD_TOO_LARGE, text)
}
