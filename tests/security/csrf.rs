//! Owns the cases of forged forms in the log: `csrf_reject` (OP-25, `security.md` §3.11), and that nobody fills it.
//! Never touches what a form does when it is our own.

use crate::{
    management::world::{Api, text},
    world::{ISSUER, World, seed::PASSWORD},
};
use portico_core::{
    entropy::SystemEntropy,
    id::ReferenceId,
    model::{AuditEvent, EventKind},
    watch::{TurnedAway, Watch},
};
use portico_fixtures::browser::Browser;
use std::{sync::Arc, time::Duration};

const EVIL: &str = "https://evil.test";

async fn forged(world: &World) -> Vec<AuditEvent> {
    let events = world.events().await;
    events.into_iter().filter(|event| event.kind == EventKind::CsrfRejected).collect()
}

/// Send a login form from a page of this site; the number on the page that answers.
async fn forge(browser: &mut Browser, from: &str, fields: &[(&str, &str)]) -> String {
    let page = browser.forge(from, &format!("{ISSUER}u/login"), fields).await.unwrap();
    assert_eq!(page.status, 403, "{}", page.text());
    page.headers["x-request-id"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn op_25_a_form_of_another_site_is_in_the_log_with_where_it_came_from() {
    let world = World::new().await;
    let mut browser = world.browser_at([192, 0, 2, 1]);
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    let page = browser.page.clone().unwrap();
    let hidden = |name: &str| page.forms()[0].fields.iter().find(|field| field.0 == name).unwrap().1.clone();
    let (state, token) = (hidden("state"), hidden("form_token"));
    let fields = [
        ("state", state.as_str()),
        ("form_token", token.as_str()),
        ("username", "piet@hoekstra.test"),
        ("password", PASSWORD),
    ];
    let number = forge(&mut browser, EVIL, &fields).await;
    let [event] = forged(&world).await.try_into().unwrap();
    assert_eq!(event.details["reason"], "cross_site");
    assert_eq!(event.details["origin"], EVIL);
    assert_eq!(event.details["request"]["path"], "/u/login");
    assert_eq!(event.ip.as_deref(), Some("192.0.2.1"));
    assert_eq!(event.reference.as_ref().map(ReferenceId::as_str), Some(number.as_str()));
    let told = format!("{event:?}");
    assert!(!told.contains(&state) && !told.contains(PASSWORD) && !told.contains(&token), "{told}");

    let origin = ISSUER.trim_end_matches('/');
    forge(&mut browser, origin, &[fields[0], ("form_token", "made-up"), fields[2], fields[3]]).await;
    forge(&mut browser, origin, &[fields[0], fields[2], fields[3]]).await;
    let reasons: Vec<_> = forged(&world).await.iter().map(|event| event.details["reason"].clone()).collect();
    assert_eq!(reasons, ["cross_site", "form_token", "form_token"]);

    let page = browser.forge(origin, &format!("{ISSUER}u/login"), &fields).await.unwrap();
    assert!(page.body.contains("/callback?code=code_"), "the control: its own form gets in: {}", page.text());
    assert_eq!(forged(&world).await.len(), 3);
}

#[tokio::test]
async fn op_25_the_forms_of_accounts_are_watched_too() {
    let world = World::new().await;
    for path in ["u/reset-password/request/hoekstra-db", "u/reset-password", "u/email-verification"] {
        let mut browser = world.browser();
        let fields = [("ticket", "canary-ticket"), ("password", PASSWORD), ("email", "piet@hoekstra.test")];
        let page = browser.forge(EVIL, &format!("{ISSUER}{path}"), &fields).await.unwrap();
        assert_eq!(page.status, 403, "{}", page.text());
        let event = forged(&world).await.pop().unwrap();
        assert_eq!(event.details["request"]["path"], format!("/{path}"));
        assert!(!format!("{event:?}").contains("canary"));
    }
}

#[tokio::test]
async fn nobody_fills_the_log_with_forged_forms() {
    let world = World::new().await;
    for _ in 0..20 {
        forge(&mut world.browser_at([192, 0, 2, 1]), EVIL, &[]).await;
    }
    assert_eq!(forged(&world).await.len(), 5, "one address alone");
    forge(&mut world.browser_at([192, 0, 2, 2]), EVIL, &[]).await;
    assert_eq!(forged(&world).await.len(), 6, "is not in the way of what comes from another");
    for number in 0..100 {
        forge(&mut world.browser_at([198, 51, 100, number]), EVIL, &[]).await;
    }
    assert_eq!(forged(&world).await.len(), 60, "many addresses together");
    world.clock.advance(Duration::from_mins(1));
    forge(&mut world.browser_at([192, 0, 2, 1]), EVIL, &[]).await;
    assert_eq!(forged(&world).await.len(), 61, "there is room again");
    let mut browser = world.browser_at([192, 0, 2, 1]);
    let code = world.sign_in(&mut browser).await;
    assert!(code.starts_with("code_"), "and nobody is kept from signing in");
}

#[tokio::test]
async fn a_forged_form_is_read_in_the_management_api_and_what_a_stranger_says_is_cut() {
    let api = Api::new().await;
    let watch = Watch::new(Arc::clone(&api.store), api.clock.clone(), Arc::new(SystemEntropy::default()));
    let away = TurnedAway {
        kind: EventKind::CsrfRejected,
        reason: "cross_site".to_owned(),
        description: "A form was refused that no page of ours had sent.",
        ip: "2001:db8::1".parse().unwrap(),
        user_agent: Some("x".repeat(10_000)),
        path: format!("/{}", "y".repeat(10_000)),
        origin: Some("z".repeat(10_000)),
        reference: ReferenceId::parse("ref_abc").unwrap(),
    };
    assert!(watch.note(away).await.unwrap());
    let rows = api.get("/logs?q=type:csrf_reject").await.expect(200);
    let [row] = rows.as_array().unwrap().as_slice() else { panic!("one entry: {rows}") };
    assert_eq!((text(row, "type"), text(row, "ip")), ("csrf_reject".to_owned(), "2001:db8::1".to_owned()));
    assert_eq!(
        (row["details"]["reason"].as_str(), text(row, "reference")),
        (Some("cross_site"), "ref_abc".into())
    );
    let long = |value: &serde_json::Value| value.as_str().unwrap().len();
    assert_eq!(long(&row["user_agent"]), 256);
    assert_eq!(long(&row["details"]["request"]["path"]), 256);
    assert_eq!(long(&row["details"]["origin"]), 256);
}
