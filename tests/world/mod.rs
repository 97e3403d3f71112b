//! Owns the gateway as tests see it: put together over a store of its own, a clock that is moved by hand, and the seed's
//! two organizations.
//! Never touches how the gateway works inside: tests come through its doors, or look into its store.

mod certified_keys;
pub(crate) mod nodes;
mod scripts;
pub(crate) mod seed;

pub(crate) use certified_keys::certified_keys;
pub(crate) use scripts::ScriptedScripts;
pub(crate) use seed::Seed;

use axum::{Extension, Router, http::Uri};
use portico_core::{
    email::Email,
    entropy::{Entropy, SystemEntropy},
    id::{ClientId, OrganizationId, UserId},
    login::pipeline::Places,
    model::{AuditEvent, EventKind, User},
    port::{
        script::Limits,
        store::{EventFilter, Page, Store, StoreError, UnitOfWork},
    },
    testing::FakeClock,
    time::Clock,
};
use portico_database::{HashingPool, HashingSettings, hashing::Parameters};
use portico_egress::{AllowEntry, Egress, EgressPolicy};
use portico_fixtures::browser::{Browser, Document, InProcess};
use portico_server::{
    edge::Peer,
    http::layer::{Hosts, TrustedProxies},
    keys::{Algorithm, StoreKeyRing},
    wire::{App, Ports, Settings},
};
use seed::PASSWORD;
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use url::Url;

/// The gateway's address.
pub(crate) const ISSUER: &str = "https://login.portico.test/";
/// The address of Hoekstra's instance of the application.
pub(crate) const HOEKSTRA: &str = "https://hoekstra.travel0.test";
/// The address of MetaHexa's.
pub(crate) const METAHEXA: &str = "https://metahexa.travel0.test";

/// A gateway with its surroundings.
pub(crate) struct World {
    /// Its clock.
    pub(crate) clock: Arc<FakeClock>,
    /// Its store.
    pub(crate) store: Arc<dyn Store>,
    /// What its scripts do.
    pub(crate) scripts: Arc<ScriptedScripts>,
    /// The passwords it hashes.
    pub(crate) hashing: Arc<HashingPool>,
    /// Itself.
    pub(crate) app: App,
    /// What is in it.
    pub(crate) seed: Seed,
}

impl World {
    /// A gateway with the seed's two organizations, their connections and applications, and a member in each.
    pub(crate) async fn new() -> Self {
        Self::with_idp(None).await
    }

    /// The same; MetaHexa's identity provider is there.
    pub(crate) async fn with_idp(idp: Option<&Url>) -> Self {
        Self::over(portico_store::temporary().await.expect("a store"), idp).await
    }

    /// The same, with passwords hashed so.
    pub(crate) async fn hashing(hashing: HashingSettings) -> Self {
        Self::put_together(portico_store::temporary().await.expect("a store"), None, hashing).await
    }

    /// The same over this store.
    pub(crate) async fn over(store: Arc<dyn Store>, idp: Option<&Url>) -> Self {
        Self::put_together(store, idp, cheap()).await
    }

    async fn put_together(store: Arc<dyn Store>, idp: Option<&Url>, hashing: HashingSettings) -> Self {
        let clock = Arc::new(FakeClock::default());
        let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
        let hashing = Arc::new(HashingPool::start(hashing, entropy).expect("a hashing pool"));
        let scripts = Arc::new(ScriptedScripts::default());
        let surroundings = Surroundings {
            clock: Arc::clone(&clock),
            scripts: Arc::clone(&scripts),
            hashing: Arc::clone(&hashing),
            allow: idp.iter().map(|idp| allow(idp)).collect(),
        };
        let app = node(Arc::clone(&store), surroundings).await;
        let seed = Seed::plant(&*store, &hashing, clock.now(), idp).await;
        Self { clock, store, scripts, hashing, app, seed }
    }

    /// Another node on the same store, by the same clock: what it remembers by itself is nothing yet, as after a restart.
    pub(crate) async fn another_node(&self) -> Self {
        let surroundings = Surroundings {
            clock: Arc::clone(&self.clock),
            scripts: Arc::clone(&self.scripts),
            hashing: Arc::clone(&self.hashing),
            allow: Vec::new(),
        };
        Self {
            clock: Arc::clone(&self.clock),
            store: Arc::clone(&self.store),
            scripts: Arc::clone(&self.scripts),
            hashing: Arc::clone(&self.hashing),
            app: node(Arc::clone(&self.store), surroundings).await,
            seed: self.seed.clone(),
        }
    }

    /// Another person's browser.
    pub(crate) fn browser(&self) -> Browser {
        Self::browser_through(self.app.router.clone())
    }

    /// The same at this address.
    pub(crate) fn browser_at(&self, ip: [u8; 4]) -> Browser {
        Self::browser_through(self.app.router.clone().layer(Extension(Peer((ip, 40_000).into()))))
    }

    fn browser_through(gateway: Router) -> Browser {
        let application = Router::new().fallback(|uri: Uri| async move { format!("application at {uri}") });
        let transport = InProcess::default()
            .with(&ISSUER.parse().expect("a URL"), gateway)
            .with(&HOEKSTRA.parse().expect("a URL"), application.clone())
            .with(&METAHEXA.parse().expect("a URL"), application)
            .or_network();
        Browser::new(Arc::new(transport))
    }

    /// The log, oldest first.
    pub(crate) async fn events(&self) -> Vec<AuditEvent> {
        let page = Page { take: 1000, ..Page::first(1000) };
        let events = self
            .store
            .read(|unit| Box::pin(async move { unit.events().list(&EventFilter::default(), &page).await }));
        events.await.expect("the log can be read")
    }

    /// The kinds of the log's entries, in the order of the kinds.
    pub(crate) async fn kinds(&self) -> Vec<EventKind> {
        let mut kinds: Vec<_> = self.events().await.into_iter().map(|event| event.kind).collect();
        kinds.sort_unstable();
        kinds
    }

    /// The reason of the newest entry of this kind.
    pub(crate) async fn reason(&self, kind: EventKind) -> Option<String> {
        let event = self.events().await.into_iter().rev().find(|event| event.kind == kind)?;
        event.details.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned)
    }
}

/// What a node has around it, its store aside.
struct Surroundings {
    clock: Arc<FakeClock>,
    scripts: Arc<ScriptedScripts>,
    hashing: Arc<HashingPool>,
    allow: Vec<AllowEntry>,
}

/// Put a gateway together over a store.
async fn node(store: Arc<dyn Store>, surroundings: Surroundings) -> App {
    let Surroundings { clock, scripts, hashing, allow } = surroundings;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let http = Egress::new(EgressPolicy { allow, ..EgressPolicy::default() }).expect("an egress client");
    let keys = StoreKeyRing::open(Arc::clone(&store), clock.clone(), Arc::clone(&entropy), Algorithm::Es256);
    let keys = Arc::new(keys.await.expect("signing keys"));
    let ports = Ports {
        clock,
        keys,
        entropy,
        store,
        http: Arc::new(http),
        scripts,
        hashing,
        certified_keys: Arc::new(certified_keys()),
    };
    let issuer: Url = ISSUER.parse().expect("the issuer is a URL");
    let settings = Settings {
        hosts: Hosts::of(&issuer),
        issuer,
        trusted_proxies: TrustedProxies::default(),
        transaction_lifetime: Duration::from_mins(10),
        request_timeout: Duration::from_secs(30),
        script_limits: Limits::default(),
        places: Places::default(),
        cursor_key: [7; 32],
    };
    App::new(ports, settings).expect("the gateway fits together")
}

/// What is tested is who gets in, not what a hash costs.
fn cheap() -> HashingSettings {
    let parameters = Parameters { memory_kib: 64, iterations: 1, parallelism: 1 };
    HashingSettings { parameters, threads: 2, queue: 64 }
}

/// Let the gateway reach a fixture on this machine.
fn allow(idp: &Url) -> AllowEntry {
    let host = idp.host_str().unwrap_or_default();
    let port = idp.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{host}{port}").parse().expect("a host and a port")
}

/// The parameters of an address.
pub(crate) fn query(address: &Url) -> std::collections::BTreeMap<String, String> {
    address.query_pairs().into_owned().collect()
}

/// What a token request was answered.
pub(crate) struct Redeemed {
    /// The status.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Value,
}

impl Redeemed {
    /// A text of the body.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.body.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The claims of its ID token. Its signature is the business of other tests.
    pub(crate) fn id_token(&self) -> Value {
        let payload = self.text("id_token").split('.').nth(1).unwrap_or_default();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload);
        serde_json::from_slice(&bytes.expect("an ID token")).expect("claims")
    }
}

impl World {
    /// Let a browser begin a login of this application.
    pub(crate) async fn begin(
        &self,
        browser: &mut Browser,
        client: &ClientId,
        more: &[(&str, &str)],
    ) -> Document {
        let organization = if *client == self.seed.metahexa_booking {
            Some(&self.seed.metahexa)
        } else if *client == self.seed.plain {
            None
        } else {
            Some(&self.seed.hoekstra)
        };
        browser.open(&self.seed.authorize(client, organization, more)).await.expect("an answer").clone()
    }

    /// Sign Piet in at Hoekstra's booking application; the code.
    pub(crate) async fn sign_in(&self, browser: &mut Browser) -> String {
        self.begin(browser, &self.seed.booking, &[]).await;
        let page = browser
            .submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)])
            .await
            .expect("an answer");
        query(&page.url).remove("code").unwrap_or_else(|| panic!("no code at {}: {}", page.url, page.text()))
    }

    /// Exchange a code as the application would.
    pub(crate) async fn redeem(&self, client: &ClientId, code: &str) -> Redeemed {
        let base = if *client == self.seed.metahexa_booking { METAHEXA } else { HOEKSTRA };
        let redirect_uri = format!("{base}/callback");
        self.token(&[
            ("grant_type", "authorization_code"),
            ("client_id", client.as_str()),
            ("client_secret", &format!("secret-of-{client}")),
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", seed::VERIFIER),
        ])
        .await
    }

    /// Ask for tokens.
    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Redeemed {
        let mut program = self.browser();
        let page = program.forge(ISSUER, &format!("{ISSUER}oauth/token"), fields).await.expect("an answer");
        Redeemed { status: page.status.as_u16(), body: page.json().expect("the token endpoint speaks JSON") }
    }

    /// Take Piet out of Hoekstra, as the Management API does.
    pub(crate) async fn expel(&self, user: &UserId) {
        let (organization, user, now) = (self.seed.hoekstra.clone(), user.clone(), self.clock.now());
        self.store
            .write(move |unit| {
                Box::pin(async move {
                    unit.members().delete(&organization, &user).await?;
                    unit.grants().revoke_of_user(&user, Some(&organization), now).await
                })
            })
            .await
            .expect("the membership is gone");
    }

    /// Invite somebody to Hoekstra, or to MetaHexa; the tickets of the API and of the e-mail.
    pub(crate) async fn invite(&self, organization: &OrganizationId, email: &str) -> (String, String) {
        let seed = &self.seed;
        let client = if *organization == seed.metahexa { &seed.metahexa_booking } else { &seed.booking };
        let invited = seed::Invited { organization, client, connection: None, now: self.clock.now() };
        seed.invite(&*self.store, email, invited).await
    }

    /// Who has this address, and whether they are members of this organization.
    pub(crate) async fn people(&self, email: &str, organization: &OrganizationId) -> Vec<(User, bool)> {
        let (email, organization) = (Email::parse(email).expect("an address"), organization.clone());
        let people = self.store.read(|unit| {
            Box::pin(async move {
                let mut people = Vec::new();
                for user in unit.users().find_by_email(&email).await? {
                    let member = unit.members().find(&organization, &user.id).await?.is_some();
                    people.push((user, member));
                }
                Ok::<_, StoreError>(people)
            })
        });
        people.await.expect("people can be read")
    }

    /// Change the store by hand.
    pub(crate) async fn change<F>(&self, work: F)
    where
        F: for<'u> FnOnce(
                &'u mut (dyn UnitOfWork + 'static),
            ) -> portico_core::port::store::BoxFuture<'u, Result<(), StoreError>>
            + Send
            + 'static,
    {
        self.store.write(work).await.expect("the change is stored");
    }
}
