//! Owns journeys of browsers that a rule sends elsewhere: out, back, and all the ways in which they do not come back.
//! Never touches what an address must be to be gone to, but for the one refusal that a visitor sees.

use crate::world::{HOEKSTRA, ISSUER, World, query, seed::PASSWORD};
use portico_core::model::EventKind;
use portico_fixtures::browser::Browser;
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use url::Url;

/// A world with a rule that sends everybody to the terms, once; and what it was told when they came back.
async fn world() -> (World, Arc<Mutex<Vec<Value>>>) {
    sending_to(&format!("{HOEKSTRA}/terms?version=3")).await
}

async fn sending_to(url: &str) -> (World, Arc<Mutex<Vec<Value>>>) {
    let world = World::new().await;
    world.seed.rule(&*world.store, "terms", 1).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let (telling, url) = (Arc::clone(&told), url.to_owned());
    world.scripts.set("terms", move |mut args| {
        let context = &mut args[1];
        telling.lock().unwrap().push(context.clone());
        context["idToken"]["https://t/seen"] = context["request"]["query"]["accepted"].clone();
        // It does so every time: the second time counts for nothing.
        context["redirect"] = json!({ "url": url });
        Ok(args)
    });
    (world, told)
}

/// Sign Piet in as far as the terms; the `state` to come back with.
async fn away(world: &World, browser: &mut Browser) -> String {
    world.begin(browser, &world.seed.booking, &[]).await;
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(page.url.as_str().starts_with(&format!("{HOEKSTRA}/terms?version=3&state=")), "{}", page.url);
    query(&page.url)["state"].clone()
}

fn back(state: &str) -> String {
    format!("{ISSUER}continue?state={state}")
}

fn code(url: &Url) -> String {
    query(url).remove("code").unwrap_or_else(|| panic!("no code at {url}"))
}

#[tokio::test]
async fn a_browser_goes_away_comes_back_and_is_signed_in() {
    let (world, told) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    assert_eq!(world.kinds().await, [], "nobody is signed in yet");
    let page = browser.open(&format!("{}&accepted=yes", back(&state))).await.unwrap();
    assert!(page.url.as_str().starts_with(&format!("{HOEKSTRA}/callback?")), "{} {}", page.url, page.text());
    assert_eq!(query(&page.url)["state"], "app-state", "the application's own");
    let tokens = world.redeem(&world.seed.booking, &code(&page.url)).await;
    assert_eq!(tokens.id_token()["https://t/seen"], "yes");
    assert_eq!(world.kinds().await[0], EventKind::Login);
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (&told[0]["protocol"], &told[1]["protocol"]),
        (&json!("oidc-basic-profile"), &json!("redirect-callback"))
    );
    assert_eq!(told[1]["request"]["query"]["accepted"], "yes");
}

#[tokio::test]
async fn a_form_of_another_site_brings_it_back_too() {
    let (world, told) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    browser
        .forge(HOEKSTRA, &back(&state), &[("accepted", "by form"), ("state", "the terms' own")])
        .await
        .unwrap();
    let page = browser.carry_on().await.unwrap();
    assert!(
        page.url.as_str().starts_with(&format!("{HOEKSTRA}/callback?code=")),
        "{} {}",
        page.url,
        page.text()
    );
    let request = told.lock().unwrap()[1]["request"].clone();
    assert_eq!(request["body"], json!({ "accepted": "by form", "state": "the terms' own" }));
    assert_eq!(request["query"], json!({ "state": state }));
}

#[tokio::test]
async fn another_browser_with_the_state_is_refused() {
    let (world, _) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    let mut thief = world.browser();
    let page = thief.open(&back(&state)).await.unwrap();
    assert_eq!(page.status, 400, "{}", page.text());
    // Neither does it help to be in the middle of a login of one's own.
    let own = away(&world, &mut thief).await;
    assert_eq!(thief.open(&back(&state)).await.unwrap().status, 400);
    assert!(!world.kinds().await.contains(&EventKind::Login));
    let page = thief.open(&back(&own)).await.unwrap();
    code(&page.url);
    let page = browser.open(&back(&state)).await.unwrap();
    code(&page.url);
}

#[tokio::test]
async fn a_state_is_good_once() {
    let (world, _) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    let page = browser.open(&back(&state)).await.unwrap();
    code(&page.url);
    let page = browser.open(&back(&state)).await.unwrap();
    assert!(page.status.is_client_error(), "{} {}", page.url, page.text());
    assert!(!query(&page.url).contains_key("code"));
    assert_eq!(world.kinds().await, [EventKind::Login]);
    let (id, version) = state.split_once('.').unwrap();
    for odd in
        [id.to_owned(), format!("{id}.{}", version.parse::<u32>().unwrap() + 1), "nonsense.3".to_owned()]
    {
        let mut again = world.browser();
        away(&world, &mut again).await;
        assert!(browser.open(&back(&odd)).await.unwrap().status.is_client_error(), "{odd}");
    }
    assert!(browser.open(&format!("{ISSUER}continue")).await.unwrap().status.is_client_error());
}

#[tokio::test]
async fn a_browser_may_stay_away_for_three_days_and_no_longer() {
    let (world, _) = world().await;
    let (mut late, mut in_time) = (world.browser(), world.browser());
    let (late_state, state) = (away(&world, &mut late).await, away(&world, &mut in_time).await);
    world.clock.advance(Duration::from_hours(71));
    let page = in_time.open(&back(&state)).await.unwrap();
    code(&page.url);
    world.clock.advance(Duration::from_hours(2));
    let page = late.open(&back(&late_state)).await.unwrap();
    assert!(page.status.is_client_error(), "{} {}", page.url, page.text());
    assert_eq!(world.kinds().await, [EventKind::Login]);
}

#[tokio::test]
async fn whoever_is_no_member_any_more_does_not_come_back_in() {
    let (world, _) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    world.expel(&world.seed.piet).await;
    let page = browser.open(&back(&state)).await.unwrap();
    assert_eq!(query(&page.url)["error"], "access_denied", "{}", page.url);
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("not_a_member"));
}

#[tokio::test]
async fn a_login_without_a_person_is_not_sent_away() {
    let (world, told) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    browser.open(&back(&state)).await.unwrap();
    let page = world.begin(&mut browser, &world.seed.expenses, &[("prompt", "none")]).await;
    assert_eq!(query(&page.url)["error"], "interaction_required", "{}", page.url);
    assert_eq!(world.reason(EventKind::SilentLoginFailed).await.as_deref(), Some("interaction_required"));
    // The control: the same session with somebody there to be sent away.
    let page = world.begin(&mut browser, &world.seed.expenses, &[]).await;
    let state = query(&page.url)["state"].clone();
    assert!(page.url.path() == "/terms", "{}", page.url);
    let page = browser.open(&back(&state)).await.unwrap();
    code(&page.url);
    assert_eq!(world.kinds().await, [EventKind::Login, EventKind::SilentLogin, EventKind::SilentLoginFailed]);
    let told = told.lock().unwrap();
    assert_eq!(told.last().unwrap()["sessionID"], told[3]["sessionID"], "the session goes on");
    assert!(told[3]["sessionID"].is_string());
}

#[tokio::test]
async fn a_session_that_ends_meanwhile_answers_no_more() {
    let (world, _) = world().await;
    let mut browser = world.browser();
    let state = away(&world, &mut browser).await;
    browser.open(&back(&state)).await.unwrap();
    let page = world.begin(&mut browser, &world.seed.expenses, &[]).await;
    let state = query(&page.url)["state"].clone();
    world.clock.advance(Duration::from_hours(73 - 3));
    browser.open(&format!("{ISSUER}v2/logout")).await.unwrap();
    let page = browser.open(&back(&state)).await.unwrap();
    assert_eq!(query(&page.url)["error"], "login_required", "{}", page.url);
}

#[tokio::test]
async fn js_17_a_rule_sends_nobody_where_nobody_has_registered() {
    for evil in ["https://evil.example/terms", "http://hoekstra.travel0.test/terms", "javascript:alert(1)"] {
        let (world, _) = sending_to(evil).await;
        let mut browser = world.browser();
        world.begin(&mut browser, &world.seed.booking, &[]).await;
        let page =
            browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
        assert!(page.url.as_str().starts_with(HOEKSTRA), "{}", page.url);
        let answer = query(&page.url);
        assert_eq!(answer["error"], "access_denied", "{}", page.url);
        assert!(!answer["error_description"].contains("evil"), "{}", page.url);
        assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("rule_redirect_refused"));
    }
}
