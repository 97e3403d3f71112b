//! Owns the cases INF-01 to INF-06, INF-12, INF-17 and INF-18 of `docs/SECURITY.md`: sockets, TLS, hosts, the store, first start.
//! Never touches what a route does: most cases run against a small router of their own.

mod address;
mod bodies;
mod connections;
mod first_start;
mod heads;
mod http2;
mod operations;
mod store;
mod tls;

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    routing::{get, post},
};
use portico_core::entropy::SystemEntropy;
use portico_server::{
    edge::{Edge, EdgeLimits, Metrics, Tls},
    http::layer::{ClientAddress, Hosts, Layers, TrustedProxies},
    worker::Stopper,
};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Limits that a test can wait for.
fn impatient() -> EdgeLimits {
    let soon = Duration::from_millis(300);
    EdgeLimits {
        handshake: soon,
        header: soon,
        idle: soon,
        stall: soon,
        drain: soon,
        ..EdgeLimits::default()
    }
}

/// A listener with a small router behind every layer.
struct Front {
    address: SocketAddr,
    edge: Arc<Edge>,
    metrics: Arc<Metrics>,
    stopper: Stopper,
    serving: JoinSet<()>,
}

/// What a front is made of.
struct Make {
    limits: EdgeLimits,
    proxies: &'static [&'static str],
    tls: Option<Arc<Tls>>,
    timeout: Duration,
}

impl Default for Make {
    fn default() -> Self {
        Self { limits: EdgeLimits::default(), proxies: &[], tls: None, timeout: Duration::from_secs(30) }
    }
}

impl Front {
    async fn new(make: Make) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if make.tls.is_some() { "https" } else { "http" };
        let issuer = format!("{scheme}://localhost:{}/", address.port()).parse().unwrap();
        let proxies = TrustedProxies::parse(make.proxies.iter().copied()).unwrap();
        let layers = Layers {
            hosts: Hosts::of(&issuer).listening_at(address),
            issuer,
            trusted_proxies: proxies.clone(),
            entropy: Arc::new(SystemEntropy::default()),
            timeout: make.timeout,
        };
        let metrics = Arc::new(Metrics::default());
        let mut edge = Edge::new(make.limits, proxies, Arc::clone(&metrics));
        if let Some(tls) = make.tls {
            edge = edge.with_tls(tls);
        }
        let edge = Arc::new(edge);
        let (stopper, stop) = Stopper::new();
        let serve = Arc::clone(&edge);
        let router = layers.around(routes());
        let mut serving = JoinSet::new();
        serving.spawn(async move { serve.serve(listener, router, stop).await });
        Self { address, edge, metrics, stopper, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Send this text, with `{port}` filled in, and read until the other side closes.
    async fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        let request = request.replace("{port}", &self.address.port().to_string());
        // The server may have refused before it has read everything.
        let _ = stream.write_all(request.as_bytes()).await;
        rest(&mut stream).await
    }

    /// The same, and the status.
    async fn status(&self, request: &str) -> u16 {
        status(&self.exchange(request).await)
    }

    /// A request that nothing is wrong with.
    async fn is_healthy(&self) -> bool {
        self.status(&get_request("/echo", "")).await == 200
    }
}

fn routes() -> Router {
    Router::new()
        .route(
            "/echo",
            get(|Extension(address): Extension<ClientAddress>| async move { address.0.to_string() }),
        )
        .route("/body", post(|body: Bytes| async move { format!("{} bytes", body.len()) }))
        .route("/big", get(|| async { Body::from(vec![b'x'; 64 << 20]) }))
        .route("/never", get(std::future::pending::<()>))
        .route("/soon", get(|| tokio::time::sleep(Duration::from_millis(100))))
}

/// A request with these further header lines, after whose answer the connection ends.
fn get_request(path: &str, lines: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost:{{port}}\r\nConnection: close\r\n{lines}\r\n")
}

/// Everything until the other side closes. A connection that is reset is closed, too.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let read = async {
        let mut piece = vec![0; 16 << 10];
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(Duration::from_mins(1), read).await.expect("the connection is closed in the end");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status of an answer; 0 when there is none.
fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// Wait until it is so.
async fn until(so: impl Fn() -> bool + Send + Sync) {
    let wait = async {
        while !so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), wait).await.expect("it becomes so in the end");
}
