//! Owns sockets: the accept loop, TLS, and the limits of connections.
//! Never touches routes: it is given a router.
//!
//! `axum::serve` cannot set the time that a head may take, nor any limit of HTTP/2, so the loop is our own
//! (`security.md` §3.9).

mod activity;
mod connection;
mod gate;
mod limits;
mod listener;
mod metrics;
mod self_signed;
mod slots;
mod socket;
mod tls;

pub use limits::EdgeLimits;
pub use listener::Edge;
pub use metrics::{Metrics, OutgoingMail};
pub use self_signed::{SelfSigned, self_signed};
pub use tls::{Tls, TlsError};

use std::net::SocketAddr;

/// The other end of the socket that a request came over; a request extension.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Peer(pub SocketAddr);
