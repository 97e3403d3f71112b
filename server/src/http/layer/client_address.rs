//! Owns the answer to "from which address does this request come?".
//! Never touches what is limited or logged by it.

use crate::edge::Peer;
use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{Extensions, HeaderMap, request::Parts};
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    str::FromStr,
    sync::Arc,
};

/// The address of the person's device, as far as we know it: limits and the log go by it.
///
/// As an extractor it never fails: a request that came over no socket (a test that calls the router) has the
/// unspecified address `0.0.0.0`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// As the layer noted it.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or(Self(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The proxies that are ours: `X-Forwarded-For` counts when it comes from one of them, and never otherwise (INF-05).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// From networks such as `10.0.0.0/8` or single addresses.
    pub fn parse<'t>(networks: impl IntoIterator<Item = &'t str>) -> Result<Self, NetworkError> {
        networks.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client's address: the peer's, unless the peer is trusted; then the right-most hop of `X-Forwarded-For`
    /// that is not. A header that is not a list of addresses counts as absent.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.contains(peer) {
            return peer;
        }
        let mut hops = Vec::new();
        for line in headers.get_all("x-forwarded-for") {
            let Ok(line) = line.to_str() else { return peer };
            for hop in line.split(',') {
                let Some(hop) = address_of_hop(hop.trim()) else { return peer };
                hops.push(hop);
            }
        }
        hops.iter().rev().find(|hop| !self.contains(**hop)).or(hops.first()).copied().unwrap_or(peer)
    }
}

/// Some proxies add a port, and brackets around IPv6.
fn address_of_hop(hop: &str) -> Option<IpAddr> {
    let address = hop
        .parse::<IpAddr>()
        .ok()
        .or_else(|| hop.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok())?;
    Some(address.to_canonical())
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                base.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let wrong = || NetworkError(text.to_owned());
        let (base, bits) = text.split_once('/').map_or((text, None), |(base, bits)| (base, Some(bits)));
        let base: IpAddr = base.trim().parse().map_err(|_not_an_address| wrong())?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.trim().parse().map_err(|_not_a_number| wrong()))?;
        if bits > most { Err(wrong()) } else { Ok(Self { base, bits }) }
    }
}

/// The text is not a network.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is not a network: write an address such as 10.1.2.3, or a range such as 10.0.0.0/8 or fd00::/8"
)]
pub struct NetworkError(String);

/// The layer: note the client's address for everything inside.
pub(super) async fn note(
    State(proxies): State<Arc<TrustedProxies>>,
    mut request: Request,
    next: Next,
) -> Response {
    if let Some(Peer(peer)) = request.extensions().get().copied() {
        let address = ClientAddress(proxies.client(peer.ip(), request.headers()));
        request.extensions_mut().insert(address);
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(proxies: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let proxies = TrustedProxies::parse(proxies.iter().copied()).unwrap();
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn inf_05_a_stranger_cannot_say_who_he_is() {
        assert_eq!(client(&[], "203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
        assert_eq!(client(&["10.0.0.0/8"], "203.0.113.9", &["1.1.1.1"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_says_who_came_to_it() {
        let proxies = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(client(&proxies, "10.1.1.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(&proxies, "::ffff:10.1.1.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(&proxies, "fd00::1", &["[2001:db8::7]:443"]), "2001:db8::7");
        assert_eq!(
            client(&proxies, "10.1.1.1", &["1.1.1.1, 198.51.100.7", "10.9.9.9"]),
            "198.51.100.7",
            "what is left of the first stranger is the stranger's own claim"
        );
        assert_eq!(client(&proxies, "10.1.1.1", &["10.2.2.2, 10.3.3.3"]), "10.2.2.2");
        assert_eq!(client(&proxies, "10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn garbage_from_a_trusted_proxy_counts_as_nothing() {
        for garbage in ["unknown", "198.51.100.7, ", "_hidden", "198.51.100.7;DROP", "999.1.1.1"] {
            assert_eq!(client(&["10.0.0.0/8"], "10.1.1.1", &[garbage]), "10.1.1.1", "{garbage}");
        }
    }

    #[test]
    fn networks_are_ranges_with_edges() {
        let proxies = TrustedProxies::parse(["192.168.1.0/25", "0.0.0.0/32", "2001:db8::/33"]).unwrap();
        assert!(proxies.contains("192.168.1.127".parse().unwrap()));
        assert!(!proxies.contains("192.168.1.128".parse().unwrap()));
        assert!(!proxies.contains("2001:db8:8000::1".parse().unwrap()));
        assert!(TrustedProxies::parse(["0.0.0.0/0"]).unwrap().contains("8.8.8.8".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "proxy.example", "", "10.0.0.0/-1", "::/129"] {
            assert!(TrustedProxies::parse([wrong]).is_err(), "{wrong}");
        }
    }
}
