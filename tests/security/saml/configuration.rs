//! Owns SAML-13, SAML-30, SAML-65 and SAML-67: what a connection may be set to, and what we say of ourselves.
//! Never touches answers, but to show that a connection without trust takes none.

use super::hall::{Hall, SIGNED_IN, url};
use crate::{
    security::rp::{Canary, deps, egress::egress},
    world::{ISSUER, World},
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    response::Redirect,
    routing::get,
};
use http_body_util::BodyExt;
use portico_core::{
    admin::bootstrap::{SecretRotation, bootstrap},
    connector::{AuthnRequest, ConnectorDeps, ConnectorFactory, Intent, Interaction, Step},
    entropy::SystemEntropy,
    id::TransactionId,
    port::store::StoreError,
    time::Clock,
};
use portico_egress::EgressPolicy;
use portico_fixtures::{
    saml_document::{Element, Key, inflated},
    serve::Served,
};
use portico_saml::SamlFactory;
use serde_json::{Value, json};
use std::{collections::BTreeSet, net::Ipv4Addr, sync::Arc};
use tower::ServiceExt;

/// Options without metadata, and with these certificates.
fn by_hand(certificate: &Value) -> Value {
    json!({
        "signInEndpoint": "https://idp.metahexa.example/sso",
        "issuer": "https://idp.metahexa.example/metadata",
        "signingCert": certificate,
    })
}

/// The options that are wrong, as the Management API says it.
async fn problems(world: &World, options: Value) -> Vec<String> {
    match world.app.connectors.complete("samlp", options).await {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.pointer).collect(),
    }
}

/// Metadata of an identity provider with its only key described so.
fn metadata(hall: &Hall, change: impl FnOnce(&mut Element)) -> String {
    let mut document = Element::read(&hall.bank.idp.metadata()).unwrap();
    change(&mut document);
    document.written()
}

#[tokio::test]
async fn saml_13_a_connection_trusts_at_least_one_key() {
    let hall = Hall::open().await;
    let certificate = json!(hall.bank.signing().key.certificate());
    for nothing in [json!(null), json!(""), json!([])] {
        assert_eq!(problems(&hall.world, by_hand(&nothing)).await, ["/signingCert"], "{nothing}");
    }
    assert_eq!(problems(&hall.world, by_hand(&certificate)).await, Vec::<String>::new());
    let xml = |text: String| json!({"metadataXml": text});
    let encrypting = metadata(&hall, |document| document.part("md:KeyDescriptor").set("use", "encryption"));
    assert_ne!(problems(&hall.world, xml(encrypting)).await, Vec::<String>::new());
    let without = metadata(&hall, |document| {
        let _key = document.part("md:IDPSSODescriptor").take("md:KeyDescriptor");
    });
    assert_ne!(problems(&hall.world, xml(without)).await, Vec::<String>::new());
    let plain = metadata(&hall, |document| document.part("md:KeyDescriptor").unset("use"));
    assert_eq!(problems(&hall.world, xml(plain.clone())).await, Vec::<String>::new(), "a key for anything");

    // A key for anything signs, and something has to be signed.
    hall.replace_options(&hall.bank, xml(plain)).await;
    let unsigned = hall.answer(|mut recipe| {
        recipe.sign_assertion = None;
        recipe
    });
    let (ended, why) = unsigned.await;
    assert_ne!(ended, SIGNED_IN);
    assert_eq!(why, "signature_missing");
    hall.still_works().await;
}

#[tokio::test]
async fn saml_13_a_stored_connection_that_trusts_nobody_takes_nothing() {
    let hall = Hall::open().await;
    let mut browser = hall.world.browser();
    let asked = hall.begin(&mut browser, &hall.bank).await;
    // Somebody has emptied the list behind our back.
    let id = hall.bank.connection.clone();
    let emptied = hall.world.store.write::<_, StoreError, _>(move |unit| {
        Box::pin(async move {
            let mut known = unit.connections().find(&id).await?.expect("it is there");
            known.revision += 1;
            known.options["published"]["certificates"] = json!([]);
            unit.connections().update(&known).await
        })
    });
    emptied.await.unwrap();
    for signed in [true, false] {
        let mut recipe = hall.recipe(&hall.bank, Some(&asked));
        if !signed {
            recipe.sign_assertion = None;
        }
        let response = recipe.posted();
        let mut browser = browser.clone();
        let ended = hall.post(&mut browser, &hall.bank, (&response, Some(&asked.relay_state))).await;
        assert_ne!(ended, SIGNED_IN);
        assert_eq!(hall.refusal().await, "connection_misconfigured", "signed: {signed}");
    }
}

#[tokio::test]
async fn saml_13_an_administrator_cannot_take_the_last_key_away() {
    let hall = Hall::open().await;
    let world = &hall.world;
    let (clock, entropy) = (&*world.clock, SystemEntropy::default());
    let made = bootstrap(&*world.store, clock, &entropy, &url(ISSUER), SecretRotation::Renew).await.unwrap();
    let secret = made.client_secret.expect("it is made now");
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_id", made.client_id.as_str()),
        ("client_secret", secret.expose()),
        ("audience", made.audience.as_str()),
    ];
    let token = world.token(&fields).await;
    let call = async |method: &str, path: &str, body: Value| {
        let request = Request::builder()
            .method(method)
            .uri(format!("{ISSUER}api/v2/connections{path}"))
            .header("host", url(ISSUER).host_str().expect("a host"))
            .header("authorization", format!("Bearer {}", token.text("access_token")))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = world.app.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&bytes).into_owned())
    };
    let path = format!("/{}", hall.bank.connection);
    let xml = |change: fn(&mut Element)| json!({ "metadataXml": metadata(&hall, change) });
    for options in [
        by_hand(&json!(null)),
        by_hand(&json!("")),
        by_hand(&json!([])),
        xml(|document| document.part("md:KeyDescriptor").set("use", "encryption")),
        xml(|document| {
            let _key = document.part("md:IDPSSODescriptor").take("md:KeyDescriptor");
        }),
    ] {
        let (status, told) = call("PATCH", &path, json!({ "options": options.clone() })).await;
        assert_eq!(status, 400, "{options} {told}");
        assert!(told.contains("invalid_body"), "{told}");
        let fresh = json!({ "name": "fresh", "strategy": "samlp", "options": options });
        let (status, told) = call("POST", "", fresh).await;
        assert_eq!(status, 400, "{told}");
    }
    // Nothing has changed by any of them.
    hall.still_works().await;
    let good = json!({ "options": hall.options(&hall.bank, &json!({})) });
    let (status, told) = call("PATCH", &path, good).await;
    assert_eq!(status, 200, "the control: {told}");
    hall.still_works().await;
}

#[tokio::test]
async fn saml_30_weak_and_unusual_keys_are_refused_when_they_are_saved() {
    let hall = Hall::open().await;
    for key in [
        Key::rsa(512).unwrap(),
        Key::rsa(1024).unwrap(),
        Key::rsa_with_exponent(2048, 3).unwrap(),
        Key::unusual_curve().unwrap(),
        Key::dsa(1024).unwrap(),
    ] {
        for text in [key.certificate(), key.certificate_pem()] {
            assert!(problems(&hall.world, by_hand(&json!(text))).await.contains(&"/signingCert".to_owned()));
        }
        let published =
            metadata(&hall, |document| document.part("ds:X509Certificate").say(key.certificate()));
        assert_ne!(problems(&hall.world, json!({"metadataXml": published})).await, Vec::<String>::new());
    }
    let good = json!(hall.bank.signing().key.certificate_pem());
    assert_eq!(problems(&hall.world, by_hand(&good)).await, Vec::<String>::new());
}

#[tokio::test]
async fn saml_65_metadata_is_fetched_from_where_it_may_be_and_from_nowhere_else() {
    let hall = Hall::open().await;
    let canary = Canary::listen().await;
    let port = canary.url().rsplit(':').next().unwrap_or_default().to_owned();
    let from = async |address: &str| problems(&hall.world, json!({"metadataUrl": address})).await;
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "[::ffff:127.0.0.1]"] {
        assert_eq!(from(&format!("http://{host}:{port}")).await, ["/metadataUrl"], "{host}");
    }
    for address in
        ["http://169.254.169.254/latest", "https://10.0.0.1/", "file:///etc/passwd", "ftp://a/", "x"]
    {
        assert_eq!(from(address).await, ["/metadataUrl"], "{address}");
    }
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn saml_65_a_name_that_changes_its_address_leads_nowhere_else() {
    let hall = Hall::open().await;
    let idp = &hall.bank.idp;
    let port = idp.address().port();
    let canary = Canary::listen_on((Ipv4Addr::new(127, 31, 7, 65), port).into()).await;
    let fetched = async |allow: &[&str], answers: &[&[&str]], address: String| {
        let (egress, script) = egress(allow, answers);
        let deps = deps(hall.world.clock.clone(), EgressPolicy::default()).await;
        let deps = ConnectorDeps { http: Arc::new(egress), ..deps };
        let completed = SamlFactory::new().complete(json!({ "metadataUrl": address }), &deps).await;
        let problems = completed.err().unwrap_or_default();
        (problems.into_iter().map(|problem| problem.pointer).collect::<Vec<_>>(), script.lookups())
    };
    // Whatever a public name answers first, second, or beside it.
    for answers in [
        &[&["127.31.7.65"][..]][..],
        &[&["8.8.8.8", "127.31.7.65"][..]],
        &[&["2606:4700::1111", "::ffff:127.31.7.65"][..]],
        &[&["169.254.169.254"][..]],
    ] {
        let (problems, _) = fetched(&[], answers, "https://rebind.example/metadata".to_owned()).await;
        assert_eq!(problems, ["/metadataUrl"], "{answers:?}");
    }
    // The first answer is the bank, every later one is not: it is asked for once, and what was vetted is called.
    let there = format!("http://idp.localhost:{port}/saml/metadata");
    let listed = format!("idp.localhost:{port}");
    let answers: &[&[&str]] = &[&["127.0.0.1"], &["127.31.7.65"]];
    assert_eq!(fetched(&[&listed], answers, there).await, (vec![], 1));
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn saml_65_fetched_metadata_is_bounded_and_unambiguous() {
    let hall = Hall::open().await;
    let good = hall.bank.idp.metadata();
    let huge = format!("{good}<!--{}-->", "x".repeat(50 << 20));
    let canary = Canary::listen().await;
    let (there, served) = (canary.url(), good.clone());
    let router = Router::new()
        .route("/good", get(move || async move { served }))
        .route("/away", get(move || async move { Redirect::temporary(&there) }))
        .route("/huge", get(move || async move { huge }))
        .route("/missing", get(|| async { StatusCode::NOT_FOUND }));
    let bound = Served::bind((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let base = url(&format!("http://localhost:{}", bound.address().unwrap().port()));
    let _served = bound.answer(router).unwrap();
    let world = World::with_idp(Some(&base)).await;
    let from =
        async |path: &str| problems(&world, json!({"metadataUrl": base.join(path).unwrap().as_str()})).await;
    for path in ["away", "huge", "missing"] {
        assert_eq!(from(path).await, ["/metadataUrl"], "{path}");
    }
    assert_eq!(canary.hits(), 0);
    assert_eq!(from("good").await, Vec::<String>::new());

    let xml = async |text: String| problems(&world, json!({"metadataXml": text})).await;
    let open = "<md:EntitiesDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\">";
    let close = "</md:EntitiesDescriptor>";
    let other = hall.firm.idp.metadata();
    assert_eq!(xml(format!("{open}{good}{other}{close}")).await, ["/metadataXml"], "which one?");
    assert_eq!(xml(format!("<!DOCTYPE x>{good}")).await, ["/metadataXml"]);
    assert_eq!(
        xml(format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"{}\">]>{good}", canary.url())).await,
        ["/metadataXml"]
    );
    assert_eq!(xml("<a/>".to_owned()).await, ["/metadataXml"]);
    assert_eq!(xml(good[..good.len() - 9].to_owned()).await, ["/metadataXml"]);
    assert_eq!(xml(good.clone()).await, Vec::<String>::new());
    let named = json!({
        "metadataXml": format!("{open}{good}{other}{close}"),
        "issuer": hall.bank.idp.entity_id(),
    });
    assert_eq!(problems(&world, named).await, Vec::<String>::new(), "the one that is named");
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn saml_67_requests_have_ids_that_nobody_guesses() {
    let hall = Hall::with(json!({"signSAMLRequest": false})).await;
    let id = hall.bank.connection.clone();
    let connection = hall
        .world
        .store
        .read::<_, StoreError, _>(move |unit| Box::pin(async move { unit.connections().find(&id).await }));
    let connection = connection.await.unwrap().expect("it is there");
    let connector = hall.world.app.connectors.of(&connection).unwrap();
    let mut ids = BTreeSet::new();
    for _ in 0..10_000 {
        let request = AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            callback: url("https://login.portico.test/login/callback"),
            intent: Intent::SignIn,
            organization: None,
            client: None,
            login_hint: None,
            force: false,
            acr_values: Vec::new(),
            started_at: hall.world.clock.now(),
        };
        let Step::Ask(ask) = connector.begin(&request).await.unwrap() else { panic!("it asks") };
        let Interaction::Redirect(there) = ask.interaction else { panic!("it redirects") };
        let fields = crate::world::query(&there);
        let message = Element::read(&inflated(&fields["SAMLRequest"]).unwrap()).unwrap();
        assert!(fields["RelayState"].len() <= 80, "SAML Bindings §3.4.3");
        ids.insert(message.attribute("ID").to_owned());
    }
    assert_eq!(ids.len(), 10_000, "no ID comes twice");
    for id in &ids {
        let rest = id.strip_prefix('_').expect("a name does not begin with a digit");
        assert!(rest.len() >= 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    // Of 128 random bits each position has every digit.
    for position in 1..33 {
        let digits: BTreeSet<_> = ids.iter().map(|id| id.as_bytes()[position]).collect();
        assert_eq!(digits.len(), 16, "position {position}");
    }
}
