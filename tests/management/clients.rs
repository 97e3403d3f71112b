//! Owns the tests of `/clients`.
//! Never touches grants.

use super::world::{Api, text};
use portico_core::model::EventKind;
use serde_json::json;

#[tokio::test]
async fn a_client_has_defaults_by_its_type() {
    let api = Api::new().await;
    let made = api.post("/clients", json!({ "name": "Web" })).await.expect(201);
    assert_eq!(text(&made, "client_id").len(), 32);
    assert_eq!(text(&made, "client_secret").len(), 64);
    assert_eq!(
        made["grant_types"],
        json!(["authorization_code", "implicit", "refresh_token", "client_credentials"])
    );
    assert_eq!(made["token_endpoint_auth_method"], "client_secret_post");
    assert_eq!(
        (&made["organization_usage"], &made["organization_require_behavior"]),
        (&json!("deny"), &json!("no_prompt"))
    );
    assert_eq!(
        made["jwt_configuration"],
        json!({ "lifetime_in_seconds": 36000, "secret_encoded": false, "alg": "RS256" })
    );
    assert_eq!(
        (&made["refresh_token"]["rotation_type"], &made["refresh_token"]["token_lifetime"]),
        (&json!("non-rotating"), &json!(31_557_600))
    );
    assert_eq!((&made["global"], &made["is_first_party"]), (&json!(false), &json!(true)));
    let spa = api.post("/clients", json!({ "name": "Spa", "app_type": "spa" })).await.expect(201);
    assert_eq!(spa["token_endpoint_auth_method"], "none");
    let machine =
        api.post("/clients", json!({ "name": "M2M", "app_type": "non_interactive" })).await.expect(201);
    assert_eq!(machine["grant_types"], json!(["client_credentials"]));
}

#[tokio::test]
async fn newer_fields_are_kept_and_come_back() {
    let api = Api::new().await;
    let body = json!({
        "name": "Travel0",
        "description": "Corporate booking",
        "client_metadata": { "team": "booking" },
        "session_transfer": { "can_create_session_transfer_token": false },
        "oidc_logout": { "backchannel_logout_urls": [] },
    });
    let made = api.post("/clients", body).await.expect(201);
    let path = format!("/clients/{}", text(&made, "client_id"));
    assert_eq!(made["session_transfer"], json!({ "can_create_session_transfer_token": false }));
    let changed = api
        .patch(&path, json!({ "description": null, "callbacks": ["https://a.test/cb"] }))
        .await
        .expect(200);
    assert_eq!(changed.get("description"), None);
    assert_eq!(
        (&changed["callbacks"], &changed["client_metadata"]),
        (&json!(["https://a.test/cb"]), &json!({"team": "booking"}))
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
    api.delete(&path).await.expect(204);
    assert_eq!(api.get(&path).await.fault(404, "inexistent_client"), "The client does not exist");
}

#[tokio::test]
async fn api_03_what_the_server_sets_cannot_be_set() {
    let api = Api::new().await;
    let path = format!("/clients/{}", api.client().await);
    for name in ["client_id", "client_secret", "tenant", "global", "signing_keys", "owners"] {
        let message = api.patch(&path, json!({ name: "x" })).await.fault(400, "invalid_body");
        assert_eq!(
            message,
            format!("Payload validation error: 'Additional properties not allowed: {name}'.")
        );
        api.post("/clients", json!({ "name": "x", name: "x" })).await.fault(400, "invalid_body");
    }
}

#[tokio::test]
async fn api_05_the_secret_is_shown_to_those_who_may_read_keys_and_noted() {
    let api = Api::new().await;
    let id = api.client().await;
    let path = format!("/clients/{id}");
    let plain = api.call_as(&api.scoped("read:clients").await, "GET", &path, None).await.expect(200);
    assert_eq!(plain.get("client_secret"), None);
    let summary = api.call_as(&api.scoped("read:client_summary").await, "GET", &path, None).await.expect(200);
    assert_eq!(
        summary,
        json!({ "client_id": id, "name": "Travel0 Corporate Booking", "app_type": "regular_web" })
    );
    let reads =
        || async { api.events().await.iter().filter(|event| event.kind == EventKind::ApiRead).count() };
    assert_eq!(reads().await, 0);
    let keys = api.call_as(&api.scoped("read:client_keys").await, "GET", &path, None).await.expect(200);
    assert_eq!(text(&keys, "client_secret").len(), 64);
    assert_eq!(reads().await, 1);
}

#[tokio::test]
async fn api_14_addresses_and_grants_are_checked() {
    let api = Api::new().await;
    let cases = [
        (json!({ "callbacks": ["javascript:alert(1)"] }), "callbacks[0]"),
        (json!({ "callbacks": ["https://a.test/cb", "https://a.test/cb#x"] }), "callbacks[1]"),
        (json!({ "callbacks": ["https://*.a.test/cb"] }), "callbacks[0]"),
        (json!({ "allowed_logout_urls": ["data:text/html,x"] }), "allowed_logout_urls[0]"),
        (json!({ "web_origins": ["https://a.test/path"] }), "web_origins[0]"),
        (json!({ "initiate_login_uri": "http://a.test/login" }), "initiate_login_uri"),
        (json!({ "initiate_login_uri": "javascript:alert(1)" }), "initiate_login_uri"),
        (json!({ "logo_uri": "http://169.254.169.254/" }), "logo_uri"),
        (json!({ "grant_types": ["magic"] }), "grant_types"),
        (json!({ "name": "<b>" }), "name"),
        (json!({ "jwt_configuration": { "alg": "HS256" } }), "jwt_configuration.alg"),
        (
            json!({ "jwt_configuration": { "lifetime_in_seconds": 0 } }),
            "jwt_configuration.lifetime_in_seconds",
        ),
        (json!({ "refresh_token": { "leeway": 1000 } }), "refresh_token.leeway"),
        (json!({ "refresh_token": { "policies": [] } }), "refresh_token"),
        (json!({ "organization_usage": "maybe" }), "organization_usage"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "token_endpoint_auth_method"),
    ];
    for (mut body, property) in cases {
        if body.get("name").is_none() {
            body["name"] = json!("x");
        }
        let message = api.post("/clients", body.clone()).await.fault(400, "invalid_body");
        assert!(message.contains(&format!("on property {property} (")), "{body}: {message}");
    }
    for good in ["https://a.test/cb?x=y", "http://localhost:3000/cb", "com.example.app://callback"] {
        api.post("/clients", json!({ "name": "x", "callbacks": [good] })).await.expect(201);
    }
    for good in ["http://localhost:3000/login", "http://127.0.0.1:3000/login", "https://a.test/login", ""] {
        api.post("/clients", json!({ "name": "x", "initiate_login_uri": good })).await.expect(201);
    }
}

#[tokio::test]
async fn third_parties_have_no_organizations() {
    let api = Api::new().await;
    let body = json!({ "name": "x", "is_first_party": false, "organization_usage": "allow" });
    let message = api.post("/clients", body).await.fault(403, "operation_not_supported");
    assert!(
        message.starts_with("Organizations are only available to first party clients on user-based flows.")
    );
    api.post("/clients", json!({ "name": "x", "is_first_party": false })).await.expect(201);
}

#[tokio::test]
async fn there_is_one_global_client_which_stays() {
    let api = Api::new().await;
    let global = api.get("/clients?page=0&per_page=100&include_totals=true&is_global=true").await.expect(200);
    assert_eq!((&global["total"], &global["length"]), (&json!(1), &json!(1)));
    assert_eq!(global["clients"][0]["global"], true);
    let others = api.get("/clients?is_global=false").await.expect(200);
    assert!(others.as_array().unwrap().iter().all(|client| client["global"] == false));
    let path = format!("/clients/{}", text(&global["clients"][0], "client_id"));
    let message = api.delete(&path).await.fault(400, "operation_not_supported");
    assert_eq!(message, "Global client cannot be deleted.");
}

#[tokio::test]
async fn a_secret_is_rotated() {
    let api = Api::new().await;
    let made = api.post("/clients", json!({ "name": "x" })).await.expect(201);
    let path = format!("/clients/{}", text(&made, "client_id"));
    let rotated = api.post(&format!("{path}/rotate-secret"), json!({})).await.expect(200);
    assert_ne!(rotated["client_secret"], made["client_secret"]);
    assert_eq!(api.get(&path).await.expect(200)["client_secret"], rotated["client_secret"]);
}
