//! Owns the section `[server]`: addresses, names and limits of the listeners.
//! Never touches sockets.

use super::ConfigError;
use crate::{
    edge::EdgeLimits,
    http::layer::{Hosts, TrustedProxies},
};
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};
use url::{Host, Url};

/// `[server]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSection {
    /// Where the public listener is.
    pub listen: SocketAddr,
    /// The public address of the gateway; absent, `localhost` with the listener's port.
    pub issuer: Option<Url>,
    /// Other hosts that requests may name, each `host` or `host:port`.
    pub aliases: Vec<String>,
    /// Proxies in front of us: networks such as `10.0.0.0/8`.
    pub trusted_proxies: Vec<String>,
    /// Where health and metrics are; never a public address.
    pub admin_listen: SocketAddr,
    /// Connections at once.
    pub connections: usize,
    /// Connections at once of one address.
    pub connections_per_ip: usize,
    /// How long requests under way may go on when the server stops.
    pub drain_seconds: u64,
    /// Certificates.
    pub tls: TlsSection,
}

/// `[server.tls]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSection {
    /// The certificate with its chain, in PEM.
    pub cert: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
    /// Make a small CA and a certificate in the data folder.
    pub self_signed: bool,
}

impl Default for ServerSection {
    fn default() -> Self {
        let limits = EdgeLimits::default();
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000),
            issuer: None,
            aliases: Vec::new(),
            trusted_proxies: Vec::new(),
            admin_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464),
            connections: limits.connections,
            connections_per_ip: limits.connections_per_ip,
            drain_seconds: limits.drain.as_secs(),
            tls: TlsSection::default(),
        }
    }
}

impl ServerSection {
    pub(super) fn settle(&mut self) -> Result<(), ConfigError> {
        let unfit = |key, problem: &str| Err(ConfigError::Unfit { key, problem: problem.to_owned() });
        match (&self.tls.cert, &self.tls.key, self.tls.self_signed) {
            (Some(_), Some(_), false) | (None, None, _) => {}
            (Some(_), Some(_), true) => {
                return unfit(
                    "server.tls.self_signed",
                    "is set although a certificate is given; keep one of them",
                );
            }
            (Some(_), None, _) => {
                return unfit("server.tls.key", "is missing: a certificate needs its private key");
            }
            (None, Some(_), _) => {
                return unfit("server.tls.cert", "is missing: a private key needs its certificate");
            }
        }
        self.proxies()?;
        match self.issuer.take() {
            Some(issuer) => self.issuer = Some(checked(issuer)?),
            None if self.listen.ip().is_loopback() => {}
            None => {
                return unfit(
                    "server.issuer",
                    "is missing: a gateway that is not on loopback needs its public address, such as https://login.example/",
                );
            }
        }
        Ok(())
    }

    /// The public address, ending in a slash.
    pub fn issuer(&self) -> Url {
        self.issuer.clone().unwrap_or_else(|| self.local_issuer())
    }

    /// The proxies whose `X-Forwarded-For` counts.
    pub fn proxies(&self) -> Result<TrustedProxies, ConfigError> {
        TrustedProxies::parse(self.trusted_proxies.iter().map(String::as_str)).map_err(|error| {
            ConfigError::Unfit { key: "server.trusted_proxies", problem: format!("is no good: {error}") }
        })
    }

    /// The hosts that requests to the listener at `bound` may name.
    pub fn hosts(&self, bound: SocketAddr) -> Hosts {
        self.aliases
            .iter()
            .fold(Hosts::of(&self.issuer()), |hosts, alias| hosts.alias(alias))
            .listening_at(bound)
    }

    /// Limits of connections.
    pub fn limits(&self) -> EdgeLimits {
        EdgeLimits {
            connections: self.connections,
            connections_per_ip: self.connections_per_ip,
            drain: Duration::from_secs(self.drain_seconds),
            ..EdgeLimits::default()
        }
    }

    #[expect(clippy::expect_used, reason = "a scheme, a host and a port make a URL")]
    fn local_issuer(&self) -> Url {
        let tls = self.tls.self_signed || self.tls.cert.is_some();
        let scheme = if tls { "https" } else { "http" };
        format!("{scheme}://localhost:{}/", self.listen.port()).parse().expect("a URL")
    }
}

/// An issuer that browsers treat as secure, without anything behind its host; with or without its slash.
fn checked(mut issuer: Url) -> Result<Url, ConfigError> {
    let unfit = |problem: &str| {
        Err(ConfigError::Unfit { key: "server.issuer", problem: format!("is `{issuer}`: {problem}") })
    };
    let loopback = match issuer.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if !(issuer.scheme() == "https" || issuer.scheme() == "http" && loopback) {
        return unfit("it must begin with https:// (plain http is for localhost alone)");
    }
    if issuer.query().is_some()
        || issuer.fragment().is_some()
        || !issuer.username().is_empty()
        || issuer.password().is_some()
    {
        return unfit("it may have no user, query or fragment");
    }
    if issuer.path() != "/" {
        return unfit("it may have no path: the gateway needs a host of its own");
    }
    issuer.set_path("/");
    Ok(issuer)
}
