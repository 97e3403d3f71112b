//! Owns the cases of refresh tokens: rotation, reuse, bounds.
//! Never touches codes but to get a first token.

use super::{
    INVALID_REFRESH, UNAUTHORIZED, is,
    stage::{API, Rules, Stage, claims},
};
use http::StatusCode;
use portico_core::port::script::ScriptError;
use serde_json::json;
use std::{sync::Arc, time::Duration};

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
        Err(ScriptError::Raised { name, message, code: None, line: 0, console: Vec::new() })
    });
    is(&stage.refresh(&token, &[]).await, (403, "access_denied", "the office is closed"));
    assert!(stage.logged("fertft", "rule_denied").await);
}
