//! Owns the composition: ports and settings in, one router out; every part is made once, here.
//! Never touches configuration files, sockets or tasks.

use crate::{
    connectors::LiveConnectors,
    http::{
        cookies::Cookies,
        layer::{Hosts, Layers, TrustedProxies},
        voice::page::{Wardrobe, dressed, nothing_here},
    },
    login::{
        self, AccountPages, Logins,
        dbconnections::{self, DbConnections},
    },
    management::{self, Management, ManagementPorts},
    oidc::{self, Provider},
    page::{self, PageError, Pages},
    partner::{self, Partners},
};
use axum::Router;
use portico_connectors::Registry;
use portico_core::{
    account::{AccountSettings, SelfService},
    admin::AdminPorts,
    connector::{ConnectorDeps, Factories},
    entropy::Entropy,
    login::{
        Connectors,
        flow::{Flow, FlowSettings},
        pipeline::{Pipeline, Places},
    },
    oauth::OpenIdProvider,
    port::{
        certified_keys::CertifiedKeyRing,
        http::HttpClient,
        key_ring::KeyRing,
        script::{Limits, ScriptRuntime},
        store::Store,
    },
    time::Clock,
    watch::Watch,
};
use portico_database::HashingPool;
use std::{sync::Arc, time::Duration};
use url::Url;

/// What the gateway meets the world through.
#[derive(Clone)]
pub struct Ports {
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// The way out.
    pub http: Arc<dyn HttpClient>,
    /// Customers' scripts.
    pub scripts: Arc<dyn ScriptRuntime>,
    /// Where passwords are hashed.
    pub hashing: Arc<HashingPool>,
    /// The signing keys.
    pub keys: Arc<dyn KeyRing>,
    /// The key pairs with certificates.
    pub certified_keys: Arc<dyn CertifiedKeyRing>,
}

/// What the gateway has to know.
#[derive(Clone)]
pub struct Settings {
    /// Its public address, with the trailing slash.
    pub issuer: Url,
    /// The hosts that requests may name.
    pub hosts: Hosts,
    /// The proxies whose word on a client's address counts.
    pub trusted_proxies: TrustedProxies,
    /// How long a login may take.
    pub transaction_lifetime: Duration,
    /// After how long a request is given up.
    pub request_timeout: Duration,
    /// What one rule may use.
    pub script_limits: Limits,
    /// Where rules and actions may send a browser, besides what applications have registered.
    pub places: Places,
    /// Seals the Management API's cursors; of the store, so that any node reads them.
    pub cursor_key: [u8; 32],
}

/// Why the gateway cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A template or a language does not fit.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The process cannot be set up so that it is safe to judge what others send.
    #[error("no connector may be built: {0}")]
    Unsafe(String),
}

/// The gateway, put together.
pub struct App {
    /// All its surfaces, with every layer around them.
    pub router: Router,
    /// Running connectors.
    pub connectors: Arc<dyn Connectors>,
    /// The pages.
    pub pages: Arc<Pages>,
}

impl App {
    /// Put it together.
    pub fn new(ports: Ports, settings: Settings) -> Result<Self, WireError> {
        let Ports { clock, entropy, store, http, scripts, hashing, keys, certified_keys } = ports;
        portico_connectors::prepare().map_err(|hole| WireError::Unsafe(hole.to_string()))?;
        let factories: Arc<dyn Factories> = Arc::new(Registry::standard(hashing));
        let deps = ConnectorDeps {
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            http,
            scripts: Arc::clone(&scripts),
            script_limits: Limits::of_a_database(),
            store: Arc::clone(&store),
            issuer: settings.issuer.clone(),
            certified_keys,
        };
        let connectors: Arc<dyn Connectors> = Arc::new(LiveConnectors::new(Arc::clone(&factories), deps));
        let pages = Arc::new(Pages::new()?);
        let cookies = Cookies::new(settings.issuer.scheme() == "https");
        let issuer = &settings.issuer;
        let pipeline = || Pipeline::new(Arc::clone(&scripts), Arc::clone(&clock), settings.script_limits);
        let flow = Arc::new(Flow::new(
            Arc::clone(&store),
            Arc::clone(&clock),
            Arc::clone(&entropy),
            Arc::clone(&connectors),
            pipeline(),
            FlowSettings::new(issuer.clone(), settings.transaction_lifetime, settings.places),
        ));
        let logins = Logins::new(flow, Arc::clone(&store), Arc::clone(&pages), cookies, issuer.clone());
        let management = Management::new(ManagementPorts {
            admin: AdminPorts {
                store: Arc::clone(&store),
                clock: Arc::clone(&clock),
                entropy: Arc::clone(&entropy),
                scripts: Arc::clone(&scripts),
                factories,
                connectors: Arc::clone(&connectors),
                accounts: AccountSettings::of(issuer.clone()),
            },
            keys: Arc::clone(&keys),
            issuer: issuer.clone(),
            cursor_key: settings.cursor_key,
        });
        let provider = Arc::new(OpenIdProvider {
            store: Arc::clone(&store),
            keys,
            clock: Arc::clone(&clock),
            entropy: Arc::clone(&entropy),
            issuer: issuer.clone(),
            connectors: Arc::clone(&connectors),
            pipeline: pipeline(),
        });
        let service = Arc::new(SelfService::new(
            Arc::clone(&store),
            Arc::clone(&connectors),
            Arc::clone(&clock),
            Arc::clone(&entropy),
            AccountSettings::of(issuer.clone()),
        ));
        let accounts =
            Arc::new(AccountPages::new(Arc::clone(&service), Arc::clone(&store), Arc::clone(&pages)));
        let databases = DbConnections::new(service, Arc::clone(&clock));
        let watch = Watch::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy));
        let wardrobe = Arc::new(Wardrobe::new(Arc::clone(&pages), Arc::clone(&store), watch));
        let surfaces = Router::new()
            .merge(login::router(Arc::new(logins)))
            .merge(login::reset::router(Arc::clone(&accounts)))
            .merge(login::verification::router(accounts))
            .merge(dbconnections::router(Arc::new(databases)))
            .merge(oidc::router(Arc::new(Provider::new(provider, cookies, Arc::clone(&pages)))))
            .merge(management::router(Arc::new(management)))
            .merge(partner::router(Arc::new(Partners::new(Arc::clone(&store), Arc::clone(&connectors)))))
            .merge(page::assets::router())
            .fallback(nothing_here);
        let layers = Layers {
            issuer: settings.issuer,
            hosts: settings.hosts,
            trusted_proxies: settings.trusted_proxies,
            entropy,
            timeout: settings.request_timeout,
        };
        Ok(Self { router: layers.around(dressed(surfaces, wardrobe)), connectors, pages })
    }
}
