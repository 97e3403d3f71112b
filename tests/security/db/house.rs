//! Owns what the cases have in common: one connection, one organization, one application, in a store of their own.
//! Never touches what is tested.

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use portico_connectors::Registry;
use portico_core::{
    account::{AccountSettings, Caller, ResetRequest, ResetRequested, SelfService},
    connector::{
        Ask, AuthnRequest, Connector, ConnectorDeps, ConnectorError, Intent, Interaction, NewAccount,
        Occasion, Prompt, Reply, Step,
    },
    email::Email,
    entropy::Entropy,
    id::{OrganizationId, TransactionId},
    login::Connectors,
    model::{
        AuditEvent, Client, Connection, EventKind, Organization, OutboxMail, PasswordCredential, User,
        testing,
    },
    port::{
        http::{HttpClient, HttpError},
        script::{Call, Outcome, ScriptError, ScriptRuntime, Source},
        store::{EventFilter, Page, Store, StoreError},
    },
    secret::Secret,
    testing::{FakeClock, SeededEntropy},
    time::Clock,
    watch::Watch,
};
use portico_database::{HashingPool, HashingSettings, hashing::Parameters};
use portico_server::{
    connectors::LiveConnectors,
    http::{
        layer::{Hosts, Layers, TrustedProxies},
        voice::page::{Wardrobe, dressed},
    },
    login::{AccountPages, dbconnections, reset, verification},
    page::Pages,
};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};
use tower::ServiceExt;
use url::Url;

/// A password that every policy takes.
pub(super) const PASSWORD: &str = "quiet Harbour 47 lamps";
/// Another one.
pub(super) const OTHER: &str = "slow Meadow 93 kettles";

/// What tests hash with: quick, and as any other argon2id.
pub(super) const QUICK: Parameters = Parameters { memory_kib: 64, iterations: 2, parallelism: 1 };

/// A gateway with one database connection.
pub(super) struct House {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<FakeClock>,
    pub(super) pool: Arc<HashingPool>,
    pub(super) connectors: Arc<dyn Connectors>,
    pub(super) service: Arc<SelfService>,
    pub(super) connection: Connection,
    pub(super) client: Client,
    pub(super) organization: Organization,
}

impl House {
    /// With these options of its connection.
    pub(super) async fn with(options: Value) -> Self {
        Self::hashing(options, HashingSettings { parameters: QUICK, threads: 2, queue: 64 }).await
    }

    /// With these options, and this pool.
    pub(super) async fn hashing(options: Value, settings: HashingSettings) -> Self {
        let store = portico_store::temporary().await.unwrap();
        let clock = Arc::new(FakeClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::default());
        let pool = Arc::new(HashingPool::start(settings, Arc::clone(&entropy)).unwrap());
        let deps = ConnectorDeps {
            clock: clock.clone(),
            entropy: Arc::clone(&entropy),
            http: Arc::new(Nowhere),
            scripts: Arc::new(Nowhere),
            script_limits: portico_core::port::script::Limits::default(),
            store: Arc::clone(&store),
            issuer: issuer(),
            certified_keys: Arc::new(portico_core::testing::MemoryCertifiedKeys::default()),
        };
        let registry = Registry::standard(Arc::clone(&pool));
        let connectors: Arc<dyn Connectors> = Arc::new(LiveConnectors::new(Arc::new(registry), deps));
        let service = Arc::new(SelfService::new(
            Arc::clone(&store),
            Arc::clone(&connectors),
            clock.clone(),
            entropy,
            AccountSettings::of(issuer()),
        ));
        let (client, organization) = (testing::client(), testing::organization());
        let connection = Connection { options, ..testing::connection() };
        let rows = (client.clone(), organization.clone(), connection.clone());
        store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    let (client, organization, connection) = rows;
                    unit.clients().insert(&client).await?;
                    unit.organizations().insert(&organization, client.created_at).await?;
                    unit.connections().insert(&connection).await?;
                    unit.organizations().insert_connection(&testing::organization_connection()).await
                })
            })
            .await
            .unwrap();
        Self { store, clock, pool, connectors, service, connection, client, organization }
    }

    /// The running connector.
    pub(super) async fn connector(&self) -> Arc<dyn Connector> {
        self.connectors.get(&self.connection.id).await.unwrap()
    }

    /// An account with this address and password; without one, it cannot sign in.
    pub(super) async fn account(&self, email: &str, password: Option<&str>) -> User {
        let connector = self.connector().await;
        let email = Email::parse(email).unwrap();
        let account = NewAccount {
            email: Some(email.clone()),
            username: None,
            password: password.map(Secret::new),
            profile: Map::new(),
            subject: None,
            occasion: Occasion::default(),
        };
        let made = connector.accounts().unwrap().create(account).await.unwrap();
        let (subject, credential) = (made.subject, made.credential.unwrap());
        let mut user = testing::user();
        user.id = portico_core::id::UserId::parse(format!("auth0|{}", subject.0)).unwrap();
        user.identities[0].subject = subject.clone();
        user.email = Some(email.clone());
        user.email_verified = false;
        let credential = PasswordCredential {
            connection_id: self.connection.id.clone(),
            user_id: user.id.clone(),
            subject,
            email_normalized: Some(email.canonical().to_owned()),
            username_normalized: credential.username,
            password_hash: credential.password_hash,
            history: Vec::new(),
            changed_at: self.clock.now(),
            awaits_verification: false,
        };
        let row = user.clone();
        self.store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    unit.users().insert(&row).await?;
                    unit.credentials().insert(&credential).await
                })
            })
            .await
            .unwrap();
        user
    }

    /// The user as the store has them now.
    pub(super) async fn user(&self, user: &User) -> User {
        let id = &user.id;
        let found = self.store.read(|unit| Box::pin(async move { unit.users().find(id).await }));
        let found: Result<_, StoreError> = found.await;
        found.unwrap().unwrap()
    }

    /// Store another version of a user.
    pub(super) async fn save(&self, user: User) {
        let saved = self.store.write(move |unit| Box::pin(async move { unit.users().update(&user).await }));
        let saved: Result<bool, StoreError> = saved.await;
        assert!(saved.unwrap());
    }

    /// Sign in as somebody who fills in the form.
    pub(super) async fn sign_in(&self, identifier: &str, password: &str) -> Step {
        self.converse(Intent::SignIn, [("username", identifier), ("password", password)]).await.unwrap()
    }

    /// Whether this password opens this account.
    pub(super) async fn opens(&self, identifier: &str, password: &str) -> bool {
        matches!(self.sign_in(identifier, password).await, Step::Identified(_))
    }

    /// Begin, and answer once.
    pub(super) async fn converse<const N: usize>(
        &self,
        intent: Intent,
        form: [(&str, &str); N],
    ) -> Result<Step, ConnectorError> {
        let connector = self.connector().await;
        let request = self.question(intent);
        let Step::Ask(Ask { memo, .. }) = connector.begin(&request).await? else {
            panic!("a database connection asks first")
        };
        connector.resume(&request, memo, Reply::from(form)).await
    }

    /// What a login asks the connector.
    pub(super) fn question(&self, intent: Intent) -> AuthnRequest {
        AuthnRequest {
            transaction: TransactionId::random(&SeededEntropy::default()),
            callback: issuer().join("login/callback").unwrap(),
            intent,
            organization: Some(self.organization.id.clone()),
            client: None,
            login_hint: None,
            force: false,
            acr_values: Vec::new(),
            started_at: self.clock.now(),
        }
    }

    /// Ask for a link for a new password, from a fresh address each time.
    pub(super) async fn ask_for_reset(&self, email: &str) -> ResetRequested {
        let caller = Caller { ip: Some([192, 0, 2, 1].into()), user_agent: None };
        self.service.request_password_change(&self.reset_request(email), &caller).await.unwrap()
    }

    /// What is asked for then.
    pub(super) fn reset_request(&self, email: &str) -> ResetRequest {
        ResetRequest {
            connection: self.connection.id.clone(),
            email: email.to_owned(),
            client: Some(self.client.id.clone()),
            organization: Some(self.organization.id.clone()),
        }
    }

    /// The ticket of the newest message with a link.
    pub(super) async fn newest_ticket(&self) -> String {
        let mails = self.mails().await;
        let url =
            mails.iter().rev().find_map(|mail| mail.data.get("url")?.as_str()).expect("a link was mailed");
        let url = Url::parse(url).unwrap();
        let (_, ticket) = url.query_pairs().find(|(name, _)| name == "ticket").expect("it holds a ticket");
        ticket.into_owned()
    }

    /// All messages, oldest first.
    pub(super) async fn mails(&self) -> Vec<OutboxMail> {
        let listed = self
            .store
            .read(|unit| Box::pin(async move { unit.outbox().list(None, &Page::first(100)).await }));
        let listed: Result<_, StoreError> = listed.await;
        listed.unwrap()
    }

    /// The entries of this kind.
    pub(super) async fn events(&self, kind: EventKind) -> Vec<AuditEvent> {
        let filter = &EventFilter { kinds: vec![kind], ..EventFilter::default() };
        let listed = self
            .store
            .read(|unit| Box::pin(async move { unit.events().list(filter, &Page::first(100)).await }));
        let listed: Result<_, StoreError> = listed.await;
        listed.unwrap()
    }

    /// The pages and calls of accounts, with every layer around them.
    pub(super) fn router(&self) -> Router {
        let pages = Arc::new(Pages::new().unwrap());
        let service = Arc::clone(&self.service);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let calls = Arc::new(dbconnections::DbConnections::new(Arc::clone(&service), clock));
        let account = Arc::new(AccountPages::new(service, Arc::clone(&self.store), Arc::clone(&pages)));
        let router = Router::new()
            .merge(dbconnections::router(calls))
            .merge(reset::router(Arc::clone(&account)))
            .merge(verification::router(account));
        let layers = Layers {
            issuer: issuer(),
            hosts: Hosts::of(&issuer()),
            trusted_proxies: TrustedProxies::default(),
            entropy: Arc::new(SeededEntropy::default()),
            timeout: Duration::from_mins(1),
        };
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::default());
        let watch = Watch::new(Arc::clone(&self.store), self.clock.clone(), entropy);
        layers.around(dressed(router, Arc::new(Wardrobe::new(pages, Arc::clone(&self.store), watch))))
    }

    /// Post JSON; status and body of the answer.
    pub(super) async fn post(&self, path: &str, body: impl Into<Bytes>) -> (StatusCode, String) {
        let request = Request::post(path)
            .header("host", "login.travel0.test")
            .header("content-type", "application/json")
            .body(Body::from(body.into()))
            .unwrap();
        self.send(request).await
    }

    /// Post a form as a page of ours does.
    pub(super) async fn post_form(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let body = form_urlencoded(form);
        let request = Request::post(path)
            .header("host", "login.travel0.test")
            .header("origin", "https://login.travel0.test")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap();
        self.send(request).await
    }

    /// Send a request; status and body of the answer.
    pub(super) async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// What an application posts to sign somebody up.
    pub(super) fn sign_up_body(&self, email: &str, password: &str) -> Value {
        json!({
            "client_id": self.client.id, "connection": self.connection.name, "email": email, "password": password,
        })
    }
}

fn form_urlencoded(form: &[(&str, &str)]) -> String {
    let mut url = issuer();
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}

/// The gateway's public address.
pub(super) fn issuer() -> Url {
    Url::parse("https://login.travel0.test/").unwrap()
}

/// The form that a step asks to be filled in.
pub(super) fn prompt_of(step: &Step) -> &Prompt {
    let ask = match step {
        Step::Ask(ask) | Step::Refused { retry: Some(ask), .. } => ask,
        Step::Identified(_) | Step::Wanted { .. } | Step::Refused { retry: None, .. } => {
            panic!("nothing is asked: {step:?}")
        }
    };
    let Interaction::Prompt(prompt) = &ask.interaction else { panic!("no form of ours: {step:?}") };
    prompt
}

/// An organization's id, so that a test can name one that does not exist.
pub(super) fn nobody() -> OrganizationId {
    OrganizationId::parse("org_nobody0000000000").unwrap()
}

/// A way out that leads nowhere: nothing here goes out.
struct Nowhere;

#[async_trait]
impl HttpClient for Nowhere {
    async fn send(&self, request: Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        Err(HttpError::TimedOut(request.uri().to_string()))
    }
}

#[async_trait]
impl ScriptRuntime for Nowhere {
    async fn check(&self, _source: &Source) -> Result<(), ScriptError> {
        Err(ScriptError::Busy)
    }

    async fn call(&self, _source: &Source, _call: Call) -> Result<Outcome, ScriptError> {
        Err(ScriptError::Busy)
    }
}
