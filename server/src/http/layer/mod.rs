//! Owns the layers around every route: reference numbers, panics, hosts, addresses, limits and security headers.
//! Never touches what a route does.

mod body;
mod client_address;
mod fault;
mod headers;
mod host;
mod reference;
mod same_origin;

pub use client_address::{ClientAddress, TrustedProxies};
pub use headers::{CspNonce, Sources};
pub use host::Hosts;
pub use reference::Reference;
pub use same_origin::{CrossOrigin, OwnOrigin, SameOrigin};

use axum::{Router, extract::DefaultBodyLimit, middleware};
use portico_core::entropy::Entropy;
use std::{sync::Arc, time::Duration};
use url::Url;

/// What the layers need to know.
pub struct Layers {
    /// The public address of the gateway; its origin is the only one whose pages may post to us.
    pub issuer: Url,
    /// The hosts that requests may name.
    pub hosts: Hosts,
    /// The proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: TrustedProxies,
    /// Nonces and reference numbers are made of it.
    pub entropy: Arc<dyn Entropy>,
    /// After how long a request is given up.
    pub timeout: Duration,
}

/// Bytes that a request body may have unless its route says otherwise by a [`DefaultBodyLimit`] of its own.
pub const BODY_LIMIT: usize = 64 << 10;

impl Layers {
    /// The router with every layer around it; the first in this list is the outermost.
    ///
    /// Reference number and log, panics, security headers, host, client address, time limit, body limits
    /// (`security.md` §3.9).
    pub fn around(self, router: Router) -> Router {
        let https = self.issuer.scheme() == "https";
        router
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .layer(middleware::from_fn_with_state(body::Limits { timeout: self.timeout }, body::limit))
            .layer(middleware::from_fn_with_state(Arc::new(self.trusted_proxies), client_address::note))
            .layer(axum::Extension(OwnOrigin::of(&self.issuer)))
            .layer(middleware::from_fn_with_state(Arc::new(self.hosts), host::check))
            .layer(middleware::from_fn_with_state(
                headers::Headers { entropy: Arc::clone(&self.entropy), https },
                headers::secure,
            ))
            .layer(middleware::from_fn_with_state(self.entropy, reference::trace))
    }
}
