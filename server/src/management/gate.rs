//! Owns the gate of the Management API: who is let in, with which scopes, how often.
//! Never touches what lies behind it.

use super::Management;
use crate::http::{extract::bearer::Caller, layer::ClientAddress, voice::api::ApiFault};
use axum::{
    extract::{FromRequestParts, Path, Request, State, path::ErrorKind, rejection::PathRejection},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header::USER_AGENT, request::Parts};
use portico_core::admin::Actor;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// The layer around everything: the bearer token is checked, the call is counted, and the answer says how many are left.
pub(super) async fn admit(
    State(management): State<Arc<Management>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = management.bearer.caller(request.headers()).await;
    let allowance = management.rate.charge(caller.as_ref().ok().map(|caller| &caller.client_id));
    let mut response = match (caller, &allowance.refused) {
        (_, Some(fault)) => fault.clone().into_response(),
        (Ok(caller), None) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        (Err(fault), None) => fault.into_response(),
    };
    allowance.note(response.headers_mut());
    response
}

/// The layer around each route: one of its scopes, and for a token of one organization only that organization's paths.
pub(super) async fn require(
    State(scopes): State<&'static [&'static str]>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::HEAD {
        return method_not_allowed().await.into_response();
    }
    let Some(caller) = request.extensions().get::<Caller>() else {
        return ApiFault::unauthorized("Missing authentication").into_response();
    };
    if let Err(fault) =
        caller.require(scopes).and_then(|()| own_organization(caller, request.uri().path(), scopes))
    {
        return fault.into_response();
    }
    next.run(request).await
}

/// ORG-17: the organization of a token and that of a path must be one; nothing in a query, header or body counts.
fn own_organization(caller: &Caller, path: &str, scopes: &[&str]) -> Result<(), ApiFault> {
    let Some(organization) = &caller.organization else { return Ok(()) };
    let Some(rest) = path.strip_prefix("/api/v2/organizations/") else {
        return Err(ApiFault::insufficient_scope(scopes));
    };
    if rest.split('/').next() == Some(organization.as_str()) {
        return Ok(());
    }
    Err(ApiFault::plain(StatusCode::NOT_FOUND, "No organization found by that id or name"))
}

/// 405 for a method that a path does not have.
pub(super) async fn method_not_allowed() -> ApiFault {
    ApiFault::plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiFault;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiFault> {
        let missing = || ApiFault::unauthorized("Missing authentication");
        parts.extensions.get().cloned().ok_or_else(missing)
    }
}

/// Who asks, for the log.
pub(super) struct Acting(pub(super) Actor);

impl<S: Sync> FromRequestParts<S> for Acting {
    type Rejection = ApiFault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiFault> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let user_agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Ok(Self(Actor {
            client_id: Some(caller.client_id),
            ip: Some(ClientAddress::of(&parts.extensions).0.to_string()),
            user_agent: user_agent.map(|agent| agent.chars().take(512).collect()),
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            organization: caller.organization,
        }))
    }
}

/// What varies in a path. What is not the id it should be is refused with 400 `invalid_uri`.
pub(super) struct Segments<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiFault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiFault> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => Err(refused(&rejection)),
        }
    }
}

fn refused(rejection: &PathRejection) -> ApiFault {
    let why = if let PathRejection::FailedToDeserializePathParams(error) = rejection {
        if let ErrorKind::DeserializeError { message, .. } | ErrorKind::Message(message) = error.kind() {
            message.clone()
        } else {
            error.body_text()
        }
    } else {
        rejection.body_text()
    };
    let message =
        format!("Path validation error: 'Object didn't pass validation: {why}' on property id (An id).");
    ApiFault::new(StatusCode::BAD_REQUEST, "invalid_uri", message)
}
