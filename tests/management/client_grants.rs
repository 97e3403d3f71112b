//! Owns the tests of `/client-grants`.
//! Never touches tokens.

use super::world::{Api, text};
use serde_json::json;

async fn home() -> (Api, String) {
    let api = Api::new().await;
    let client = api.client().await;
    let body = json!({ "identifier": "https://api.test", "scopes": [{ "value": "read:x" }, { "value": "write:x" }] });
    api.post("/resource-servers", body).await.expect(201);
    (api, client)
}

#[tokio::test]
async fn a_grant_is_made_read_changed_and_deleted() {
    let (api, client) = home().await;
    let body = json!({ "client_id": client, "audience": "https://api.test", "scope": ["read:x"] });
    let made = api.post("/client-grants", body).await.expect(201);
    let path = format!("/client-grants/{}", text(&made, "id"));
    assert_eq!(
        (&made["organization_usage"], &made["allow_any_organization"]),
        (&json!("deny"), &json!(false))
    );
    let listed = api.get(&format!("/client-grants?client_id={client}")).await.expect(200);
    assert_eq!(listed, json!([made]));
    let change = json!({ "scope": ["read:x", "write:x"], "organization_usage": "allow", "allow_any_organization": true });
    let changed = api.patch(&path, change).await.expect(200);
    assert_eq!(changed["scope"], json!(["read:x", "write:x"]));
    assert_eq!(api.get(&path).await.expect(200), changed);
    let page =
        api.get("/client-grants?include_totals=true&take=50&audience=https://api.test").await.expect(200);
    assert_eq!(page, json!({ "client_grants": [changed] }));
    api.delete(&path).await.expect(204);
    assert_eq!(api.get(&path).await.fault(404, "inexistent_grant"), "The grant does not exist.");
    let gone = api.patch(&path, json!({ "scope": [] })).await;
    assert_eq!(gone.fault(404, "inexistent_grant"), "The client grant does not exist.");
}

#[tokio::test]
async fn each_refusal_has_its_text() {
    let (api, client) = home().await;
    let grant = |client: &str, audience: &str, scope: &str| json!({ "client_id": client, "audience": audience, "scope": [scope] });
    let nobody = api.post("/client-grants", grant("nobody", "https://api.test", "read:x")).await;
    assert_eq!(nobody.fault(404, "inexistent_client"), "Client not found");
    let nothing = api.post("/client-grants", grant(&client, "https://other.test", "read:x")).await;
    assert_eq!(nothing.fault(404, "inexistent_resource_server"), "Resource server not found");
    let foreign = api.post("/client-grants", grant(&client, "https://api.test", "admin")).await;
    let foreign = foreign.fault(400, "invalid_body");
    assert_eq!(foreign, "Scopes are not defined on the resource server https://api.test: admin");
    api.post("/client-grants", grant(&client, "https://api.test", "read:x")).await.expect(201);
    api.post("/client-grants", grant(&client, "https://api.test", "read:x"))
        .await
        .fault(409, "client_grant_conflict");
    let mut body = grant(&client, "https://api.test", "read:x");
    body["subject_type"] = json!("user");
    api.post("/client-grants", body).await.fault(400, "invalid_body");
}
