//! Owns `GET /actions/actions` (contract §2.9): the list of actions, of which there are none, since rules are what runs
//! at a login here.
//! Never touches rules.

use super::{Endpoint, query::Query};
use crate::http::voice::api::ApiFault;
use axum::Json;
use http::Method;
use portico_core::port::store::Page;
use serde_json::{Value, json};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, "/actions/actions", &["read:actions"], index)]
}

/// Deployment tools read this list before they write databases, and give up on any other answer. Making an action is
/// refused like everything that is not built.
async fn index(query: Query) -> Result<Json<Value>, ApiFault> {
    let Page { skip, take, .. } = query.pages()?.page();
    Ok(Json(json!({ "actions": [], "total": 0, "page": skip / take, "per_page": take })))
}
