//! Owns the production side of every port: what `wire` is given when nothing is pretended.
//! Never touches requests.

use crate::{
    certified_keys::StoreCertifiedKeys,
    config::{Config, ConfigError},
    edge::Metrics,
    keys::{Algorithm, StoreKeyRing},
    page::mail::OutboxRenderer,
    wire::{App, Ports, Settings},
    worker::{DeliveryPorts, Jobs, OutboxDelivery, Renewals, Stop, Supervisor, Sweeps},
};
use portico_core::{
    admin::{AdminError, bootstrap::cursor_key},
    entropy::{Entropy, SystemEntropy},
    model::KeyState,
    port::{
        BoxError,
        http::HttpClient,
        key_ring::{KeyError, KeyRing},
        mailer::Mailer,
        script,
        store::{Store, StoreError},
    },
    time::{Clock, SystemClock},
};
use portico_database::{
    HashingPool, HashingSettings,
    hashing::{HashingError, Parameters},
};
use portico_egress::{Egress, EgressError, EgressPolicy};
use portico_mail::{SmtpMailer, SmtpSettings};
use portico_script::{ScriptPool, WorkerCommand};
use portico_script_host as script_host;
use std::{io, path::PathBuf, sync::Arc, thread, time::Duration};

/// The adapters of a running gateway.
pub struct Adapters {
    /// What `wire` needs.
    pub ports: Ports,
    /// The key ring, as the worker knows it.
    pub keys: Arc<StoreKeyRing>,
    /// The certified key pairs, as the worker knows them.
    pub certified_keys: Arc<StoreCertifiedKeys>,
    /// The pool of script workers.
    pub scripts: Arc<ScriptPool>,
    cursor_key: [u8; 32],
}

/// Why they could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdapterError {
    /// A line of the allow-list.
    #[error("`egress.allow`: {0}; write login.customer.internal or 10.1.2.3:8443")]
    Allow(#[from] portico_egress::NotAnEntry),
    /// A line of the list of databases.
    #[error("`scripts.databases`: {0}; write db.customer.internal:5432")]
    Databases(#[source] portico_egress::NotAnEntry),
    /// The file of further authorities.
    #[error("`egress.extra_roots`: `{}` cannot be read ({source})", file.display())]
    Roots {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The way out.
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The hashing pool.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The signing keys.
    #[error("the signing keys cannot be read or made: {0}")]
    Keys(#[from] KeyError),
    /// The key of cursors.
    #[error("the key of list cursors cannot be read or made: {0}")]
    Cursors(#[from] AdminError),
    /// Our own program, which script workers run.
    #[error("this program does not know where it is, so it cannot start script workers: {0}")]
    Program(#[source] io::Error),
    /// The mail server.
    #[error("mail cannot be sent: {0}")]
    Mail(#[source] BoxError),
}

impl Adapters {
    /// Make them.
    pub async fn new(config: &Config, store: Arc<dyn Store>) -> Result<Self, AdapterError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let http: Arc<dyn HttpClient> = Arc::new(Egress::new(egress(config)?)?);
        let hashing = Arc::new(HashingPool::start(hashing(config), Arc::clone(&entropy))?);
        let keys = StoreKeyRing::open(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&entropy),
            Algorithm::default(),
        );
        let keys = Arc::new(keys.await?);
        let issuer = config.server.issuer();
        let subject = issuer.host_str().unwrap_or_default().to_owned();
        let (its_clock, its_entropy) = (Arc::clone(&clock), Arc::clone(&entropy));
        let certified_keys = StoreCertifiedKeys::open(Arc::clone(&store), its_clock, its_entropy, subject);
        let certified_keys = Arc::new(certified_keys.await?);
        let cursor_key = cursor_key(&*store, &*entropy).await?;
        let program = std::env::current_exe().map_err(AdapterError::Program)?;
        let scripts = Arc::new(ScriptPool::new(
            // Large pages, which make hashes faster (`.cargo/config.toml`), would only make a worker larger.
            WorkerCommand::new(program, ["script-worker"]).with_variable("_RJEM_MALLOC_CONF", "thp:default"),
            script_workers(config.scripts.workers),
            Arc::new(script_host::Services::new(Arc::clone(&http), script_host(config)?)),
            Arc::clone(&clock),
            Arc::clone(&entropy),
        ));
        let ports = Ports {
            clock,
            entropy,
            store,
            http,
            scripts: Arc::<ScriptPool>::clone(&scripts),
            hashing,
            keys: Arc::<StoreKeyRing>::clone(&keys),
            certified_keys: Arc::<StoreCertifiedKeys>::clone(&certified_keys),
        };
        Ok(Self { ports, keys, certified_keys, scripts, cursor_key })
    }

    /// What `wire` has to know; the sockets must have been bound.
    pub fn settings(&self, config: &Config) -> Result<Settings, ConfigError> {
        Ok(Settings {
            issuer: config.server.issuer(),
            hosts: config.server.hosts(config.server.listen),
            trusted_proxies: config.server.proxies()?,
            transaction_lifetime: config.login.transaction_lifetime(),
            request_timeout: Duration::from_secs(30),
            script_limits: script::Limits::default(),
            places: config.scripts.places()?,
            cursor_key: self.cursor_key,
        })
    }

    /// Start what goes on beside requests: mail, sweeps, renewals, keys.
    pub fn start_jobs(
        &self,
        config: &Config,
        app: &App,
        metrics: &Arc<Metrics>,
        stop: Stop,
    ) -> Result<Supervisor, AdapterError> {
        let mut jobs = Supervisor::new(stop, Arc::clone(metrics));
        let ports = &self.ports;
        if let Some(mailer) = mailer(config)? {
            let delivery = DeliveryPorts {
                store: Arc::clone(&ports.store),
                clock: Arc::clone(&ports.clock),
                entropy: Arc::clone(&ports.entropy),
                renderer: Arc::new(OutboxRenderer::new(Arc::clone(&app.pages), Arc::clone(&ports.store))),
                mailer,
            };
            let give_up_after = Duration::from_hours(config.mail.give_up_after_hours.into());
            let delivery = Arc::new(OutboxDelivery::new(delivery, Arc::clone(metrics), give_up_after));
            jobs.run("mail", move |stop| {
                let delivery = Arc::clone(&delivery);
                async move { delivery.run(stop).await }
            });
        }
        let keep = Duration::from_hours(24) * config.log.audit_days;
        let sweeps = Arc::new(Sweeps::new(Arc::clone(&ports.store), Arc::clone(&ports.clock), keep));
        jobs.every("sweeps", Duration::from_mins(10), move || {
            let sweeps = Arc::clone(&sweeps);
            async move { sweeps.sweep().await }
        });
        let runner = Arc::new(Jobs::new(
            Arc::clone(&ports.store),
            Arc::clone(&ports.clock),
            Arc::clone(&ports.entropy),
            Arc::clone(&app.connectors),
        ));
        jobs.run("jobs", move |stop| {
            let runner = Arc::clone(&runner);
            async move { runner.run(stop).await }
        });
        let renewals = Arc::new(Renewals::new(
            Arc::clone(&ports.store),
            Arc::clone(&ports.clock),
            Arc::clone(&ports.entropy),
            Arc::clone(&app.connectors),
        ));
        jobs.every("renewals", Duration::from_hours(1), move || {
            let renewals = Arc::clone(&renewals);
            async move { renewals.renew().await }
        });
        let rotation = Rotation {
            keys: Arc::clone(&self.keys),
            certified_keys: Arc::clone(&self.certified_keys),
            store: Arc::clone(&ports.store),
            clock: Arc::clone(&ports.clock),
            after: Duration::from_hours(24) * config.keys.rotation_days,
        };
        jobs.every("keys", Duration::from_mins(1), move || {
            let rotation = rotation.clone();
            async move { rotation.turn().await }
        });
        Ok(jobs)
    }
}

/// Keeps the key ring as new as the store, and replaces the signing key when it is old enough.
#[derive(Clone)]
struct Rotation {
    keys: Arc<StoreKeyRing>,
    certified_keys: Arc<StoreCertifiedKeys>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    after: Duration,
}

impl Rotation {
    async fn turn(&self) -> Result<(), KeyError> {
        self.keys.refresh().await?;
        self.certified_keys.refresh().await?;
        if self.after.is_zero() {
            return Ok(());
        }
        let keys =
            self.store.read::<_, StoreError, _>(|unit| Box::pin(async move { unit.keys().list().await }));
        let current = keys.await?.into_iter().find(|key| key.state == KeyState::Current);
        let now = self.clock.now();
        let due = |since| now.since(since) >= self.after;
        if current.and_then(|key| key.current_since).is_some_and(due) {
            let name = self.keys.rotate(now).await?;
            tracing::info!(key = name.kid, "replaced the signing key");
        }
        Ok(())
    }
}

fn egress(config: &Config) -> Result<EgressPolicy, AdapterError> {
    let allow = config.egress.allow.iter().map(|entry| entry.parse()).collect::<Result<_, _>>()?;
    let extra_roots = match &config.egress.extra_roots {
        Some(file) => {
            std::fs::read(file).map_err(|source| AdapterError::Roots { file: file.clone(), source })?
        }
        None => Vec::new(),
    };
    let own = [config.server.listen.ip(), config.server.admin_listen.ip()];
    let own = own.into_iter().filter(|ip| !ip.is_unspecified()).collect();
    Ok(EgressPolicy { allow, extra_roots, own, ..EgressPolicy::default() })
}

fn script_host(config: &Config) -> Result<script_host::Settings, AdapterError> {
    let databases = config.scripts.databases.iter().map(|entry| entry.parse()).collect::<Result<_, _>>();
    let EgressPolicy { own, extra_roots, .. } = egress(config)?;
    Ok(script_host::Settings {
        requests: config.scripts.requests,
        statements: config.scripts.statements,
        databases: databases.map_err(AdapterError::Databases)?,
        own,
        extra_roots,
        modules_dir: config.scripts.modules_dir.clone(),
        ..script_host::Settings::default()
    })
}

fn hashing(config: &Config) -> HashingSettings {
    let password = &config.password;
    HashingSettings {
        parameters: Parameters {
            memory_kib: password.memory_kib,
            iterations: password.iterations,
            parallelism: password.parallelism,
        },
        threads: or_cores(password.pool),
        queue: password.queue,
    }
}

/// None when no server is configured: mail then stays in the outbox.
fn mailer(config: &Config) -> Result<Option<Arc<dyn Mailer>>, AdapterError> {
    let Some(url) = &config.mail.smtp_url else { return Ok(None) };
    let settings = SmtpSettings::parse(url.expose(), &config.mail.from)
        .map_err(|error| AdapterError::Mail(Box::new(error)))?;
    Ok(Some(Arc::new(SmtpMailer::new(&settings).map_err(AdapterError::Mail)?)))
}

/// More than cores: a worker whose script waits for an answer from elsewhere has nothing else to do.
fn script_workers(number: usize) -> usize {
    if number > 0 { number } else { 4 * or_cores(0) }
}

fn or_cores(number: usize) -> usize {
    if number > 0 { number } else { thread::available_parallelism().map_or(1, usize::from) }
}
