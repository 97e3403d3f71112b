//! Owns the OpenID provider's ports: what its endpoints need, put together once.
//! Never touches what the endpoints do: each has its file.

use crate::{
    entropy::Entropy,
    login::{Connectors, pipeline::Pipeline},
    port::{key_ring::KeyRing, store::Store},
    time::{Clock, Timestamp},
};
use std::sync::Arc;
use url::Url;

/// The OpenID provider. Its endpoints are methods: `exchange` (token), `userinfo`, `revoke`, `log_out`.
pub struct OpenIdProvider {
    /// Where codes, tokens and sessions are.
    pub store: Arc<dyn Store>,
    /// What signs.
    pub keys: Arc<dyn KeyRing>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What tokens are made of.
    pub entropy: Arc<dyn Entropy>,
    /// Our issuer.
    pub issuer: Url,
    /// End sessions upstream.
    pub connectors: Arc<dyn Connectors>,
    /// Runs the rules when a token is refreshed.
    pub pipeline: Pipeline,
}

impl OpenIdProvider {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
