//! Owns which addresses are somebody's own: the deny set of `security.md` §3.7.
//! Never touches names: those are looked up first, and every address they have is asked about here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why nobody outside should make us connect to this address; `None` when it is on the public Internet.
///
/// IPv6 forms that carry an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo) are refused whatever they carry.
pub fn private(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => private_v4(address),
        IpAddr::V6(address) => private_v6(address),
    }
}

fn private_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (0, ..) => Some("the unspecified network 0.0.0.0/8"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("a private network (RFC 1918)"),
        (100, 64..=127, _) => Some("the shared network 100.64.0.0/10 (RFC 6598)"),
        (127, ..) => Some("loopback"),
        (169, 254, _) => Some("link-local, where clouds keep their metadata"),
        (192, 0, 0) => Some("a protocol assignment 192.0.0.0/24 (RFC 6890)"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("documentation (RFC 5737)"),
        (192, 88, 99) => Some("the former 6to4 relay 192.88.99.0/24 (RFC 7526)"),
        (198, 18..=19, _) => Some("the benchmarking network 198.18.0.0/15 (RFC 2544)"),
        (224.., ..) => Some("multicast or reserved"),
        _ => None,
    }
}

fn private_v6(address: Ipv6Addr) -> Option<&'static str> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("the unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        [0, 0, 0, 0, 0, 0xffff, ..] => Some("a mapped IPv4 address"),
        [0, 0, 0, 0, 0, 0, ..] => Some("a compatible IPv4 address"),
        [0x64, 0xff9b, ..] => Some("NAT64 (RFC 6052, RFC 8215)"),
        [0xfc00..=0xfdff, ..] => Some("a unique local address (RFC 4193)"),
        [0xfe80..=0xfebf, ..] => Some("link-local"),
        [0xfec0..=0xfeff, ..] => Some("site-local (RFC 3879)"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        [0x2001, 0, ..] => Some("Teredo (RFC 4380)"),
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Some("documentation (RFC 3849, RFC 9637)"),
        [0x2001, second, ..] if second < 0x200 => Some("a protocol assignment 2001::/23 (RFC 6890)"),
        [0x2002, ..] => Some("6to4 (RFC 3056)"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("outside global unicast 2000::/3"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_deny_set_is_refused_at_both_ends() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "2001::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "4000::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert!(private(address).is_some(), "{text} must be refused");
        }
    }

    #[test]
    fn the_public_internet_is_not_refused() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(private(address), None, "{text} is public");
        }
    }
}
