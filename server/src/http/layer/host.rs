//! Owns the check that a request was meant for us: its host is one of ours (INF-06).
//! Never touches links: those are made from the configured issuer, whatever a request says.

use super::{fault, fault::Wanted};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{StatusCode, Uri, header::HOST, uri::Authority};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc};
use url::Url;

/// The hosts that requests may name: the issuer's and its aliases, each with its port.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Hosts {
    accepted: BTreeSet<String>,
    default_port: u16,
}

impl Hosts {
    /// The issuer's host; a request that names no port means the scheme's.
    pub fn of(issuer: &Url) -> Self {
        let default_port = issuer.port_or_known_default().unwrap_or(443);
        let scheme_port = if issuer.scheme() == "http" { 80 } else { 443 };
        let mut hosts = Self { accepted: BTreeSet::new(), default_port: scheme_port };
        if let Some(host) = issuer.host_str() {
            hosts.accepted.insert(format!("{}:{default_port}", host.to_ascii_lowercase()));
        }
        hosts
    }

    /// Another name of this gateway, `host` or `host:port`.
    #[must_use]
    pub fn alias(mut self, host: &str) -> Self {
        if let Some(host) = self.normal(host) {
            self.accepted.insert(host);
        }
        self
    }

    /// The names of the loopback interface, when that is where we listen: no other machine can come in there.
    #[must_use]
    pub fn listening_at(mut self, address: SocketAddr) -> Self {
        if address.ip().is_loopback() {
            for name in ["localhost", "127.0.0.1", "[::1]"] {
                self.accepted.insert(format!("{name}:{}", address.port()));
            }
        }
        self
    }

    /// Whether `host` is one of ours.
    pub fn accept(&self, host: &str) -> bool {
        self.normal(host).is_some_and(|host| self.accepted.contains(&host))
    }

    /// Lower case, with a port, without the dot that absolute names may end in.
    fn normal(&self, host: &str) -> Option<String> {
        let authority: Authority = host.parse().ok()?;
        if host.contains('@') || authority.host().is_empty() {
            return None;
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            None if host.ends_with(':') => return None,
            None => self.default_port,
        };
        let name = authority.host().to_ascii_lowercase();
        Some(format!("{}:{port}", name.strip_suffix('.').unwrap_or(&name)))
    }
}

/// The layer: 400 for a request that names no host, or several; 421 for one that names another (RFC 9110 §15.5.20).
pub(super) async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
    let wanted = Wanted::by(&request);
    match named(request.uri(), &request) {
        Err(sentence) => fault::refused(wanted, StatusCode::BAD_REQUEST, sentence),
        Ok(names) if names.iter().all(|name| hosts.accept(name)) => next.run(request).await,
        Ok(_) => fault::refused(
            wanted,
            StatusCode::MISDIRECTED_REQUEST,
            "This server does not answer for the host that the request names.",
        ),
    }
}

/// The hosts that a request names: an absolute-form target or `:authority`, and the header `Host`. All must be ours,
/// so that nothing behind us can read another one than we have checked.
fn named<'r>(uri: &'r Uri, request: &'r Request) -> Result<Vec<&'r str>, &'static str> {
    let mut headers = request.headers().get_all(HOST).iter();
    let header = headers.next();
    if headers.next().is_some() {
        return Err("The request names two hosts.");
    }
    let header = header
        .map(|host| host.to_str().map_err(|_not_text| "The host of the request is not text."))
        .transpose()?;
    let names: Vec<&str> = uri.authority().map(Authority::as_str).into_iter().chain(header).collect();
    if names.is_empty() { Err("The request names no host.") } else { Ok(names) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuers_host_is_ours_in_every_spelling_and_no_other_is() {
        let hosts = Hosts::of(&"https://login.example/".parse().unwrap()).alias("gate.internal:8443");
        for ours in ["login.example", "LOGIN.example:443", "login.example.", "gate.internal:8443"] {
            assert!(hosts.accept(ours), "{ours}");
        }
        for other in [
            "login.example:8443",
            "login.example:80",
            "evil.example",
            "login.example.evil.example",
            "login.example@evil.example",
            "evil.example/login.example",
            "gate.internal",
            "login.example:",
            "",
            "127.0.0.1",
        ] {
            assert!(!hosts.accept(other), "{other}");
        }
    }

    #[test]
    fn loopback_names_are_ours_where_we_listen() {
        let hosts = Hosts::of(&"http://localhost:8000/".parse().unwrap());
        assert!(hosts.accept("localhost:8000") && !hosts.accept("127.0.0.1:8000"));
        let hosts = hosts.listening_at("127.0.0.1:8000".parse().unwrap());
        assert!(hosts.accept("127.0.0.1:8000") && hosts.accept("[::1]:8000"));
        assert!(!hosts.clone().accept("127.0.0.1:8001"));
        assert_eq!(hosts.clone(), hosts.listening_at("10.0.0.1:8000".parse().unwrap()));
    }
}
