//! Owns the tests of members and their roles.
//! Never touches membership by invitation or login.

use super::world::{Api, encoded, text};
use portico_core::model::EventKind;
use serde_json::json;

async fn home() -> (Api, String, String, String) {
    let api = Api::new().await;
    let client = api.client().await;
    api.database("db", &[&client]).await;
    let organization = api.organization("hoekstra").await;
    let jennifer = api.user("db", "jennifer@hoekstra.example").await;
    let pieter = api.user("db", "pieter@hoekstra.example").await;
    (api, organization, jennifer, pieter)
}

#[tokio::test]
async fn existing_users_become_members_once() {
    let (api, organization, jennifer, pieter) = home().await;
    let path = format!("/organizations/{organization}/members");
    api.post(&path, json!({ "members": [jennifer, pieter] })).await.expect(204);
    api.post(&path, json!({ "members": [jennifer] })).await.expect(204);
    let rows = api.get(&path).await.expect(200);
    let ids: Vec<_> = rows.as_array().unwrap().iter().map(|row| text(row, "user_id")).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&jennifer) && ids.contains(&pieter));
    let row = rows.as_array().unwrap().iter().find(|row| row["user_id"] == jennifer.as_str()).unwrap();
    assert_eq!(
        (&row["email"], &row["name"]),
        (&json!("jennifer@hoekstra.example"), &json!("jennifer@hoekstra.example"))
    );
    let added = api.events().await.iter().filter(|event| event.kind == EventKind::MemberAdded).count();
    assert_eq!(added, 2, "the second time nothing happened");
    let organizations = api.get(&format!("/users/{}/organizations", encoded(&jennifer))).await.expect(200);
    assert_eq!(organizations[0]["id"], organization.as_str());
}

#[tokio::test]
async fn membership_needs_an_existing_user_and_all_or_none_are_added() {
    let (api, organization, jennifer, _) = home().await;
    let path = format!("/organizations/{organization}/members");
    let unknown = api.post(&path, json!({ "members": [jennifer, "auth0|nobody"] })).await;
    assert_eq!(unknown.fault(404, "inexistent_user"), "The user does not exist.");
    assert_eq!(api.get(&path).await.expect(200), json!([]));
    let eleven: Vec<_> = (0..11).map(|n| format!("auth0|{n}")).collect();
    let message = api.post(&path, json!({ "members": eleven })).await.fault(400, "invalid_body");
    assert!(message.contains("Array is too long (11), maximum 10"), "{message}");
    let message = api.post(&path, json!({ "members": [] })).await.fault(400, "invalid_body");
    assert!(message.contains("Array is too short (0), minimum 1"), "{message}");
    let nowhere =
        api.post("/organizations/org_0000000000000000/members", json!({ "members": [jennifer] })).await;
    assert_eq!(nowhere.fault(404, ""), "No organization found by that id or name");
}

#[tokio::test]
async fn a_removed_member_loses_roles_and_comes_back_without() {
    let (api, organization, jennifer, _) = home().await;
    let role = api.role("approver").await;
    let path = format!("/organizations/{organization}/members");
    let roles = format!("{path}/{}/roles", encoded(&jennifer));
    api.post(&roles, json!({ "roles": [role] })).await.fault(404, "");
    api.post(&path, json!({ "members": [jennifer] })).await.expect(204);
    api.post(&roles, json!({ "roles": [role] })).await.expect(204);
    assert_eq!(api.get(&roles).await.expect(200)[0]["name"], "approver");
    let listed = api.get(&format!("{path}?fields=user_id,roles")).await.expect(200);
    assert_eq!(listed, json!([{ "user_id": jennifer, "roles": [{ "id": role, "name": "approver" }] }]));
    api.delete_with(&path, json!({ "members": [jennifer] })).await.expect(204);
    assert_eq!(api.get(&path).await.expect(200), json!([]));
    api.post(&path, json!({ "members": [jennifer] })).await.expect(204);
    assert_eq!(api.get(&roles).await.expect(200), json!([]), "ORG-14: a member who comes back starts clean");
}

#[tokio::test]
async fn roles_of_members_must_exist_and_are_taken_back() {
    let (api, organization, jennifer, _) = home().await;
    let role = api.role("approver").await;
    let path = format!("/organizations/{organization}/members");
    let roles = format!("{path}/{}/roles", encoded(&jennifer));
    api.post(&path, json!({ "members": [jennifer] })).await.expect(204);
    let unknown = api.post(&roles, json!({ "roles": [role, "rol_0000000000000000"] })).await;
    let unknown = unknown.fault(400, "invalid_body");
    assert_eq!(unknown, "One or more of the specified roles do not exist: rol_0000000000000000");
    assert_eq!(api.get(&roles).await.expect(200), json!([]));
    api.post(&roles, json!({ "roles": [role] })).await.expect(204);
    api.delete_with(&roles, json!({ "roles": [role] })).await.expect(204);
    assert_eq!(api.get(&roles).await.expect(200), json!([]));
}

#[tokio::test]
async fn members_are_paged_both_ways() {
    let (api, organization, jennifer, pieter) = home().await;
    let path = format!("/organizations/{organization}/members");
    api.post(&path, json!({ "members": [jennifer, pieter] })).await.expect(204);
    let first = api.get(&format!("{path}?take=1")).await.expect(200);
    let next = text(&first, "next");
    let second = api.get(&format!("{path}?take=1&from={next}")).await.expect(200);
    assert_ne!(first["members"], second["members"]);
    let last = api.get(&format!("{path}?take=1&from={}", text(&second, "next"))).await.expect(200);
    assert_eq!(last, json!({ "members": [] }));
    let page = api.get(&format!("{path}?page=1&per_page=1&include_totals=true")).await.expect(200);
    assert_eq!((&page["start"], &page["limit"], &page["total"]), (&json!(1), &json!(1), &json!(2)));
    assert_eq!(page["members"], second["members"]);
}
