//! Owns the cases of the OpenID provider's token side (`security.md` §1.3): codes, tokens, keys, logout.
//! Never touches `/authorize`: its cases are journeys.

mod stage;

use axum::{body::Body, http::Request};
use http::{
    StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE},
};
use portico_core::{
    id::{ClientId, OrganizationId},
    model::OrganizationUsage,
    port::{key_ring::KeyRing, script::ScriptError},
    time::Clock,
};
use serde_json::{Value, json};
use stage::{API, CALLBACK, ISSUER, Rules, SECRET, Stage, VERIFIER, basic, challenge, claims, form, header};
use std::{sync::Arc, time::Duration};

const INVALID_CODE: (u16, &str, &str) = (403, "invalid_grant", "Invalid authorization code");
const INVALID_VERIFIER: (u16, &str, &str) = (403, "invalid_grant", "Failed to verify code verifier");
const INVALID_REFRESH: (u16, &str, &str) = (403, "invalid_grant", "Unknown or invalid refresh token.");
const UNAUTHORIZED: (u16, &str, &str) = (401, "access_denied", "Unauthorized");

fn is(answer: &stage::Answer, expected: (u16, &str, &str)) {
    let (status, code, description) = answer.refusal();
    assert_eq!((status, code.as_str(), description.as_str()), expected);
}

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
async fn a_machine_gets_what_its_grant_has() {
    let stage = Stage::new().await;
    let ask = async |more: &[(&str, &str)]| {
        let mut fields =
            vec![("grant_type", "client_credentials"), ("client_id", "machine"), ("client_secret", SECRET)];
        fields.extend(more);
        stage.token(&fields).await
    };
    let answer = ask(&[("audience", API)]).await;
    let said = claims(&answer.member("access_token"));
    assert_eq!(
        (said["sub"].as_str(), said["gty"].as_str()),
        (Some("machine@clients"), Some("client-credentials"))
    );
    assert_eq!(said["scope"], "read:trips book:trips");
    assert_eq!(
        claims(&ask(&[("audience", API), ("scope", "read:trips")]).await.member("access_token"))["scope"],
        "read:trips"
    );
    let body = json!({ "grant_type": "client_credentials", "client_id": "machine", "client_secret": SECRET, "audience": API });
    let request = Request::post("/oauth/token").header(CONTENT_TYPE, "application/json");
    let by_json = stage.send(request.body(Body::from(body.to_string())).unwrap()).await;
    assert_eq!(by_json.status, StatusCode::OK, "{}", by_json.text);

    is(&ask(&[]).await, (400, "invalid_request", "Missing required parameter: audience"));
    is(
        &ask(&[("audience", "https://nobody.test")]).await,
        (403, "access_denied", "Service not enabled within domain: https://nobody.test"),
    );
    let wider = ask(&[("audience", API), ("scope", "read:trips delete:trips")]).await;
    assert_eq!(wider.refusal().1, "invalid_scope");
    let kinds: Vec<_> = stage.entries().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["feccft", "feccft", "feccft", "seccft", "seccft", "seccft"]);
}

#[tokio::test]
async fn org_16_the_organization_of_a_machine_comes_from_its_grant() {
    let stage = Stage::new().await;
    let ask = async |organization: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", "machine"),
            ("client_secret", SECRET),
            ("audience", API),
            ("organization", organization),
        ];
        stage.token(&fields).await
    };
    assert_eq!(ask("org_hoekstra").await.refusal().1, "access_denied", "no organization was granted");
    is(&ask("org_other").await, (400, "invalid_request", "parameter organization is invalid: org_other"));
    let change = async |usage, organizations: Vec<OrganizationId>| {
        stage
            .write(move |unit| {
                Box::pin(async move {
                    let machine = ClientId::parse("machine").unwrap();
                    let mut grant = unit.client_grants().find_for(&machine, API).await?.unwrap();
                    (grant.organization_usage, grant.organizations) = (usage, organizations);
                    unit.client_grants().update(&grant).await.map(drop)
                })
            })
            .await;
    };
    change(OrganizationUsage::Deny, Vec::new()).await;
    is(
        &ask("org_hoekstra").await,
        (400, "invalid_request", "parameter organization is not allowed for this client"),
    );
    change(OrganizationUsage::Require, vec![OrganizationId::parse("org_hoekstra").unwrap()]).await;
    is(&ask("").await, (400, "invalid_request", "parameter organization is required for this client"));
    let said = claims(&ask("org_hoekstra").await.member("access_token"));
    assert_eq!(said["org_id"], "org_hoekstra");
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
async fn op_10_an_old_refresh_token_ends_its_family() {
    let stage = Stage::new().await;
    stage.rotate(0).await;
    let first = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    let answer = stage.refresh(&first, &[]).await;
    let second = answer.member("refresh_token");
    assert_ne!(first, second);
    assert_eq!(claims(&answer.member("id_token")).get("nonce"), None, "a nonce is of its login alone");
    is(&stage.refresh(&first, &[]).await, INVALID_REFRESH);
    is(&stage.refresh(&second, &[]).await, INVALID_REFRESH);
    let kinds: Vec<_> = stage.entries().await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["ferrt", "fertft", "seacft", "sertft"]);
}

#[tokio::test]
async fn op_11_there_are_never_two_live_leaves() {
    let stage = Arc::new(Stage::new().await);
    stage.rotate(0).await;
    let token = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    let attempts = (0..20).map(|_| async { stage.refresh(&token, &[]).await });
    let answers = futures_util::future::join_all(attempts).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == StatusCode::OK).collect();
    assert_eq!(won.len(), 1);
    is(&stage.refresh(&won[0].member("refresh_token"), &[]).await, INVALID_REFRESH);

    stage.rotate(10).await;
    let token = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    let child = stage.refresh(&token, &[]).await.member("refresh_token");
    stage.clock.advance(Duration::from_millis(9_999));
    assert_eq!(stage.refresh(&token, &[]).await.member("refresh_token"), child, "the same child");
    let grandchild = stage.refresh(&child, &[]).await.member("refresh_token");
    is(&stage.refresh(&token, &[]).await, INVALID_REFRESH);
    is(&stage.refresh(&grandchild, &[]).await, INVALID_REFRESH);
}

#[tokio::test]
async fn op_12_a_refresh_token_is_its_clients_and_gives_no_more() {
    let stage = Stage::new().await;
    let token = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    is(&stage.refresh(&token, &[("client_id", "metahexa")]).await, INVALID_REFRESH);
    is(&stage.refresh(&token, &[("client_secret", "metahexa-secret")]).await, UNAUTHORIZED);
    is(&stage.refresh(&token, &[("audience", API)]).await, INVALID_REFRESH);
    is(&stage.refresh(&token, &[("organization", "org_metahexa")]).await, INVALID_REFRESH);
    assert_eq!(stage.refresh(&token, &[("scope", "openid phone")]).await.refusal().1, "invalid_scope");
    let less =
        stage.refresh(&token, &[("scope", "openid"), ("organization", "org_hoekstra"), ("x", "y")]).await;
    assert_eq!(less.json()["scope"], "openid");
    let known = stage.userinfo(&less.member("access_token")).await.json();
    assert_eq!(known, json!({ "sub": "auth0|jennifer", "org_id": "org_hoekstra" }), "less scope learns less");
}

#[tokio::test]
async fn op_14_a_refresh_token_ends_without_use_and_in_any_case() {
    let stage = Stage::new().await;
    stage.rotate(0).await;
    let idle = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    let mut used = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    for _ in 0..6 {
        stage.clock.advance(Duration::from_secs(599));
        used = stage.refresh(&used, &[]).await.member("refresh_token");
    }
    is(&stage.refresh(&idle, &[]).await, INVALID_REFRESH);
    stage.clock.advance(Duration::from_secs(6));
    is(&stage.refresh(&used, &[]).await, INVALID_REFRESH);
    assert!(stage.logged("fertft", "refresh_token_expired").await);
    assert!(stage.logged("fertft", "refresh_token_idle").await);
}

#[tokio::test]
async fn op_15_clients_show_who_they_are_in_their_own_way() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    is(&stage.redeem(&code, &[("client_secret", "wrong")]).await, UNAUTHORIZED);
    is(&stage.redeem(&code, &[("client_secret", "")]).await, UNAUTHORIZED);
    is(&stage.redeem(&code, &[("client_id", "HOEKSTRA")]).await, UNAUTHORIZED);
    is(&stage.redeem(&code, &[("client_id", "spa")]).await, UNAUTHORIZED);
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", CALLBACK)];
    let mut request = form("/oauth/token", &fields);
    request.headers_mut().insert(AUTHORIZATION, basic("hoekstra", SECRET).parse().unwrap());
    let by_header = stage.send(request).await;
    is(&by_header, UNAUTHORIZED);
    assert!(by_header.headers.contains_key(WWW_AUTHENTICATE), "RFC 6749 §5.2");
    let in_query = stage.send(form(&format!("/oauth/token?client_secret={SECRET}"), &fields)).await;
    is(&in_query, (400, "invalid_request", "parameters must be in the body"));
    assert_eq!(stage.redeem(&code, &[]).await.status, StatusCode::OK);
    let other_grant = stage.token(&[
        ("grant_type", "client_credentials"),
        ("client_id", "hoekstra"),
        ("client_secret", SECRET),
        ("audience", API),
    ]);
    let (status, error, description) = other_grant.await.refusal();
    assert_eq!((status, error.as_str()), (403, "unauthorized_client"));
    assert_eq!(description, "Grant type 'client_credentials' not allowed for the client.");
}

#[tokio::test]
async fn op_15_guessing_at_a_secret_is_slowed_down() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    for _ in 0..60 {
        is(&stage.redeem(&code, &[("client_secret", "guess")]).await, UNAUTHORIZED);
    }
    let (status, error, _) = stage.redeem(&code, &[("client_secret", "guess")]).await.refusal();
    assert_eq!((status, error.as_str()), (429, "too_many_requests"));
    assert_eq!(stage.entries().await.len(), 60, "what is beyond does not fill the log");
    assert_eq!(stage.redeem(&code, &[]).await.status, StatusCode::OK, "the client itself is not kept out");
    stage.clock.advance(Duration::from_secs(1));
    is(&stage.redeem(&code, &[("client_secret", "guess")]).await, UNAUTHORIZED);
}

#[tokio::test]
async fn op_24_the_token_endpoint_reads_each_parameter_once() {
    let stage = Stage::new().await;
    let code = stage.code(|_| ()).await;
    let twice = stage.redeem(&code, &[("client_id", "hoekstra"), ("client_id", "hoekstra")]).await;
    assert_eq!((twice.status, twice.refusal().1), (StatusCode::BAD_REQUEST, "invalid_request".to_owned()));
    let line_break = stage.redeem(&code, &[("scope", "openid\r\nx")]).await;
    assert_eq!(line_break.refusal().1, "invalid_request");
    let html =
        Request::post("/oauth/token").header(CONTENT_TYPE, "text/html").body(Body::from("<a>")).unwrap();
    assert_eq!(stage.send(html).await.refusal().1, "invalid_request", "never a page");
    let unknown = stage.redeem(&code, &[("auth0Client", "x"), ("organization", "org_hoekstra")]).await;
    assert_eq!(unknown.status, StatusCode::OK, "what is unknown is ignored");
}

#[tokio::test]
async fn op_30_metadata_and_keys_show_what_is_public() {
    let stage = Stage::new().await;
    let answer = stage.get("/.well-known/openid-configuration", &[("host", "evil.test")]).await;
    let metadata = answer.json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["end_session_endpoint"], "https://login.portico.test/oidc/logout");
    assert!(!answer.text.contains("evil.test") && !answer.text.contains("http://"));
    assert_eq!(stage.get("/.well-known/oauth-authorization-server", &[]).await.json(), metadata);
    let keys = stage.get("/.well-known/jwks.json", &[]).await;
    assert!(keys.headers[CACHE_CONTROL].to_str().unwrap().contains("max-age"));
    let keys = keys.json()["keys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "the current one and the next one");
    for key in &keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
            assert_eq!(key.get(private), None);
        }
        assert_eq!((key["use"].as_str(), key["alg"].as_str()), (Some("sig"), Some("ES256")));
    }
}

#[tokio::test]
async fn op_31_userinfo_takes_its_own_tokens_alone() {
    let stage = Stage::new().await;
    let answer = stage.redeem(&stage.code(|_| ()).await, &[]).await;
    let (access, id_token) = (answer.member("access_token"), answer.member("id_token"));
    let for_api_alone = stage.code(|code| {
        code.family.audience = Some(API.to_owned());
        code.family.scope = vec!["read:trips".to_owned()];
    });
    let for_api_alone = stage.redeem(&for_api_alone.await, &[]).await.member("access_token");
    let for_both = stage.code(|code| code.family.audience = Some(API.to_owned())).await;
    let for_both = stage.redeem(&for_both, &[]).await.member("access_token");
    let name = claims(&for_both)["jti"].as_str().unwrap().to_owned();
    let machine = [
        ("grant_type", "client_credentials"),
        ("client_id", "machine"),
        ("client_secret", SECRET),
        ("audience", API),
    ];
    let machine = stage.token(&machine).await.member("access_token");
    let last = if for_both.ends_with('A') { 'Q' } else { 'A' };
    let changed = format!("{}{last}", &for_both[..for_both.len() - 1]);
    let refresh = answer.member("refresh_token");
    let truncated = &access[..access.len() - 1];
    for wrong in
        [&id_token, &for_api_alone, &machine, &changed, &refresh, truncated, &name, &format!("jti:{name}")]
    {
        let refused = stage.userinfo(wrong).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(refused.headers[WWW_AUTHENTICATE], "Bearer error=\"invalid_token\"", "{wrong}");
    }
    assert_eq!(stage.userinfo(&for_both).await.status, StatusCode::OK);
    let by_query = stage.get(&format!("/userinfo?access_token={access}"), &[]).await;
    assert_eq!(by_query.member("sub"), "auth0|jennifer", "some clients put it there");
    let none = stage.get("/userinfo", &[]).await;
    assert_eq!(
        (none.status, &none.headers[WWW_AUTHENTICATE]),
        (StatusCode::UNAUTHORIZED, &"Bearer".parse().unwrap())
    );
    stage.clock.advance(Duration::from_secs(86_400));
    assert_eq!(stage.userinfo(&access).await.status, StatusCode::UNAUTHORIZED, "its time has passed");
}

#[tokio::test]
async fn op_32_a_rotation_voids_nothing() {
    let stage = Stage::new().await;
    let for_api =
        |code: &mut portico_core::model::AuthorizationCode| code.family.audience = Some(API.to_owned());
    let before = stage.redeem(&stage.code(for_api).await, &[]).await.member("access_token");
    let published = stage.keys.published();
    let rotated = stage.keys.rotate(stage.clock.now()).await.unwrap();
    assert!(published.iter().any(|key| key.kid == rotated.kid), "it was published before it signed");
    let after = stage.redeem(&stage.code(for_api).await, &[]).await.member("access_token");
    assert_eq!(header(&after)["kid"], rotated.kid.as_str());
    for token in [&before, &after] {
        assert_eq!(stage.userinfo(token).await.status, StatusCode::OK);
    }
    let old = header(&before)["kid"].as_str().unwrap().to_owned();
    assert!(stage.keys.revoke(&old, stage.clock.now()).await.unwrap());
    assert_eq!(
        stage.userinfo(&before).await.status,
        StatusCode::UNAUTHORIZED,
        "a revoked key's tokens are void"
    );
    assert_eq!(stage.userinfo(&after).await.status, StatusCode::OK);
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
async fn op_34_a_client_revokes_its_own_tokens() {
    let stage = Stage::new().await;
    let answer = stage.redeem(&stage.code(|_| ()).await, &[]).await;
    let refresh = answer.member("refresh_token");
    let revoke = async |client: &str, secret: &str, token: &str| {
        let fields = [("client_id", client), ("client_secret", secret), ("token", token)];
        stage.send(form("/oauth/revoke", &fields)).await
    };
    assert_eq!(revoke("hoekstra", "wrong", &refresh).await.refusal().1, "invalid_client");
    for (client, token) in [("metahexa", refresh.as_str()), ("hoekstra", "rt_unknown")] {
        let answer = revoke(client, SECRET, token).await;
        assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
    }
    assert_eq!(stage.refresh(&refresh, &[]).await.status, StatusCode::OK, "neither ended it");
    assert_eq!(revoke("hoekstra", SECRET, &refresh).await.status, StatusCode::OK);
    is(&stage.refresh(&refresh, &[]).await, INVALID_REFRESH);
    assert_eq!(stage.userinfo(&answer.member("access_token")).await.status, StatusCode::UNAUTHORIZED);
    assert!(stage.entries().await.iter().any(|(kind, _)| *kind == "srrt"));
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

#[tokio::test]
async fn rules_run_when_a_token_is_refreshed() {
    let stage = Stage::new().await;
    let token = stage.redeem(&stage.code(|_| ()).await, &[]).await.member("refresh_token");
    Rules::say(&stage, |user, mut context| {
        context["idToken"]["https://travel0.test/desk"] = json!("utrecht");
        context["idToken"]["org_id"] = json!("org_other");
        Ok(vec![user, context])
    })
    .await;
    let said = claims(&stage.refresh(&token, &[]).await.member("id_token"));
    assert_eq!(
        (said["https://travel0.test/desk"].as_str(), said["org_id"].as_str()),
        (Some("utrecht"), Some("org_hoekstra"))
    );
    let told = stage.rules.told.lock().unwrap().pop().unwrap();
    assert_eq!(
        (told["protocol"].as_str(), told["organization"]["name"].as_str()),
        (Some("oauth2-refresh-token"), Some("hoekstra"))
    );

    *stage.rules.says.lock().unwrap() = Some(|_, _| {
        let (name, message) = ("UnauthorizedError".to_owned(), "the office is closed".to_owned());
        Err(ScriptError::Raised { name, message, line: 0, console: Vec::new() })
    });
    is(&stage.refresh(&token, &[]).await, (403, "access_denied", "the office is closed"));
    assert!(stage.logged("fertft", "rule_denied").await);
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
async fn op_18_logout_goes_to_registered_addresses_and_asks() {
    let stage = Stage::new().await;
    let sid = stage.session("cookie-of-jennifer").await;
    let cookie = ("cookie", "__Host-portico_session=cookie-of-jennifer");
    let bye = "https://hoekstra.travel0.test/bye";
    let code = stage.code({
        let sid = sid.clone();
        |code| code.family.session_id = Some(sid)
    });
    let answer = stage.redeem(&code.await, &[]).await;
    let (id_token, access) = (answer.member("id_token"), answer.member("access_token"));
    let lives = async || {
        let sid = sid.clone();
        stage
            .store
            .read(|unit| Box::pin(async move { unit.sessions().find(&sid).await }))
            .await
            .unwrap()
            .is_some()
    };
    for evil in [
        "https://evil.test/",
        "https://hoekstra.travel0.test/bye?x=1",
        "//evil.test",
        "javascript:alert(1)",
        "https://metahexa.travel0.test/bye",
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("client_id", "hoekstra"), ("returnTo", evil), ("post_logout_redirect_uri", evil)])
            .finish();
        for endpoint in ["/v2/logout", "/oidc/logout"] {
            let refused = stage.get(&format!("{endpoint}?{query}"), &[cookie]).await;
            assert_eq!(
                (refused.status, refused.headers.get(LOCATION)),
                (StatusCode::BAD_REQUEST, None),
                "{evil}"
            );
        }
    }
    let asked = stage
        .get(&format!("/oidc/logout?client_id=hoekstra&post_logout_redirect_uri={bye}&state=s1"), &[cookie])
        .await;
    assert_eq!(
        (asked.status, asked.headers.get(LOCATION)),
        (StatusCode::OK, None),
        "nothing shows that it is wanted"
    );
    assert!(asked.text.contains("<form"));
    let forged = format!("{}x", &id_token[..id_token.len() - 1]);
    let asked = stage.get(&format!("/oidc/logout?id_token_hint={forged}"), &[cookie]).await;
    assert_eq!(asked.headers.get(LOCATION), None);
    let framed = stage.get("/v2/logout?client_id=hoekstra", &[cookie, ("sec-fetch-dest", "image")]).await;
    assert_eq!(framed.status, StatusCode::BAD_REQUEST);
    assert!(lives().await, "none of these ended the session");
    assert_eq!(stage.userinfo(&access).await.status, StatusCode::OK);

    let path = format!("/oidc/logout?id_token_hint={id_token}&post_logout_redirect_uri={bye}&state=s1");
    let done = stage.get(&path, &[cookie]).await;
    assert_eq!(done.headers[LOCATION], format!("{bye}?state=s1").as_str());
    assert!(done.headers[SET_COOKIE].to_str().unwrap().starts_with("__Host-portico_session=; "));
    assert!(!lives().await);
    assert!(stage.logged("slo", "").await);
}

#[tokio::test]
async fn logout_without_an_address_goes_to_the_first_registered_one() {
    let stage = Stage::new().await;
    stage.session("cookie-of-jennifer").await;
    let cookie = ("cookie", "__Host-portico_session=cookie-of-jennifer");
    let done = stage.get("/v2/logout?client_id=hoekstra", &[cookie]).await;
    assert_eq!(
        (done.status, &done.headers[LOCATION]),
        (StatusCode::FOUND, &"https://hoekstra.travel0.test/bye".parse().unwrap())
    );
    let nowhere = stage.get("/v2/logout", &[]).await;
    assert_eq!((nowhere.status, nowhere.headers.get(LOCATION)), (StatusCode::OK, None));
    assert_eq!(stage.get("/v2/logout?client_id=nobody", &[]).await.headers.get(LOCATION), None);
}

#[tokio::test]
async fn the_page_that_asks_leads_to_the_logout() {
    let stage = Stage::new().await;
    stage.session("cookie-of-jennifer").await;
    let cookie = "__Host-portico_session=cookie-of-jennifer";
    let bye = "https://hoekstra.travel0.test/bye";
    let asked = stage
        .get(
            &format!("/oidc/logout?client_id=hoekstra&post_logout_redirect_uri={bye}"),
            &[("cookie", cookie)],
        )
        .await;
    let confirmation =
        asked.text.split("name=\"confirmation\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let confirm = async |confirmation: &str| {
        let fields =
            [("client_id", "hoekstra"), ("post_logout_redirect_uri", bye), ("confirmation", confirmation)];
        let mut request = form("/oidc/logout", &fields);
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        stage.send(request).await
    };
    assert_eq!(confirm("made-up").await.headers.get(LOCATION), None, "another site cannot confirm");
    let done = confirm(confirmation).await;
    assert_eq!((done.status, &done.headers[LOCATION]), (StatusCode::SEE_OTHER, &bye.parse().unwrap()));
}

#[tokio::test]
async fn answers_are_shown_to_the_clients_own_pages() {
    let stage = Stage::new().await;
    let own = "https://spa.travel0.test";
    let exchange = async |origin: &str| {
        let code = stage.code(|code| code.family.client_id = ClientId::parse("spa").unwrap()).await;
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "spa"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let mut request = form("/oauth/token", &fields);
        request.headers_mut().insert("origin", origin.parse().unwrap());
        stage.send(request).await
    };
    let answer = exchange(own).await;
    assert_eq!(
        (answer.status, &answer.headers["access-control-allow-origin"]),
        (StatusCode::OK, &own.parse().unwrap())
    );
    assert_eq!(answer.headers.get("access-control-allow-credentials"), None);
    for foreign in
        ["https://evil.test", "null", "https://spa.travel0.test.evil.test", "https://hoekstra.travel0.test"]
    {
        assert_eq!(exchange(foreign).await.headers.get("access-control-allow-origin"), None, "{foreign}");
    }
    let callback = exchange("https://app.travel0.test").await;
    assert!(
        callback.headers.contains_key("access-control-allow-origin"),
        "a callback's origin is the client's too"
    );
    let preflight = Request::options("/oauth/token").header("origin", own).body(Body::empty()).unwrap();
    let preflight = stage.send(preflight).await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert!(preflight.headers["access-control-allow-headers"].to_str().unwrap().contains("auth0-client"));
}

#[tokio::test]
async fn two_nodes_that_start_at_once_have_the_same_keys() {
    let stage = Stage::new().await;
    let store = portico_store::temporary().await.unwrap();
    let open = || {
        let (store, clock) = (Arc::clone(&store), stage.clock.clone());
        let entropy = Arc::new(portico_core::entropy::SystemEntropy::default());
        portico_server::keys::StoreKeyRing::open(
            store,
            clock,
            entropy,
            portico_server::keys::Algorithm::Rs256,
        )
    };
    let (one, other) = futures_util::future::join(open(), open()).await;
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.published(), other.published());
    assert_eq!((one.published().len(), one.current().unwrap().alg), (2, "RS256"));
    assert_eq!(one.current().unwrap(), other.current().unwrap());

    // Two rotations on the one, and the other meets a key it has never seen.
    one.rotate(stage.clock.now()).await.unwrap();
    one.rotate(stage.clock.now()).await.unwrap();
    let said = json!({ "iss": ISSUER });
    let token = portico_core::jose::jws::compose(&one, "JWT", said.as_object().unwrap()).await.unwrap();
    assert!(
        portico_core::jose::jws::verify(&token, &*other.verifiers(&token).await).is_err(),
        "it looked just now"
    );
    stage.clock.advance(Duration::from_secs(5));
    let verified = portico_core::jose::jws::verify(&token, &*other.verifiers(&token).await).unwrap();
    assert_eq!(Value::Object(verified.claims), said);
}
