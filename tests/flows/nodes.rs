//! Owns what holds for two gateways over one PostgreSQL: any node can answer any request, and of many who want the same
//! thing at once on both, one gets it.
//! Never touches one gateway alone: the other tests do, on SQLite.

use crate::{
    conformance::store::home::{Home, keks, options},
    flows::enterprise::metahexa_idp,
    world::{
        ISSUER, Redeemed, World,
        nodes::{Nodes, Switch},
        query,
        seed::PASSWORD,
    },
};
use axum::http::StatusCode;
use portico_core::{
    admin::bootstrap::{SecretRotation, bootstrap},
    entropy::SystemEntropy,
    model::{EventKind, RefreshTokenPolicy, RotationType},
    port::{
        key_ring::KeyRing,
        store::{ClientFilter, Page, StoreError},
    },
    time::SystemClock,
};
use portico_server::keys::{Algorithm, StoreKeyRing};
use std::{collections::BTreeSet, sync::Arc};
use tokio::task::JoinSet;
use url::Url;

const JENNIFER: &str = "jennifer@hoekstra.test";
const NEW_PASSWORD: &str = "Unusual-Harbour-93-Lantern";

/// Do this so many times at once, on both nodes; what came of each.
async fn on_both<T, F, W>(nodes: &Arc<Nodes>, times: usize, work: W) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
    W: Fn(Arc<Nodes>, usize) -> F,
{
    let mut racers = JoinSet::new();
    for number in 0..times {
        racers.spawn(work(Arc::clone(nodes), number));
    }
    racers.join_all().await
}

impl Nodes {
    /// The one of this number, modulo two.
    fn number(&self, number: usize) -> &World {
        self.both()[number % 2]
    }

    /// Let the application's refresh tokens rotate, without a leeway.
    async fn rotate(&self) {
        let booking = self.first.seed.booking.clone();
        self.first
            .change(move |unit| {
                Box::pin(async move {
                    let mut client = unit.clients().find(&booking).await?.ok_or(StoreError::Stale)?;
                    let rotation_type = RotationType::Rotating;
                    client.refresh_token =
                        RefreshTokenPolicy { rotation_type, leeway: 0, ..client.refresh_token };
                    unit.clients().update(&client).await.map(drop)
                })
            })
            .await;
    }
}

/// Refresh at this node, as the application would.
async fn refresh(node: &World, token: &str) -> Redeemed {
    let client = &node.seed.booking;
    node.token(&[
        ("grant_type", "refresh_token"),
        ("client_id", client.as_str()),
        ("client_secret", &format!("secret-of-{client}")),
        ("refresh_token", token),
    ])
    .await
}

/// The answers that are tokens; every other one is `invalid_grant`.
fn winners(answers: Vec<Redeemed>) -> Vec<Redeemed> {
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    for lost in &lost {
        assert_eq!((lost.status, lost.text("error")), (403, "invalid_grant"), "{}", lost.body);
    }
    won
}

/// Two gateways on a PostgreSQL of their own.
async fn two(idp: Option<&Url>) -> Nodes {
    let home = Home::postgres();
    Nodes::over([home.open().await, home.open().await], idp).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn op_05_of_a_hundred_redemptions_on_two_nodes_one_succeeds_and_then_nobody_has_anything() {
    let nodes = Arc::new(two(None).await);
    let code = nodes.first.sign_in(&mut nodes.first.browser()).await;
    let answers = on_both(&nodes, 100, |nodes, number| {
        let code = code.clone();
        async move { nodes.number(number).redeem(&nodes.first.seed.booking, &code).await }
    });
    let won = winners(answers.await);
    assert_eq!(won.len(), 1);
    for node in nodes.both() {
        let refused = refresh(node, won[0].text("refresh_token")).await;
        assert_eq!((refused.status, refused.text("error")), (403, "invalid_grant"), "the losers ended it");
    }
    let spent = nodes.second.kinds().await.into_iter().filter(|kind| *kind == EventKind::CodeExchanged);
    assert_eq!(spent.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_was_redeemed_at_one_node_is_spent_at_the_other() {
    let nodes = two(None).await;
    let booking = &nodes.first.seed.booking;
    let code = nodes.first.sign_in(&mut nodes.first.browser()).await;
    let tokens = nodes.second.redeem(booking, &code).await;
    assert_eq!(tokens.status, 200, "a code is good at any node: {}", tokens.body);
    assert_eq!(
        refresh(&nodes.first, tokens.text("refresh_token")).await.status,
        200,
        "so is a refresh token"
    );
    let again = nodes.first.redeem(booking, &code).await;
    assert_eq!((again.status, again.text("error")), (403, "invalid_grant"));
    for node in nodes.both() {
        assert_eq!(
            refresh(node, tokens.text("refresh_token")).await.status,
            403,
            "what came of it is void everywhere"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_was_used_at_one_node_ends_its_family_at_both() {
    let nodes = Arc::new(two(None).await);
    nodes.rotate().await;
    let booking = nodes.first.seed.booking.clone();
    let code = nodes.first.sign_in(&mut nodes.first.browser()).await;
    let old = nodes.first.redeem(&booking, &code).await.text("refresh_token").to_owned();
    let new = refresh(&nodes.second, &old).await.text("refresh_token").to_owned();
    assert!(!new.is_empty() && new != old);
    let new = refresh(&nodes.first, &new).await.text("refresh_token").to_owned();
    assert_eq!(refresh(&nodes.first, &old).await.status, 403, "it was used at the other node");
    for node in nodes.both() {
        assert_eq!(refresh(node, &new).await.status, 403, "and its heirs are void at both");
    }

    let code = nodes.second.sign_in(&mut nodes.second.browser()).await;
    let token = nodes.second.redeem(&booking, &code).await.text("refresh_token").to_owned();
    let answers = on_both(&nodes, 40, |nodes, number| {
        let token = token.clone();
        async move { refresh(nodes.number(number), &token).await }
    });
    let won = winners(answers.await);
    assert_eq!(won.len(), 1, "there are never two live leaves");
    assert_eq!(refresh(&nodes.first, won[0].text("refresh_token")).await.status, 403, "the losers ended it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_that_began_at_one_node_ends_at_the_other() {
    let nodes = two(None).await;
    let (mut browser, switch) = nodes.browser();
    nodes.first.begin(&mut browser, &nodes.first.seed.booking, &[]).await;
    switch.to_second();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", "wrong")]).await.unwrap();
    assert_eq!(page.status, 400, "{}", page.text());
    switch.to_first();
    let stale = browser.clone();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let code = query(&page.url).remove("code").unwrap_or_else(|| panic!("no code: {}", page.text()));
    let tokens = nodes.second.redeem(&nodes.first.seed.booking, &code).await;
    assert_eq!(tokens.id_token()["org_id"], nodes.first.seed.hoekstra.as_str(), "{}", tokens.body);
    // The same form at the other node is too late.
    switch.to_second();
    let mut stale = stale;
    let page = stale.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(!query(&page.url).contains_key("code"), "{} {}", page.url, page.text());
    assert_eq!(nodes.first.kinds().await.into_iter().filter(|kind| *kind == EventKind::Login).count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_through_an_identity_provider_is_accepted_with_every_request_at_another_node() {
    let idp = metahexa_idp().await;
    let nodes = two(Some(&idp.issuer().parse().unwrap())).await;
    let seed = &nodes.first.seed;
    let (_, ticket) = nodes.first.invite(&seed.metahexa, "amintha@metahexa.test").await;
    for turns in [1, 2] {
        let (mut browser, switch) = nodes.browser();
        switch.in_turns();
        if turns == 2 {
            // Shifts whose turn it is by one.
            browser.open(&format!("{ISSUER}.well-known/openid-configuration")).await.unwrap();
        }
        let invited = [("invitation", ticket.as_str())];
        let more = if turns == 1 { &invited[..] } else { &[] };
        let page = nodes.first.begin(&mut browser, &seed.metahexa_booking, more).await;
        if page.url.as_str().starts_with(ISSUER) {
            browser.press(None).await.unwrap();
        }
        let page = browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap();
        let code = query(&page.url).remove("code").unwrap_or_else(|| panic!("no code: {}", page.text()));
        let tokens = nodes.both()[turns - 1].redeem(&seed.metahexa_booking, &code).await;
        assert_eq!(tokens.id_token()["org_id"], seed.metahexa.as_str(), "{}", tokens.body);
    }
    assert_eq!(nodes.second.people("amintha@metahexa.test", &seed.metahexa).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_seen_by_both_nodes_and_its_end_is_too() {
    let nodes = two(None).await;
    let seed = &nodes.first.seed;
    let (mut browser, switch) = nodes.browser();
    nodes.first.sign_in(&mut browser).await;
    switch.to_second();
    let silent = [("prompt", "none")];
    let page = nodes.first.begin(&mut browser, &seed.expenses, &silent).await;
    assert!(query(&page.url).contains_key("code"), "{} {}", page.url, page.text());
    let bye = format!(
        "{ISSUER}v2/logout?client_id={}&returnTo=https%3A%2F%2Fhoekstra.travel0.test%2F",
        seed.booking
    );
    browser.open(&bye).await.unwrap();
    for to in [|switch: &Switch| switch.to_first(), Switch::to_second] {
        to(&switch);
        let page = nodes.first.begin(&mut browser, &seed.booking, &silent).await;
        assert_eq!(query(&page.url)["error"], "login_required", "{}", page.url);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_that_is_accepted_on_two_nodes_at_once_makes_one_member() {
    let nodes = Arc::new(two(None).await);
    for round in 0..5 {
        let email = format!("{round}.{JENNIFER}");
        let (_, ticket) = nodes.first.invite(&nodes.first.seed.hoekstra, &email).await;
        let mut browsers = Vec::new();
        for number in 0..8 {
            let (mut browser, switch) = nodes.browser();
            let node = nodes.number(number);
            if number % 2 == 1 {
                switch.to_second();
            }
            let more = [("invitation", ticket.as_str()), ("organization_name", "hoekstra")];
            let page = node.begin(&mut browser, &node.seed.booking, &more).await;
            assert_eq!(page.url.path(), "/signup/invitation", "{}", page.text());
            browsers.push(browser);
        }
        let submits = on_both(&nodes, browsers.len(), |_nodes, number| {
            let mut browser = browsers[number].clone();
            async move {
                let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
                assert_ne!(page.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", page.text());
                query(&page.url).contains_key("code")
            }
        });
        assert_eq!(submits.await.into_iter().filter(|won| *won).count(), 1, "{email}");
        let people = nodes.second.people(&email, &nodes.first.seed.hoekstra).await;
        assert_eq!((people.len(), people[0].1), (1, true), "one account, and it is a member");
        let kinds = nodes.first.kinds().await;
        let of = |wanted| kinds.iter().filter(|kind| **kind == wanted).count();
        for kind in [EventKind::InvitationAccepted, EventKind::SignUp, EventKind::MemberAdded] {
            assert_eq!(of(kind), round + 1, "{kind:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_one_node_count_at_the_other() {
    let nodes = two(None).await;
    for _login in 0..2 {
        let (mut browser, switch) = nodes.browser();
        nodes.first.begin(&mut browser, &nodes.first.seed.booking, &[]).await;
        switch.in_turns();
        for number in 0..5 {
            let page =
                browser.submit(&[("username", "piet@hoekstra.test"), ("password", "wrong")]).await.unwrap();
            assert_eq!(page.status, 400, "{number}: {}", page.text());
        }
    }
    for to in [|switch: &Switch| switch.to_first(), Switch::to_second] {
        let (mut browser, switch) = nodes.browser();
        to(&switch);
        nodes.first.begin(&mut browser, &nodes.first.seed.booking, &[]).await;
        let page =
            browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
        assert_eq!(page.status, 429, "closed at both: {}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k22_of_two_nodes_that_start_at_once_on_an_empty_postgres_one_makes_what_there_is() {
    for _round in 0..5 {
        let home = Home::postgres();
        let mut starts = JoinSet::new();
        // Everything a start does, from the empty database on: schema, data keys, signing keys, first application.
        for _node in 0..4 {
            let url = home.url();
            starts.spawn(async move {
                let options = options(keks(&[1]));
                let store = portico_store::open(&url, &options).await.unwrap();
                let entropy = Arc::new(SystemEntropy::default());
                let clock = Arc::new(SystemClock);
                let keys =
                    StoreKeyRing::open(Arc::clone(&store), clock, entropy, Algorithm::Es256).await.unwrap();
                let issuer = ISSUER.parse().unwrap();
                let entropy = SystemEntropy::default();
                let made =
                    bootstrap(&*store, &SystemClock, &entropy, &issuer, SecretRotation::Keep).await.unwrap();
                (store, made, serde_json::to_value(keys.published()).unwrap())
            });
        }
        let nodes = starts.join_all().await;
        assert_eq!(
            nodes.iter().filter(|(_, made, _)| made.client_secret.is_some()).count(),
            1,
            "one is told"
        );
        let ids: BTreeSet<_> = nodes.iter().map(|(_, made, _)| made.client_id.as_str()).collect();
        assert_eq!(ids.len(), 1, "all found the same application");
        let sets: BTreeSet<_> = nodes.iter().map(|(_, _, keys)| keys.to_string()).collect();
        assert_eq!(sets.len(), 1, "all publish the same keys");
        let clients = nodes[0].0.read::<_, StoreError, _>(|unit| {
            Box::pin(async move { unit.clients().list(&ClientFilter::default(), &Page::first(10)).await })
        });
        assert_eq!(clients.await.unwrap().len(), 2, "the global client, and one for the Management API");
    }
}
