//! Owns journeys out: of our session, and of the identity provider's (`federated`, contract §1.8).
//! Never touches whether a logout is wanted: `security::op` does.

use super::enterprise::metahexa_idp;
use crate::world::{
    HOEKSTRA, ISSUER, METAHEXA, World, query,
    seed::{IDP_CLIENT, PASSWORD},
};
use portico_core::{
    model::{Connection, EventKind},
    secret::TokenHash,
    time::Clock,
};
use portico_fixtures::{
    browser::{Browser, Document},
    oidc_idp::OidcIdp,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Amintha, signed in at MetaHexa's application through her bank.
async fn amintha(world: &World, idp: &OidcIdp) -> Browser {
    let mut browser = world.browser();
    let (_, ticket) = world.invite(&world.seed.metahexa, "amintha@metahexa.test").await;
    world.begin(&mut browser, &world.seed.metahexa_booking, &[("invitation", &ticket)]).await;
    browser.press(None).await.unwrap();
    let page = browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "{} {}", page.url, page.text());
    assert_eq!(idp.seen().logout, 0);
    browser
}

fn logout(world: &World, more: &[(&str, &str)]) -> String {
    let mut url = url::Url::parse(&format!("{ISSUER}v2/logout")).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", world.seed.metahexa_booking.as_str())
        .append_pair("returnTo", &format!("{METAHEXA}/"))
        .extend_pairs(more);
    url.into()
}

/// Whether a login at MetaHexa's application has to be done anew, at the bank.
async fn must_sign_in(world: &World, idp: &OidcIdp, browser: &mut Browser) -> bool {
    let page = world.begin(browser, &world.seed.metahexa_booking, &[]).await;
    if page.url.as_str().starts_with(idp.issuer()) {
        return true;
    }
    assert!(query(&page.url).contains_key("code"), "{} {}", page.url, page.text());
    false
}

fn home(page: &Document) -> bool {
    page.url.as_str() == format!("{METAHEXA}/")
}

#[tokio::test]
async fn a_federated_logout_ends_the_session_at_the_bank_too_and_goes_where_it_was_going() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let mut browser = amintha(&world, &idp).await;
    assert!(!must_sign_in(&world, &idp, &mut browser).await, "the session answers");

    let page = browser.open(&logout(&world, &[])).await.unwrap();
    assert!(home(page), "{} {}", page.url, page.text());
    assert_eq!(idp.seen().logout, 0, "the control: nobody asked for more");
    assert!(!must_sign_in(&world, &idp, &mut browser).await, "so the bank still knows her");

    let page = browser.open(&logout(&world, &[("federated", "")])).await.unwrap().clone();
    assert!(home(&page), "{} {}", page.url, page.text());
    let seen = idp.seen();
    assert_eq!(seen.logout, 1);
    let asked = |name: &str| seen.last_logout.get(name).cloned().unwrap_or_default();
    assert_eq!(asked("client_id"), IDP_CLIENT);
    assert_eq!(asked("post_logout_redirect_uri"), format!("{ISSUER}logout"), "one address for everybody");
    assert!(asked("state").len() <= 80 && !asked("state").contains("metahexa"));
    let payload = asked("id_token_hint").split('.').nth(1).unwrap_or_default().to_owned();
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
    let hint: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!((&hint["sub"], &hint["aud"]), (&json!("idp-amintha"), &json!(IDP_CLIENT)));
    assert!(must_sign_in(&world, &idp, &mut browser).await, "nobody knows her any more");
    let outs = world.events().await.into_iter().filter(|event| event.kind == EventKind::Logout).count();
    assert_eq!(outs, 2);

    let landing = format!("{ISSUER}logout?state={}", asked("state"));
    let page = browser.open(&landing).await.unwrap();
    assert_eq!((page.status.as_u16(), page.url.as_str()), (200, landing.as_str()), "once, and then no more");
}

#[tokio::test]
async fn the_landing_leads_nowhere_that_was_not_registered_and_nobody_can_point_it() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let mut browser = amintha(&world, &idp).await;
    let evil = logout(&world, &[("federated", "")]).replace("metahexa.travel0.test", "evil.test");
    let page = browser.open(&evil).await.unwrap();
    assert_eq!(page.status, 400, "{}", page.text());
    assert_eq!(idp.seen().logout, 0);
    assert!(!must_sign_in(&world, &idp, &mut browser).await, "what is refused ends nothing");
    for landing in [
        "logout",
        "logout?state=",
        "logout?state=https%3A%2F%2Fevil.test%2F",
        "logout?RelayState=https%3A%2F%2Fevil.test%2F",
        "logout?returnTo=https%3A%2F%2Fevil.test%2F&post_logout_redirect_uri=https%3A%2F%2Fevil.test%2F",
    ] {
        let address = format!("{ISSUER}{landing}");
        let page = browser.open(&address).await.unwrap();
        assert_eq!((page.status.as_u16(), page.url.as_str()), (200, address.as_str()), "{}", page.text());
        assert!(!page.body.contains("evil.test"), "{}", page.body);
    }
    assert!(!must_sign_in(&world, &idp, &mut browser).await, "a visit of the landing ends nothing");

    // A way back is one of ten minutes.
    let (late, soon) = ("a".repeat(43), "b".repeat(43));
    let (until, marks) = (world.clock.now().plus(Duration::from_mins(10)), [late.clone(), soon.clone()]);
    world
        .change(move |unit| {
            Box::pin(async move {
                for mark in &marks {
                    unit.sessions().depart(&TokenHash::of(mark), &format!("{METAHEXA}/"), until).await?;
                }
                Ok(())
            })
        })
        .await;
    world.clock.advance(Duration::from_secs(599));
    let page = browser.open(&format!("{ISSUER}logout?state={soon}")).await.unwrap();
    assert!(home(page), "the control: {}", page.url);
    world.clock.advance(Duration::from_secs(1));
    let page = browser.open(&format!("{ISSUER}logout?state={late}")).await.unwrap();
    assert_eq!(page.url.path(), "/logout", "{}", page.url);
}

#[tokio::test]
async fn an_identity_provider_that_is_away_keeps_nobody_from_leaving() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let mut browser = amintha(&world, &idp).await;
    let id = world.seed.idp.clone();
    world
        .change(move |unit| {
            Box::pin(async move {
                let old = unit.connections().find(&id).await?.expect("the connection is there");
                let mut options = old.options.clone();
                options["discovery_url"] = json!("http://localhost:1/.well-known/openid-configuration");
                unit.connections().update(&Connection { revision: old.revision + 1, options, ..old }).await
            })
        })
        .await;
    let page = browser.open(&logout(&world, &[("federated", "")])).await.unwrap();
    assert!(home(page), "{} {}", page.url, page.text());
    assert_eq!(idp.seen().logout, 0);
    let outs = world.events().await.into_iter().filter(|event| event.kind == EventKind::Logout).count();
    assert_eq!(outs, 1, "our session is over");
}

#[tokio::test]
async fn the_openid_logout_is_federated_too_after_it_was_confirmed() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let mut browser = amintha(&world, &idp).await;
    let mut url = url::Url::parse(&format!("{ISSUER}oidc/logout")).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", world.seed.metahexa_booking.as_str())
        .append_pair("post_logout_redirect_uri", &format!("{METAHEXA}/"))
        .append_pair("state", "app-state")
        .append_pair("federated", "");
    let page = browser.open(url.as_str()).await.unwrap();
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/oidc/logout"));
    assert_eq!(idp.seen().logout, 0, "it is asked first");
    let page = browser.press(None).await.unwrap();
    assert_eq!(page.url.as_str(), format!("{METAHEXA}/?state=app-state"), "{}", page.text());
    assert_eq!(idp.seen().logout, 1);
}

#[tokio::test]
async fn a_session_of_our_own_accounts_has_nothing_upstream() {
    let world = World::new().await;
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let url = format!("{ISSUER}v2/logout?federated&client_id={}&returnTo={HOEKSTRA}/", world.seed.booking);
    let page = browser.open(&url).await.unwrap();
    assert_eq!(page.url.as_str(), format!("{HOEKSTRA}/"), "{}", page.text());
    assert!(browser.passed(&format!("{ISSUER}logout")).is_none(), "nor a detour");
}
