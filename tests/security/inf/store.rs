//! Owns INF-12: the database cannot be had for a moment. Everybody is told to come back, nothing is half done, and all is
//! well again as soon as it is.
//! Never touches a database that is wrong: that one stays broken.

use crate::{
    conformance::store::home::{Home, keks, options},
    world::{ISSUER, World, query, seed::PASSWORD},
};
use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt;
use portico_core::{
    admin::bootstrap::{SecretRotation, bootstrap},
    entropy::SystemEntropy,
    model::EventKind,
    port::store::{Store, StoreError},
    time::SystemClock,
};
use portico_fixtures::postgres::{Durability, Server};
use portico_store::StoreOptions;
use serde_json::{Value, json};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// A gateway on this database with one connection for reading and one for writing.
async fn narrow(url: &str) -> World {
    let options = StoreOptions { connections: 1, wait: Duration::from_secs(1), ..options(keks(&[1])) };
    // A busy machine may be slow to connect for the first time, and a server to start.
    for _ in 0..60 {
        match portico_store::open(url, &options).await {
            Ok(store) => return World::over(store, None).await,
            Err(StoreError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("PostgreSQL does not answer");
}

/// Hold every connection until the sender is dropped.
async fn hold(store: &Arc<dyn Store>) -> (mpsc::Sender<()>, mpsc::Sender<()>, JoinSet<()>) {
    let (entered, entrance) = tokio::sync::mpsc::channel::<()>(2);
    let (open_writer, writer_gate) = mpsc::channel::<()>();
    let (open_reader, reader_gate) = mpsc::channel::<()>();
    let mut holders = JoinSet::new();
    let (held, inside) = (Arc::clone(store), entered.clone());
    holders.spawn(async move {
        let unit = held.write::<_, StoreError, _>(move |_unit| {
            Box::pin(async move {
                let _ = inside.try_send(());
                let _ = writer_gate.recv();
                Ok(())
            })
        });
        unit.await.unwrap();
    });
    let held = Arc::clone(store);
    holders.spawn(async move {
        let unit = held.read::<_, StoreError, _>(move |_unit| {
            Box::pin(async move {
                let _ = entered.try_send(());
                let _ = reader_gate.recv();
                Ok(())
            })
        });
        unit.await.unwrap();
    });
    let mut entrance = entrance;
    for _ in 0..2 {
        entrance.recv().await.unwrap();
    }
    (open_writer, open_reader, holders)
}

/// What a program is answered: status, when to come back, body.
type Answer = (StatusCode, Option<String>, String);

async fn ask(world: &World, request: Request<Body>) -> Answer {
    let (mut parts, body) = request.into_parts();
    parts.headers.insert(header::HOST, "login.portico.test".parse().unwrap());
    let response = world.app.router.clone().oneshot(Request::from_parts(parts, body)).await.unwrap();
    let retry = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, retry, String::from_utf8(body.to_vec()).unwrap())
}

fn with_token(path: &str, token: &str) -> Request<Body> {
    let bearer = format!("Bearer {token}");
    Request::get(path).header(header::AUTHORIZATION, bearer).body(Body::empty()).unwrap()
}

fn with_json(path: &str, body: &Value) -> Request<Body> {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

/// A token for the Management API.
async fn management_token(world: &World) -> String {
    let issuer = ISSUER.parse().unwrap();
    let entropy = SystemEntropy::default();
    let made = bootstrap(&*world.store, &SystemClock, &entropy, &issuer, SecretRotation::Keep).await.unwrap();
    let (secret, audience) = (made.client_secret.unwrap(), format!("{ISSUER}api/v2/"));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", made.client_id.as_str()),
        ("client_secret", secret.expose()),
        ("audience", audience.as_str()),
    ];
    world.token(&fields).await.text("access_token").to_owned()
}

/// One request to each voice.
struct Asked {
    page: Answer,
    token: Answer,
    userinfo: Answer,
    management: Answer,
    account: Answer,
}

impl Asked {
    /// Ask them all at once, with these tokens.
    async fn of(world: &World, access: &str, management: &str) -> Self {
        let authorize = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]);
        let page = Request::get(authorize.strip_prefix(ISSUER.trim_end_matches('/')).unwrap());
        let page = page.header(header::ACCEPT, "text/html").body(Body::empty()).unwrap();
        let client = &world.seed.booking;
        let token = json!({
            "grant_type": "refresh_token", "client_id": client, "client_secret": format!("secret-of-{client}"),
            "refresh_token": "unknown",
        });
        let account = json!({ "client_id": world.seed.plain, "connection": "hoekstra-db", "email": "kim@travel0.test" });
        let (page, token, userinfo, management, account) = tokio::join!(
            ask(world, page),
            ask(world, with_json("/oauth/token", &token)),
            ask(world, with_token("/userinfo", access)),
            ask(world, with_token("/api/v2/organizations", management)),
            ask(world, with_json("/dbconnections/change_password", &account)),
        );
        Self { page, token, userinfo, management, account }
    }

    fn statuses(&self) -> [u16; 5] {
        [&self.page, &self.token, &self.userinfo, &self.management, &self.account]
            .map(|(status, ..)| status.as_u16())
    }

    /// Every voice says, in its own words, that it will pass.
    fn assert_unavailable(&self) {
        assert_eq!(self.statuses(), [503; 5], "{} {} {}", self.page.2, self.token.2, self.management.2);
        assert_eq!(self.page.1.as_deref(), Some("2"));
        assert!(self.page.2.contains("We cannot help you at the moment"), "{}", self.page.2);
        for answer in [&self.token, &self.userinfo, &self.account] {
            let body: Value = serde_json::from_str(&answer.2).unwrap();
            assert_eq!(body["error"], "temporarily_unavailable");
            assert!(answer.1.is_some(), "when to come back");
        }
        let body: Value = serde_json::from_str(&self.management.2).unwrap();
        assert_eq!((&body["statusCode"], &body["errorCode"]), (&json!(503), &json!("unavailable")));
        assert_eq!(body["error"], "Service Unavailable");
        assert_eq!(self.management.1.as_deref(), Some("1"));
        for (_, _, text) in [&self.page, &self.token, &self.userinfo, &self.management, &self.account] {
            assert!(!text.to_lowercase().contains("postgres"), "what it is that fails is the log's: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn inf_12_an_exhausted_pool_is_503_in_every_voice_and_costs_nobody_their_login() {
    let home = Home::postgres();
    let world = narrow(&home.url()).await;
    let management = management_token(&world).await;
    let code = world.sign_in(&mut world.browser()).await;
    let tokens = world.redeem(&world.seed.booking, &code).await;
    let access = tokens.text("access_token").to_owned();
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    let before = world.kinds().await;

    let (writer, reader, holders) = hold(&world.store).await;
    Asked::of(&world, &access, &management).await.assert_unavailable();
    let answer = [("username", "piet@hoekstra.test"), ("password", PASSWORD)];
    let page = browser.clone().submit(&answer).await.unwrap().clone();
    assert_eq!(page.status, 503, "{}", page.text());
    assert!(matches!(world.store.ready().await, Err(StoreError::Unavailable(_))));
    drop((writer, reader));
    holders.join_all().await;

    assert_eq!(world.kinds().await, before, "nothing of it is in the log, or half done");
    let asked = Asked::of(&world, &access, &management).await;
    assert_eq!(asked.statuses(), [303, 403, 200, 200, 200], "{} {}", asked.page.2, asked.management.2);
    let page = browser.submit(&answer).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "the form is still good: {}", page.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn inf_12_a_postgres_that_is_gone_is_503_and_one_that_is_back_is_used_at_once() {
    let mut server = Server::start(Durability::Full).unwrap();
    let world = narrow(&server.create("portico").unwrap()).await;
    // The beginning of a login waits for no disk; what follows here does, and brings it along.
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    let management = management_token(&world).await;
    let code = world.sign_in(&mut world.browser()).await;
    let access = world.redeem(&world.seed.booking, &code).await.text("access_token").to_owned();

    server.kill().unwrap();
    for _ in 0..2 {
        Asked::of(&world, &access, &management).await.assert_unavailable();
    }
    server.resume().unwrap();
    let asked = Asked::of(&world, &access, &management).await;
    assert_eq!(asked.statuses(), [303, 403, 200, 200, 200], "{} {}", asked.page.2, asked.management.2);
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "a login under way goes on: {}", page.text());
}

/// What a standby is to a gateway: connections to the old primary end, new ones only read.
fn stand_by(home: &Home, is_standby: bool) {
    let database = home.query("SELECT current_database()");
    let change = if is_standby {
        "SET default_transaction_read_only = on"
    } else {
        "RESET default_transaction_read_only"
    };
    home.query(&format!("BEGIN READ WRITE; ALTER DATABASE {database} {change}; COMMIT"));
    if is_standby {
        home.query(
            "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_12_a_postgres_that_only_reads_is_503_where_something_is_written_until_it_writes_again() {
    for attributes in ["", "?target_session_attrs=read-write"] {
        let home = Home::postgres();
        let world = narrow(&format!("{}{attributes}", home.url())).await;
        stand_by(&home, true);
        let authorize = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]);
        let mut answers = Vec::new();
        for _ in 0..4 {
            let page = world.browser().open(&authorize).await.unwrap().clone();
            answers.push((page.status.as_u16(), page.text().contains("We cannot help you at the moment")));
        }
        assert_eq!(answers, [(503, true); 4], "{attributes}");
        stand_by(&home, false);
        let code = world.sign_in(&mut world.browser()).await;
        assert_eq!(world.redeem(&world.seed.booking, &code).await.status, 200, "without a restart");
        let kinds = world.kinds().await;
        assert_eq!(kinds, [EventKind::Login, EventKind::CodeExchanged], "and nothing of before");
    }
}
