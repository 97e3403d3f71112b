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
    api.delete(&format!("/connections/{id}")).await.expect(202);
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

/// A custom database as deploy tools send one.
fn customized() -> Value {
    let login = "function login (email, password, callback) {\n  callback(new WrongUsernameOrPasswordError(email));\n}";
    json!({
        "enabledDatabaseCustomization": true,
        "import_mode": false,
        "customScripts": {
            "login": login,
            "get_user": "function getByEmail (email, callback) { callback(null); }",
            "delete": "",
        },
        "configuration": { "CONNECTION_STRING": "postgres://travel0:hidden@db.travel0.test/users" },
        "passwordPolicy": "good",
    })
}

#[tokio::test]
async fn a_custom_database_comes_back_as_it_was_sent_but_for_its_configuration() {
    let api = Api::new().await;
    let body = json!({ "name": "legacy-db", "strategy": "auth0", "options": customized() });
    let made = api.post("/connections", body).await.expect(201);
    let (id, path) = (text(&made, "id"), format!("/connections/{}", text(&made, "id")));
    let mut expected = customized();
    expected["configuration"]["CONNECTION_STRING"] = json!(MASK);
    assert_eq!(made["options"], expected);
    let shown = api.get(&path).await.expect(200)["options"].clone();
    assert_eq!(shown, expected);
    // What was exported is imported again, masks and all.
    let back = api.patch(&path, json!({ "options": shown })).await.expect(200);
    assert_eq!(back["options"], expected);
    assert_eq!(stored(&api, &id).await, customized(), "nothing was lost");
    let mut without = customized();
    without.as_object_mut().unwrap().shift_remove("configuration");
    api.patch(&path, json!({ "options": without })).await.expect(200);
    assert_eq!(stored(&api, &id).await["configuration"], customized()["configuration"], "left out, it stays");
    let everything = api.get("/connections").await.expect(200).to_string();
    assert!(!everything.contains("hidden"), "{everything}");
    let entries = serde_json::to_string(&api.events().await).unwrap();
    assert!(!entries.contains("hidden"), "nor in the log");
}

#[tokio::test]
async fn scripts_are_checked_when_they_are_saved() {
    let api = Api::new().await;
    let refused = |change: fn(&mut Value)| {
        let mut options = customized();
        change(&mut options);
        let api = &api;
        async move {
            let body = json!({ "name": "legacy-db", "strategy": "auth0", "options": options });
            api.post("/connections", body).await.fault(400, "invalid_body")
        }
    };
    let message = refused(|options| options["customScripts"]["create"] = json!("function () {\n{")).await;
    assert!(message.contains("create: syntax error in line 2, column 1"), "{message}");
    assert!(message.contains("on property options.customScripts.create"), "{message}");
    let message = refused(|options| options["customScripts"]["login"] = json!("")).await;
    assert!(message.contains("a custom database needs this script"), "{message}");
    let message = refused(|options| options["customScripts"]["login"] = json!(" ".repeat(102_401))).await;
    assert!(message.contains("at most 102400 bytes"), "{message}");
    let message = refused(|options| options["customScripts"]["signup"] = json!("() => {}")).await;
    assert!(message.contains("there is no such script"), "{message}");
    let message = refused(|options| options["configuration"]["N"] = json!(1)).await;
    assert!(message.contains("must be a text' on property options.configuration.N"), "{message}");
}

#[tokio::test]
async fn where_accounts_are_does_not_change_under_users() {
    let api = Api::new().await;
    let client = api.client().await;
    let path = format!("/connections/{}", api.database("db", &[&client]).await);
    let customize = json!({ "options": customized() });
    api.patch(&path, customize.clone()).await.expect(200);
    api.patch(&path, json!({ "options": { "enabledDatabaseCustomization": false } })).await.expect(200);
    api.user("db", "jennifer@hoekstra.example").await;
    let message = api.patch(&path, customize).await.fault(400, "invalid_body");
    let expected =
        "This database contains users. You cannot change \"options.enabledDatabaseCustomization\" setting.";
    assert_eq!(message, expected);
    let others = json!({ "options": { "enabledDatabaseCustomization": false, "passwordPolicy": "fair" } });
    api.patch(&path, others).await.expect(200);
    let mut told = customized();
    told["enable_script_context"] = json!(true);
    let body = json!({ "name": "told", "strategy": "auth0", "options": told });
    let made = api.post("/connections", body).await.expect(201);
    let path = format!("/connections/{}", text(&made, "id"));
    let message = api.patch(&path, json!({ "options": customized() })).await.fault(400, "invalid_body");
    assert!(message.contains("cannot be turned off again"), "{message}");
}

#[tokio::test]
async fn one_user_of_a_connection_is_deleted_by_their_address() {
    let api = Api::new().await;
    let client = api.client().await;
    let (one, two) = (api.database("one", &[&client]).await, api.database("two", &[&client]).await);
    for connection in ["one", "two"] {
        api.user(connection, "jennifer@hoekstra.example").await;
    }
    let users = || async { api.get("/users-by-email?email=jennifer@hoekstra.example").await.expect(200) };
    assert_eq!(users().await.as_array().unwrap().len(), 2);
    let path = format!("/connections/{one}/users?email=Jennifer@hoekstra.example");
    api.delete(&path).await.expect(204);
    api.delete(&path).await.expect(204);
    let left = users().await;
    assert_eq!(left.as_array().unwrap().len(), 1, "{left}");
    assert_eq!(left[0]["identities"][0]["connection"], "two");
    let message = api.delete(&format!("/connections/{two}/users")).await.fault(400, "invalid_query_string");
    assert!(message.contains("Missing required property: email"), "{message}");
    let nowhere = api.delete("/connections/con_0000000000000000/users?email=a@b.test").await;
    assert_eq!(nowhere.fault(400, "invalid_body"), "The connection does not exist");
    let idp = json!({ "name": "idp", "strategy": "oidc", "options": { "issuer": "https://idp.test" } });
    let idp = text(&api.post("/connections", idp).await.expect(201), "id");
    let other = api.delete(&format!("/connections/{idp}/users?email=a@b.test")).await;
    assert_eq!(other.fault(400, "invalid_body"), "Connection must be a database connection");
}
