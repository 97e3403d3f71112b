//! Owns the addresses for operators: `/healthz`, `/readyz` and `/metrics`, on a listener of their own (INF-17).
//! Never touches anything a visitor could reach.

use crate::{edge::Metrics, worker::Stop};
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header::CONTENT_TYPE};
use portico_core::port::store::Store;
use std::sync::Arc;

/// What they tell of.
pub struct Operations {
    /// Asked whether it is ready.
    pub store: Arc<dyn Store>,
    /// Shown.
    pub metrics: Arc<Metrics>,
    /// A gateway that is stopping is not ready.
    pub stop: Stop,
}

/// The router of the admin listener.
pub fn router(state: Arc<Operations>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(state)
}

async fn ready(State(state): State<Arc<Operations>>) -> (StatusCode, &'static str) {
    if state.stop.is_requested() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match state.store.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "the store is not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the store is not ready\n")
        }
    }
}

async fn metrics(State(state): State<Arc<Operations>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], state.metrics.exposition())
}
