//! Owns the cases of clients: who they are, what they may ask in their own name, and which pages read the answers.
//! Never touches users.

use super::{
    INVALID_REFRESH, UNAUTHORIZED, is,
    stage::{API, CALLBACK, SECRET, Stage, VERIFIER, basic, claims, form},
};
use axum::{body::Body, http::Request};
use http::{
    StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use portico_core::{
    id::{ClientId, OrganizationId},
    model::OrganizationUsage,
};
use serde_json::json;
use std::time::Duration;

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
