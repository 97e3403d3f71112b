//! Owns the tests of `/rules` and `/rules-configs`.
//! Never touches how rules run.

use super::world::{Api, text};
use serde_json::json;

const SCRIPT: &str = "function (user, context, callback) {\n  callback(null, user, context);\n}";

#[tokio::test]
async fn a_rule_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let made = api
        .post("/rules", json!({ "name": "Add claims", "script": SCRIPT, "stage": "login_success" }))
        .await
        .expect(201);
    let id = text(&made, "id");
    assert_eq!(
        made,
        json!({ "id": id, "name": "Add claims", "script": SCRIPT, "order": made["order"], "stage": "login_success", "enabled": true })
    );
    let path = format!("/rules/{id}");
    let changed = api.patch(&path, json!({ "enabled": false, "order": 7 })).await.expect(200);
    assert_eq!(
        (&changed["enabled"], &changed["order"], &changed["script"]),
        (&json!(false), &json!(7), &json!(SCRIPT))
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
    assert_eq!(api.get("/rules?enabled=true").await.expect(200), json!([]));
    let listed = api.get("/rules?enabled=false&include_totals=true&fields=id,name").await.expect(200);
    assert_eq!(
        (&listed["total"], &listed["rules"]),
        (&json!(1), &json!([{ "id": id, "name": "Add claims" }]))
    );
    api.delete(&path).await.expect(204);
    assert_eq!(api.get(&path).await.fault(404, "inexistent_rule"), "Rule not found.");
}

#[tokio::test]
async fn names_and_places_are_taken_once() {
    let api = Api::new().await;
    let first = api.post("/rules", json!({ "name": "One", "script": SCRIPT })).await.expect(201);
    let second = api.post("/rules", json!({ "name": "Two", "script": SCRIPT })).await.expect(201);
    assert!(second["order"].as_i64() > first["order"].as_i64(), "a rule without a place comes last");
    let name =
        api.post("/rules", json!({ "name": "One", "script": SCRIPT })).await.fault(409, "rule_conflict");
    assert_eq!(name, "A rule with the same name already exists.");
    let body = json!({ "name": "Three", "script": SCRIPT, "order": first["order"] });
    let order = api.post("/rules", body).await.fault(409, "rule_conflict");
    assert_eq!(order, "A rule with the same order already exists.");
}

#[tokio::test]
async fn a_script_that_does_not_compile_is_refused_with_its_line() {
    let api = Api::new().await;
    let broken = "function (user, context, callback) {\n  callback(null, user, context);\n";
    let message =
        api.post("/rules", json!({ "name": "Broken", "script": broken })).await.fault(400, "invalid_body");
    assert!(
        message.contains("Syntax error in line 2, column 1") && message.contains("on property script ("),
        "{message}"
    );
    let good = text(&api.post("/rules", json!({ "name": "Good", "script": SCRIPT })).await.expect(201), "id");
    api.patch(&format!("/rules/{good}"), json!({ "script": broken })).await.fault(400, "invalid_body");
    assert_eq!(api.get(&format!("/rules/{good}")).await.expect(200)["script"], SCRIPT);
}

#[tokio::test]
async fn names_are_plain() {
    let api = Api::new().await;
    for name in ["-a", "a-", " a", "a_b", "a/b", "ä"] {
        let message =
            api.post("/rules", json!({ "name": name, "script": SCRIPT })).await.fault(400, "invalid_body");
        assert!(message.contains("does not match pattern"), "{name}: {message}");
    }
    api.post("/rules", json!({ "name": "Set roles - 2", "script": SCRIPT })).await.expect(201);
    api.post("/rules", json!({ "name": "x", "script": "" })).await.fault(400, "invalid_body");
    api.post("/rules", json!({ "name": "x", "script": SCRIPT, "stage": "login_failure" }))
        .await
        .fault(400, "invalid_body");
}

#[tokio::test]
async fn configuration_is_listed_by_name_only() {
    let api = Api::new().await;
    let set = api.put("/rules-configs/API_KEY", json!({ "value": "s3cr3t" })).await.expect(200);
    assert_eq!(set, json!({ "key": "API_KEY", "value": "s3cr3t" }));
    assert_eq!(api.get("/rules-configs").await.expect(200), json!([{ "key": "API_KEY" }]));
    let message = api.put("/rules-configs/a%20b", json!({ "value": "x" })).await.fault(400, "invalid_uri");
    assert!(message.contains("on property key"), "{message}");
    api.delete("/rules-configs/API_KEY").await.expect(204);
    assert_eq!(api.get("/rules-configs").await.expect(200), json!([]));
}
