//! Owns what a connection is set to, as types.
//! Never touches JSON: `options.rs` reads it.

use crate::{keys::Algorithm, mapping::Mapping};
use portico_core::secret::Secret;
use url::Url;

/// A connection's options (contract §2.5.3), checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the discovery document is; none when every endpoint is given.
    pub(crate) discovery_url: Option<Url>,
    /// The issuer, when it is given.
    pub(crate) issuer: Option<String>,
    /// Endpoints that are given, and may be on any origin.
    pub(crate) endpoints: Endpoints,
    /// Us, at the identity provider.
    pub(crate) client_id: String,
    /// Our secret there.
    pub(crate) client_secret: Secret,
    /// How the secret is sent, when it is given.
    pub(crate) auth_method: Option<AuthMethod>,
    /// What we ask for.
    pub(crate) scope: String,
    /// How ID tokens may be signed.
    pub(crate) algs: Vec<Algorithm>,
    /// How claims become a profile.
    pub(crate) mapping: Mapping,
    /// Further parameters of the authorization request.
    pub(crate) upstream: Vec<Upstream>,
    /// Whether answers are sent to an address that is this connection's alone.
    pub(crate) own_callback: bool,
}

/// Endpoints by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Endpoints {
    pub(crate) authorization: Option<Url>,
    pub(crate) token: Option<Url>,
    pub(crate) jwks: Option<Url>,
    pub(crate) userinfo: Option<Url>,
    pub(crate) end_session: Option<Url>,
}

/// How a client shows its secret (RFC 6749 §2.3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AuthMethod {
    /// In the form.
    Post,
    /// In a header.
    Basic,
}

/// A parameter for the identity provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Upstream {
    pub(crate) name: String,
    pub(crate) content: Content,
}

/// What a parameter holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Content {
    /// Always this.
    Value(String),
    /// The login hint, when there is one.
    LoginHint,
}
