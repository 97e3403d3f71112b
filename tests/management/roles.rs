//! Owns the tests of `/roles`, and of roles and permissions of users.
//! Never touches the roles of members.

use super::world::{Api, encoded, text};
use serde_json::json;

#[tokio::test]
async fn a_role_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let made =
        api.post("/roles", json!({ "name": "approver", "description": "Approves trips" })).await.expect(200);
    let id = text(&made, "id");
    assert_eq!(
        made,
        json!({ "id": id, "name": "approver", "description": "Approves trips", "type": "tenant" })
    );
    let path = format!("/roles/{id}");
    assert_eq!(api.get(&path).await.expect(200), made);
    let changed = api.patch(&path, json!({ "name": "manager", "description": null })).await.expect(200);
    assert_eq!((&changed["name"], &changed["description"]), (&json!("manager"), &json!(null)));
    api.role("approver").await;
    let taken = api.patch(&path, json!({ "name": "approver" })).await.fault(409, "role_conflict");
    assert_eq!(taken, "The role already exists.");
    let found = api.get("/roles?name_filter=MANA&include_totals=true&type=tenant").await.expect(200);
    assert_eq!((&found["total"], &found["roles"]), (&json!(1), &json!([changed])));
    assert_eq!(api.delete(&path).await.expect(200), json!({}));
    assert_eq!(api.get(&path).await.fault(404, "inexistent_role"), "Role not found.");
    assert_eq!(api.delete(&path).await.fault(404, "inexistent_role"), "Role not found.");
}

#[tokio::test]
async fn permissions_are_of_apis_that_exist() {
    let api = Api::new().await;
    let body = json!({ "identifier": "https://api.test", "name": "Booking", "scopes": [{ "value": "read:x", "description": "Read" }] });
    api.post("/resource-servers", body).await.expect(201);
    let path = format!("/roles/{}/permissions", api.role("approver").await);
    let of = |audience: &str, scope: &str| json!({ "permissions": [{ "resource_server_identifier": audience, "permission_name": scope }] });
    api.post(&path, of("https://api.test", "read:x")).await.expect(201);
    let expected = json!([{
        "resource_server_identifier": "https://api.test",
        "resource_server_name": "Booking",
        "permission_name": "read:x",
        "description": "Read",
    }]);
    assert_eq!(api.get(&path).await.expect(200), expected);
    assert_eq!(
        api.get(&format!("{path}?page=1&per_page=50&include_totals=true")).await.expect(200)["permissions"],
        json!([])
    );
    api.post(&path, of("https://other.test", "read:x")).await.fault(404, "inexistent_resource_server");
    let message = api.post(&path, of("https://api.test", "admin")).await.fault(400, "invalid_body");
    assert_eq!(message, "The permission admin does not exist on the resource server https://api.test.");
    api.delete_with(&path, of("https://api.test", "read:x")).await.expect(204);
    assert_eq!(api.get(&path).await.expect(200), json!([]));
}

#[tokio::test]
async fn users_have_roles_and_permissions_outside_of_organizations() {
    let api = Api::new().await;
    let client = api.client().await;
    api.database("db", &[&client]).await;
    let user = format!("/users/{}", encoded(&api.user("db", "a@x.test").await));
    let role = api.role("approver").await;
    api.post(&format!("{user}/roles"), json!({ "roles": [role] })).await.expect(204);
    assert_eq!(api.get(&format!("{user}/roles")).await.expect(200)[0]["id"], role.as_str());
    let unknown = api.post(&format!("{user}/roles"), json!({ "roles": ["rol_0000000000000000"] })).await;
    unknown.fault(400, "invalid_body");
    api.delete_with(&format!("{user}/roles"), json!({ "roles": [role] })).await.expect(204);
    assert_eq!(api.get(&format!("{user}/roles")).await.expect(200), json!([]));
    api.post("/resource-servers", json!({ "identifier": "a", "scopes": [{ "value": "s" }] }))
        .await
        .expect(201);
    let permission =
        json!({ "permissions": [{ "resource_server_identifier": "a", "permission_name": "s" }] });
    api.post(&format!("{user}/permissions"), permission.clone()).await.expect(201);
    assert_eq!(api.get(&format!("{user}/permissions")).await.expect(200)[0]["permission_name"], "s");
    api.delete_with(&format!("{user}/permissions"), permission).await.expect(204);
    assert_eq!(api.get(&format!("{user}/permissions")).await.expect(200), json!([]));
    api.get("/users/auth0%7Cnobody/roles").await.fault(404, "inexistent_user");
}
