//! Owns RP-22: what a discovery document may say.
//! Never touches addresses: `egress.rs` does.

use super::{Bank, Canary, IDENTIFIED, fields};
use portico_fixtures::oidc_idp::{Fault, Mischief};
use serde_json::{Value, json};
use std::time::Duration;

fn says(document: Value) -> Mischief {
    Mischief { discovery: fields(document), ..Mischief::default() }
}

#[tokio::test]
async fn rp_22_a_discovery_document_speaks_for_its_own_issuer_and_origin() {
    let mut bank = Bank::open().await;
    let canary = Canary::listen().await;
    let issuer = bank.idp.issuer().to_owned();
    let elsewhere = canary.url();
    for (document, expected) in [
        (json!({"issuer": "https://evil.example"}), "rejected: discovery_issuer"),
        (json!({"issuer": format!("{issuer}/{{tenantid}}")}), "rejected: discovery_issuer"),
        (json!({"issuer": issuer.replace("localhost", "LOCALHOST")}), "rejected: discovery_issuer"),
        (json!({"issuer": issuer.replace("http", "https")}), "rejected: discovery_issuer"),
        (json!({"issuer": null}), "rejected: discovery_document"),
        (json!({"authorization_endpoint": elsewhere}), "rejected: authorization_endpoint_origin"),
        (json!({"token_endpoint": elsewhere}), "rejected: token_endpoint_origin"),
        (json!({"userinfo_endpoint": elsewhere}), "rejected: userinfo_endpoint_origin"),
        (json!({"jwks_uri": elsewhere}), "rejected: jwks_uri_origin"),
        (json!({"jwks_uri": "file:///etc/passwd"}), "rejected: jwks_uri_origin"),
        (json!({"token_endpoint": issuer.replace("http", "https")}), "rejected: token_endpoint_origin"),
        (json!({"token_endpoint": "/token"}), "rejected: discovery_document"),
        (json!({"jwks_uri": null}), "rejected: discovery_document"),
    ] {
        bank.restart().await;
        assert_eq!(bank.login_with(says(document.clone())).await, expected, "{document}");
    }
    for (fault, expected) in [
        (Fault::Redirect(302, elsewhere.clone()), "rejected: discovery_status"),
        (Fault::Html("<html>".to_owned()), "rejected: discovery_content_type"),
        (Fault::Huge(3 << 20), "rejected: discovery_too_large"),
        (Fault::Status(503), "unavailable"),
    ] {
        bank.restart().await;
        let told = format!("{fault:?}");
        let mischief = Mischief { discovery_fault: Some(fault), ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, expected, "{told}");
    }
    assert_eq!(canary.hits(), 0);
    bank.restart().await;
    bank.still_works().await;
}

#[tokio::test]
async fn rp_22_a_document_that_changes_later_changes_nothing() {
    let bank = Bank::open().await;
    let canary = Canary::listen().await;
    bank.still_works().await;
    bank.clock.advance(Duration::from_hours(2));
    let swapped = says(json!({"jwks_uri": format!("{}jwks", canary.url()), "token_endpoint": canary.url()}));
    assert_eq!(bank.login_with(swapped.clone()).await, IDENTIFIED, "what was known before is still used");
    assert_eq!(bank.idp.seen().discovery, 2, "the changed document was read");
    bank.clock.advance(Duration::from_hours(24));
    assert_eq!(bank.login_with(swapped).await, "rejected: token_endpoint_origin");
    assert_eq!(canary.hits(), 0);
    bank.still_works().await;
}
