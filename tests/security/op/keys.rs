//! Owns the cases of keys and of verifying tokens.
//! Never touches how tokens are come by.

use super::stage::{API, ISSUER, SECRET, Stage, claims, header};
use http::{
    StatusCode,
    header::{CACHE_CONTROL, WWW_AUTHENTICATE},
};
use portico_core::{port::key_ring::KeyRing, time::Clock};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

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
    stage.clock.advance(Duration::from_hours(24));
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
