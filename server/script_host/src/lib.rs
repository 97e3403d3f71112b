//! Owns what scripts may ask of the gateway: requests, databases, the files of packages.
//! Never touches scripts: they run elsewhere, and all that comes from them is plain data.
//!
//! Every run has an attendant of its own, which counts what it asks for, holds the database connections that were lent to
//! it, and gives them back or ends what they do when the run ends (`security.md` §3.8, JS-09, JS-10).

mod http;
mod mysql;
mod packages;
mod pool;
mod postgres;
mod reach;
mod sql;

use self::{http::Fetching, packages::Packages, reach::Databases, sql::Sessions};
use async_trait::async_trait;
use portico_core::port::{
    http::HttpClient,
    script::{AskError, Attendant, Reach, ScriptHost},
};
pub use portico_egress::AllowEntry;
use serde_json::Value;
use std::{
    fmt,
    net::IpAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// What scripts may ask for. Comes from the operator's configuration alone.
#[derive(Clone, Debug)]
pub struct Settings {
    /// HTTP requests of one run, redirects included.
    pub requests: u32,
    /// Database statements of one run.
    pub statements: u32,
    /// How long a request, a connection or a statement may take each.
    pub patience: Duration,
    /// Databases that may be reached though they are private or on odd ports, each as `host:port`.
    pub databases: Vec<AllowEntry>,
    /// Addresses this node listens on; no script reaches them.
    pub own: Vec<IpAddr>,
    /// Certificates, in PEM, of authorities that databases' certificates may be from, beside Mozilla's list.
    pub extra_roots: Vec<u8>,
    /// Where the operator has installed packages: the folder with `package.json` and `node_modules`.
    pub modules_dir: Option<PathBuf>,
}

impl Default for Settings {
    /// Five requests of five seconds each (JS-10), fifty statements, and no database that is not public.
    fn default() -> Self {
        Self {
            requests: 5,
            statements: 50,
            patience: Duration::from_secs(5),
            databases: Vec::new(),
            own: Vec::new(),
            extra_roots: Vec::new(),
            modules_dir: None,
        }
    }
}

/// Attends scripts.
pub struct Services(Arc<Shared>);

struct Shared {
    settings: Settings,
    http: Arc<dyn HttpClient>,
    packages: Packages,
    databases: Databases,
    postgres: pool::Pool<postgres::Line>,
    mysql: pool::Pool<mysql::Line>,
}

impl Services {
    /// Over this client, which vets where requests go and bounds the size of answers.
    pub fn new(http: Arc<dyn HttpClient>, settings: Settings) -> Self {
        Self(Arc::new(Shared {
            http,
            packages: Packages::new(settings.modules_dir.clone()),
            databases: Databases::new(&settings),
            postgres: pool::Pool::default(),
            mysql: pool::Pool::default(),
            settings,
        }))
    }
}

impl ScriptHost for Services {
    fn attend(&self, reach: &Reach) -> Box<dyn Attendant> {
        Box::new(Run {
            shared: Arc::clone(&self.0),
            reach: reach.clone(),
            requests: AtomicU32::new(0),
            statements: AtomicU32::new(0),
            postgres: Sessions::default(),
            mysql: Sessions::default(),
        })
    }
}

/// One run, and what it has used.
struct Run {
    shared: Arc<Shared>,
    reach: Reach,
    requests: AtomicU32,
    statements: AtomicU32,
    postgres: Sessions<postgres::Line>,
    mysql: Sessions<mysql::Line>,
}

impl fmt::Debug for Run {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Run").field("reach", &self.reach).finish_non_exhaustive()
    }
}

#[async_trait]
impl Attendant for Run {
    async fn ask(&self, method: &str, request: Value) -> Result<Value, AskError> {
        let shared = &*self.shared;
        match method {
            "http" => {
                let fetching = Fetching {
                    http: &*shared.http,
                    reach: &self.reach,
                    patience: shared.settings.patience,
                    spend: &|| spend(&self.requests, shared.settings.requests, "requests"),
                };
                fetching.fetch(&request).await
            }
            "module" => shared.packages.find(&request).await,
            "pg.connect" => {
                self.postgres.connect(&shared.postgres, &shared.databases, &self.reach, request).await
            }
            "mysql.connect" => {
                self.mysql.connect(&shared.mysql, &shared.databases, &self.reach, request).await
            }
            "pg.query" => {
                spend(&self.statements, shared.settings.statements, "statements")?;
                self.postgres.query(&request, shared.settings.patience).await
            }
            "mysql.query" => {
                spend(&self.statements, shared.settings.statements, "statements")?;
                self.mysql.query(&request, shared.settings.patience).await
            }
            "pg.end" => Ok(self.postgres.end(&request)),
            "mysql.end" => Ok(self.mysql.end(&request)),
            _ => Err(AskError::told(format!("there is no {method}"))),
        }
    }
}

/// One more of what a run may have `most` of.
fn spend(used: &AtomicU32, most: u32, what: &str) -> Result<(), AskError> {
    if used.fetch_add(1, Ordering::Relaxed) < most {
        return Ok(());
    }
    Err(AskError::told(format!("a script may make {most} {what}")))
}
