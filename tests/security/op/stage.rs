//! Owns the OpenID provider's endpoints as these tests see them: over a store, a key and a clock of their own.
//! Never touches `/authorize`: codes are put into the store as the end of a login puts them there.

mod rules;
mod seed;

pub(crate) use rules::Rules;
pub(crate) use seed::{
    api, connection, jennifer, machine, organization, organization_connection, public, role, web,
};

use axum::{Router, body::Body};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::BodyExt;
use portico_core::{
    connector::{Connector, ConnectorError, Problem, Renewal},
    entropy::{Entropy, SystemEntropy},
    id::{ClientGrantId, ClientId, ConnectionId, FamilyId, SessionId},
    login::{Connectors, pipeline::Pipeline},
    model::{
        AuditEvent, AuthorizationCode, ClientGrant, CodeChallenge, Connection, ExpirationType,
        OrganizationUsage, RefreshTokenPolicy, RotationType, Session, TokenFamily,
    },
    oauth::OpenIdProvider,
    port::{
        script::Limits,
        store::{BoxFuture, EventFilter, Page, Store, StoreError, UnitOfWork},
    },
    secret::TokenHash,
    testing::FakeClock,
    time::Clock,
    watch::Watch,
};
use portico_server::{
    http::{
        cookies::Cookies,
        voice::page::{Wardrobe, dressed},
    },
    keys::{Algorithm, StoreKeyRing},
    oidc::{self, Provider},
    page::Pages,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::{sync::Arc, time::Duration};
use tower::ServiceExt;
use url::Url;

pub(crate) const ISSUER: &str = "https://login.portico.test/";
pub(crate) const API: &str = "https://api.travel0.test";
pub(crate) const CALLBACK: &str = "https://app.travel0.test/callback";
pub(crate) const SECRET: &str = "hoekstra-secret";
/// RFC 7636, Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The endpoints, and what is around them.
pub(crate) struct Stage {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) keys: Arc<StoreKeyRing>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) router: Router,
    entropy: Arc<dyn Entropy>,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    /// Status, code and description of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("error"), text("error_description"))
    }

    /// A member of an answer that must have succeeded.
    pub(crate) fn member(&self, name: &str) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name}: {}", self.text)).to_owned()
    }
}

impl Stage {
    /// Hoekstra with its member Jennifer, two applications, a machine, an API.
    pub(crate) async fn new() -> Self {
        let store = portico_store::temporary().await.expect("a store");
        let clock = Arc::new(FakeClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let ring =
            StoreKeyRing::open(Arc::clone(&store), clock.clone(), Arc::clone(&entropy), Algorithm::Es256);
        let keys = Arc::new(ring.await.expect("a key ring"));
        let rules = Arc::new(Rules::default());
        let provider = OpenIdProvider {
            store: Arc::clone(&store),
            keys: keys.clone(),
            clock: clock.clone(),
            entropy: Arc::clone(&entropy),
            issuer: Url::parse(ISSUER).expect("a URL"),
            connectors: Arc::new(NoConnectors),
            pipeline: Pipeline::new(rules.clone(), clock.clone(), Limits::default()),
        };
        let pages = Arc::new(Pages::new().expect("pages"));
        let provider = Provider::new(Arc::new(provider), Cookies::new(true), Arc::clone(&pages));
        let watch = Watch::new(Arc::clone(&store), clock.clone(), Arc::clone(&entropy));
        let wardrobe = Arc::new(Wardrobe::new(pages, Arc::clone(&store), watch));
        let router = dressed(oidc::router(Arc::new(provider)), wardrobe);
        let stage = Self { store, clock, keys, rules, router, entropy };
        stage.plant().await;
        stage
    }

    async fn plant(&self) {
        let at = self.clock.now();
        self.write(move |unit| {
            Box::pin(async move {
                for client in [web("hoekstra"), web("metahexa"), public("spa"), machine("machine")] {
                    unit.clients().insert(&client).await?;
                }
                unit.connections().insert(&connection(at)).await?;
                unit.organizations().insert(&organization(at), at).await?;
                unit.organizations().insert_connection(&organization_connection(at)).await?;
                unit.users().insert(&jennifer(at)).await?;
                unit.members().insert(&organization(at).id, &jennifer(at).id, at).await?;
                unit.resource_servers().insert(&api(at)).await?;
                let grant = ClientGrant {
                    id: ClientGrantId::parse("cgr_machine").expect("an id"),
                    client_id: ClientId::parse("machine").expect("an id"),
                    audience: API.to_owned(),
                    scope: vec!["read:trips".to_owned(), "book:trips".to_owned()],
                    organization_usage: OrganizationUsage::Allow,
                    allow_any_organization: false,
                    organizations: Vec::new(),
                    revision: 1,
                    created_at: at,
                };
                unit.client_grants().insert(&grant).await
            })
        })
        .await;
    }

    pub(crate) async fn write<F>(&self, work: F)
    where
        F: for<'u> FnOnce(&'u mut (dyn UnitOfWork + 'static)) -> BoxFuture<'u, Result<(), StoreError>>
            + Send
            + 'static,
    {
        self.store.write(work).await.expect("the store takes it");
    }

    /// A code for Jennifer at Hoekstra, as the end of a login makes it, and changed as a test needs it.
    pub(crate) async fn code(&self, change: impl FnOnce(&mut AuthorizationCode)) -> String {
        let now = self.clock.now();
        let raw = format!("code_{}", self.entropy.token());
        let mut code = AuthorizationCode {
            hash: TokenHash::of(&raw),
            family: TokenFamily {
                id: FamilyId::random(&*self.entropy),
                client_id: ClientId::parse("hoekstra").expect("an id"),
                user_id: jennifer(now).id,
                connection_id: connection(now).id,
                organization_id: Some(organization(now).id),
                audience: None,
                scope: ["openid", "profile", "email", "offline_access"].map(str::to_owned).to_vec(),
                session_id: Some(SessionId::random(&*self.entropy)),
                auth_time: now,
                amr: vec!["pwd".to_owned()],
                epoch: 0,
                created_at: now,
                revoked_at: None,
            },
            redirect_uri: CALLBACK.to_owned(),
            redirect_uri_given: true,
            nonce: Some("n-0S6_WzA2Mj".to_owned()),
            code_challenge: Some(challenge(VERIFIER)),
            id_token_claims: Map::new(),
            access_token_claims: Map::new(),
            expires_at: now.plus(Duration::from_mins(1)),
            consumed_at: None,
        };
        change(&mut code);
        self.write(move |unit| Box::pin(async move { unit.codes().insert(&code).await })).await;
        raw
    }

    /// A session of Jennifer's with this cookie.
    pub(crate) async fn session(&self, cookie: &str) -> SessionId {
        let now = self.clock.now();
        let later = now.plus(Duration::from_hours(24));
        let session = Session {
            id: SessionId::random(&*self.entropy),
            cookie: TokenHash::of(cookie),
            user_id: jennifer(now).id,
            connection_id: connection(now).id,
            organization_id: Some(organization(now).id),
            amr: vec!["pwd".to_owned()],
            clients: Vec::new(),
            epoch: 0,
            authenticated_at: now,
            used_at: now,
            idle_expires_at: later,
            expires_at: later,
            upstream: portico_core::connector::Evidence::default(),
        };
        let id = session.id.clone();
        self.write(move |unit| Box::pin(async move { unit.sessions().insert(&session).await })).await;
        id
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("routers do not fail");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("text");
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Post a form to the token endpoint.
    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Answer {
        self.send(form("/oauth/token", fields)).await
    }

    /// Exchange a code as Hoekstra's application does, with these fields changed; an empty one is left out.
    pub(crate) async fn redeem(&self, code: &str, changed: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", "hoekstra"),
            ("client_secret", SECRET),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(name, _)| !changed.iter().any(|(changed, _)| changed == name));
        fields.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
        self.token(&fields).await
    }

    /// Exchange a refresh token as Hoekstra's application does, likewise.
    pub(crate) async fn refresh(&self, token: &str, changed: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("client_id", "hoekstra"),
            ("client_secret", SECRET),
            ("refresh_token", token),
        ];
        fields.retain(|(name, _)| !changed.iter().any(|(changed, _)| changed == name));
        fields.extend(changed.iter().filter(|(_, value)| !value.is_empty()));
        self.token(&fields).await
    }

    pub(crate) async fn userinfo(&self, token: &str) -> Answer {
        let request = Request::get("/userinfo").header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request =
            headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        self.send(request.body(Body::empty()).expect("a request")).await
    }

    /// The log.
    pub(crate) async fn events(&self) -> Vec<AuditEvent> {
        let read = self.store.read(|unit| {
            Box::pin(async move { unit.events().list(&EventFilter::default(), &Page::first(1000)).await })
        });
        read.await.map_err(|error: StoreError| error).expect("the log")
    }

    /// Code and reason of each entry, sorted by code.
    pub(crate) async fn entries(&self) -> Vec<(&'static str, String)> {
        let reason =
            |event: &AuditEvent| event.details.get("reason").and_then(Value::as_str).unwrap_or("").to_owned();
        let events = self.events().await;
        let mut entries: Vec<_> = events.iter().map(|event| (event.kind.code(), reason(event))).collect();
        entries.sort();
        entries
    }

    /// Whether there is such an entry.
    pub(crate) async fn logged(&self, kind: &'static str, reason: &str) -> bool {
        self.entries().await.contains(&(kind, reason.to_owned()))
    }

    /// Let Hoekstra's refresh tokens rotate and expire.
    pub(crate) async fn rotate(&self, leeway: i64) {
        let mut client = web("hoekstra");
        client.refresh_token = RefreshTokenPolicy {
            rotation_type: RotationType::Rotating,
            expiration_type: ExpirationType::Expiring,
            leeway,
            token_lifetime: 3600,
            idle_token_lifetime: 600,
            infinite_token_lifetime: false,
            infinite_idle_token_lifetime: false,
        };
        self.write(move |unit| Box::pin(async move { unit.clients().update(&client).await.map(drop) })).await;
    }
}

/// What a JWT says, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

/// The header of a JWT.
pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).expect("a compact token");
    let decoded = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&decoded).expect("JSON")
}

pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Request<Body> {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    let request = Request::builder().method(Method::POST).uri(path);
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(Body::from(body.finish())).expect("a request")
}

pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

pub(crate) fn challenge(verifier: &str) -> CodeChallenge {
    let hash = Sha256::digest(verifier.as_bytes());
    CodeChallenge::S256(URL_SAFE_NO_PAD.encode(hash))
}

/// A stage without connections: nobody signs in here, and no session is one of an identity provider.
struct NoConnectors;

fn nobody() -> ConnectorError {
    ConnectorError::Misconfigured("nobody signs in here".to_owned())
}

#[async_trait::async_trait]
impl Connectors for NoConnectors {
    async fn get(&self, _id: &ConnectionId) -> Result<Arc<dyn Connector>, ConnectorError> {
        Err(nobody())
    }

    fn of(&self, _connection: &Connection) -> Result<Arc<dyn Connector>, ConnectorError> {
        Err(nobody())
    }

    async fn complete(&self, _strategy: &str, options: Value) -> Result<Value, Vec<Problem>> {
        Ok(options)
    }

    async fn renew(&self, _connection: &Connection) -> Result<Option<Renewal>, ConnectorError> {
        Err(nobody())
    }
}
