//! Owns SAML-41, SAML-45 to SAML-47, SAML-63 and SAML-68: answers in a browser, once, and in the right one.
//! Never touches what documents say beyond which request they answer.

use super::hall::{Hall, SIGNED_IN, carried, ended, told};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::model::EventKind;
use portico_fixtures::{
    browser::Document,
    saml_document::{Confirmation, Content, Encryption, Keys, Recipe, Transport},
};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn saml_41_an_answer_is_for_the_login_that_asked_for_it() {
    let hall = Hall::open().await;
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &hall.bank).await;
    // Another browser's login, and another connection's.
    let others = hall.begin(&mut hall.world.browser(), &hall.bank).await;
    let siblings = hall.begin(&mut browser, &hall.firm).await;
    for (name, request, expected) in [
        ("another browser's", Some(others.id.as_str()), "in_response_to_wrong"),
        ("another connection's", Some(&siblings.id), "in_response_to_wrong"),
        ("unknown", Some("_never-asked"), "in_response_to_wrong"),
        ("none", None, "in_response_to_missing"),
    ] {
        let mut browser = hall.world.browser();
        let asked = hall.begin(&mut browser, &hall.bank).await;
        let mut recipe = hall.recipe(&hall.bank, Some(&asked));
        recipe.in_response_to = request.map(str::to_owned);
        recipe.confirmations[0].in_response_to = request.map(str::to_owned);
        let response = (&*recipe.posted(), Some(asked.relay_state.as_str()));
        let ended = hall.post(&mut browser, &hall.bank, response).await;
        assert_ne!(ended, SIGNED_IN, "{name}");
        assert_eq!(hall.refusal().await, expected, "{name}");
    }
    // With the other's handle the request is the right one, but the browser is not.
    let stolen = hall.recipe(&hall.bank, Some(&others)).posted();
    let ended = hall.post(&mut browser, &hall.bank, (&stolen, Some(&others.relay_state))).await;
    assert_ne!(ended, SIGNED_IN);
    // The one that was asked for, once.
    let response = hall.recipe(&hall.bank, Some(&asked)).posted();
    let response = (response.as_str(), Some(asked.relay_state.as_str()));
    assert_eq!(hall.post(&mut browser, &hall.bank, response).await, SIGNED_IN);
    assert_ne!(hall.post(&mut browser, &hall.bank, response).await, SIGNED_IN, "it was used");
    hall.still_works().await;
}

#[tokio::test]
async fn saml_45_of_the_same_answer_on_two_nodes_at_once_one_counts() {
    let hall = Hall::open().await;
    let node = hall.world.another_node().await;
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &hall.bank).await;
    let response = hall.recipe(&hall.bank, Some(&asked)).posted();
    let other = {
        let mut other = node.browser();
        other.jar.clone_from(&browser.jar);
        other
    };
    let attempts = (0..50).map(|number| {
        let mut browser = if number % 2 == 0 { browser.clone() } else { other.clone() };
        let (hall, response, relay_state) = (&hall, &response, &asked.relay_state);
        async move { hall.post(&mut browser, &hall.bank, (response, Some(relay_state))).await }
    });
    let ended = futures_util::future::join_all(attempts).await;
    assert_eq!(ended.iter().filter(|ended| *ended == SIGNED_IN).count(), 1, "{ended:?}");
    let logins = hall.world.kinds().await.into_iter().filter(|kind| *kind == EventKind::Login).count();
    assert_eq!(logins, 1);
    hall.still_works().await;
}

#[tokio::test]
async fn saml_45_an_answer_counts_once_even_for_two_logins() {
    // The same document cannot answer two requests, but the same assertion can be said to by an identity provider that
    // is careless with IDs.
    let hall = Hall::open().await;
    let mut first = None;
    for expected in [SIGNED_IN, "answer_replayed"] {
        let mut browser = hall.world.browser();
        let asked = hall.begin(&mut browser, &hall.bank).await;
        let mut recipe = hall.recipe(&hall.bank, Some(&asked));
        let id = first.get_or_insert_with(|| recipe.assertion_id.clone());
        recipe.assertion_id.clone_from(id);
        let response = (&*recipe.posted(), Some(asked.relay_state.as_str()));
        let ended = hall.post(&mut browser, &hall.bank, response).await;
        if expected == SIGNED_IN {
            assert_eq!(ended, SIGNED_IN);
        } else {
            assert_ne!(ended, SIGNED_IN);
            let refused = hall.world.events().await.into_iter().any(|event| told(&event) == expected);
            assert!(refused, "{}", hall.refusal().await);
        }
    }
    hall.still_works().await;
}

#[tokio::test]
async fn saml_46_an_answer_is_used_up_for_good() {
    let hall = Hall::open().await;
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &hall.bank).await;
    let recipe = hall.recipe(&hall.bank, Some(&asked));
    let response = recipe.posted();
    let relay_state = Some(asked.relay_state.as_str());
    assert_eq!(hall.post(&mut browser, &hall.bank, (&response, relay_state)).await, SIGNED_IN);
    // Written otherwise, it is the same.
    let lines: Vec<String> =
        response.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let spaced = format!("\n{}\n", recipe.written().written());
    for again in [response.clone(), lines.join("\r\n"), STANDARD.encode(spaced)] {
        assert_ne!(hall.post(&mut browser, &hall.bank, (&again, relay_state)).await, SIGNED_IN);
    }
    // After a restart, too, and later.
    let restarted = hall.world.another_node().await;
    for minutes in [0, 3, 30] {
        hall.world.clock.advance(Duration::from_mins(minutes));
        let mut other = restarted.browser();
        other.jar.clone_from(&browser.jar);
        assert_ne!(hall.post(&mut other, &hall.bank, (&response, relay_state)).await, SIGNED_IN);
    }
    let logins = hall.world.kinds().await.into_iter().filter(|kind| *kind == EventKind::Login).count();
    assert_eq!(logins, 1);
    hall.still_works().await;
}

#[tokio::test]
async fn saml_47_relay_state_is_a_handle_and_nothing_else() {
    let hall = Hall::open().await;
    let others = hall.begin(&mut hall.world.browser(), &hall.bank).await;
    let long = "x".repeat(10 << 10);
    for relay_state in [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "\\\\evil.example",
        "\"><script>alert(1)</script>",
        "a\r\nLocation: https://evil.example/",
        "",
        long.as_str(),
        others.relay_state.as_str(),
    ] {
        let mut browser = hall.world.browser();
        let asked = hall.begin(&mut browser, &hall.bank).await;
        let response = hall.recipe(&hall.bank, Some(&asked)).posted();
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", relay_state)];
        let page = hall.post_fields(&mut browser, &hall.bank, &fields).await;
        let told: String = relay_state.chars().take(40).collect();
        assert_ne!(ended(&page), SIGNED_IN, "{told}");
        assert!(page.status.is_client_error(), "{told}: {} {}", page.status, page.text());
        assert!(!page.body.contains("evil.example") && !page.body.contains("<script>alert"), "{told}");
        assert!(page.url.as_str().starts_with(crate::world::ISSUER), "{told}: {}", page.url);
    }
    hall.still_works().await;
}

/// What becomes of an honest recipe.
type Change<'c> = &'c dyn Fn(Recipe) -> String;

/// A page without what differs from one to the next by itself: its reference, and what scripts and styles are known by.
fn lasting(page: &Document) -> String {
    assert!(page.body.contains("<code>ref_"), "{}", page.body);
    let without = |text: &str, before: &str, end: char| {
        let mut pieces = text.split(before);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, piece| {
            format!("{text}{before}{}", piece.split_once(end).map_or("", |(_, rest)| rest))
        })
    };
    without(&without(&page.body, "<code>", '<'), "nonce=\"", '"')
}

#[tokio::test]
async fn saml_58_a_refusal_looks_the_same_whatever_was_wrong() {
    let service = &Keys::of_this_run().service;
    let pair = json!({"key": service.private_pem(), "cert": service.certificate_pem()});
    let hall = Hall::with(json!({"allowUnauthenticatedCbc": true, "decryptionKey": pair})).await;
    let encryption = Encryption::to(service);
    let cbc = Encryption { content: Content::Aes128Cbc, ..encryption.clone() };
    let sealed =
        |encryption: &Encryption| encryption.encrypt(&hall.recipe(&hall.bank, None).signed_assertion());
    let around = |recipe: &Recipe, inside| recipe.shell().holding(inside).written();
    let cases: [(&str, Change<'_>); 9] = [
        ("signature_missing", &|recipe| Recipe { sign_assertion: None, ..recipe }.written().written()),
        ("signature_missing", &|recipe| {
            Recipe { sign_assertion: None, encrypt: Some(encryption.clone()), ..recipe }.written().written()
        }),
        ("decryption_failed", &|recipe| around(&recipe, encryption.pretend(&[7; 64]))),
        ("decryption_failed", &|recipe| around(&recipe, encryption.pretend(b"x"))),
        ("decryption_failed", &|recipe| around(&recipe, cbc.pretend(&[7; 64]))),
        ("decryption_failed", &|recipe| around(&recipe, cbc.encrypt_text(b"no XML"))),
        ("key_transport_algorithm", &|recipe| {
            around(&recipe, sealed(&Encryption { transport: Transport::Rsa15, ..encryption.clone() }))
        }),
        ("encryption_algorithm", &|recipe| {
            around(&recipe, sealed(&Encryption { content: Content::TripleDes, ..encryption.clone() }))
        }),
        ("doctype", &|recipe| format!("<!DOCTYPE x>{}", recipe.written().written())),
    ];
    let mut pages = std::collections::BTreeSet::new();
    for (expected, change) in cases {
        let mut browser = hall.world.browser();
        let asked = hall.begin(&mut browser, &hall.bank).await;
        let response = STANDARD.encode(change(hall.recipe(&hall.bank, Some(&asked))));
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
        let page = hall.post_fields(&mut browser, &hall.bank, &fields).await;
        assert_eq!(hall.refusal().await, expected);
        assert_eq!(page.status, 400, "{expected}");
        pages.insert(lasting(&page));
    }
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let (ended, why) = hall.answer(|recipe| Recipe { encrypt: Some(encryption.clone()), ..recipe }).await;
    assert_eq!(ended, SIGNED_IN, "the control: {why}");
}

#[tokio::test]
async fn saml_63_an_answer_for_one_connection_is_none_for_another() {
    // One identity provider serves both connections, with one key and one entity id.
    let hall = Hall::open().await;
    let twin = hall.twin(json!({})).await;
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &twin).await;
    let honest = hall.recipe(&hall.bank, Some(&asked));
    let post = async |browser: &mut _, recipe: &Recipe| {
        hall.post(browser, &twin, (&recipe.posted(), Some(&asked.relay_state))).await
    };
    assert_ne!(post(&mut browser, &honest).await, SIGNED_IN);
    assert_eq!(hall.refusal().await, "destination_wrong");
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &twin).await;
    let mut closer = hall.recipe(&hall.bank, Some(&asked));
    let acs = twin.place().acs;
    closer.destination = Some(acs.clone());
    closer.confirmations = closer
        .confirmations
        .into_iter()
        .map(|confirmation| Confirmation { recipient: Some(acs.clone()), ..confirmation })
        .collect();
    let ended = hall.post(&mut browser, &twin, (&closer.posted(), Some(&asked.relay_state))).await;
    assert_ne!(ended, SIGNED_IN);
    assert_eq!(hall.refusal().await, "audience_wrong");
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &twin).await;
    let own = hall.recipe(&twin, Some(&asked)).posted();
    assert_eq!(hall.post(&mut browser, &twin, (&own, Some(&asked.relay_state))).await, SIGNED_IN);
    hall.still_works().await;
}

#[tokio::test]
async fn saml_68_nobody_is_signed_in_by_an_answer_that_their_browser_did_not_ask_for() {
    let hall = Hall::open().await;
    // The attacker asks, gets a good answer about themselves, and has the victim's browser post it.
    let mut attacker = hall.world.browser();
    let asked = hall.begin(&mut attacker, &hall.bank).await;
    let response = hall.recipe(&hall.bank, Some(&asked)).posted();
    let mut victim = hall.world.browser();
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
    let page = hall.post_fields(&mut victim, &hall.bank, &fields).await;
    assert_ne!(ended(&page), SIGNED_IN);
    assert!(page.status.is_client_error(), "{}", page.text());
    // A victim who is in the middle of a login of their own is not signed in as somebody else either.
    let mut busy = hall.world.browser();
    let _own = hall.begin(&mut busy, &hall.bank).await;
    let page = hall.post_fields(&mut busy, &hall.bank, &fields).await;
    assert_ne!(ended(&page), SIGNED_IN);
    // Nor does the mark of our own page help: what counts is the cookie.
    let mut marked = hall.world.browser();
    let fields = [fields[0], fields[1], ("portico_reposted", "1")];
    let page = hall.post_fields(&mut marked, &hall.bank, &fields).await;
    assert_ne!(ended(&page), SIGNED_IN);
    assert_eq!(hall.world.kinds().await.into_iter().filter(|kind| *kind == EventKind::Login).count(), 0);
    // In the browser that asked, it is good.
    hall.post_fields(&mut attacker, &hall.bank, &fields[..2]).await;
    assert_eq!(ended(&carried(&mut attacker).await), SIGNED_IN);
}
