//! Owns RP-04, RP-07, RP-08 and RP-10 to RP-15: what an ID token may be like.
//! Never touches where its keys come from.

use super::{Bank, Canary, IDENTIFIED, fields};
use portico_core::time::Clock;
use portico_fixtures::oidc_idp::{Fault, Mischief, PublicKeyForm, Shape, Signing};
use serde_json::{Value, json};

fn claims(claims: Value) -> Mischief {
    Mischief { claims: fields(claims), ..Mischief::default() }
}

fn header(header: Value) -> Mischief {
    Mischief { header: fields(header), ..Mischief::default() }
}

fn signed(signing: Signing) -> Mischief {
    Mischief { signing, ..Mischief::default() }
}

fn shaped(shape: Shape) -> Mischief {
    Mischief { shape, ..Mischief::default() }
}

/// Every attack ends with its reason, and after all of them an honest login goes through.
fn each_is_rejected(
    bank: &Bank,
    attacks: impl IntoIterator<Item = (Mischief, &'static str)>,
) -> impl Future<Output = ()> {
    // On the heap: a dozen attacks side by side make a large future.
    let attacks: Vec<_> = attacks.into_iter().collect();
    async move {
        for (mischief, reason) in attacks {
            let told: String = format!("{mischief:?}").chars().take(300).collect();
            assert_eq!(bank.login_with(mischief).await, format!("rejected: {reason}"), "{told}");
        }
        bank.still_works().await;
    }
}

#[tokio::test]
async fn rp_04_a_token_of_another_login_is_refused() {
    let bank = Bank::open().await;
    let kept = bank.connector.clone();
    let begun = bank.begin().await.unwrap();
    let query = super::answer_of(&begun.there, "amintha").await;
    let reply = portico_server::http::extract::params::Params::of_query(&query).unwrap().into_reply();
    let first = kept.resume(&begun.request, begun.memo, reply).await.unwrap();
    let portico_core::connector::Step::Identified(first) = first else { panic!("{first:?}") };
    let replayed = shaped(Shape::Text(first.evidence.id_token.unwrap()));
    each_is_rejected(
        &bank,
        [
            (replayed, "nonce"),
            (claims(json!({"nonce": null})), "nonce"),
            (claims(json!({"nonce": "guessed"})), "nonce"),
            (claims(json!({"nonce": ["x"]})), "nonce"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rp_07_an_unsigned_token_is_refused() {
    let unsigned = |alg: &str| signed(Signing::Unsigned(alg.to_owned()));
    each_is_rejected(
        &Bank::open().await,
        [
            (unsigned("none"), "alg"),
            (unsigned("NONE"), "alg"),
            (unsigned("nOnE"), "alg"),
            (unsigned(""), "alg"),
            (header(json!({"alg": null})), "alg"),
            (signed(Signing::Stripped), "signature"),
            (signed(Signing::Forged), "signature"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rp_08_only_the_algorithm_of_the_connection_is_taken() {
    each_is_rejected(
        &Bank::open().await,
        [
            (signed(Signing::PublicKeyAsSecret(PublicKeyForm::Pem)), "alg"),
            (signed(Signing::PublicKeyAsSecret(PublicKeyForm::Der)), "alg"),
            (signed(Signing::PublicKeyAsSecret(PublicKeyForm::Jwk)), "alg"),
            (signed(Signing::ClientSecret), "alg"),
            (signed(Signing::Es256), "alg"),
            (header(json!({"alg": "PS256"})), "alg"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rp_08_a_shared_secret_is_taken_where_it_is_asked_for_and_a_public_key_never_is() {
    let bank = Bank::with(json!({"id_token_signed_response_algs": ["HS256"]})).await;
    assert_eq!(bank.login_with(signed(Signing::ClientSecret)).await, IDENTIFIED);
    for form in [PublicKeyForm::Pem, PublicKeyForm::Der, PublicKeyForm::Jwk] {
        let mischief = signed(Signing::PublicKeyAsSecret(form));
        assert_eq!(bank.login_with(mischief).await, "rejected: signature", "{form:?}");
    }
    assert_eq!(bank.login_with(signed(Signing::Current)).await, "rejected: alg");
    let bank = Bank::with(json!({"id_token_signed_response_algs": ["ES256"]})).await;
    assert_eq!(bank.login_with(signed(Signing::Es256)).await, IDENTIFIED);
    assert_eq!(bank.login_with(signed(Signing::Current)).await, "rejected: alg");
}

#[tokio::test]
async fn rp_10_keys_in_the_token_are_not_followed() {
    let bank = Bank::open().await;
    let canary = Canary::listen().await;
    let forged = |extra: Value| Mischief { signing: Signing::Forged, ..header(extra) };
    let key = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"});
    each_is_rejected(
        &bank,
        [
            (forged(json!({"jku": canary.url()})), "header_key"),
            (forged(json!({"x5u": canary.url()})), "header_key"),
            (forged(json!({"jwk": key})), "header_key"),
            (forged(json!({"x5c": ["MIIB"]})), "signature"),
            (forged(json!({"kid": canary.url()})), "unknown_key"),
        ],
    )
    .await;
    assert_eq!(canary.hits(), 0);
}

#[tokio::test]
async fn rp_11_odd_and_oversized_tokens_are_refused_before_anything_is_computed() {
    let bank = Bank::open().await;
    let mut attacks = vec![
        (header(json!({"crit": ["exp"]})), "crit"),
        (header(json!({"crit": []})), "crit"),
        (header(json!({"b64": false, "crit": ["b64"]})), "crit"),
        (header(json!({"b64": false})), "b64"),
        (header(json!({"zip": "DEF"})), "zip"),
        (header(json!({"alg": "PBES2-HS512+A256KW", "enc": "A256GCM", "p2c": 1_000_000_000})), "jwe"),
        (shaped(Shape::Nested), "nested"),
        (shaped(Shape::FiveParts), "parts"),
        (shaped(Shape::Text(".....".to_owned())), "parts"),
        (shaped(Shape::Padded(40_000)), "size"),
        (shaped(Shape::Padded(1 << 20)), "token_too_large"),
    ];
    let many_dots = ".".repeat(30_000);
    attacks.push((shaped(Shape::Text(many_dots)), "parts"));
    let keys_before = bank.idp.seen().jwks;
    each_is_rejected(&bank, attacks).await;
    assert_eq!(bank.idp.seen().jwks, keys_before + 1, "nothing of it made us look for other keys");
}

#[tokio::test]
async fn rp_12_the_issuer_is_compared_character_by_character() {
    let bank = Bank::open().await;
    let issuer = bank.idp.issuer().to_owned();
    let others = [
        format!("{issuer}/"),
        issuer.to_uppercase(),
        issuer.replace("http://", "https://"),
        issuer.replace("http://", ""),
        issuer.replace("localhost", "127.0.0.1"),
        format!("{issuer}/{{tenantid}}/v2.0"),
        format!("{issuer}/other-tenant"),
        "https://accounts.google.com".to_owned(),
    ];
    let mut attacks: Vec<_> =
        others.into_iter().map(|other| (claims(json!({"iss": other})), "iss")).collect();
    attacks.push((claims(json!({"iss": null})), "iss"));
    attacks.push((claims(json!({"iss": [issuer]})), "iss"));
    each_is_rejected(&bank, attacks).await;
}

#[tokio::test]
async fn rp_13_a_token_for_anybody_else_is_refused() {
    let bank = Bank::open().await;
    each_is_rejected(
        &bank,
        [
            (claims(json!({"aud": "other"})), "aud"),
            (claims(json!({"aud": ["other"]})), "aud"),
            (claims(json!({"aud": ["gateway", "other"]})), "aud"),
            (claims(json!({"aud": ["gateway", "other"], "azp": "gateway"})), "aud"),
            (claims(json!({"aud": null})), "aud"),
            (claims(json!({"aud": []})), "aud"),
            (claims(json!({"azp": "other"})), "azp"),
            (claims(json!({"azp": null, "aud": {"gateway": true}})), "aud"),
        ],
    )
    .await;
    assert_eq!(bank.login_with(claims(json!({"aud": ["gateway"], "azp": "gateway"}))).await, IDENTIFIED);
}

#[tokio::test]
async fn rp_14_times_are_whole_present_and_close() {
    let bank = Bank::open().await;
    let now = bank.clock.now().seconds();
    each_is_rejected(
        &bank,
        [
            (claims(json!({"exp": now - 61})), "exp"),
            (claims(json!({"exp": null})), "exp"),
            (claims(json!({"exp": (now + 300).to_string()})), "exp"),
            (claims(json!({"exp": 1_795_530_000.5})), "exp"),
            (claims(json!({"exp": 1e300})), "exp"),
            (claims(json!({"iat": now + 61})), "iat"),
            (claims(json!({"iat": now - 11 * 60})), "iat"),
            (claims(json!({"iat": null})), "iat"),
            (claims(json!({"nbf": now + 3600})), "nbf"),
        ],
    )
    .await;
    let at_the_edge = json!({"exp": now - 59, "iat": now + 60, "nbf": now + 60});
    assert_eq!(bank.login_with(claims(at_the_edge)).await, IDENTIFIED);
}

#[tokio::test]
async fn rp_15_other_tokens_are_no_id_tokens() {
    let events = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    each_is_rejected(
        &Bank::open().await,
        [
            (header(json!({"typ": "at+jwt"})), "typ"),
            (header(json!({"typ": "application/at+jwt"})), "typ"),
            (header(json!({"typ": "logout+jwt"})), "typ"),
            (header(json!({"typ": "JOSE+JSON"})), "typ"),
            (claims(json!({"events": events})), "logout_token"),
            (claims(json!({"nonce": null, "scope": "openid"})), "nonce"),
            (shaped(Shape::Text("an-opaque-access-token".to_owned())), "parts"),
            (
                Mischief { token: fields(json!({"id_token": null})), ..Mischief::default() },
                "id_token_missing",
            ),
            (Mischief { token: fields(json!({"token_type": "N_A"})), ..Mischief::default() }, "token_type"),
            (claims(json!({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"})), "at_hash"),
            (claims(json!({"sub": null})), "sub"),
            (claims(json!({"sub": ""})), "sub"),
        ],
    )
    .await;
}

#[tokio::test]
async fn rp_25_the_token_endpoint_is_not_followed_not_waited_for_and_not_quoted() {
    let bank = Bank::open().await;
    let canary = Canary::listen().await;
    let markup = "<script>alert(1)</script>";
    for (fault, expected) in [
        (Fault::Redirect(307, canary.url()), "rejected: token_status"),
        (Fault::Redirect(302, canary.url()), "rejected: token_status"),
        (Fault::Redirect(303, canary.url()), "rejected: token_status"),
        (Fault::Huge(3 << 20), "rejected: token_too_large"),
        (Fault::Status(500), "unavailable"),
        (Fault::Status(204), "rejected: token_status"),
        (Fault::Html(markup.to_owned()), "rejected: token_content_type"),
        (Fault::Json(400, json!({"error": markup, "error_description": markup})), "rejected: token_status"),
        (
            Fault::Json(400, json!({"error": "invalid_grant", "error_description": markup})),
            "rejected: invalid_grant",
        ),
        (
            Fault::Json(401, json!({"error": "invalid_client", "error_description": markup})),
            "misconfigured: the identity provider does not take our credentials: invalid_client",
        ),
        (Fault::Json(200, json!(["a"])), "rejected: token_json"),
    ] {
        let told = format!("{fault:?}");
        let mischief = Mischief { token_fault: Some(fault), ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, expected, "{told}");
    }
    assert_eq!(canary.hits(), 0);
    bank.still_works().await;
}

#[tokio::test]
async fn rp_25_a_token_endpoint_that_does_not_end_is_given_up() {
    for fault in [Fault::Hang, Fault::Drip] {
        let bank = Bank::impatient().await;
        let mischief = Mischief { token_fault: Some(fault), ..Mischief::default() };
        assert_eq!(bank.login_with(mischief).await, "unavailable");
        assert_eq!(bank.idp.seen().token, 1);
        bank.still_works().await;
    }
}
