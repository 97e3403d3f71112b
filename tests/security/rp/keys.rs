//! Owns RP-09, RP-23 and RP-24: which key a token is verified with, and how keys are fetched.
//! Never touches claims.

use super::{Bank, IDENTIFIED, fields};
use portico_fixtures::oidc_idp::{Fault, Mischief, Published, Signing};
use serde_json::{Value, json};
use std::time::Duration;

fn kid(kid: Value) -> Mischief {
    Mischief { header: serde_json::Map::from_iter([("kid".to_owned(), kid)]), ..Mischief::default() }
}

#[tokio::test]
async fn rp_09_a_key_id_is_a_name_in_this_connections_keys_and_nothing_else() {
    let mut bank = Bank::open().await;
    for (name, expected) in [
        (json!("../../../../dev/null"), "rejected: unknown_key"),
        (json!("x' OR '1'='1"), "rejected: unknown_key"),
        (json!(""), "rejected: unknown_key"),
        (json!("k".repeat(300)), "rejected: kid"),
        (json!("k".repeat(20_000)), "rejected: header"),
        (json!("k".repeat(1 << 20)), "rejected: token_too_large"),
        (json!(7), "rejected: kid"),
        (json!(["idp-2026-1"]), "rejected: kid"),
    ] {
        let told: String = name.to_string().chars().take(40).collect();
        assert_eq!(bank.login_with(kid(name)).await, expected, "{told}");
    }
    bank.still_works().await;

    let unnamed = Mischief { jwks: Published::Unnamed, ..kid(Value::Null) };
    bank.restart().await;
    assert_eq!(
        bank.login_with(unnamed).await,
        "rejected: ambiguous_key",
        "no name, and two keys that would fit"
    );
    let twice = Mischief { jwks: Published::SameIdTwice, ..Mischief::default() };
    bank.restart().await;
    assert_eq!(bank.login_with(twice).await, "rejected: ambiguous_key");
    bank.restart().await;
    assert_eq!(bank.login_with(kid(Value::Null)).await, IDENTIFIED, "no name, and one key that fits");
}

#[tokio::test]
async fn rp_09_keys_of_another_connection_do_not_count() {
    let (bank, other) = (Bank::open().await, Bank::open().await);
    other.idp.set_mischief(Mischief { jwks: Published::Next, signing: Signing::Next, ..Mischief::default() });
    assert_eq!(other.login().await, IDENTIFIED, "the other connection has the attacker's key");
    let forged = Mischief { signing: Signing::Next, ..Mischief::default() };
    assert_eq!(bank.login_with(forged).await, "rejected: unknown_key");
    bank.still_works().await;
}

#[tokio::test]
async fn rp_23_new_keys_are_fetched_when_they_are_needed_and_at_most_once_a_minute() {
    let bank = Bank::open().await;
    bank.still_works().await;
    assert_eq!((bank.idp.seen().discovery, bank.idp.seen().jwks), (1, 1));

    let rotated = Mischief { jwks: Published::Next, signing: Signing::Next, ..Mischief::default() };
    assert_eq!(bank.login_with(rotated.clone()).await, IDENTIFIED, "rotated keys are found at once");
    assert_eq!(bank.idp.seen().jwks, 2);
    bank.idp.set_mischief(rotated.clone());
    for number in 0..20 {
        bank.idp.set_mischief(Mischief {
            header: fields(json!({"kid": format!("random-{number}")})),
            ..rotated.clone()
        });
        assert_eq!(bank.login().await, "rejected: unknown_key");
    }
    assert_eq!(bank.idp.seen().jwks, 2, "random names fetch nothing");
    bank.clock.advance(Duration::from_mins(1));
    for _ in 0..5 {
        assert_eq!(bank.login().await, "rejected: unknown_key");
    }
    assert_eq!(bank.idp.seen().jwks, 3, "once a minute");
    assert_eq!(bank.login_with(rotated).await, IDENTIFIED);
}

#[tokio::test]
async fn rp_23_logins_at_the_same_time_share_one_fetch() {
    let bank = Bank::open().await;
    let logins = futures_util::future::join_all((0..12).map(|_| bank.login())).await;
    assert!(logins.iter().all(|outcome| outcome == IDENTIFIED), "{logins:?}");
    assert_eq!((bank.idp.seen().discovery, bank.idp.seen().jwks), (1, 1));
}

#[tokio::test]
async fn rp_24_bad_key_sets_are_refused() {
    let mut bank = Bank::open().await;
    let fault = |fault: Fault| Mischief { jwks_fault: Some(fault), ..Mischief::default() };
    let keys = |jwks: Published| Mischief { jwks, ..Mischief::default() };
    for (mischief, expected) in [
        (fault(Fault::Status(500)), "unavailable"),
        (fault(Fault::Huge(100 << 20)), "rejected: jwks_too_large"),
        (fault(Fault::Html("<html>".to_owned())), "rejected: jwks_content_type"),
        (fault(Fault::Status(404)), "rejected: jwks_status"),
        (fault(Fault::Json(200, json!([]))), "rejected: jwks_json"),
        (keys(Published::Many(10_000)), "rejected: jwks_too_large"),
        (keys(Published::Many(101)), "rejected: jwks_keys"),
        (keys(Published::SameIdTwice), "rejected: ambiguous_key"),
        (keys(Published::Nothing), "rejected: unknown_key"),
        (keys(Published::Document(json!({"keys": "none"}))), "rejected: jwks_document"),
        (keys(Published::Document(json!({}))), "rejected: jwks_document"),
    ] {
        let told = format!("{mischief:?}");
        bank.restart().await;
        assert_eq!(bank.login_with(mischief).await, expected, "{told}");
    }
    bank.restart().await;
    bank.still_works().await;
}

#[tokio::test]
async fn rp_24_a_key_set_that_does_not_end_is_given_up() {
    for fault in [Fault::Hang, Fault::Drip] {
        let bank = Bank::impatient().await;
        let mischief = Mischief { jwks_fault: Some(fault), ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, "unavailable");
        assert_eq!(bank.idp.seen().jwks, 1);
        bank.still_works().await;
    }
}

#[tokio::test]
async fn rp_24_known_keys_are_used_for_a_day_when_no_others_can_be_fetched() {
    let bank = Bank::open().await;
    bank.still_works().await;
    let down = Mischief { jwks_fault: Some(Fault::Status(500)), ..Mischief::default() };
    for hours in [1, 6, 12] {
        bank.clock.advance(Duration::from_hours(hours));
        assert_eq!(bank.login_with(down.clone()).await, IDENTIFIED, "{hours} hours later");
    }
    bank.clock.advance(Duration::from_hours(6));
    assert_eq!(bank.login_with(down).await, "unavailable");
    bank.still_works().await;
}
