//! Owns one connection: its handshake, its protocol and its end.
//! Never touches what requests mean, beyond the shape of their heads.

use super::{
    Peer,
    activity::{Activity, Sending},
    gate::HeadGate,
    limits::{EdgeLimits, HEAD_BYTES, HEADERS, PENDING_RESETS, STREAMS, TARGET_BYTES},
    metrics::Metrics,
    socket::Watched,
};
use crate::worker::Stop;
use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Request, StatusCode, Version,
    header::{CONNECTION, TRANSFER_ENCODING},
};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::{convert::Infallible, net::SocketAddr, pin::Pin, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::Instant,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};
use tower::ServiceExt;

/// What a connection runs on.
pub(super) struct Transport {
    pub(super) peer: SocketAddr,
    /// Whether the peer is a trusted proxy.
    pub(super) proxied: bool,
    pub(super) limits: EdgeLimits,
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) metrics: Arc<Metrics>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Protocol {
    Http1,
    Http2,
}

/// Serve it until its end. Errors are the other side's, and nobody's business.
pub(super) async fn serve(transport: Transport, socket: TcpStream, router: Router, mut stop: Stop) {
    // Small answers must not wait for more.
    let _ = socket.set_nodelay(true);
    let ended = match transport.tls.clone() {
        None => {
            let chosen = tokio::time::timeout(transport.limits.header, spoken(&socket));
            let protocol = tokio::select! {
                chosen = chosen => chosen.ok().flatten(),
                () = stop.requested() => None,
            };
            let Some(protocol) = protocol else { return };
            speak(&transport, protocol, socket, router, stop).await
        }
        Some(config) => {
            let handshake = TlsAcceptor::from(config).accept(socket);
            let Ok(Ok(stream)) = tokio::time::timeout(transport.limits.handshake, handshake).await else {
                transport.metrics.handshake_failed();
                tracing::debug!(peer = %transport.peer, "a TLS handshake did not succeed");
                return;
            };
            let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let protocol = if http2 { Protocol::Http2 } else { Protocol::Http1 };
            speak(&transport, protocol, stream, router, stop).await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %transport.peer, %error, "a connection ended");
    }
}

/// Which protocol a plain connection begins to speak; `None` when it says nothing and goes.
///
/// HTTP/2 without TLS begins with a fixed preface (RFC 9113 §3.4), and no method of HTTP/1.1 is called `PRI`.
async fn spoken(socket: &TcpStream) -> Option<Protocol> {
    let mut first = [0; 4];
    loop {
        let count = socket.peek(&mut first).await.ok()?;
        match &first[..count] {
            [] => return None,
            b"PRI " => return Some(Protocol::Http2),
            begun if b"PRI ".starts_with(begun) => tokio::time::sleep(Duration::from_millis(20)).await,
            _ => return Some(Protocol::Http1),
        }
    }
}

async fn speak<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    transport: &Transport,
    protocol: Protocol,
    stream: S,
    router: Router,
    stop: Stop,
) -> hyper::Result<()> {
    let limits = transport.limits;
    let activity = Activity::new();
    let service = service_fn(|request: Request<Incoming>| {
        answer(request, transport.peer, router.clone(), &activity, &transport.metrics)
    });
    // A proxy that is ours neither dawdles nor should find its pooled connection shut.
    let idle = if transport.proxied { limits.idle } else { limits.header };
    let gate = (protocol == Protocol::Http1).then(HeadGate::default);
    let io = TokioIo::new(Watched::new(stream, limits.stall, gate));
    match protocol {
        Protocol::Http1 => {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(idle)
                .max_headers(HEADERS)
                .max_buf_size(HEAD_BYTES)
                .serve_connection(io, service);
            let gently = |connection: Pin<&mut http1::Connection<_, _>>| connection.graceful_shutdown();
            drive(pin!(connection), gently, &activity, (idle, limits.idle), stop).await
        }
        Protocol::Http2 => {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .max_pending_accept_reset_streams(PENDING_RESETS)
                .max_header_list_size(u32::try_from(HEAD_BYTES).unwrap_or(u32::MAX))
                .keep_alive_interval(Duration::from_secs(20))
                .keep_alive_timeout(Duration::from_secs(20))
                .serve_connection(io, service);
            let gently = |connection: Pin<&mut http2::Connection<_, _, _>>| connection.graceful_shutdown();
            drive(pin!(connection), gently, &activity, (limits.header, limits.idle), stop).await
        }
    }
}

/// Run the connection; end it gently when the server stops or the connection has been idle, and at once when it stays
/// idle after that.
async fn drive<C: Future<Output = hyper::Result<()>>>(
    mut connection: Pin<&mut C>,
    gently: impl Fn(Pin<&mut C>),
    activity: &Activity,
    (first, next): (Duration, Duration),
    mut stop: Stop,
) -> hyper::Result<()> {
    let mut ending = false;
    let mut check = pin!(tokio::time::sleep_until(activity.idle_until(first, next)));
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stop.requested(), if !ending => {
                gently(connection.as_mut());
                ending = true;
            }
            () = check.as_mut() => {
                let idle_until = activity.idle_until(first, next);
                let now = Instant::now();
                if idle_until > now {
                    check.as_mut().reset(idle_until);
                } else if ending {
                    return Ok(());
                } else {
                    gently(connection.as_mut());
                    ending = true;
                    check.as_mut().reset(now + first);
                }
            }
        }
    }
}

fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    router: Router,
    activity: &Arc<Activity>,
    metrics: &Arc<Metrics>,
) -> impl Future<Output = Result<http::Response<Sending>, Infallible>> + Send + use<> {
    let under_way = activity.begin();
    let metrics = Arc::clone(metrics);
    let began = Instant::now();
    async move {
        // The gate lets no head follow a chunked body: what comes behind it is not looked at (RFC 9112 §6.1).
        let last = request.version() < Version::HTTP_2 && request.headers().contains_key(TRANSFER_ENCODING);
        let mut response = match unfit(&request) {
            Some(status) => status.into_response(),
            None => routed(request, peer, router).await,
        };
        if last {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        metrics.answered(response.status(), began.elapsed());
        Ok(response.map(|body| Sending::new(body, under_way)))
    }
}

async fn routed(request: Request<Incoming>, peer: SocketAddr, router: Router) -> Response {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Peer(peer));
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The status for a head that is too large in one of its parts; HTTP/2 has no such limits of its own.
fn unfit(request: &Request<Incoming>) -> Option<StatusCode> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES {
        Some(StatusCode::URI_TOO_LONG)
    } else if request.headers().len() > HEADERS {
        Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    } else {
        None
    }
}
