//! Owns a running gateway: its sockets, what it serves on them, and its orderly end.
//! Never touches what is served: it is given a router.

use crate::{
    config::{Config, ConfigError, ServerSection},
    edge::{Edge, EdgeLimits, Metrics, Tls, TlsError, self_signed},
    http::{
        layer::TrustedProxies,
        operations::{self, Operations},
    },
    worker::{Stop, Supervisor},
};
use axum::Router;
use portico_core::{port::store::Store, time::Clock};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// The sockets of a gateway, bound before anything else is done: a port that is taken is found out at once.
#[derive(Debug)]
pub struct Sockets {
    public: TcpListener,
    admin: TcpListener,
}

/// An address cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{address}` cannot be listened at ({source}); stop what is there, or choose another address with {option}"
)]
pub struct BindError {
    address: SocketAddr,
    option: &'static str,
    #[source]
    source: io::Error,
}

impl Sockets {
    /// Bind both, and note where they are: a port 0 in the configuration becomes the port that was given.
    pub async fn bind(server: &mut ServerSection) -> Result<Self, BindError> {
        let (public, listen) = bind(server.listen, "--listen").await?;
        let (admin, admin_listen) = bind(server.admin_listen, "server.admin_listen").await?;
        (server.listen, server.admin_listen) = (listen, admin_listen);
        Ok(Self { public, admin })
    }
}

async fn bind(address: SocketAddr, option: &'static str) -> Result<(TcpListener, SocketAddr), BindError> {
    let failed = |source| BindError { address, option, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// What a gateway serves, and what goes on beside.
pub struct Parts {
    /// Everything on the public listener, layers included.
    pub router: Router,
    /// The store; readiness asks it.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Background jobs, which run already.
    pub jobs: Supervisor,
}

/// Why a gateway could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// Its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// How often the files of a certificate are looked at.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(30);
/// How long jobs may take to end.
const JOBS_END: Duration = Duration::from_secs(10);

/// Serve until asked to stop, then end in order: no new connections, requests under way, jobs.
pub async fn run(
    config: &Config,
    sockets: Sockets,
    mut parts: Parts,
    stop: Stop,
) -> Result<(), GatewayError> {
    let proxies = config.server.proxies()?;
    let mut limits = config.server.limits();
    limits.connections = limits.connections.min(open_files().saturating_sub(OTHER_FILES).max(1));
    if limits.connections < config.server.connections {
        let most = limits.connections;
        tracing::warn!(
            most,
            "fewer connections than server.connections says: raise the limit of open files (ulimit -n)"
        );
    }
    let mut public = Edge::new(limits, proxies, Arc::clone(&parts.metrics));
    if let Some(tls) = certificate(&config.server, config.data_dir(), &*parts.clock)? {
        let tls = Arc::new(tls);
        public = public.with_tls(Arc::clone(&tls));
        parts.jobs.run("certificate", move |stop| Arc::clone(&tls).watch(CERTIFICATE_CHECK, stop));
    }
    let operations = operations::router(Arc::new(Operations {
        store: parts.store,
        metrics: Arc::clone(&parts.metrics),
        stop: stop.clone(),
    }));
    // Whoever asks about readiness while the gateway drains is still answered: this listener goes last.
    let admin = Edge::new(
        EdgeLimits { drain: Duration::from_secs(1), ..EdgeLimits::default() },
        TrustedProxies::default(),
        Arc::default(),
    );
    let (last, ended) = crate::worker::Stopper::new();
    let public = async {
        public.serve(sockets.public, parts.router, stop).await;
        last.stop();
    };
    tokio::join!(public, admin.serve(sockets.admin, operations, ended));
    parts.jobs.finish(JOBS_END).await;
    Ok(())
}

/// Files that are open besides connections: the database, logs, script workers, outgoing requests.
const OTHER_FILES: usize = 256;

/// How many files this process may have open, after asking for as many as the system lets it have.
fn open_files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum {
        let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if setrlimit(Resource::Nofile, wanted).is_ok() {
            limit.current = limit.maximum;
        }
    }
    limit.current.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX))
}

/// The certificate that is configured, if any.
fn certificate(server: &ServerSection, data_dir: &Path, clock: &dyn Clock) -> Result<Option<Tls>, TlsError> {
    if server.tls.self_signed {
        let issuer = server.issuer();
        let host = issuer.host_str().unwrap_or("localhost").trim_matches(['[', ']']).to_owned();
        let files = self_signed(data_dir, &host, clock.now())?;
        return Tls::load(&files.certificate, &files.key).map(Some);
    }
    match (&server.tls.cert, &server.tls.key) {
        (Some(certificate), Some(key)) => Tls::load(certificate, key).map(Some),
        (None, _) | (_, None) => Ok(None),
    }
}
