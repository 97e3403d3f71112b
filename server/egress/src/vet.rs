//! Owns the check of an address that somebody wrote: scheme, host, port, before any name is looked up.
//! Never touches the network: it is a function of the URL and the allow-list.

use crate::{address::private, allow::AllowEntry};
use std::net::IpAddr;
use url::{Host, Url};

/// Whether the operator has listed a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listing {
    /// They have: plain http and private addresses are their decision.
    Listed,
    /// They have not: https to public addresses alone.
    Unlisted,
}

impl Listing {
    /// Why a looked-up name of this listing may not be reached at this address.
    pub fn objection(self, address: IpAddr) -> Option<&'static str> {
        match self {
            Self::Listed if !never_by_name(address) => None,
            Self::Listed | Self::Unlisted => private(address),
        }
    }
}

/// Metadata services and groups are never meant by the name of an identity provider.
fn never_by_name(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_multicast(),
    }
}

/// Check a URL by `security.md` §3.7; the error is the rule that it breaks.
///
/// The URL has been read by WHATWG's rules, so an IPv4 address in disguise (`2130706433`, `0177.1`, `0x7f.1`) is an
/// address here. Names are not resolved: each address that one has must pass [`Listing::objection`] when connecting.
pub fn vet(url: &Url, allow: &[AllowEntry]) -> Result<Listing, String> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL may not hold a user name or a password".to_owned());
    }
    let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
        return Err("only https URLs with a host are reached".to_owned());
    };
    if matches!(url.scheme(), "http" | "https") && allow.iter().any(|entry| entry.covers(&host, port)) {
        return Ok(Listing::Listed);
    }
    if url.scheme() != "https" {
        return Err(format!(
            "the scheme is `{}`; only https is reached, unless the operator lists the host",
            url.scheme()
        ));
    }
    if !matches!(port, 443 | 8443) {
        return Err(format!("port {port} is neither 443 nor 8443; the operator may list `{host}:{port}`"));
    }
    let objection = match host {
        Host::Ipv4(address) => private(address.into()),
        Host::Ipv6(address) => private(address.into()),
        Host::Domain(name) if name.ends_with('.') => Some("a name that ends with a dot"),
        Host::Domain("localhost") => Some("loopback"),
        Host::Domain(name) if name.ends_with(".localhost") => Some("loopback"),
        Host::Domain(_) => None,
    };
    objection.map_or(Ok(Listing::Unlisted), |reason| {
        Err(format!("`{host}` is {reason}; only public hosts are reached, unless the operator lists them"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(url: &str, allow: &[&str]) -> Result<Listing, String> {
        let allow: Vec<AllowEntry> = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        vet(&Url::parse(url).unwrap(), &allow)
    }

    #[test]
    fn addresses_in_every_disguise_are_refused() {
        for (url, reason) in [
            ("https://127.0.0.1/", "loopback"),
            ("https://2130706433/", "loopback"),
            ("https://0177.1/", "loopback"),
            ("https://0x7f.1/", "loopback"),
            ("https://127.1/", "loopback"),
            ("https://①②⑦.⓪.⓪.①/", "loopback"),
            ("https://[::1]/", "loopback"),
            ("https://[::ffff:127.0.0.1]/", "mapped"),
            ("https://[64:ff9b::7f00:1]/", "NAT64"),
            ("https://[::127.0.0.1]/", "compatible"),
            ("https://0.0.0.0/", "unspecified"),
            ("https://0/", "unspecified"),
            ("https://169.254.169.254/latest/meta-data/", "metadata"),
            ("https://10.1.2.3:8443/", "private"),
            ("https://localhost/", "loopback"),
            ("https://LOCALHOST/", "loopback"),
            ("https://localhost./", "dot"),
            ("https://idp.localhost/", "loopback"),
            ("https://idp.example./", "dot"),
        ] {
            let refusal = verdict(url, &[]).unwrap_err();
            assert!(refusal.contains(reason), "{url}: {refusal}");
        }
    }

    #[test]
    fn schemes_ports_and_users_are_checked() {
        for (url, reason) in [
            ("http://idp.example/", "only https"),
            ("ftp://idp.example/", "only https"),
            ("gopher://idp.example/", "only https"),
            ("file:///etc/passwd", "only https"),
            ("https://idp.example:22/", "port 22"),
            ("https://idp.example:6379/", "port 6379"),
            ("https://user@idp.example/", "user name"),
            ("https://user:word@idp.example/", "user name"),
        ] {
            let refusal = verdict(url, &[]).unwrap_err();
            assert!(refusal.contains(reason), "{url}: {refusal}");
        }
        assert_eq!(verdict("https://idp.example/", &[]), Ok(Listing::Unlisted));
        assert_eq!(verdict("https://idp.example:8443/a?b", &[]), Ok(Listing::Unlisted));
        assert_eq!(verdict("https://8.8.8.8/", &[]), Ok(Listing::Unlisted));
    }

    #[test]
    fn the_list_lifts_the_ban_for_what_it_names() {
        let list = ["localhost:8020", "idp.bank.example", "127.0.0.1:9000"];
        for url in [
            "http://localhost:8020/x",
            "https://localhost:8020/",
            "http://idp.bank.example/",
            "https://idp.bank.example/",
            "http://127.0.0.1:9000/",
            "http://2130706433:9000/",
        ] {
            assert_eq!(verdict(url, &list), Ok(Listing::Listed), "{url}");
        }
        for url in [
            "http://localhost:8021/",
            "https://localhost/",
            "http://localhost.:8020/",
            "http://idp.bank.example:8020/",
            "http://sub.idp.bank.example/",
            "http://127.0.0.1:8020/",
            "ftp://localhost:8020/",
            "http://u@localhost:8020/",
        ] {
            assert!(verdict(url, &list).is_err(), "{url}");
        }
    }

    #[test]
    fn a_listed_name_may_be_private_but_not_a_metadata_service() {
        let [loopback, metadata, public] =
            ["127.0.0.1", "169.254.169.254", "8.8.8.8"].map(|text| text.parse().unwrap());
        assert_eq!(Listing::Listed.objection(loopback), None);
        assert!(Listing::Listed.objection(metadata).is_some());
        assert!(Listing::Unlisted.objection(loopback).is_some());
        assert_eq!(Listing::Unlisted.objection(public), None);
    }
}
