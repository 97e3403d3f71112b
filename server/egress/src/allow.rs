//! Owns the operator's allow-list: hosts that may be reached although they are not public, over http or on odd ports.
//! Never touches who may write it: it comes from configuration alone, never from a connection's options.

use std::{fmt, str::FromStr};
use url::Host;

/// One line of the allow-list: `host`, or `host:port`.
///
/// A `host` allows the ports 80, 443 and 8443; `host:port` allows that port alone. Either lifts the ban on plain http
/// and on private addresses for this host, and for nothing else. A name lifts no ban on link-local addresses, where
/// clouds keep their metadata: such an address has to be written as itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AllowEntry {
    host: Host<String>,
    port: Option<u16>,
}

impl AllowEntry {
    /// Whether it speaks of this host and port.
    pub fn covers(&self, host: &Host<&str>, port: u16) -> bool {
        let same = match (&self.host, host) {
            (Host::Domain(ours), Host::Domain(theirs)) => ours == theirs,
            (Host::Ipv4(ours), Host::Ipv4(theirs)) => ours == theirs,
            (Host::Ipv6(ours), Host::Ipv6(theirs)) => ours == theirs,
            _ => false,
        };
        same && self.port.map_or(matches!(port, 80 | 443 | 8443), |allowed| allowed == port)
    }
}

/// A text that is no line of an allow-list.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is neither `host` nor `host:port`")]
pub struct NotAnEntry(String);

impl FromStr for AllowEntry {
    type Err = NotAnEntry;

    fn from_str(text: &str) -> Result<Self, NotAnEntry> {
        let refuse = || NotAnEntry(text.to_owned());
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') && !host.is_empty() => (host, Some(port)),
            _ => (text, None),
        };
        let port = port.map(str::parse::<u16>).transpose().map_err(|_not_a_number| refuse())?;
        if port == Some(0) || host.ends_with('.') || host.contains('*') {
            return Err(refuse());
        }
        let host = Host::parse(host).map_err(|_not_a_host| refuse())?;
        Ok(Self { host, port })
    }
}

impl fmt::Display for AllowEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => write!(formatter, "{}", self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written() {
        for text in ["localhost:8020", "idp.bank.example", "127.0.0.1:8020", "[::1]:8020", "[::1]"] {
            let entry: AllowEntry = text.parse().unwrap();
            assert_eq!(entry.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ":80",
            "a b",
            "http://a/",
            "a:b",
            "a:0",
            "a:99999",
            "localhost.",
            "*.example",
            "a/b",
            "10.0.0.0/8",
        ] {
            assert_eq!(text.parse::<AllowEntry>(), Err(NotAnEntry(text.to_owned())));
        }
    }

    #[test]
    fn a_line_covers_its_own_host_and_port_only() {
        let with_port: AllowEntry = "localhost:8020".parse().unwrap();
        assert!(with_port.covers(&Host::Domain("localhost"), 8020));
        assert!(!with_port.covers(&Host::Domain("localhost"), 443));
        assert!(!with_port.covers(&Host::Domain("localhost.evil"), 8020));
        let without: AllowEntry = "IdP.Bank.example".parse().unwrap();
        assert!(without.covers(&Host::Domain("idp.bank.example"), 443));
        assert!(!without.covers(&Host::Domain("idp.bank.example"), 22));
    }
}
