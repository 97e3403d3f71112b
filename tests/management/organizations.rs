//! Owns the tests of `/organizations` and what hangs below one but for members and invitations.
//! Never touches the names' own rules: those are tested where names are parsed.

use super::world::{Api, text};
use serde_json::json;

#[tokio::test]
async fn an_organization_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let body = json!({
        "name": "hoekstra",
        "display_name": "Hoekstra & Associates",
        "branding": {
            "logo_url": "https://hoekstra.example/logo.svg",
            "colors": { "primary": "#FF6600", "page_background": "#fff" },
        },
        "metadata": { "plan": "gold" },
    });
    let made = api.post("/organizations", body).await.expect(201);
    let id = text(&made, "id");
    assert!(id.starts_with("org_") && id.len() == 20);
    assert_eq!(made["branding"]["colors"], json!({"primary": "#ff6600", "page_background": "#ffffff"}));
    let shown = api.get(&format!("/organizations/{id}")).await.expect(200);
    assert_eq!(shown, made);
    assert_eq!(api.get("/organizations/name/hoekstra").await.expect(200), made);
    let change = json!({ "display_name": "Hoekstra", "metadata": { "plan": "silver" } });
    let changed = api.patch(&format!("/organizations/{id}"), change).await.expect(200);
    assert_eq!(changed["display_name"], "Hoekstra");
    assert_eq!(changed["metadata"], json!({ "plan": "silver" }));
    assert_eq!(changed["branding"], made["branding"]);
    api.delete(&format!("/organizations/{id}")).await.expect(204);
    let gone = api.get(&format!("/organizations/{id}")).await.fault(404, "");
    assert_eq!(gone, "No organization found by that id or name");
    let gone = api.delete(&format!("/organizations/{id}")).await.fault(404, "");
    assert_eq!(gone, "The organization does not exist.");
}

#[tokio::test]
async fn what_was_never_set_is_absent() {
    let api = Api::new().await;
    let id = api.organization("plain").await;
    let shown = api.get(&format!("/organizations/{id}")).await.expect(200);
    assert_eq!(shown, json!({ "id": id, "name": "plain" }));
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let api = Api::new().await;
    api.organization("hoekstra").await;
    let taken = api.post("/organizations", json!({ "name": "hoekstra" })).await;
    assert_eq!(taken.fault(409, "organization_conflict"), "An organization with this name already exists.");
}

#[tokio::test]
async fn bodies_are_read_strictly() {
    let api = Api::new().await;
    let cases = [
        (json!({}), "'Missing required property: name'"),
        (json!({ "name": 7 }), "'Expected type string but found type integer' on property name"),
        (json!({ "name": "x", "id": "org_1" }), "'Additional properties not allowed: id'"),
        (
            json!({ "name": "x", "display_name": "" }),
            "'String is too short (0 chars), minimum 1' on property display_name",
        ),
        (json!({ "name": "x", "display_name": "a\r\nBcc: b@c.test" }), "control characters"),
        (
            json!({ "name": "x", "branding": { "colors": { "primary": "#fff" } } }),
            "'Missing required property: page_background' on property branding.colors",
        ),
        (
            json!({ "name": "x", "branding": { "colors": { "primary": "red}", "page_background": "#fff" } } }),
            "html-color",
        ),
        (json!({ "name": "x", "branding": { "logo_url": "javascript:alert(1)" } }), "branding.logo_url"),
        (json!({ "name": "x", "metadata": { "k": 1 } }), "Not a text of at most 255 characters"),
        (json!([]), "'Expected type object but found type array'"),
    ];
    for (body, expected) in cases {
        let message = api.post("/organizations", body.clone()).await.fault(400, "invalid_body");
        assert!(
            message.starts_with("Payload validation error: ") && message.contains(expected),
            "{body}: {message}"
        );
    }
    let many: serde_json::Map<_, _> = (0..26).map(|n| (format!("k{n}"), json!("v"))).collect();
    let message =
        api.post("/organizations", json!({ "name": "x", "metadata": many })).await.fault(400, "invalid_body");
    assert!(message.contains("maximum 25"), "{message}");
    assert_eq!(api.get("/organizations").await.expect(200), json!([]), "nothing was made of any of them");
}

#[tokio::test]
async fn both_views_of_connections_show_one_table() {
    let api = Api::new().await;
    let client = api.client().await;
    let database = api.database("hoekstra-db", &[&client]).await;
    let body = json!({
        "name": "hoekstra",
        "enabled_connections": [{ "connection_id": database, "assign_membership_on_login": true }],
    });
    let made = api.post("/organizations", body).await.expect(201);
    let id = text(&made, "id");
    let row = json!({
        "connection_id": database,
        "assign_membership_on_login": true,
        "show_as_button": true,
        "is_signup_enabled": false,
        "connection": { "name": "hoekstra-db", "strategy": "auth0" },
    });
    assert_eq!(made["enabled_connections"], json!([row]));
    let old = format!("/organizations/{id}/enabled_connections");
    let new = format!("/organizations/{id}/connections");
    assert_eq!(api.get(&old).await.expect(200), json!([row]));
    let change = json!({ "is_enabled": false, "organization_connection_name": "Staff" });
    let changed = api.patch(&format!("{new}/{database}"), change).await.expect(200);
    assert_eq!(
        (&changed["is_enabled"], &changed["organization_connection_name"]),
        (&json!(false), &json!("Staff"))
    );
    assert_eq!(api.get(&format!("{new}?is_enabled=true")).await.expect(200), json!([]));
    let listed = api.get(&format!("{new}?is_enabled=false&include_totals=true")).await.expect(200);
    assert_eq!((&listed["total"], &listed["connections"]), (&json!(1), &json!([changed])));
    let again = api.post(&new, json!({ "connection_id": database })).await;
    let again = again.fault(409, "organization_connection_conflict");
    assert_eq!(again, "The organization connection already exists.");
    api.delete(&format!("{old}/{database}")).await.expect(204);
    let gone = api.get(&format!("{new}/{database}")).await.fault(404, "");
    assert_eq!(gone, "The organization connection does not exists.");
    api.post(&old, json!({ "connection_id": database })).await.expect(201);
}

#[tokio::test]
async fn sign_up_needs_a_database_and_membership() {
    let api = Api::new().await;
    let id = api.organization("hoekstra").await;
    let database = api.database("db", &[]).await;
    let body = json!({ "name": "idp", "strategy": "oidc", "options": { "issuer": "https://idp.test" } });
    let enterprise = text(&api.post("/connections", body).await.expect(201), "id");
    let path = format!("/organizations/{id}/enabled_connections");
    let alone = json!({ "connection_id": database, "is_signup_enabled": true });
    let message = api.post(&path, alone).await.fault(400, "invalid_body");
    assert!(message.contains("assign_membership_on_login is true"), "{message}");
    let both =
        json!({ "connection_id": enterprise, "is_signup_enabled": true, "assign_membership_on_login": true });
    let message = api.post(&path, both).await.fault(400, "invalid_body");
    assert!(message.contains("only be true for database connections"), "{message}");
    let unknown = json!({ "connection_id": "con_0000000000000000" });
    api.post(&path, unknown).await.fault(400, "inexistent_connection");
    let good =
        json!({ "connection_id": database, "is_signup_enabled": true, "assign_membership_on_login": true });
    api.post(&path, good).await.expect(201);
}

#[tokio::test]
async fn a_failed_creation_leaves_nothing_behind() {
    let api = Api::new().await;
    let body =
        json!({ "name": "hoekstra", "enabled_connections": [{ "connection_id": "con_0000000000000000" }] });
    api.post("/organizations", body).await.fault(400, "inexistent_connection");
    api.get("/organizations/name/hoekstra").await.fault(404, "");
    api.organization("hoekstra").await;
}

#[tokio::test]
async fn a_grant_is_made_good_for_an_organization() {
    let api = Api::new().await;
    let (id, client) = (api.organization("hoekstra").await, api.client().await);
    api.post("/resource-servers", json!({ "identifier": "https://api.test" })).await.expect(201);
    let grant = json!({ "client_id": client, "audience": "https://api.test", "scope": [], "organization_usage": "allow" });
    let grant = text(&api.post("/client-grants", grant).await.expect(201), "id");
    let path = format!("/organizations/{id}/client-grants");
    let added = api.post(&path, json!({ "grant_id": grant })).await.expect(201);
    assert_eq!((&added["id"], &added["grant_id"]), (&json!(grant), &json!(grant)));
    let twice = api.post(&path, json!({ "grant_id": grant })).await.fault(409, "client_grant_conflict");
    assert_eq!(twice, "The client grant has already been added to this organization.");
    let unknown = api.post(&path, json!({ "grant_id": "cgr_0000000000000000" })).await;
    assert_eq!(unknown.fault(404, "inexistent_grant"), "The grant does not exist.");
    assert_eq!(api.get(&path).await.expect(200).as_array().unwrap().len(), 1);
    api.delete(&format!("{path}/{grant}")).await.expect(204);
    assert_eq!(api.get(&path).await.expect(200), json!([]));
}
