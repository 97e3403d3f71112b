//! Owns RP-01 to RP-06 and RP-27: what comes back through the browser.
//! Never touches tokens.

use super::{Bank, IDENTIFIED, answer_of, field, fields};
use portico_fixtures::oidc_idp::Mischief;
use serde_json::json;
use url::Url;

#[tokio::test]
async fn rp_01_a_code_of_another_identity_provider_never_reaches_this_one() {
    let (honest, malicious) = (Bank::open().await, Bank::open().await);
    let begun = malicious.begin().await.unwrap();
    // The malicious provider sends the browser on to the honest one, with everything else as it was.
    let mut there = Url::parse(&format!("{}/authorize", honest.idp.issuer())).unwrap();
    there.set_query(begun.there.query());
    let answer = answer_of(&there, "amintha").await;
    assert_eq!(malicious.resume(&begun, &answer).await, "rejected: response_iss");
    let (code, state) = (field(&answer, "code"), field(&answer, "state"));
    let stripped = [("code", code.as_str()), ("state", state.as_str())];
    assert_eq!(malicious.resume_with(&begun, stripped).await, "rejected: response_iss_missing");
    assert_eq!(malicious.idp.seen().token, 0, "the code went nowhere");
    // Nor does the honest connection take an answer to a question that the malicious one asked.
    assert_eq!(honest.resume(&begun, &answer).await, "rejected: issuer_changed");
    honest.still_works().await;
    malicious.still_works().await;
}

/// Identity providers that do not say who answers (RFC 9207), as most do not.
fn silent() -> Mischief {
    Mischief {
        discovery: fields(json!({"authorization_response_iss_parameter_supported": null})),
        response: fields(json!({"iss": null})),
        ..Mischief::default()
    }
}

#[tokio::test]
async fn rp_01_a_code_that_comes_to_another_connections_callback_goes_nowhere() {
    let honest = Bank::named("honest", json!({"own_callback": true})).await;
    let malicious = Bank::named("malicious", json!({})).await;
    for bank in [&honest, &malicious] {
        assert_eq!(bank.login_with(silent()).await, IDENTIFIED, "the control of {}", bank.name);
        bank.idp.set_mischief(silent());
    }
    let before = malicious.idp.seen().token;

    // The malicious provider sends the browser on to the honest one, as the honest one's client would have: that one
    // knows a single address, and it is the honest connection's.
    let begun = malicious.begin().await.unwrap();
    let asked = honest.begin().await.unwrap().there;
    assert_eq!(
        field(asked.query().unwrap(), "redirect_uri"),
        "https://gateway.example/login/callback?connection=honest"
    );
    let mut there = Url::parse(&format!("{}/authorize", honest.idp.issuer())).unwrap();
    for (name, value) in begun.there.query_pairs() {
        let own = "https://gateway.example/login/callback?connection=honest";
        there.query_pairs_mut().append_pair(&name, if name == "redirect_uri" { own } else { &value });
    }
    let answer = answer_of(&there, "amintha").await;
    assert_eq!(malicious.resume(&begun, &answer).await, "rejected: other_callback");
    assert_eq!(malicious.idp.seen().token, before, "the code went nowhere");

    // Nor does the honest connection take what came to the callback that others share.
    let begun = honest.begin().await.unwrap();
    let answer = answer_of(&begun.there, "amintha").await;
    let (code, state) = (field(&answer, "code"), field(&answer, "state"));
    let shared = [("code", code.as_str()), ("state", state.as_str())];
    assert_eq!(honest.resume_with(&begun, shared).await, "rejected: shared_callback");
    assert_eq!(honest.resume(&begun, &answer).await, IDENTIFIED, "the control: the same at its own");
}

#[tokio::test]
async fn rp_02_a_promised_issuer_must_come_once_and_be_right() {
    let bank = Bank::open().await;
    for (response, again, expected) in [
        (json!({"iss": null}), None, "rejected: response_iss_missing"),
        (json!({"iss": "https://evil.example"}), None, "rejected: response_iss"),
        (json!({"iss": format!("{}/", bank.idp.issuer())}), None, "rejected: response_iss"),
        (json!({"iss": ""}), None, "rejected: response_iss_missing"),
        (json!({}), Some(bank.idp.issuer()), "refused by the edge"),
        (json!({}), Some("https://evil.example"), "refused by the edge"),
    ] {
        let response_again = again.map(|issuer| ("iss".to_owned(), issuer.to_owned())).into_iter().collect();
        let mischief = Mischief { response: fields(response.clone()), response_again, ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, expected, "{response} {again:?}");
    }
    assert_eq!(bank.idp.seen().token, 0);
    bank.still_works().await;
}

#[tokio::test]
async fn rp_02_an_issuer_that_was_not_promised_is_checked_when_it_comes() {
    let silent = silent();
    let mut bank = Bank::open().await;
    assert_eq!(bank.login_with(silent.clone()).await, IDENTIFIED);
    bank.restart().await;
    let wrong = Mischief { response: fields(json!({"iss": "https://evil.example"})), ..silent };
    assert_eq!(bank.login_with(wrong).await, "rejected: response_iss");
}

#[tokio::test]
async fn rp_03_the_state_must_be_this_logins_own() {
    let bank = Bank::open().await;
    let (begun, other) = (bank.begin().await.unwrap(), bank.begin().await.unwrap());
    let answer = answer_of(&begun.there, "amintha").await;
    let (code, iss, state) = (field(&answer, "code"), field(&answer, "iss"), field(&answer, "state"));
    assert_eq!(state, begun.request.transaction.as_str());
    assert_eq!(bank.resume_with(&begun, [("code", &code), ("iss", &iss)]).await, "missing: state");
    let padded = format!("{state}A");
    for wrong in ["", &state[..state.len() - 1], &padded, other.request.transaction.as_str()] {
        let reply = [("code", code.as_str()), ("iss", iss.as_str()), ("state", wrong)];
        assert_eq!(bank.resume_with(&begun, reply).await, "rejected: state", "{wrong}");
    }
    assert_eq!(bank.resume(&other, &answer).await, "rejected: state");
    assert_eq!(bank.idp.seen().token, 0);
    assert_eq!(bank.resume(&begun, &answer).await, IDENTIFIED);
    assert_eq!(bank.resume(&begun, &answer).await, "rejected: invalid_grant", "a code is used once");
}

#[tokio::test]
async fn rp_05_a_stolen_code_is_useless_in_another_login() {
    let bank = Bank::open().await;
    let (victim, attacker) = (bank.begin().await.unwrap(), bank.begin().await.unwrap());
    let inject = async |ignores_pkce| {
        bank.idp.set_mischief(Mischief { ignores_pkce, ..Mischief::default() });
        let stolen = field(&answer_of(&victim.there, "amintha").await, "code");
        let state = attacker.request.transaction.as_str();
        bank.resume_with(&attacker, [("code", &stolen), ("iss", bank.idp.issuer()), ("state", state)]).await
    };
    assert_eq!(inject(false).await, "rejected: invalid_grant", "the verifier does not fit the challenge");
    assert_eq!(inject(true).await, "rejected: nonce", "nor does the nonce, where nobody looks at verifiers");
    bank.still_works().await;
}

#[tokio::test]
async fn rp_06_pkce_is_sent_to_providers_that_ignore_it_and_the_nonce_covers() {
    let bank = Bank::open().await;
    let careless = Mischief { ignores_pkce: true, ..Mischief::default() };
    assert_eq!(bank.login_with(careless.clone()).await, IDENTIFIED);
    let seen = bank.idp.seen();
    assert_eq!(seen.last_authorize["code_challenge_method"], "S256");
    assert_eq!(seen.last_authorize["code_challenge"].len(), 43);
    assert_eq!(seen.last_token["code_verifier"].len(), 43);
    let other_nonce = Mischief { claims: fields(json!({"nonce": "another"})), ..careless };
    assert_eq!(bank.login_with(other_nonce).await, "rejected: nonce");
}

#[tokio::test]
async fn rp_27_errors_are_answers_and_their_texts_are_never_shown() {
    let bank = Bank::open().await;
    let text = "<script>alert(1)</script>";
    for (response, expected) in [
        (json!({"error": "access_denied"}), "rejected: error_and_code"),
        (
            json!({"code": null, "error": "access_denied", "error_description": text}),
            "refused: AccessDenied None",
        ),
        (json!({"code": null, "error": "login_required"}), "refused: AccessDenied None"),
        (json!({"code": null, "error": "server_error"}), "unavailable"),
        (json!({"code": null, "error": text}), "rejected: error_response"),
        (json!({"code": null}), "missing: code"),
        (json!({"code": ""}), "missing: code"),
        (json!({"id_token": "a.b.c"}), "rejected: front_channel"),
        (json!({"code": null, "id_token": "a.b.c"}), "rejected: front_channel"),
        (json!({"access_token": "x"}), "rejected: front_channel"),
        (json!({"response": "a.b.c"}), "rejected: front_channel"),
        (
            json!({"code": null, "error": "access_denied", "iss": "https://evil.example"}),
            "rejected: response_iss",
        ),
    ] {
        let mischief = Mischief { response: fields(response.clone()), ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, expected, "{response}");
    }
    for name in ["code", "state", "iss", "error"] {
        let response_again = vec![(name.to_owned(), "x".to_owned()), (name.to_owned(), "y".to_owned())];
        let mischief = Mischief { response_again, ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, "refused by the edge", "two of {name}");
    }
    assert_eq!(bank.idp.seen().token, 0);
    bank.still_works().await;
}
