//! Owns sockets: the accept loop, TLS, and the limits of connections.
//! Never touches routes: it is given a router.

use std::net::SocketAddr;

/// The other end of the socket that a request came over; a request extension.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer(pub SocketAddr);
