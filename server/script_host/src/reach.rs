//! Owns which hosts a run may reach, and to which address a database's name leads (`security.md` §3.7).
//! Never touches a connection.

use crate::Settings;
use portico_core::port::{BoxError, script::Reach};
use portico_egress::{AllowEntry, Listing, Lookup, SystemLookup};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{net::IpAddr, sync::Arc, time::Duration};
use url::Host;

/// What is decided about databases.
pub(crate) struct Databases {
    allow: Vec<AllowEntry>,
    own: Vec<IpAddr>,
    extra_roots: Vec<u8>,
    pub(crate) patience: Duration,
}

/// Why a database is not reached; for the log.
#[derive(Debug, thiserror::Error)]
#[error("the database `{host}:{port}` may not be reached: {reason}")]
pub(crate) struct OutOfReach {
    host: String,
    port: u16,
    reason: String,
}

impl Databases {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            allow: settings.databases.clone(),
            own: settings.own.clone(),
            extra_roots: settings.extra_roots.clone(),
            patience: settings.patience,
        }
    }

    /// The address to connect to: what was vetted is what is connected to.
    pub(crate) async fn address(&self, reach: &Reach, host: &str, port: u16) -> Result<IpAddr, BoxError> {
        let refuse = |reason: &str| -> BoxError {
            OutOfReach { host: host.to_owned(), port, reason: reason.to_owned() }.into()
        };
        if !is_listed(reach, host, port, &[]) {
            return Err(refuse("the hosts that this script may reach are listed, and it is not among them"));
        }
        let parsed = Host::parse(host).map_err(|_not_a_host| refuse("it is no host"))?;
        let borrowed = match &parsed {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        let is_allowed = self.allow.iter().any(|entry| entry.covers(&borrowed, port));
        if !is_allowed && !USUAL.contains(&port) {
            return Err(refuse(
                "its port is not a database's; the operator may list it in `scripts.databases`",
            ));
        }
        let listing = if is_allowed { Listing::Listed } else { Listing::Unlisted };
        let addresses = match &parsed {
            Host::Ipv4(address) => {
                return self.vetted(listing, (*address).into(), true).map_err(|why| refuse(&why));
            }
            Host::Ipv6(address) => {
                return self.vetted(listing, (*address).into(), true).map_err(|why| refuse(&why));
            }
            Host::Domain(name) => SystemLookup.addresses(name).await?,
        };
        let mut first = None;
        for address in addresses {
            let address = self.vetted(listing, address, false).map_err(|why| refuse(&why))?;
            first.get_or_insert(address);
        }
        first.ok_or_else(|| refuse("its name has no address"))
    }

    fn vetted(&self, listing: Listing, address: IpAddr, is_written_so: bool) -> Result<IpAddr, String> {
        if listing == Listing::Listed && is_written_so {
            return Ok(address);
        }
        let is_own = listing == Listing::Unlisted && self.own.contains(&address);
        match listing.objection(address) {
            None if !is_own => Ok(address),
            None => Err("it is an address of our own".to_owned()),
            Some(reason) => {
                Err(format!("{address} is {reason}; the operator may list it in `scripts.databases`"))
            }
        }
    }

    /// Authorities of the operator's, in PEM.
    pub(crate) fn extra_roots(&self) -> &[u8] {
        &self.extra_roots
    }

    /// TLS to a database. Certificates are always checked: by Mozilla's list, the operator's authorities, and `ca`.
    pub(crate) fn tls(&self, ca: Option<&str>) -> Result<ClientConfig, BoxError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for pem in [self.extra_roots.as_slice(), ca.unwrap_or_default().as_bytes()] {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                roots.add(certificate?)?;
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(config)
    }
}

/// Whether a run's own list has this host. An entry without a port stands for the ports given.
pub(crate) fn is_listed(reach: &Reach, host: &str, port: u16, without: &[u16]) -> bool {
    let Some(hosts) = &reach.hosts else { return true };
    let host = host.to_ascii_lowercase();
    hosts.contains(&format!("{host}:{port}"))
        || (hosts.contains(&host) && (without.contains(&port) || USUAL.contains(&port)))
}

/// Where PostgreSQL, MySQL and their poolers listen.
const USUAL: [u16; 4] = [5432, 6432, 3306, 6033];

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, net::Ipv4Addr};

    async fn verdict(
        host: &str,
        port: u16,
        allow: &[&str],
        hosts: Option<&[&str]>,
    ) -> Result<IpAddr, String> {
        let databases = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        let own = vec![IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))];
        let databases = Databases::new(&Settings { databases, own, ..Settings::default() });
        let hosts = hosts.map(|hosts| hosts.iter().map(|host| (*host).to_owned()).collect::<BTreeSet<_>>());
        let reach = Reach { hosts, ..Reach::default() };
        databases.address(&reach, host, port).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn js_09_a_private_database_is_reached_only_where_the_operator_lists_it() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        for (host, port, reason) in [
            ("127.0.0.1", 5432, "loopback"),
            ("2130706433", 5432, "loopback"),
            ("0177.0.0.1", 3306, "loopback"),
            ("[::1]", 5432, "loopback"),
            ("[::ffff:127.0.0.1]", 5432, "mapped"),
            ("localhost", 5432, "loopback"),
            ("10.0.0.7", 3306, "private"),
            ("169.254.169.254", 3306, "metadata"),
            ("8.8.8.8", 22, "port"),
            ("203.0.113.9", 5432, ""),
            ("not a host", 5432, "no host"),
        ] {
            let refusal = verdict(host, port, &["127.0.0.1:5433"], None).await.unwrap_err();
            assert!(refusal.contains(reason), "{host}:{port}: {refusal}");
        }
        assert_eq!(verdict("127.0.0.1", 5433, &["127.0.0.1:5433"], None).await, Ok(loopback), "the control");
        assert_eq!(verdict("8.8.8.8", 5432, &[], None).await, Ok(IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8))));
        let listed = verdict("localhost", 5433, &["localhost:5433"], None).await;
        assert!(listed.is_ok_and(|address| address.is_loopback()));
    }

    #[tokio::test]
    async fn js_09_a_connection_s_own_list_narrows_what_the_operator_allows() {
        let allow = ["127.0.0.1:5433", "127.0.0.1:5434"];
        let own: Option<&[&str]> = Some(&["127.0.0.1:5433"]);
        assert!(verdict("127.0.0.1", 5433, &allow, own).await.is_ok());
        let refusal = verdict("127.0.0.1", 5434, &allow, own).await.unwrap_err();
        assert!(refusal.contains("not among them"), "{refusal}");
        let widening: Option<&[&str]> = Some(&["127.0.0.1:9999"]);
        let refusal = verdict("127.0.0.1", 9999, &allow, widening).await.unwrap_err();
        assert!(refusal.contains("port"), "what the operator has not listed stays out: {refusal}");
    }
}
