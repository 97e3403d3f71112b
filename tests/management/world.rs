//! Owns the Management API as its tests see it: a router, a clock moved by hand, and tokens with any scopes.
//! Never touches what is behind the router, but to look into the store.

use async_trait::async_trait;
use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use portico_connectors::Auth0Factory;
use portico_core::{
    account::AccountSettings,
    admin::{
        AdminPorts, MANAGEMENT_SCOPES,
        bootstrap::{Bootstrapped, SecretRotation, bootstrap, cursor_key},
    },
    connector::{Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Factories, Problem},
    entropy::{Entropy, SystemEntropy},
    jose::jws,
    model::{AuditEvent, Connection, OutboxMail},
    port::{
        http::{HttpClient, HttpError},
        script::{Call, Outcome, ScriptError, ScriptRuntime, Source},
        store::{Direction, EventFilter, Page, Store},
    },
    testing::{FakeClock, MemoryCertifiedKeys, MemoryKeyRing},
    time::Clock,
};
use portico_database::{HashingPool, HashingSettings, hashing::Parameters};
use portico_server::{
    connectors::LiveConnectors,
    management::{Management, ManagementPorts, router},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tower::ServiceExt;
use url::Url;

/// The issuer of every test.
pub(crate) const ISSUER: &str = "https://login.portico.test/";

/// The API with its surroundings.
pub(crate) struct Api {
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: Arc<MemoryKeyRing>,
    pub(crate) first: Bootstrapped,
    pub(crate) connectors: Arc<LiveConnectors>,
    router: Router,
    token: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The answer's body, if it has this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The message of an error with this status and `errorCode` (empty for none).
    pub(crate) fn fault(self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        assert_eq!(self.body["statusCode"], status);
        assert_eq!(self.body["error"], self.status.canonical_reason().unwrap());
        assert_eq!(self.body["errorCode"].as_str().unwrap_or_default(), code, "{}", self.body);
        self.body["message"].as_str().unwrap().to_owned()
    }
}

impl Api {
    /// Over an empty store that was made ready.
    pub(crate) async fn new() -> Self {
        let store = portico_store::temporary().await.expect("a store");
        let clock = Arc::new(FakeClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let issuer: Url = ISSUER.parse().unwrap();
        let first = bootstrap(&*store, &*clock, &*entropy, &issuer, SecretRotation::Keep).await.unwrap();
        let keys = Arc::new(MemoryKeyRing::default());
        let parameters = Parameters { memory_kib: 64, iterations: 1, parallelism: 1 };
        let hashing = HashingSettings { parameters, threads: 1, queue: 64 };
        let pool = Arc::new(HashingPool::start(hashing, Arc::clone(&entropy)).unwrap());
        let factories: Arc<dyn Factories> = Arc::new(TwoFactories(Auth0Factory::new(pool)));
        let scripts: Arc<dyn ScriptRuntime> = Arc::new(Compiler);
        let deps = ConnectorDeps {
            clock: clock.clone(),
            entropy: Arc::clone(&entropy),
            http: Arc::new(NoNetwork),
            scripts: Arc::clone(&scripts),
            script_limits: portico_core::port::script::Limits::default(),
            store: Arc::clone(&store),
            issuer: issuer.clone(),
            certified_keys: Arc::new(MemoryCertifiedKeys::default()),
        };
        let connectors = Arc::new(LiveConnectors::new(Arc::clone(&factories), deps));
        let admin = AdminPorts {
            store: Arc::clone(&store),
            clock: clock.clone(),
            entropy: Arc::clone(&entropy),
            scripts,
            factories,
            connectors: connectors.clone(),
            accounts: AccountSettings::of(issuer.clone()),
        };
        let cursor_key = cursor_key(&*store, &*entropy).await.unwrap();
        let ports = ManagementPorts { admin, keys: keys.clone(), issuer, cursor_key };
        let router = router(Arc::new(Management::new(ports)));
        let mut api = Self { clock, store, keys, first, connectors, router, token: String::new() };
        let all: Vec<_> = MANAGEMENT_SCOPES.iter().map(|(scope, _)| *scope).collect();
        api.token = api.token(json!({ "scope": all.join(" ") })).await;
        api
    }

    /// A token of the first client, with these claims in place of the usual ones; `null` leaves one out.
    pub(crate) async fn token(&self, changes: Value) -> String {
        let now = self.clock.now().seconds();
        let mut claims = json!({
            "iss": ISSUER,
            "sub": format!("{}@clients", self.first.client_id),
            "aud": self.first.audience,
            "azp": self.first.client_id,
            "iat": now,
            "exp": now + 86_400,
            "gty": "client-credentials",
        });
        let object = claims.as_object_mut().unwrap();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                object.shift_remove(name);
            } else {
                object.insert(name.clone(), value.clone());
            }
        }
        jws::compose(&*self.keys, "JWT", object).await.unwrap()
    }

    /// A token with these scopes alone.
    pub(crate) async fn scoped(&self, scopes: &str) -> String {
        self.token(json!({ "scope": scopes })).await
    }

    /// Send a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// With this token.
    pub(crate) async fn call_as(
        &self,
        token: &str,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let request = Request::builder().method(method).uri(format!("/api/v2{path}"));
        let request = request.header("authorization", format!("Bearer {token}"));
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap()).await
    }

    /// What is at an address outside of the API, without a token.
    pub(crate) async fn fetch(&self, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// The token with every scope.
    pub(crate) fn all_scopes(&self) -> &str {
        &self.token
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call_as(&self.token, "GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, "POST", path, Some(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, "PATCH", path, Some(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, "PUT", path, Some(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call_as(&self.token, "DELETE", path, None).await
    }

    pub(crate) async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.call_as(&self.token, "DELETE", path, Some(&body)).await
    }

    /// A client that may be used for organizations, with a login address; its id.
    pub(crate) async fn client(&self) -> String {
        let body = json!({
            "name": "Travel0 Corporate Booking",
            "app_type": "regular_web",
            "callbacks": ["https://hoekstra.corp.travel0.net/login/callback"],
            "initiate_login_uri": "https://hoekstra.corp.travel0.net/login?from=mail",
            "organization_usage": "require",
        });
        text(&self.post("/clients", body).await.expect(201), "client_id")
    }

    /// A database connection that is enabled for these clients; its id.
    pub(crate) async fn database(&self, name: &str, clients: &[&str]) -> String {
        let body = json!({ "name": name, "strategy": "auth0", "enabled_clients": clients });
        text(&self.post("/connections", body).await.expect(201), "id")
    }

    /// An organization; its id.
    pub(crate) async fn organization(&self, name: &str) -> String {
        text(&self.post("/organizations", json!({ "name": name })).await.expect(201), "id")
    }

    /// A role; its id.
    pub(crate) async fn role(&self, name: &str) -> String {
        text(&self.post("/roles", json!({ "name": name })).await.expect(200), "id")
    }

    /// A user of this database connection; the id.
    pub(crate) async fn user(&self, connection: &str, email: &str) -> String {
        let body = json!({ "connection": connection, "email": email, "password": PASSWORD });
        text(&self.post("/users", body).await.expect(201), "user_id")
    }

    /// The log, oldest first.
    pub(crate) async fn events(&self) -> Vec<AuditEvent> {
        let page = Page::first(1000);
        let events = self
            .store
            .read(|unit| Box::pin(async move { unit.events().list(&EventFilter::default(), &page).await }));
        events.await.unwrap()
    }

    /// Messages on their way out, oldest first.
    pub(crate) async fn mails(&self) -> Vec<OutboxMail> {
        let page = Page { direction: Direction::Ascending, ..Page::first(1000) };
        let mails = self.store.read(|unit| Box::pin(async move { unit.outbox().list(None, &page).await }));
        mails.await.unwrap()
    }
}

/// A password that every policy takes.
pub(crate) const PASSWORD: &str = "Corvid-Thimble-42-lantern";

/// A text of an answer.
pub(crate) fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {body}")).to_owned()
}

/// What is at the other side of a path's `|`.
pub(crate) fn encoded(id: &str) -> String {
    id.replace('|', "%7C")
}

/// The database's factory and one of an enterprise strategy with a secret.
struct TwoFactories(Auth0Factory);

impl Factories for TwoFactories {
    fn factory(&self, strategy: &str) -> Option<&dyn ConnectorFactory> {
        match strategy {
            "auth0" => Some(&self.0),
            "oidc" => Some(&Elsewhere),
            _ => None,
        }
    }
}

struct Elsewhere;

impl ConnectorFactory for Elsewhere {
    fn strategy(&self) -> &'static str {
        "oidc"
    }

    fn check(&self, options: &Value) -> Result<(), Vec<Problem>> {
        if options.get("issuer").is_some_and(Value::is_string) {
            return Ok(());
        }
        Err(vec![Problem { pointer: "/issuer".to_owned(), message: "an https URL is needed".to_owned() }])
    }

    fn secret_options(&self) -> &'static [&'static str] {
        &["client_secret"]
    }

    fn build(&self, _: &Connection, _: &ConnectorDeps) -> Result<Arc<dyn Connector>, ConnectorError> {
        Err(ConnectorError::Misconfigured("it is not built in these tests".to_owned()))
    }
}

/// Compiles whatever has as many closing as opening braces.
struct Compiler;

#[async_trait]
impl ScriptRuntime for Compiler {
    async fn check(&self, source: &Source) -> Result<(), ScriptError> {
        let count = |c: char| source.text.chars().filter(|each| *each == c).count();
        if count('{') == count('}') {
            return Ok(());
        }
        let line = u32::try_from(source.text.lines().count()).unwrap();
        Err(ScriptError::Syntax { line, column: 1, message: "unbalanced braces".to_owned() })
    }

    async fn call(&self, _: &Source, _: Call) -> Result<Outcome, ScriptError> {
        Err(ScriptError::TimedOut(Duration::ZERO))
    }
}

struct NoNetwork;

#[async_trait]
impl HttpClient for NoNetwork {
    async fn send(&self, request: Request<bytes::Bytes>) -> Result<http::Response<bytes::Bytes>, HttpError> {
        Err(HttpError::Refused {
            url: request.uri().to_string(),
            reason: "there is no network here".to_owned(),
        })
    }
}
