//! Owns the tests of the end of a connection: it is gone at once, and its users bit by bit (seed, "Connections").
//! Never touches processes that are killed meanwhile: `flows::killed_jobs` does.

use super::{
    jobs::{database, import, imported, work},
    world::{Api, text},
};
use serde_json::json;

#[tokio::test]
async fn a_connection_that_is_deleted_is_gone_at_once_and_its_users_bit_by_bit() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let client = api.client().await;
    let other = api.database("metahexa-db", &[&client]).await;
    let (ours, theirs) = (api.organization("hoekstra").await, api.organization("metahexa").await);
    let many: Vec<_> = (0..450)
        .map(|n| json!({ "email": format!("user{n}@hoekstra.example"), "user_id": format!("u{n}") }))
        .collect();
    imported(&api, &connection, &json!(many), &[]).await;
    let stays = api.user("metahexa-db", "amintha@metahexa.example").await;
    for (organization, user, place) in [(&ours, "auth0|u449", &connection), (&theirs, stays.as_str(), &other)]
    {
        let path = format!("/organizations/{organization}");
        api.post(&format!("{path}/enabled_connections"), json!({ "connection_id": place })).await.expect(201);
        api.post(&format!("{path}/members"), json!({ "members": [user] })).await.expect(204);
    }
    let deleted = api.delete(&format!("/connections/{connection}")).await.expect(202);
    let path = format!("/jobs/{}", text(&deleted, "job_id"));
    api.get(&format!("/connections/{connection}")).await.fault(404, "inexistent_connection");
    api.get("/users/auth0%7Cu449").await.fault(404, "inexistent_user");
    let places = api.get(&format!("/organizations/{ours}/enabled_connections")).await.expect(200);
    assert_eq!(places, json!([]), "it is enabled nowhere");
    let job = api.get(&path).await.expect(200);
    assert_eq!((&job["type"], &job["status"]), (&json!("connection_deletion"), &json!("pending")));
    let deleter = api.scoped("delete:connections").await;
    api.call_as(&deleter, "GET", &path, None).await.expect(200);
    work(&api).await;
    let job = api.get(&path).await.expect(200);
    assert_eq!(
        (&job["status"], &job["summary"]),
        (&json!("completed"), &json!({ "deleted": 450, "total": 450 }))
    );
    let left = api.get("/users?include_totals=true").await.expect(200);
    assert_eq!((&left["total"], &left["users"][0]["user_id"]), (&json!(1), &json!(stays)));
    let members = |id: &str| format!("/organizations/{id}/members");
    assert_eq!(api.get(&members(&ours)).await.expect(200), json!([]));
    assert_eq!(
        api.get(&members(&theirs)).await.expect(200)[0]["user_id"],
        json!(stays),
        "others are left alone"
    );
    let again = database_named(&api, "hoekstra-db").await;
    assert_ne!(again, connection, "the name is free");
    let few = api.delete(&format!("/connections/{again}")).await.expect(202);
    let job = api.get(&format!("/jobs/{}", text(&few, "job_id"))).await.expect(200);
    assert_eq!(job["status"], "completed", "few users go at once");
    api.delete("/connections/con_0000000000000000").await.expect(202);
}

async fn database_named(api: &Api, name: &str) -> String {
    let body = json!({ "name": name, "strategy": "auth0" });
    text(&api.post("/connections", body).await.expect(201), "id")
}

#[tokio::test]
async fn who_may_follow_a_connections_end_sees_no_other_job() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let job = import(&api, &connection, &json!([{ "email": "a@hoekstra.example" }]), &[]).await.expect(202);
    let deleter = api.scoped("delete:connections").await;
    let refused = api.call_as(&deleter, "GET", &format!("/jobs/{}", text(&job, "id")), None).await;
    assert!(refused.fault(403, "insufficient_scope").contains("read:users"));
}
