//! Owns the tests of `/resource-servers`.
//! Never touches tokens.

use super::world::{Api, text};
use serde_json::json;

#[tokio::test]
async fn an_api_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let body = json!({ "identifier": "https://api.test/v1", "name": "Booking", "scopes": [{ "value": "read:x", "description": "Read" }] });
    let made = api.post("/resource-servers", body).await.expect(201);
    assert_eq!(text(&made, "id").len(), 24);
    assert_eq!(
        (&made["token_lifetime"], &made["token_lifetime_for_web"], &made["signing_alg"]),
        (&json!(86_400), &json!(7_200), &json!("RS256"))
    );
    assert_eq!(made.get("is_system"), None);
    let path = format!("/resource-servers/{}", text(&made, "id"));
    let changed =
        api.patch(&path, json!({ "token_lifetime": 600, "allow_offline_access": true })).await.expect(200);
    assert_eq!((&changed["token_lifetime"], &changed["token_lifetime_for_web"]), (&json!(600), &json!(600)));
    let by_audience = api.get("/resource-servers/https%3A%2F%2Fapi.test%2Fv1").await.expect(200);
    assert_eq!(by_audience, changed);
    let listed =
        api.get("/resource-servers?identifiers=https://api.test/v1&include_totals=true").await.expect(200);
    assert_eq!((&listed["total"], &listed["resource_servers"]), (&json!(1), &json!([changed])));
    api.delete(&path).await.expect(204);
    api.get(&path).await.fault(404, "inexistent_resource_server");
}

#[tokio::test]
async fn the_management_api_itself_stays_as_it_is() {
    let api = Api::new().await;
    let all = api.get("/resource-servers").await.expect(200);
    assert_eq!(
        (&all[0]["identifier"], &all[0]["is_system"]),
        (&json!("https://login.portico.test/api/v2/"), &json!(true))
    );
    let path = format!("/resource-servers/{}", text(&all[0], "id"));
    let message = api.patch(&path, json!({ "scopes": [] })).await.fault(400, "operation_not_supported");
    assert_eq!(message, "System resource servers cannot be patched.");
    let message = api.delete(&path).await.fault(400, "operation_not_supported");
    assert_eq!(message, "System resource servers cannot be deleted.");
}

#[tokio::test]
async fn each_refusal_has_its_text() {
    let api = Api::new().await;
    let body = json!({ "identifier": "https://api.test" });
    let path = format!(
        "/resource-servers/{}",
        text(&api.post("/resource-servers", body.clone()).await.expect(201), "id")
    );
    let message = api.post("/resource-servers", body).await.fault(409, "resource_server_conflict");
    assert_eq!(message, "A resource server with the same identifier already exists.");
    let cases = [
        (json!({ "identifier": "https://other.test" }), "'Additional properties not allowed: identifier'"),
        (json!({ "scopes": [{ "value": "a b" }] }), "not a scope"),
        (json!({ "scopes": [{ "value": "a" }, { "value": "a" }] }), "not unique: a"),
        (json!({ "name": "<b>" }), "^[^<>]+$"),
        (json!({ "token_lifetime": 2_592_001 }), "greater than maximum 2592000"),
        (json!({ "token_lifetime": 10, "token_lifetime_for_web": 20 }), "greater than token_lifetime"),
        (json!({ "token_dialect": "jwt" }), "No enum match for: jwt"),
        (json!({ "signing_alg": "HS256" }), "No enum match for: HS256"),
        (json!({ "consent_policy": "x" }), "Only null is supported"),
    ];
    for (body, expected) in cases {
        let message = api.patch(&path, body.clone()).await.fault(400, "invalid_body");
        assert!(message.contains(expected), "{body}: {message}");
    }
}
