//! Owns the cases of organizations that administrators decide: names, and what a token of one organization reaches.
//! Never touches logins.

use crate::management::world::{Api, encoded, text};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn org_09_a_name_that_was_given_up_rests_before_another_has_it() {
    let api = Api::new().await;
    let first = api.organization("hoekstra").await;
    api.patch(&format!("/organizations/{first}"), json!({ "name": "hoekstra-old" })).await.expect(200);
    let taken = api.post("/organizations", json!({ "name": "hoekstra" })).await;
    assert_eq!(taken.fault(409, "organization_conflict"), "An organization with this name already exists.");
    api.get("/organizations/name/hoekstra").await.fault(404, "");
    let second = api.organization("metahexa").await;
    let renamed = api.patch(&format!("/organizations/{second}"), json!({ "name": "hoekstra" })).await;
    renamed.fault(409, "organization_conflict");
    let back = api.patch(&format!("/organizations/{first}"), json!({ "name": "hoekstra" })).await.expect(200);
    assert_eq!(back["id"], first.as_str(), "its own name it may have back");
}

#[tokio::test]
async fn org_09_a_deleted_organizations_name_rests_too_and_its_id_never_returns() {
    let api = Api::new().await;
    let first = api.organization("hoekstra").await;
    api.delete(&format!("/organizations/{first}")).await.expect(204);
    api.post("/organizations", json!({ "name": "hoekstra" })).await.fault(409, "organization_conflict");
    // Longer than any refresh token lives.
    api.clock.advance(Duration::from_hours(8_767));
    let token = api.scoped("create:organizations").await;
    let made = api.call_as(&token, "POST", "/organizations", Some(&json!({ "name": "hoekstra" }))).await;
    assert_ne!(text(&made.expect(201), "id"), first);
}

#[tokio::test]
async fn org_10_names_that_could_be_taken_for_something_else_are_refused() {
    let api = Api::new().await;
    let long = "a".repeat(51);
    let names =
        ["org_abc", "Hoekstra", "hoekstr\u{430}", "../x", "a\r\nb", "", "-a", "_a", "a b", "a.b", &long];
    for name in names {
        let message = api.post("/organizations", json!({ "name": name })).await.fault(400, "invalid_body");
        assert!(message.contains("on property name ("), "{name:?}: {message}");
    }
    for name in ["hoekstra", "0-day_tours", &long[..50]] {
        let id = api.organization(name).await;
        assert_eq!(api.get(&format!("/organizations/name/{name}")).await.expect(200)["id"], id.as_str());
    }
}

#[tokio::test]
async fn org_17_a_token_of_one_organization_reaches_that_organization_and_nothing_else() {
    let api = Api::new().await;
    let (mine, other) = (api.organization("hoekstra").await, api.organization("metahexa").await);
    let scope =
        "read:organizations read:organization_members create:organization_members read:users read:clients";
    let token = api.token(json!({ "scope": scope, "org_id": mine })).await;
    let get = |path: String| {
        let (api, token) = (&api, &token);
        async move { api.call_as(token, "GET", &path, None).await }
    };
    get(format!("/organizations/{mine}")).await.expect(200);
    get(format!("/organizations/{mine}/members")).await.expect(200);
    for path in [format!("/organizations/{other}"), format!("/organizations/{other}/members")] {
        let message = get(path).await.fault(404, "");
        assert_eq!(message, "No organization found by that id or name");
    }
    for path in ["/organizations", "/users", "/clients"] {
        get(path.to_owned()).await.fault(403, "insufficient_scope");
    }
    get("/organizations/name/metahexa".to_owned()).await.fault(404, "");
}

#[tokio::test]
async fn org_17_an_organization_in_query_header_or_body_changes_nothing() {
    let api = Api::new().await;
    let client = api.client().await;
    let connection = api.database("db", &[&client]).await;
    let (mine, other) = (api.organization("hoekstra").await, api.organization("metahexa").await);
    let user = api.user("db", "jennifer@hoekstra.example").await;
    let enabled = format!("/organizations/{mine}/enabled_connections");
    api.post(&enabled, json!({ "connection_id": connection })).await.expect(201);
    let scope = "read:organization_members create:organization_members";
    let token = api.token(json!({ "scope": scope, "org_id": mine })).await;
    let request = http::Request::get(format!(
        "/api/v2/organizations/{other}/members?org_id={mine}&organization={mine}"
    ))
    .header("authorization", format!("Bearer {token}"))
    .header("organization", &mine)
    .header("x-organization-id", &mine);
    api.send(request.body(axum::body::Body::empty()).unwrap()).await.fault(404, "");
    let path = format!("/organizations/{mine}/members");
    let body = json!({ "members": [user], "organization_id": other });
    api.call_as(&token, "POST", &path, Some(&body)).await.fault(400, "invalid_body");
    api.call_as(&token, "POST", &path, Some(&json!({ "members": [user] }))).await.expect(204);
    let organizations = api.get(&format!("/users/{}/organizations", encoded(&user))).await.expect(200);
    let ids: Vec<_> = organizations.as_array().unwrap().iter().map(|row| text(row, "id")).collect();
    assert_eq!(ids, [mine]);
}

#[tokio::test]
async fn org_08_a_removed_members_tokens_for_that_organization_end_in_the_same_unit() {
    use portico_core::{
        id::{ConnectionId, FamilyId, OrganizationId, UserId},
        model::TokenFamily,
        time::Clock,
    };
    let api = Api::new().await;
    let client = api.client().await;
    let connection = api.database("db", &[&client]).await;
    let (mine, other) = (api.organization("hoekstra").await, api.organization("metahexa").await);
    let user = api.user("db", "jennifer@hoekstra.example").await;
    let family = |n: &str, organization: &str| TokenFamily {
        id: FamilyId::parse(format!("fam_{n}")).unwrap(),
        client_id: api.first.client_id.clone(),
        user_id: UserId::parse(user.clone()).unwrap(),
        connection_id: ConnectionId::parse(connection.clone()).unwrap(),
        organization_id: Some(OrganizationId::parse(organization).unwrap()),
        audience: None,
        scope: Vec::new(),
        session_id: None,
        auth_time: api.clock.now(),
        amr: Vec::new(),
        epoch: 0,
        created_at: api.clock.now(),
        revoked_at: None,
    };
    let families = [family("1", &mine), family("2", &other)];
    let write = api.store.write(move |unit| {
        Box::pin(async move {
            unit.grants().insert_family(&families[0]).await?;
            unit.grants().insert_family(&families[1]).await
        })
    });
    write.await.unwrap();
    for organization in [&mine, &other] {
        let path = format!("/organizations/{organization}/members");
        api.post(&path, json!({ "members": [user] })).await.expect(204);
    }
    api.delete_with(&format!("/organizations/{mine}/members"), json!({ "members": [user] }))
        .await
        .expect(204);
    let revoked = api.store.read(|unit| {
        Box::pin(async move {
            let mut revoked = Vec::new();
            for n in ["fam_1", "fam_2"] {
                let found = unit.grants().find_family(&FamilyId::parse(n).unwrap()).await?;
                revoked.push(found.unwrap().revoked_at.is_some());
            }
            Ok::<_, portico_core::port::store::StoreError>(revoked)
        })
    });
    assert_eq!(revoked.await.unwrap(), [true, false], "the other organization's tokens live on");
}

#[tokio::test]
async fn org_19_who_acts_for_one_organization_binds_no_connection() {
    let api = Api::new().await;
    let client = api.client().await;
    let (theirs, mine) = (api.database("theirs", &[&client]).await, api.database("mine", &[&client]).await);
    let (own, other) = (api.organization("hoekstra").await, api.organization("metahexa").await);
    let bind = |organization: &str| format!("/organizations/{organization}/enabled_connections");
    api.post(&bind(&other), json!({ "connection_id": theirs })).await.expect(201);
    api.post(&bind(&own), json!({ "connection_id": mine })).await.expect(201);
    let scope = "read:organization_connections create:organization_connections update:organization_connections \
                 delete:organization_connections";
    let token = api.token(json!({ "scope": scope, "org_id": own })).await;
    let call = async |method: &str, path: &str, body: serde_json::Value| {
        let body = (!body.is_null()).then_some(body);
        api.call_as(&token, method, path, body.as_ref()).await
    };
    let refusal = "A token of one organization cannot enable connections.";
    let nobodys = "con_0000000000000000";
    for connection in [theirs.as_str(), mine.as_str(), nobodys] {
        for path in [bind(&own), format!("/organizations/{own}/connections")] {
            let refused = call("POST", &path, json!({ "connection_id": connection })).await;
            assert_eq!(
                refused.fault(403, "operation_not_supported"),
                refusal,
                "{path}: and nothing is learnt of it"
            );
        }
    }
    call("POST", &bind(&other), json!({ "connection_id": mine })).await.fault(404, "");
    let row = format!("{}/{theirs}", bind(&own));
    call("PATCH", &row, json!({ "show_as_button": false })).await.fault(404, "");
    call("GET", &row, json!(null)).await.fault(404, "");

    let row = format!("/organizations/{own}/connections/{mine}");
    let level = call("PATCH", &row, json!({ "organization_access_level": "full" })).await;
    let why = "A token of one organization cannot change what organizations may do with connections.";
    assert_eq!(level.fault(403, "operation_not_supported"), why);
    let off = call("PATCH", &row, json!({ "show_as_button": false, "is_enabled": false })).await.expect(200);
    assert_eq!((&off["show_as_button"], &off["is_enabled"]), (&json!(false), &json!(false)), "the control");
    let on = call("PATCH", &row, json!({ "is_enabled": true })).await;
    assert_eq!(on.fault(403, "operation_not_supported"), refusal, "what is off stays off");
    assert_eq!(api.get(&row).await.expect(200)["is_enabled"], false);
    api.patch(&row, json!({ "is_enabled": true, "organization_access_level": "limited" })).await.expect(200);
    call("PATCH", &row, json!({ "is_enabled": true })).await.expect(200);
    call("DELETE", &row, json!(null)).await.expect(204);
}

#[tokio::test]
async fn org_19_who_acts_for_one_organization_reads_no_others_people_by_making_them_members() {
    let api = Api::new().await;
    let client = api.client().await;
    let (mine, theirs) = (api.database("mine", &[&client]).await, api.database("theirs", &[&client]).await);
    let (own, other) = (api.organization("hoekstra").await, api.organization("metahexa").await);
    for (organization, connection) in [(&own, &mine), (&other, &theirs)] {
        let path = format!("/organizations/{organization}/enabled_connections");
        api.post(&path, json!({ "connection_id": connection })).await.expect(201);
    }
    let colleague = api.user("mine", "piet@hoekstra.example").await;
    let stranger = api.user("theirs", "amintha@metahexa.example").await;
    let scope = "read:organization_members create:organization_members read:organization_member_roles";
    let token = api.token(json!({ "scope": scope, "org_id": own })).await;
    let members = format!("/organizations/{own}/members");
    let add = async |users: &[&str]| {
        api.call_as(&token, "POST", &members, Some(&json!({ "members": users }))).await
    };
    let unknown = add(&["auth0|000000000000000000000000"]).await.fault(404, "inexistent_user");
    assert_eq!(add(&[&stranger]).await.fault(404, "inexistent_user"), unknown, "and is told nothing of them");
    add(&[&colleague, &stranger]).await.fault(404, "inexistent_user");
    assert_eq!(api.get(&members).await.expect(200), json!([]), "all or none");
    add(&[&colleague]).await.expect(204);
    assert_eq!(api.get(&members).await.expect(200).as_array().unwrap().len(), 1, "the control");
    let roles = format!("/organizations/{other}/members/{}/roles", encoded(&stranger));
    api.call_as(&token, "GET", &roles, None).await.fault(404, "");
    api.post(&members, json!({ "members": [stranger] })).await.expect(204);
}
