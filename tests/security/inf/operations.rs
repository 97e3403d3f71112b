//! Owns INF-17: health and metrics are nowhere but on their own listener.
//! Never touches what is counted.

use super::*;
use crate::world::{ISSUER, World};
use axum::http::{Request, StatusCode};
use portico_server::http::operations::{self, Operations};
use tower::ServiceExt;

#[tokio::test]
async fn inf_17_the_public_listener_shows_no_health_and_no_metrics() {
    let world = World::new().await;
    let (stopper, stop) = Stopper::new();
    let state = Operations { store: Arc::clone(&world.store), metrics: Arc::default(), stop };
    let operations = operations::router(Arc::new(state));
    let ask = |router: &Router, path: &str| {
        let request =
            Request::get(format!("{}{path}", ISSUER.trim_end_matches('/'))).body(Body::empty()).unwrap();
        let router = router.clone();
        async move { router.oneshot(request).await.unwrap().status() }
    };
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(ask(&world.app.router, path).await, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(ask(&operations, path).await, StatusCode::OK, "{path}");
    }
    for path in ["/debug", "/debug/pprof", "/status"] {
        assert_eq!(ask(&world.app.router, path).await, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask(&operations, "/.well-known/jwks.json").await, StatusCode::NOT_FOUND);
    stopper.stop();
    assert_eq!(ask(&operations, "/readyz").await, StatusCode::SERVICE_UNAVAILABLE, "it stops");
    assert_eq!(ask(&operations, "/healthz").await, StatusCode::OK, "and still lives");
}
