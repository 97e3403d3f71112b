//! Owns the tests of `/connections`.
//! Never touches how connections log anybody in.

use super::world::{Api, text};
use portico_core::{admin::MASK, id::ConnectionId, model::EventKind};
use serde_json::{Value, json};

#[tokio::test]
async fn a_connection_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let client = api.client().await;
    let body = json!({
        "name": "hoekstra-db",
        "strategy": "auth0",
        "display_name": "Hoekstra staff",
        "options": { "passwordPolicy": "fair" },
        "enabled_clients": [client],
        "metadata": { "region": "nl" },
    });
    let made = api.post("/connections", body).await.expect(201);
    let id = text(&made, "id");
    assert_eq!((&made["realms"], &made["enabled_clients"]), (&json!(["hoekstra-db"]), &json!([client])));
    assert_eq!(made["options"]["passwordPolicy"], "fair");
    assert_eq!(api.get(&format!("/connections/{id}")).await.expect(200), made);
    let change =
        json!({ "display_name": "Staff", "options": { "passwordPolicy": "good" }, "metadata": null });
    let changed = api.patch(&format!("/connections/{id}"), change).await.expect(200);
    assert_eq!(
        (&changed["display_name"], &changed["options"]),
        (&json!("Staff"), &json!({"passwordPolicy": "good"}))
    );
    assert_eq!(changed.get("metadata"), None);
    assert_eq!(changed["enabled_clients"], json!([client]));
    api.delete(&format!("/connections/{id}")).await.expect(204);
    api.get(&format!("/connections/{id}")).await.fault(404, "inexistent_connection");
    let again = api.database("hoekstra-db", &[]).await;
    assert_ne!(again, id, "API-16: an id is never used again");
}

#[tokio::test]
async fn each_refusal_has_its_text() {
    let api = Api::new().await;
    api.database("taken", &[]).await;
    let taken = api.post("/connections", json!({ "name": "taken", "strategy": "auth0" })).await;
    assert_eq!(taken.fault(409, "connection_conflict"), "A connection with the same name already exists");
    let cases = [
        (json!({ "strategy": "auth0" }), "'Missing required property: name'"),
        (json!({ "name": "x" }), "'Missing required property: strategy'"),
        (
            json!({ "name": "-x", "strategy": "auth0" }),
            "does not match pattern ^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$",
        ),
        (json!({ "name": "x", "strategy": "magic" }), "'No enum match for: magic' on property strategy"),
        (json!({ "name": "x", "strategy": "oidc" }), "'an https URL is needed' on property options.issuer"),
        (
            json!({ "name": "x", "strategy": "auth0", "options": { "passwordPolicy": "strong" } }),
            "on property options.passwordPolicy",
        ),
        (
            json!({ "name": "x", "strategy": "auth0", "id": "con_1" }),
            "'Additional properties not allowed: id'",
        ),
        (json!({ "name": "x", "strategy": "auth0", "metadata": { "k": 1 } }), "on property metadata"),
    ];
    for (body, expected) in cases {
        let message = api.post("/connections", body.clone()).await.fault(400, "invalid_body");
        assert!(message.contains(expected), "{body}: {message}");
    }
    let unknown = json!({ "name": "x", "strategy": "auth0", "enabled_clients": ["nobody"] });
    let unknown = api.post("/connections", unknown).await.fault(400, "inexistent_client");
    assert_eq!(unknown, "One or more of the enabled clients do not exist: nobody");
}

#[tokio::test]
async fn api_03_name_and_strategy_never_change() {
    let api = Api::new().await;
    let id = api.database("db", &[]).await;
    for (name, value) in [("name", json!("other")), ("strategy", json!("oidc")), ("id", json!("con_1"))] {
        let message = api.patch(&format!("/connections/{id}"), json!({ name: value })).await;
        let message = message.fault(400, "invalid_body");
        assert_eq!(
            message,
            format!("Payload validation error: 'Additional properties not allowed: {name}'.")
        );
    }
}

async fn stored(api: &Api, id: &str) -> Value {
    let id = ConnectionId::parse(id).unwrap();
    let found = api.store.read(|unit| Box::pin(async move { unit.connections().find(&id).await }));
    found.await.unwrap().unwrap().options
}

#[tokio::test]
async fn api_05_secrets_are_masked_and_stay_when_the_mask_comes_back() {
    let api = Api::new().await;
    let options = json!({ "issuer": "https://idp.test", "client_id": "x", "client_secret": "s3cr3t" });
    let made =
        api.post("/connections", json!({ "name": "idp", "strategy": "oidc", "options": options })).await;
    let made = made.expect(201);
    let (id, path) = (text(&made, "id"), format!("/connections/{}", text(&made, "id")));
    assert_eq!(made["options"]["client_secret"], MASK);
    assert!(!api.get("/connections").await.expect(200).to_string().contains("s3cr3t"));
    let masked =
        json!({ "options": { "issuer": "https://idp.test", "client_id": "y", "client_secret": MASK } });
    api.patch(&path, masked).await.expect(200);
    assert_eq!(stored(&api, &id).await["client_secret"], "s3cr3t");
    api.patch(&path, json!({ "options": { "issuer": "https://idp.test" } })).await.expect(200);
    assert_eq!(stored(&api, &id).await, json!({ "issuer": "https://idp.test", "client_secret": "s3cr3t" }));
    let new = json!({ "options": { "issuer": "https://idp.test", "client_secret": "n3w" } });
    api.patch(&path, new).await.expect(200);
    assert_eq!(stored(&api, &id).await["client_secret"], "n3w");
}

#[tokio::test]
async fn a_change_of_trust_is_an_entry_of_its_own() {
    let api = Api::new().await;
    let options = json!({ "issuer": "https://idp.test" });
    let made =
        api.post("/connections", json!({ "name": "idp", "strategy": "oidc", "options": options })).await;
    let path = format!("/connections/{}", text(&made.expect(201), "id"));
    let changes = || async {
        api.events().await.into_iter().filter(|event| event.kind == EventKind::ConnectionTrustChanged).count()
    };
    api.patch(&path, json!({ "options": { "issuer": "https://idp.test", "scope": "email" } }))
        .await
        .expect(200);
    assert_eq!(changes().await, 0);
    api.patch(&path, json!({ "options": { "issuer": "https://evil.test" } })).await.expect(200);
    assert_eq!(changes().await, 1);
}

#[tokio::test]
async fn clients_are_enabled_and_disabled() {
    let api = Api::new().await;
    let (one, two) = (api.client().await, api.client().await);
    let path = format!("/connections/{}", api.database("db", &[&one]).await);
    let clients = format!("{path}/clients");
    let change = json!([{ "client_id": one, "status": false }, { "client_id": two, "status": true }]);
    api.patch(&clients, change).await.expect(204);
    assert_eq!(api.get(&path).await.expect(200)["enabled_clients"], json!([two]));
    assert_eq!(api.get(&clients).await.expect(200), json!({ "clients": [{ "client_id": two }] }));
    api.patch(&clients, json!([{ "client_id": one, "status": true }])).await.expect(204);
    let first = api.get(&format!("{clients}?take=1")).await.expect(200);
    let second = api.get(&format!("{clients}?take=1&from={}", text(&first, "next"))).await.expect(200);
    let mut seen = [text(&first["clients"][0], "client_id"), text(&second["clients"][0], "client_id")];
    let mut both = [one.clone(), two.clone()];
    seen.sort();
    both.sort();
    assert_eq!(seen, both);
    let unknown = api.patch(&clients, json!([{ "client_id": "nobody", "status": true }])).await;
    assert_eq!(unknown.fault(404, "inexistent_client"), "The client does not exist");
    let nowhere =
        api.patch("/connections/con_0000000000000000/clients", json!([{ "client_id": one, "status": true }]));
    assert_eq!(nowhere.await.fault(404, "inexistent_connection"), "The connection does not exist");
    let message = api.patch(&clients, json!([])).await.fault(400, "invalid_body");
    assert!(message.contains("Array is too short (0), minimum 1"), "{message}");
    let changed = api.patch(&path, json!({ "enabled_clients": [one] })).await.expect(200);
    assert_eq!(changed["enabled_clients"], json!([one]), "the older way still works");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let api = Api::new().await;
    let database = api.database("db", &[]).await;
    let body = json!({ "name": "idp", "strategy": "oidc", "options": { "issuer": "https://idp.test" } });
    let enterprise = text(&api.post("/connections", body).await.expect(201), "id");
    let ids = |body: Value| body.as_array().unwrap().iter().map(|row| text(row, "id")).collect::<Vec<_>>();
    assert_eq!(ids(api.get("/connections?strategy=oidc").await.expect(200)), [enterprise]);
    assert_eq!(ids(api.get("/connections?strategy=oidc&strategy=auth0").await.expect(200)).len(), 2);
    assert_eq!(ids(api.get("/connections?name=db").await.expect(200)), [database]);
    let page = api.get("/connections?include_totals=true&take=1&fields=name").await.expect(200);
    assert_eq!(page["connections"].as_array().unwrap().len(), 1);
    assert!(page["next"].is_string());
}
