//! Owns the Management API v2, one module a resource: which routes there are, what they take, and how answers look.
//! Never touches decisions: handlers extract, call `core::admin`, choose a view and return.

mod actions;
mod body;
mod branding;
mod client_grants;
mod clients;
mod connections;
mod cursor;
mod gate;
mod invitations;
mod jobs;
mod list;
mod logs;
mod members;
mod organization_client_grants;
mod organization_connections;
mod organizations;
mod query;
mod rate;
mod resource_servers;
mod roles;
mod rules;
mod tenants;
mod triggers;
mod unbuilt;
mod user_changes;
mod user_roles;
mod users;

pub(crate) use users::view as user_view;

use crate::http::extract::bearer::Bearer;
use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, any, on},
};
use cursor::Cursors;
use http::Method;
use portico_core::{
    admin::{Admin, AdminPorts},
    port::key_ring::KeyRing,
    time::Clock,
};
use rate::Rate;
use std::sync::Arc;
use url::Url;

/// What the Management API needs of the outside.
pub struct ManagementPorts {
    /// The ports of the use cases.
    pub admin: AdminPorts,
    /// Public keys, to check bearer tokens with.
    pub keys: Arc<dyn KeyRing>,
    /// Who issues tokens here; the API's audience is `<issuer>api/v2/`.
    pub issuer: Url,
    /// Seals cursors ([`portico_core::admin::bootstrap::cursor_key`]).
    pub cursor_key: [u8; 32],
}

/// The state of the Management API.
pub struct Management {
    admin: Admin,
    bearer: Bearer,
    cursors: Cursors,
    rate: Rate,
    clock: Arc<dyn Clock>,
    issuer: Url,
}

impl Management {
    /// Over these ports.
    pub fn new(ports: ManagementPorts) -> Self {
        let ManagementPorts { admin, keys, issuer, cursor_key } = ports;
        let clock = Arc::clone(&admin.clock);
        let store = Arc::clone(&admin.store);
        let bearer = Bearer { keys, store, clock: Arc::clone(&clock), issuer: issuer.clone() };
        let rate = Rate::new(Arc::clone(&clock));
        Self { admin: Admin::new(admin), bearer, cursors: Cursors::new(cursor_key), rate, clock, issuer }
    }
}

/// A route: method, path below `/api/v2`, and the scopes any of which opens it. The one table of them all.
pub struct Endpoint {
    /// The method.
    pub method: Method,
    /// The path, with `{names}` for what varies.
    pub path: &'static str,
    /// A token needs one of these.
    pub scopes: &'static [&'static str],
    handler: MethodRouter<Arc<Management>>,
}

/// State of every handler.
type App = State<Arc<Management>>;

impl Endpoint {
    fn new<H, T>(method: Method, path: &'static str, scopes: &'static [&'static str], handler: H) -> Self
    where
        H: Handler<T, Arc<Management>>,
        T: 'static,
    {
        let filter = match method {
            Method::POST => MethodFilter::POST,
            Method::PUT => MethodFilter::PUT,
            Method::PATCH => MethodFilter::PATCH,
            Method::DELETE => MethodFilter::DELETE,
            _ => MethodFilter::GET,
        };
        Self { method, path, scopes, handler: on(filter, handler) }
    }

    /// The same, for bodies up to this many bytes.
    fn up_to(self, bytes: usize) -> Self {
        Self { handler: self.handler.layer(DefaultBodyLimit::max(bytes)), ..self }
    }
}

/// Every route of the Management API.
pub fn endpoints() -> Vec<Endpoint> {
    [
        organizations::endpoints(),
        organization_connections::endpoints(),
        organization_client_grants::endpoints(),
        members::endpoints(),
        invitations::endpoints(),
        connections::endpoints(),
        clients::endpoints(),
        client_grants::endpoints(),
        resource_servers::endpoints(),
        roles::endpoints(),
        users::endpoints(),
        jobs::endpoints(),
        user_roles::endpoints(),
        rules::endpoints(),
        actions::endpoints(),
        triggers::endpoints(),
        tenants::endpoints(),
        branding::endpoints(),
        logs::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The routes, each behind the bearer check and its scopes; whatever else is below `/api/v2` answers as contract §2.3
/// says.
pub fn router(management: Arc<Management>) -> Router {
    let routes = endpoints().into_iter().fold(Router::new(), |router, endpoint| {
        let scoped = middleware::from_fn_with_state(endpoint.scopes, gate::require);
        router.route(&format!("/api/v2{}", endpoint.path), endpoint.handler.route_layer(scoped))
    });
    routes
        .method_not_allowed_fallback(gate::method_not_allowed)
        .route("/api/v2", any(unbuilt::answer))
        .route("/api/v2/", any(unbuilt::answer))
        .route("/api/v2/{*rest}", any(unbuilt::answer))
        .layer(middleware::from_fn_with_state(Arc::clone(&management), gate::admit))
        .with_state(Arc::clone(&management))
        .merge(jobs::downloads(management))
}
