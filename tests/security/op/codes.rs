//! Owns the cases of authorization codes and of what comes of them.
//! Never touches refresh tokens but to show that they are void.

use super::{
    INVALID_CODE, INVALID_REFRESH, INVALID_VERIFIER, is,
    stage::{self, API, ISSUER, Stage, VERIFIER, challenge, claims, header},
};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use portico_core::{port::key_ring::KeyRing, time::Clock};
use serde_json::json;
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn a_code_gives_tokens_that_say_who_it_is_about() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    let answer = stage.redeem(&code, &[]).await;
    assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
    let body = answer.json();
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_i64()), (Some("Bearer"), Some(86_400)));
    assert_eq!(body["scope"], "openid profile email offline_access");
    let id_token = answer.member("id_token");
    let now = stage.clock.now().seconds();
    let mut said = claims(&id_token);
    let sid = said["sid"].take();
    assert!(sid.as_str().is_some_and(|sid| sid.starts_with("ses_")));
    assert_eq!(
        said,
        json!({
            "iss": ISSUER, "sub": "auth0|jennifer", "aud": "hoekstra", "iat": now, "exp": now + 36_000, "auth_time": now,
            "nonce": "n-0S6_WzA2Mj", "sid": null, "amr": ["pwd"], "org_id": "org_hoekstra", "given_name": "Jennifer",
            "name": "jennifer@hoekstra.test", "nickname": "jennifer", "updated_at": "2026-11-24T12:00:00.000Z",
            "email": "jennifer@hoekstra.test", "email_verified": true,
        })
    );
    let kid = stage.keys.current().unwrap().kid;
    assert_eq!(header(&id_token), json!({ "alg": "ES256", "typ": "JWT", "kid": kid }));
    let known = stage.userinfo(&answer.member("access_token")).await;
    assert_eq!(
        (known.member("sub"), known.member("org_id")),
        ("auth0|jennifer".into(), "org_hoekstra".into())
    );
    assert_eq!(stage.entries().await, [("seacft", String::new())]);
}

#[tokio::test]
async fn a_token_for_an_api_holds_the_members_permissions_alone() {
    let stage = Stage::new().await;
    let for_api = |code: &mut portico_core::model::AuthorizationCode| {
        code.family.audience = Some(API.to_owned());
        code.family.scope = ["openid", "read:trips", "book:trips"].map(str::to_owned).to_vec();
    };
    let reader = stage::role(&stage, "rol_reader", "read:trips").await;
    let booker = stage::role(&stage, "rol_booker", "book:trips").await;
    let (user, organization) =
        (stage::jennifer(stage.clock.now()).id, stage::organization(stage.clock.now()).id);
    stage
        .write(move |unit| {
            Box::pin(async move {
                unit.members().add_roles(&organization, &user, &[reader]).await?;
                unit.roles().add_to_user(&user, &[booker]).await
            })
        })
        .await;

    let in_organization = stage.redeem(&stage.code(for_api).await, &[]).await.member("access_token");
    let said = claims(&in_organization);
    assert_eq!(
        (said["scope"].as_str(), &said["permissions"]),
        (Some("openid read:trips"), &json!(["read:trips"]))
    );
    assert_eq!(said["aud"], json!([API, "https://login.portico.test/userinfo"]));
    assert_eq!((said["azp"].as_str(), said["org_id"].as_str()), (Some("hoekstra"), Some("org_hoekstra")));
    assert_eq!(stage.userinfo(&in_organization).await.status, StatusCode::OK);

    let personal = stage.code(|code| {
        for_api(code);
        code.family.organization_id = None;
    });
    let personal = claims(&stage.redeem(&personal.await, &[]).await.member("access_token"));
    assert_eq!(personal["permissions"], json!(["book:trips"]), "outside, the user's own roles count");
    assert_eq!(personal.get("org_id"), None);
}

#[tokio::test]
async fn op_04_a_code_that_comes_twice_ends_what_came_of_it() {
    let stage = Stage::new().await;
    stage.rotate(0).await;
    let code = stage.code(|_| ()).await;
    let first = stage.redeem(&code, &[]).await;
    let (access, refresh) = (first.member("access_token"), first.member("refresh_token"));
    assert_eq!(stage.userinfo(&access).await.status, StatusCode::OK, "before, it is good");
    is(&stage.redeem(&code, &[]).await, INVALID_CODE);
    is(&stage.refresh(&refresh, &[]).await, INVALID_REFRESH);
    assert_eq!(stage.userinfo(&access).await.status, StatusCode::UNAUTHORIZED);
    let reasons: Vec<_> = stage.entries().await;
    let expected = [("feacft", "code_reused"), ("fertft", "family_revoked"), ("seacft", "")];
    assert_eq!(reasons, expected.map(|(kind, reason)| (kind, reason.to_owned())));
}

#[tokio::test]
async fn op_05_of_many_at_once_one_succeeds_and_then_nobody_has_anything() {
    let stage = Arc::new(Stage::new().await);
    let code = stage.code(|_| ()).await;
    let attempts = (0..50).map(|_| async { stage.redeem(&code, &[]).await });
    let answers = futures_util::future::join_all(attempts).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1);
    for lost in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
        is(lost, INVALID_CODE);
    }
    is(&stage.refresh(&won[0].member("refresh_token"), &[]).await, INVALID_REFRESH);
}

#[tokio::test]
async fn op_06_a_code_is_its_clients_and_its_addresss() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    is(&stage.redeem(&code, &[("client_id", "metahexa")]).await, INVALID_CODE);
    is(&stage.redeem(&code, &[("client_id", "spa"), ("client_secret", "")]).await, INVALID_CODE);
    is(&stage.redeem(&code, &[("redirect_uri", "https://app.travel0.test/callback/")]).await, INVALID_CODE);
    is(&stage.redeem(&code, &[("redirect_uri", "")]).await, INVALID_CODE);
    assert_eq!(stage.redeem(&code, &[]).await.status, StatusCode::OK, "none of these used it up");
    let reasons: Vec<_> = stage.entries().await.into_iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, ["other_client", "other_client", "other_redirect_uri", "redirect_uri_missing", ""]);

    let unnamed = stage.code(|code| code.redirect_uri_given = false).await;
    assert_eq!(stage.redeem(&unnamed, &[("redirect_uri", "")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn op_07_a_code_lives_a_minute_and_has_no_other_spelling() {
    let stage = Stage::new().await;
    let (in_time, late) = (stage.code(|_| ()).await, stage.code(|_| ()).await);
    for wrong in [&late[..late.len() - 1], &format!("{late}A"), &late.to_lowercase(), "code_", &late[5..]] {
        is(&stage.redeem(wrong, &[]).await, INVALID_CODE);
    }
    stage.clock.advance(Duration::from_millis(59_999));
    assert_eq!(stage.redeem(&in_time, &[]).await.status, StatusCode::OK);
    stage.clock.advance(Duration::from_millis(1));
    is(&stage.redeem(&late, &[]).await, INVALID_CODE);
    assert!(stage.logged("feacft", "code_expired").await);
}

#[tokio::test]
async fn op_08_only_the_verifier_fits_the_challenge() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    let portico_core::model::CodeChallenge::S256(plain) = challenge(VERIFIER);
    let other = VERIFIER.replace('d', "e");
    for wrong in [other.as_str(), &plain, &VERIFIER[1..], &"a".repeat(129), &format!("{VERIFIER}!")] {
        is(&stage.redeem(&code, &[("code_verifier", wrong)]).await, INVALID_VERIFIER);
    }
    assert_eq!(stage.redeem(&code, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn op_09_nobody_can_leave_the_proof_out() {
    let stage = Stage::new().await;
    let with = stage.code(|_| ()).await;
    let without = stage.code(|code| code.code_challenge = None).await;
    is(&stage.redeem(&with, &[("code_verifier", "")]).await, INVALID_VERIFIER);
    is(&stage.redeem(&without, &[]).await, INVALID_VERIFIER);
    assert_eq!(stage.redeem(&without, &[("code_verifier", "")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn org_07_08_membership_is_asked_at_every_use() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    let answer = stage.redeem(&stage.code(|_| ()).await, &[]).await;
    let (access, refresh) = (answer.member("access_token"), answer.member("refresh_token"));
    let at = stage.clock.now();
    let remove = stage.write(move |unit| {
        Box::pin(async move {
            unit.members().delete(&stage::organization(at).id, &stage::jennifer(at).id).await.map(drop)
        })
    });
    remove.await;
    is(
        &stage.redeem(&code, &[]).await,
        (403, "access_denied", "user auth0|jennifer is not part of the org_hoekstra organization"),
    );
    is(&stage.refresh(&refresh, &[]).await, INVALID_REFRESH);
    assert_eq!(stage.userinfo(&access).await.status, StatusCode::UNAUTHORIZED);
    assert!(stage.logged("fertft", "not_a_member").await);
    assert!(stage.logged("feacft", "not_a_member").await);
}

#[tokio::test]
async fn op_13_a_blocked_user_gets_nothing() {
    let stage = Stage::new().await;
    let answer = stage.redeem(&stage.code(|_| ()).await, &[]).await;
    let code = stage.code(|_| ()).await;
    let mut user = stage::jennifer(stage.clock.now());
    user.blocked = true;
    stage.write(move |unit| Box::pin(async move { unit.users().update(&user).await.map(drop) })).await;
    is(&stage.redeem(&code, &[]).await, (403, "unauthorized", "user is blocked"));
    is(&stage.refresh(&answer.member("refresh_token"), &[]).await, (403, "unauthorized", "user is blocked"));
    assert_eq!(stage.userinfo(&answer.member("access_token")).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn op_33_one_kind_of_token_is_no_other() {
    let stage = Stage::new().await;
    let answer = stage.redeem(&stage.code(|_| ()).await, &[]).await;
    let code = stage.code(|_| ()).await;
    let (access, refresh) = (answer.member("access_token"), answer.member("refresh_token"));
    for other in [&access, &refresh] {
        is(&stage.redeem(other, &[]).await, INVALID_CODE);
    }
    for other in [&access, &code] {
        is(&stage.refresh(other, &[]).await, INVALID_REFRESH);
    }
    for other in [&refresh, &code] {
        assert_eq!(stage.userinfo(other).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(stage.redeem(&code, &[]).await.status, StatusCode::OK);
    assert_eq!(stage.refresh(&refresh, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn op_36_rules_cannot_say_what_is_our_word() {
    let stage = Stage::new().await;
    let forged = json!({
        "sub": "auth0|admin", "iss": "https://evil.test/", "aud": "evil", "org_id": "org_other", "exp": 9_999_999_999_i64,
        "email_verified": false, "azp": "evil", "nonce": "x", "sid": "x", "scope": "admin", "permissions": ["all"],
        "https://travel0.test/desk": "amsterdam", "name": "Jenny",
    });
    let forged = forged.as_object().unwrap().clone();
    let code = stage.code(|code| {
        code.family.audience = Some(API.to_owned());
        code.id_token_claims = forged.clone();
        code.access_token_claims = forged;
    });
    let answer = stage.redeem(&code.await, &[]).await;
    let (id_token, access) = (claims(&answer.member("id_token")), claims(&answer.member("access_token")));
    for said in [&id_token, &access] {
        assert_eq!((said["sub"].as_str(), said["iss"].as_str()), (Some("auth0|jennifer"), Some(ISSUER)));
        assert_eq!(
            (said["org_id"].as_str(), said["https://travel0.test/desk"].as_str()),
            (Some("org_hoekstra"), Some("amsterdam"))
        );
        assert!(said["exp"].as_i64().unwrap() < stage.clock.now().seconds() + 86_401);
    }
    assert_eq!(
        (&id_token["aud"], &id_token["email_verified"], &id_token["name"]),
        (&json!("hoekstra"), &json!(true), &json!("Jenny"))
    );
    assert_eq!((id_token.get("azp"), id_token.get("permissions"), id_token.get("scope")), (None, None, None));
    assert_eq!(
        (access["azp"].as_str(), access["permissions"].as_array().map(Vec::len)),
        (Some("hoekstra"), Some(0))
    );
}
