//! Owns the accept loop: who may connect, and how the server drains.
//! Never touches what is spoken on a connection.

use super::{
    connection::{self, Transport},
    limits::EdgeLimits,
    metrics::Metrics,
    slots::{Slot, Slots},
    tls::Tls,
};
use crate::{http::layer::TrustedProxies, worker::Stop};
use axum::Router;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A listener's rules.
pub struct Edge {
    limits: EdgeLimits,
    trusted_proxies: TrustedProxies,
    tls: Option<Arc<Tls>>,
    metrics: Arc<Metrics>,
    slots: Arc<Slots>,
}

impl Edge {
    /// Plain HTTP.
    pub fn new(limits: EdgeLimits, trusted_proxies: TrustedProxies, metrics: Arc<Metrics>) -> Self {
        Self { limits, trusted_proxies, tls: None, metrics, slots: Arc::default() }
    }

    /// HTTPS.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<Tls>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Serve until asked to stop; then accept nothing more and let requests under way finish, for as long as the
    /// limits say.
    pub async fn serve(&self, listener: TcpListener, router: Router, mut stop: Stop) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = stop.requested() => break,
                Some(_ended) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, peer)) => self.admit(&mut connections, socket, peer, &router, &stop),
                    Err(error) => rest_after(&error).await,
                },
            }
        }
        drop(listener);
        tracing::debug!(connections = connections.len(), "stopped accepting; requests under way may finish");
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(self.limits.drain, drained).await.is_err() {
            tracing::warn!(connections = connections.len(), "gave up waiting for requests under way");
        }
        connections.shutdown().await;
    }

    fn admit(
        &self,
        connections: &mut JoinSet<()>,
        socket: TcpStream,
        peer: SocketAddr,
        router: &Router,
        stop: &Stop,
    ) {
        let proxied = self.trusted_proxies.contains(peer.ip());
        let counted = (!proxied).then(|| peer.ip());
        let slot = match self.slots.take(counted, self.limits.connections, self.limits.connections_per_ip) {
            Ok(slot) => slot,
            Err(full) => {
                self.metrics.connection_refused();
                tracing::debug!(%peer, ?full, "turned a connection away");
                return;
            }
        };
        self.metrics.connection_opened();
        let open = Open { metrics: Arc::clone(&self.metrics), _slot: slot };
        let transport = Transport {
            peer,
            proxied,
            limits: self.limits,
            tls: self.tls.as_ref().map(|tls| tls.current()),
            metrics: Arc::clone(&self.metrics),
        };
        let (router, stop) = (router.clone(), stop.clone());
        connections.spawn(async move {
            connection::serve(transport, socket, router, stop).await;
            drop(open);
        });
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.slots.taken()
    }
}

/// An open connection: counted until it is dropped, however it ends.
struct Open {
    metrics: Arc<Metrics>,
    _slot: Slot,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.metrics.connection_closed();
    }
}

/// An error of one connection costs nothing; without file descriptors a moment's rest lets some be closed.
async fn rest_after(error: &io::Error) {
    let of_one =
        [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset];
    if !of_one.contains(&error.kind()) {
        tracing::error!(%error, "no connection can be accepted; trying again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
