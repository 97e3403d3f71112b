//! Owns journeys of people whose accounts are in a real PostgreSQL or MariaDB, through scripts that really run.
//! Never touches what scripts may reach; `scripts` tests that.

use super::books::*;
use crate::{worker, world::World};
use bytes::Bytes;
use portico_core::{
    entropy::SystemEntropy,
    id::{ConnectionId, OrganizationId},
    model::{OrganizationConnection, testing},
    port::http::{HttpClient, HttpError},
    time::SystemClock,
};
use portico_fixtures::legacy_db::LegacyDb;
use portico_script::ScriptPool;
use portico_script_host::{Services, Settings};
use serde_json::json;
use std::{io, sync::Arc};

/// Scripts have databases here, and nothing else.
struct NoNetwork;

#[async_trait::async_trait]
impl HttpClient for NoNetwork {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        Err(HttpError::Refused { url: request.uri().to_string(), reason: "there is no network".to_owned() })
    }
}

const LEGACY: &str = LegacyDb::PASSWORD;

/// A gateway with a connection to this database, in which Jennifer is.
async fn before(start: fn() -> io::Result<LegacyDb>, import: bool) -> (World, LegacyDb, ConnectionId) {
    let legacy = tokio::task::spawn_blocking(start).await.unwrap().unwrap();
    legacy.add(17, "jen@legacy.test", "jen").unwrap();
    let world = World::new().await;
    let settings = Settings {
        databases: vec![format!("127.0.0.1:{}", legacy.port()).parse().unwrap()],
        ..Settings::default()
    };
    let host = Arc::new(Services::new(Arc::new(NoNetwork), settings));
    let entropy = Arc::new(SystemEntropy::default());
    let pool = ScriptPool::new(worker::command(), 2, host, Arc::new(SystemClock), entropy);
    world.scripts.run_by(Arc::new(pool));
    let mut options = options(&json!({"import_mode": import}));
    options["customScripts"] = legacy.scripts();
    options["configuration"] = legacy.configuration();
    let id = connect(&world, options).await;
    (world, legacy, id)
}

/// Let MetaHexa take whoever comes through the connection, too.
async fn for_metahexa(world: &World, connection: &ConnectionId) {
    let place = OrganizationConnection {
        organization_id: world.seed.metahexa.clone(),
        connection_id: connection.clone(),
        assign_membership_on_login: true,
        ..testing::organization_connection()
    };
    world
        .change(move |unit| Box::pin(async move { unit.organizations().insert_connection(&place).await }))
        .await;
}

async fn sign_in_for(world: &World, organization: &OrganizationId) -> bool {
    let client =
        if *organization == world.seed.metahexa { &world.seed.metahexa_booking } else { &world.seed.booking };
    let mut browser = world.browser();
    world.begin(&mut browser, client, &[("connection", NAME)]).await;
    let page = browser.submit(&[("username", "jen@legacy.test"), ("password", LEGACY)]).await.unwrap();
    let is_in = page.url.query().is_some_and(|query| query.contains("code="));
    is_in && world.people("jen@legacy.test", organization).await[0].1
}

/// Login, the move, two organizations, a new password, and the customer's database gone.
async fn comes_over(start: fn() -> io::Result<LegacyDb>) {
    let (world, mut legacy, id) = before(start, true).await;
    legacy.add(18, "jim@legacy.test", "jim").unwrap();
    for_metahexa(&world, &id).await;
    assert_eq!(sign_in(&world, "jen@legacy.test", "wrong horse").await.status, 400);
    assert!(user(&world, "jen@legacy.test").await.is_none());
    let page = sign_in(&world, "Jen@Legacy.test", LEGACY).await;
    assert!(is_in(&page), "{} {:?}", page.text(), world.events().await.last());
    let jen = user(&world, "jen@legacy.test").await.unwrap();
    assert_eq!((jen.id.as_str(), jen.text("nickname")), ("auth0|17", Some("jen")));
    let page = reset(&world, "jim@legacy.test", STRONG).await.expect("a link was mailed");
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(is_in(&sign_up(&world, "new@legacy.test", STRONG).await));
    assert_eq!(legacy.hash_of("new@legacy.test").unwrap(), "", "nothing is written there");

    legacy.stop().unwrap();
    assert!(is_in(&sign_in(&world, "jen@legacy.test", LEGACY).await));
    assert!(is_in(&sign_in(&world, "jim@legacy.test", STRONG).await));
    assert!(is_in(&sign_in(&world, "new@legacy.test", STRONG).await));
    for organization in [&world.seed.hoekstra, &world.seed.metahexa] {
        assert!(sign_in_for(&world, organization).await, "one person, {organization}");
    }
    assert_eq!(sign_in(&world, "somebody@legacy.test", LEGACY).await.status, 400, "nobody else gets in");
}

/// Login, sign-up, a new password, deletion: all of it there.
async fn stays(start: fn() -> io::Result<LegacyDb>) {
    let (world, mut legacy, id) = before(start, false).await;
    for_metahexa(&world, &id).await;
    assert!(
        sign_in_for(&world, &world.seed.hoekstra).await && sign_in_for(&world, &world.seed.metahexa).await
    );
    assert!(!has_password(&world, &id, "17").await);
    let old = legacy.hash_of("jen@legacy.test").unwrap();
    assert_eq!(reset(&world, "jen@legacy.test", STRONG).await.expect("a link was mailed").status, 200);
    assert_ne!(legacy.hash_of("jen@legacy.test").unwrap(), old);
    assert_eq!(sign_in(&world, "jen@legacy.test", LEGACY).await.status, 400);
    assert!(is_in(&sign_in(&world, "jen@legacy.test", STRONG).await));
    let page = sign_up(&world, "new@legacy.test", STRONG).await;
    assert!(is_in(&page), "{} {:?}", page.text(), world.events().await.last());
    assert!(legacy.hash_of("new@legacy.test").unwrap().starts_with("$2"));
    let new = user(&world, "new@legacy.test").await.unwrap();
    admin(&world).delete_user(&actor(), &new.id).await.unwrap();
    assert_eq!(legacy.hash_of("new@legacy.test").unwrap(), "");
    legacy.stop().unwrap();
    assert_eq!(sign_in(&world, "jen@legacy.test", STRONG).await.status, 400, "only the customer knows");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_postgresql_come_over() {
    comes_over(LegacyDb::postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_mariadb_come_over() {
    comes_over(LegacyDb::mariadb).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_stay_in_a_postgresql() {
    stays(LegacyDb::postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_stay_in_a_mariadb() {
    stays(LegacyDb::mariadb).await;
}
