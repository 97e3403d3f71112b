//! Owns the limits of connections, with the values that `security.md` §3.9 mandates.
//! Never touches limits of requests: those are layers.

use std::time::Duration;

/// What a connection may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EdgeLimits {
    /// All connections at once.
    pub connections: usize,
    /// Connections of one address at once (of one /64 with IPv6). Trusted proxies are not counted.
    pub connections_per_ip: usize,
    /// For the TLS handshake.
    pub handshake: Duration,
    /// From the first moment a head could come until it is complete, so also the idle time of HTTP/1.1.
    pub header: Duration,
    /// The idle time of HTTP/2, and of HTTP/1.1 from a trusted proxy, which must not find its pooled connections shut.
    pub idle: Duration,
    /// How long the other side may take none of our bytes.
    pub stall: Duration,
    /// For requests under way when the server stops.
    pub drain: Duration,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_ip: 100,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            drain: Duration::from_secs(30),
        }
    }
}

/// Header lines of a request.
pub(super) const HEADERS: usize = 100;
/// Bytes of a head: its lines together.
pub(super) const HEAD_BYTES: usize = 32 << 10;
/// Bytes of a path with its query.
pub(super) const TARGET_BYTES: usize = 8 << 10;
/// Requests at once on a connection of HTTP/2.
pub(super) const STREAMS: u32 = 128;
/// Streams that a client of HTTP/2 may open and reset before we have looked at them (CVE-2023-44487).
pub(super) const PENDING_RESETS: usize = 20;
