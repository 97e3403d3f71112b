//! Owns that nobody fills the log with authorization requests that cannot be answered (`security.md` §3.11).
//! Never touches which requests those are.

use crate::world::{ISSUER, World};
use portico_core::model::{AuditEvent, EventKind};
use std::time::Duration;
use url::Url;

/// An address that no application has.
fn unknown_client(id: &str) -> String {
    let mut url = Url::parse(ISSUER).unwrap().join("authorize").unwrap();
    url.query_pairs_mut().append_pair("response_type", "code").append_pair("client_id", id);
    url.into()
}

async fn of_kind(world: &World, kind: EventKind) -> Vec<AuditEvent> {
    world.events().await.into_iter().filter(|event| event.kind == kind).collect()
}

/// How many requests an entry tells of that have none.
fn not_logged(event: &AuditEvent) -> u64 {
    event.details.get("not_logged").and_then(serde_json::Value::as_u64).unwrap_or_default()
}

async fn ask(world: &World, ip: [u8; 4], address: &str) {
    let page = world.browser_at(ip).open(address).await.unwrap().clone();
    assert!(page.status.is_client_error(), "{}", page.text());
}

#[tokio::test]
async fn one_bad_authorization_request_is_one_entry_and_what_the_stranger_says_is_cut() {
    let world = World::new().await;
    ask(&world, [192, 0, 2, 1], &unknown_client(&"x".repeat(5000))).await;
    let [event] = of_kind(&world, EventKind::LoginFailed).await.try_into().unwrap();
    assert_eq!(event.details["reason"], "unknown_client");
    assert_eq!(event.ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(event.description.unwrap().chars().count(), 256);
    assert!(!event.details.contains_key("not_logged"));
}

#[tokio::test]
async fn a_flood_of_bad_authorization_requests_leaves_few_entries_and_they_tell_how_many_there_were() {
    let world = World::new().await;
    let bad = unknown_client("nobody");
    for _ in 0..40 {
        ask(&world, [192, 0, 2, 1], &bad).await;
    }
    assert_eq!(of_kind(&world, EventKind::LoginFailed).await.len(), 5, "one address alone");
    let elsewhere = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]);
    let elsewhere = elsewhere.replace("callback", "elsewhere");
    ask(&world, [192, 0, 2, 1], &elsewhere).await;
    assert_eq!(of_kind(&world, EventKind::RedirectRejected).await.len(), 1, "others kinds are still seen");
    world.clock.advance(Duration::from_mins(1));
    ask(&world, [192, 0, 2, 1], &bad).await;
    ask(&world, [192, 0, 2, 2], &bad).await;
    let counts: Vec<_> = of_kind(&world, EventKind::LoginFailed).await.iter().map(not_logged).collect();
    assert_eq!(counts, [0, 0, 0, 0, 0, 35, 0], "told once");

    for number in 0..150 {
        ask(&world, [198, 51, 100, number], &bad).await;
    }
    let entries = of_kind(&world, EventKind::LoginFailed).await;
    assert!(entries.len() <= 66, "many addresses together: {}", entries.len());
    world.clock.advance(Duration::from_hours(1));
    ask(&world, [192, 0, 2, 3], &bad).await;
    let entries = of_kind(&world, EventKind::LoginFailed).await;
    let told: u64 = entries.iter().map(|event| 1 + not_logged(event)).sum();
    assert_eq!(told, 40 + 2 + 150 + 1, "every one is told of");
    let mut browser = world.browser_at([192, 0, 2, 1]);
    assert!(world.sign_in(&mut browser).await.starts_with("code_"), "and nobody is kept from signing in");
}
