//! Owns the documents that partners read about one of our connections (contract §1.10).
//! Never touches what is in them: the connection's connector says it.

use crate::http::{
    extract::params::{ParamsFault, QueryParams},
    voice::page::PageFault,
};
use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use portico_core::{
    login::Connectors,
    port::store::{Store, StoreError},
};
use std::sync::Arc;

/// What they need.
pub struct Partners {
    store: Arc<dyn Store>,
    connectors: Arc<dyn Connectors>,
}

impl Partners {
    /// Over these connections.
    pub fn new(store: Arc<dyn Store>, connectors: Arc<dyn Connectors>) -> Self {
        Self { store, connectors }
    }
}

/// The routes.
pub fn router(partners: Arc<Partners>) -> Router {
    Router::new().route("/samlp/metadata", get(metadata)).with_state(partners)
}

/// `GET /samlp/metadata?connection=`.
async fn metadata(
    State(partners): State<Arc<Partners>>,
    parameters: Result<QueryParams, ParamsFault>,
) -> Result<Response, PageFault> {
    let Ok(QueryParams(parameters)) = parameters else { return Ok(nothing()) };
    let Some(name) = parameters.get("connection") else { return Ok(nothing()) };
    let found = partners
        .store
        .read::<_, StoreError, _>(|unit| Box::pin(async move { unit.connections().find_by_name(name).await }))
        .await?;
    let Some(connection) = found else { return Ok(nothing()) };
    match partners.connectors.of(&connection)?.description()? {
        Some(document) => {
            let headers = [
                (CONTENT_TYPE, HeaderValue::from_static(document.content_type)),
                // Keys rotate: who keeps it for long misses the next one.
                (CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
                (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            ];
            Ok((headers, document.body).into_response())
        }
        None => Ok(nothing()),
    }
}

fn nothing() -> Response {
    (StatusCode::NOT_FOUND, "There is no such connection, or nothing to be read about it.\n").into_response()
}
