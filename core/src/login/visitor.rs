//! Owns what is known of a browser: where it is, and the two cookies it holds.
//! Never touches headers.

use crate::secret::Secret;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// A browser.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The cookie that ties logins to it.
    pub browser: Option<Secret>,
    /// The cookie of its session.
    pub session: Option<Secret>,
    /// Where it is, as far as trusted proxies say.
    pub ip: Option<IpAddr>,
    /// Its name for itself, at most 512 characters.
    pub user_agent: Option<String>,
    /// The host it asked for.
    pub hostname: Option<String>,
    /// The query of the request that began the login, with secrets left out, for rules.
    pub query: Map<String, Value>,
}
