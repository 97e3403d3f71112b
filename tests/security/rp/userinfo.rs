//! Owns RP-16 and RP-17: what UserInfo may say, and what `email_verified` means.
//! Never touches admission, which decides what a verified address is worth.

use super::{Bank, IDENTIFIED, answer_of, fields};
use portico_core::connector::{Reply, Step};
use portico_fixtures::oidc_idp::{Fault, Mischief};
use serde_json::{Map, Value, json};

#[tokio::test]
async fn rp_16_userinfo_must_be_json_about_the_same_person() {
    let bank = Bank::open().await;
    let about = |userinfo: Value| Mischief { userinfo: fields(userinfo), ..Mischief::default() };
    let fault = |fault: Fault| Mischief { userinfo_fault: Some(fault), ..Mischief::default() };
    for (mischief, expected) in [
        (about(json!({"sub": "idp-mallory"})), "rejected: userinfo_sub"),
        (about(json!({"sub": "IDP-AMINTHA"})), "rejected: userinfo_sub"),
        (about(json!({"sub": null})), "rejected: userinfo_sub"),
        (about(json!({"sub": ["idp-amintha"]})), "rejected: userinfo_sub"),
        (fault(Fault::Html("<p>idp-amintha</p>".to_owned())), "rejected: userinfo_content_type"),
        (fault(Fault::Jwt("e30.e30.c2ln".to_owned())), "rejected: userinfo_content_type"),
        (fault(Fault::Json(401, json!({"sub": "idp-amintha"}))), "rejected: userinfo_status"),
        (fault(Fault::Json(200, json!("idp-amintha"))), "rejected: userinfo_json"),
        (fault(Fault::Huge(3 << 20)), "rejected: userinfo_too_large"),
        (fault(Fault::Status(503)), "unavailable"),
    ] {
        let told = format!("{mischief:?}");
        assert_eq!(bank.login_with(mischief).await, expected, "{told}");
    }
    bank.still_works().await;
}

/// The profile of a login while the identity provider says this, in the ID token and at UserInfo.
async fn profile(bank: &Bank, token: Value, userinfo: Value) -> Map<String, Value> {
    bank.idp.set_mischief(Mischief {
        claims: fields(token),
        userinfo: fields(userinfo),
        ..Mischief::default()
    });
    let begun = bank.begin().await.unwrap();
    let query = answer_of(&begun.there, "amintha").await;
    let reply: Reply = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let step = bank.connector.resume(&begun.request, begun.memo, reply).await.unwrap();
    let Step::Identified(assertion) = step else { panic!("{step:?}") };
    assertion.profile
}

#[tokio::test]
async fn rp_17_nothing_but_the_boolean_true_claims_that_an_address_is_verified() {
    let bank = Bank::open().await;
    let nothing = json!({"email_verified": null});
    let absent = profile(&bank, nothing.clone(), nothing.clone()).await;
    assert_eq!(absent.get("email_verified"), None);
    for (said, verified) in [(json!(true), true), (json!(false), false), (json!("true"), false)] {
        let said = json!({"email_verified": said});
        assert_eq!(
            profile(&bank, said.clone(), nothing.clone()).await["email_verified"],
            json!(verified),
            "{said}"
        );
        assert_eq!(
            profile(&bank, nothing.clone(), said.clone()).await["email_verified"],
            json!(verified),
            "{said}"
        );
    }
    for odd in [json!(1), json!("yes"), json!([true])] {
        let odd = json!({"email_verified": odd});
        assert_eq!(
            profile(&bank, nothing.clone(), odd.clone()).await["email_verified"],
            json!(false),
            "{odd}"
        );
        let mischief = Mischief { claims: fields(odd), ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, "rejected: claims");
    }
}

#[tokio::test]
async fn rp_17_verified_is_said_of_one_address_and_counts_for_no_other() {
    let bank = Bank::open().await;
    let of_the_chief = json!({"email": "ceo@orgb.example"});
    let of_my_own = json!({"email": "mallory@metahexa.example", "email_verified": true});
    let mixed = profile(&bank, of_the_chief.clone(), of_my_own.clone()).await;
    assert_eq!((mixed.get("email"), mixed.get("email_verified")), (of_the_chief.get("email"), None));
    let no_text = profile(&bank, json!({"email": null}), json!({"email": ["a@b.example"]})).await;
    assert_eq!(no_text.get("email"), None);
    let same = profile(&bank, of_my_own.clone(), of_my_own.clone()).await;
    assert_eq!(same["email_verified"], json!(true));
    assert_eq!(bank.login_with(Mischief::default()).await, IDENTIFIED);
}
