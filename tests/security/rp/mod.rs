//! Owns the threats against us as a relying party (RP-01 to RP-27): a real connector, the real way out, and an identity
//! provider that misbehaves on request.
//! Never touches what happens after somebody is identified: that is admission's.

pub(in crate::security) mod egress;
mod front_channel;
mod keys;
mod provider;
mod tokens;
mod userinfo;

use async_trait::async_trait;
use portico_core::{
    connector::{
        AuthnRequest, Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Intent, Interaction, Memo,
        Reply, Step,
    },
    entropy::{Entropy, SystemEntropy},
    id::{ConnectionId, TransactionId},
    model::Connection,
    port::script::{Call, Outcome, ScriptError, ScriptRuntime, Source},
    testing::FakeClock,
    time::{Clock, Timestamp},
};
use portico_egress::{AllowEntry, Egress, EgressPolicy, Limits};
use portico_fixtures::oidc_idp::{IdpClient, IdpUser, Mischief, OidcIdp, OidcIdpConfig};
use portico_oidc::OidcFactory;
use portico_server::http::extract::params::Params;
use serde_json::{Map, Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinSet};
use url::Url;

const CALLBACK: &str = "https://gateway.example/login/callback";
const SECRET: &str = "a secret of thirty-two characters";

/// An identity provider, and a connection to it.
struct Bank {
    name: &'static str,
    idp: OidcIdp,
    clock: Arc<FakeClock>,
    connector: Arc<dyn Connector>,
}

/// A login that has begun.
struct Begun {
    request: AuthnRequest,
    memo: Memo,
    there: Url,
}

impl Bank {
    /// An honest one.
    async fn open() -> Self {
        Self::with(json!({})).await
    }

    /// An honest one, with these options of the connection besides the usual ones.
    async fn with(options: Value) -> Self {
        Self::found("metahexa", options, Limits::default()).await
    }

    /// The same; the connection has this name.
    async fn named(name: &'static str, options: Value) -> Self {
        Self::found(name, options, Limits::default()).await
    }

    /// An honest one, for which nobody waits long.
    async fn impatient() -> Self {
        let limits = Limits { total: Duration::from_secs(2), ..Limits::default() };
        Self::found("metahexa", json!({}), limits).await
    }

    async fn found(name: &'static str, options: Value, limits: Limits) -> Self {
        let clock = Arc::new(FakeClock::default());
        let mut config = OidcIdpConfig::new("MetaHexa Bank");
        config.clock = clock.clone();
        config.clients.push(IdpClient {
            id: "gateway".to_owned(),
            secret: SECRET.to_owned(),
            redirect_uris: vec![CALLBACK.to_owned(), format!("{CALLBACK}?connection={name}")],
            post_logout_redirect_uris: vec![],
        });
        for name in ["amintha", "mallory"] {
            let email = format!("{name}@metahexa.example");
            config.users.push(IdpUser::new(name, "a password").claim("email", email).claim("name", name));
        }
        let idp = OidcIdp::start(config).await.unwrap();
        let policy = EgressPolicy { allow: listed(&idp), limits, ..EgressPolicy::default() };
        let connector = connect(name, &idp, clock.clone(), options, policy).await;
        Self { name, idp, clock, connector }
    }

    /// The same connection after a restart: nothing is kept.
    async fn restart(&mut self) {
        let policy = EgressPolicy { allow: listed(&self.idp), ..EgressPolicy::default() };
        self.connector = connect(self.name, &self.idp, self.clock.clone(), json!({}), policy).await;
    }

    async fn begin(&self) -> Result<Begun, ConnectorError> {
        let request = AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            callback: Url::parse(CALLBACK).unwrap(),
            intent: Intent::SignIn,
            organization: None,
            client: None,
            login_hint: None,
            force: false,
            acr_values: Vec::new(),
            started_at: self.clock.now(),
        };
        let step = self.connector.begin(&request).await?;
        let Step::Ask(ask) = step else { panic!("{step:?}") };
        let Interaction::Redirect(there) = ask.interaction else { panic!("{:?}", ask.interaction) };
        Ok(Begun { request, memo: ask.memo, there })
    }

    /// Come back with this query, as the browser does.
    async fn resume(&self, begun: &Begun, query: &str) -> String {
        match Params::of_query(query) {
            Ok(parameters) => outcome(
                self.connector.resume(&begun.request, begun.memo.clone(), parameters.into_reply()).await,
            ),
            Err(_duplicated) => "refused by the edge".to_owned(),
        }
    }

    async fn resume_with<const N: usize>(&self, begun: &Begun, reply: [(&str, &str); N]) -> String {
        outcome(self.connector.resume(&begun.request, begun.memo.clone(), Reply::from(reply)).await)
    }

    /// A whole login of Amintha, and how it ends.
    async fn login(&self) -> String {
        match self.begin().await {
            Ok(begun) => {
                let query = answer_of(&begun.there, "amintha").await;
                self.resume(&begun, &query).await
            }
            Err(error) => outcome(Err(error)),
        }
    }

    /// A whole login while the identity provider misbehaves.
    async fn login_with(&self, mischief: Mischief) -> String {
        self.idp.set_mischief(mischief);
        let outcome = self.login().await;
        self.idp.set_mischief(Mischief::default());
        outcome
    }

    /// The control of every test: without the attack, the login goes through.
    async fn still_works(&self) {
        self.idp.set_mischief(Mischief::default());
        assert_eq!(self.login().await, IDENTIFIED);
    }
}

const IDENTIFIED: &str = "identified: idp-amintha";

async fn connect(
    name: &str,
    idp: &OidcIdp,
    clock: Arc<dyn Clock>,
    changes: Value,
    policy: EgressPolicy,
) -> Arc<dyn Connector> {
    let mut options = json!({
        "type": "back_channel",
        "discovery_url": idp.discovery_url(),
        "client_id": "gateway",
        "client_secret": SECRET,
    });
    for (name, value) in changes.as_object().unwrap() {
        options[name] = value.clone();
    }
    let factory = OidcFactory::oidc();
    factory.check(&options).unwrap();
    let entropy: &dyn Entropy = &SystemEntropy::default();
    let connection = Connection {
        id: ConnectionId::random(entropy),
        name: name.to_owned(),
        strategy: "oidc".to_owned(),
        display_name: None,
        options,
        enabled_clients: vec![],
        realms: vec![],
        extra: Map::new(),
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    };
    factory.build(&connection, &deps(clock, policy).await).unwrap()
}

pub(in crate::security) async fn deps(clock: Arc<dyn Clock>, policy: EgressPolicy) -> ConnectorDeps {
    ConnectorDeps {
        clock,
        entropy: Arc::new(SystemEntropy::default()),
        http: Arc::new(Egress::new(policy).unwrap()),
        scripts: Arc::new(NoScripts),
        script_limits: portico_core::port::script::Limits::default(),
        store: portico_store::temporary().await.unwrap(),
        issuer: Url::parse(CALLBACK).unwrap().join("/").unwrap(),
        certified_keys: Arc::new(portico_core::testing::MemoryCertifiedKeys::default()),
    }
}

/// The operator's list, with the identity provider on it: it is on this machine.
fn listed(idp: &OidcIdp) -> Vec<AllowEntry> {
    vec![idp.authority().parse().unwrap()]
}

/// How a move ended, in words.
fn outcome(result: Result<Step, ConnectorError>) -> String {
    match result {
        Ok(Step::Identified(assertion)) => format!("identified: {}", assertion.subject.0),
        Ok(Step::Refused { reason, about, .. }) => format!("refused: {reason:?} {about:?}"),
        Ok(Step::Ask(ask)) => format!("asks: {ask:?}"),
        Ok(step @ Step::Wanted { .. }) => panic!("{step:?}"),
        Err(ConnectorError::Protocol(reason)) => format!("rejected: {reason}"),
        Err(ConnectorError::Missing(name)) => format!("missing: {name}"),
        Err(ConnectorError::Unavailable(_)) => "unavailable".to_owned(),
        Err(ConnectorError::Misconfigured(text)) => format!("misconfigured: {text}"),
        Err(error) => panic!("{error:?}"),
    }
}

/// Follows nothing and keeps nothing: each test has a runtime of its own. Made once, because reading this machine's root
/// certificates takes long.
static BROWSER: LazyLock<reqwest::Client> = LazyLock::new(|| {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    builder.no_proxy().pool_max_idle_per_host(0).build().unwrap()
});

/// Sign in at the identity provider: the query with which it sends the browser back.
async fn answer_of(there: &Url, username: &str) -> String {
    let form = [("username", username), ("password", "a password")];
    let answer = BROWSER.post(there.clone()).form(&form).send().await.unwrap();
    let location = answer.headers().get("location").unwrap_or_else(|| panic!("{}", answer.status()));
    let back = Url::parse(location.to_str().unwrap()).unwrap();
    assert!(back.as_str().starts_with(CALLBACK), "{back}");
    back.query().unwrap().to_owned()
}

/// A field of a query.
fn field(query: &str, name: &str) -> String {
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{query} has no {name}")).1.into_owned()
}

/// A JSON object's fields.
fn fields(object: Value) -> Map<String, Value> {
    let Value::Object(fields) = object else { panic!("{object} is no object") };
    fields
}

/// A place that nobody may be made to call.
pub(super) struct Canary {
    address: SocketAddr,
    hits: Arc<AtomicUsize>,
    _listening: JoinSet<()>,
}

impl Canary {
    pub(super) async fn listen() -> Self {
        Self::listen_on((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    pub(super) async fn listen_on(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(AtomicUsize::new(0));
        let mut listening = JoinSet::new();
        let counter = hits.clone();
        listening.spawn(async move {
            while let Ok((_stream, _peer)) = listener.accept().await {
                counter.fetch_add(1, SeqCst);
            }
        });
        Self { address, hits, _listening: listening }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(super) fn hits(&self) -> usize {
        self.hits.load(SeqCst)
    }
}

/// These connections have no scripts.
struct NoScripts;

#[async_trait]
impl ScriptRuntime for NoScripts {
    async fn check(&self, _source: &Source) -> Result<(), ScriptError> {
        panic!("an OIDC connection runs no script")
    }

    async fn call(&self, _source: &Source, _call: Call) -> Result<Outcome, ScriptError> {
        panic!("an OIDC connection runs no script")
    }
}
