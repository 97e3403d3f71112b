//! Owns `portico serve`.
//! Never touches requests: it opens the store, puts the parts together, and waits.

use super::{Common, Failure, failure::causes, opening, say};
use crate::{
    adapters::Adapters,
    config::Config,
    edge::Metrics,
    gateway::{self, Parts, Sockets},
    wire::App,
    worker::{Stop, Stopper},
};
use clap::Args;
use portico_core::{
    admin::bootstrap::{SecretRotation, bootstrap},
    entropy::SystemEntropy,
    port::store::Store,
    time::SystemClock,
};
use portico_store::Schema;
use std::{net::SocketAddr, path::PathBuf, sync::Arc};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the gateway. An empty store is made ready first.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portico serve\n  portico serve --issuer https://login.example.com/ --listen 0.0.0.0:8443 \\\n      --tls-cert fullchain.pem --tls-key privkey.pem --database-url postgres://portico@db/portico"
)]
pub(super) struct Serve {
    #[command(flatten)]
    common: Common,
    /// Where to listen [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// The certificate with its chain, in PEM; read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Make a small CA and a certificate in the data folder
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_key"])]
    tls_self_signed: bool,
    /// Do not touch the store's schema; refuse to start when it lacks something
    #[arg(long)]
    no_migrate: bool,
}

impl Serve {
    /// Do it, until a signal says otherwise.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let schema = if self.no_migrate { Schema::Require } else { Schema::Update };
        let mut config = self.common.load(self.said())?;
        let sockets = Sockets::bind(&mut config.server).await.map_err(|error| failed(&error))?;
        let store = opening::open(&config, schema).await?;
        let issuer = config.server.issuer();
        let entropy = SystemEntropy::default();
        let made = bootstrap(&*store, &SystemClock, &entropy, &issuer, SecretRotation::Keep).await?;

        let (stopper, stop) = Stopper::new();
        let parts = assemble(&config, store, stop.clone()).await?;
        announce(&config, made.client_secret.is_some());
        tokio::select! {
            ended = gateway::run(&config, sockets, parts, stop) => ended.map_err(|error| failed(&error)),
            impatient = signals(&stopper) => impatient,
        }
    }

    /// What the command line says, as keys of the configuration.
    fn said(&self) -> Vec<(&'static str, String)> {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut said = Vec::new();
        said.extend(self.listen.map(|address| ("server.listen", address.to_string())));
        said.extend(self.tls_cert.as_ref().map(|file| ("server.tls.cert", path(file))));
        said.extend(self.tls_key.as_ref().map(|file| ("server.tls.key", path(file))));
        said.extend(self.tls_self_signed.then(|| ("server.tls.self_signed", "true".to_owned())));
        said
    }
}

/// Put together what serves: adapters, surfaces, and the jobs beside them, which run from here on.
pub(super) async fn assemble(config: &Config, store: Arc<dyn Store>, stop: Stop) -> Result<Parts, Failure> {
    let adapters = Adapters::new(config, store).await.map_err(|error| failed(&error))?;
    let app = App::new(adapters.ports.clone(), adapters.settings(config)?).map_err(|error| failed(&error))?;
    let metrics = Arc::<Metrics>::default();
    let jobs = adapters.start_jobs(config, &app, &metrics, stop);
    if let Err(error) = adapters.scripts.warm() {
        tracing::error!(%error, "no script worker can be started; rules cannot run");
    }
    Ok(Parts {
        router: app.router,
        store: Arc::clone(&adapters.ports.store),
        clock: Arc::clone(&adapters.ports.clock),
        metrics,
        jobs: jobs.map_err(|error| failed(&error))?,
    })
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::failed(causes(error))
}

fn announce(config: &Config, first: bool) {
    let server = &config.server;
    say(format!("Portico listens at {} as {}", server.listen, server.issuer()));
    say(format!("health and metrics are at http://{}/metrics", server.admin_listen));
    if first {
        say(
            "The store was empty and is ready now. `portico bootstrap --new-secret` prints a client of the Management API.",
        );
    }
    if config.mail.smtp_url.is_none() {
        say("No mail server is configured (mail.smtp_url): messages stay in the outbox.");
    }
}

/// The first signal asks everything to stop; a second one does not wait for it.
pub(super) async fn signals(stopper: &Stopper) -> Result<(), Failure> {
    let listen =
        |kind| signal(kind).map_err(|error| Failure::failed(format!("signals cannot be received: {error}")));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    for first in [true, false] {
        tokio::select! {
            _signal = terminate.recv() => {}
            _signal = interrupt.recv() => {}
        }
        if first {
            tracing::info!("stopping; a second signal stops at once");
            stopper.stop();
        }
    }
    Err(Failure::failed("stopped at once: requests under way were cut off"))
}
