//! Owns the tests of `/actions`: actions, versions, deployment, triggers and bindings.
//! Never touches how they run.

use super::world::{Api, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CODE: &str = "exports.onExecutePostLogin = async (event, api) => {\n};";

const BINDINGS: &str = "/actions/triggers/post-login/bindings";

fn draft(name: &str) -> Value {
    json!({ "name": name, "supported_triggers": [{ "id": "post-login", "version": "v3" }], "code": CODE })
}

#[tokio::test]
async fn an_action_is_made_read_changed_and_deleted() {
    let api = Api::new().await;
    let mut body = draft("Add claims");
    body["secrets"] = json!([{ "name": "KEY", "value": "s3cr3t-value" }]);
    body["dependencies"] = json!([{ "name": "lodash", "version": "4.17.21" }]);
    let made = api.post("/actions/actions", body).await.expect(201);
    let (id, at) = (text(&made, "id"), text(&made, "created_at"));
    assert_eq!(
        made,
        json!({
            "id": id, "name": "Add claims", "supported_triggers": [{ "id": "post-login", "version": "v3" }],
            "created_at": at, "updated_at": at, "code": CODE,
            "dependencies": [{ "name": "lodash", "version": "4.17.21" }], "runtime": "node22", "status": "built",
            "secrets": [{ "name": "KEY", "updated_at": at }], "all_changes_deployed": false, "modules": [],
        })
    );
    let path = format!("/actions/actions/{id}");
    let changed = api.patch(&path, json!({ "name": "Claims", "runtime": "node18" })).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["runtime"], &changed["code"]),
        (&json!("Claims"), &json!("node18"), &json!(CODE))
    );
    assert_eq!(api.get(&path).await.expect(200), changed);
    api.delete(&path).await.expect(204);
    assert_eq!(api.get(&path).await.status, 404);
    assert_eq!(api.get(&path).await.body["message"], "The action does not exist.");
    let gone = api.patch(&path, json!({ "name": "x" })).await;
    assert_eq!(gone.body["message"], "Action not found and cannot be updated.");
}

#[tokio::test]
async fn secrets_are_never_shown_and_stay_when_no_value_is_sent() {
    let api = Api::new().await;
    let mut body = draft("Secrets");
    body["secrets"] = json!([{ "name": "A", "value": "value-of-a" }, { "name": "B", "value": "value-of-b" }]);
    let made = api.post("/actions/actions", body).await.expect(201);
    let path = format!("/actions/actions/{}", text(&made, "id"));
    let deployed = api.post(&format!("{path}/deploy"), json!({})).await.expect(200);
    let kept = api
        .patch(&path, json!({ "secrets": [{ "name": "A" }, { "name": "B", "value": "value-of-b" }] }))
        .await
        .expect(200);
    assert_eq!(kept["all_changes_deployed"], true, "nothing has changed");
    let changed =
        api.patch(&path, json!({ "secrets": [{ "name": "A", "value": "another" }] })).await.expect(200);
    assert_eq!(
        (&changed["all_changes_deployed"], changed["secrets"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
    api.patch(&path, json!({ "secrets": [{ "name": "NEW" }] })).await.fault(400, "invalid_body");
    api.patch(&path, json!({ "secrets": [{ "name": "A" }, { "name": "A" }] }))
        .await
        .fault(400, "invalid_body");
    let versions = api.get(&format!("{path}/versions")).await.expect(200);
    let listed = api.get("/actions/actions").await.expect(200);
    for shown in [made, deployed, kept, changed, versions, listed] {
        assert!(!shown.to_string().contains("value-of"), "{shown}");
    }
}

#[tokio::test]
async fn what_is_deployed_stays_until_it_is_deployed_anew() {
    let api = Api::new().await;
    let made = api.post("/actions/actions", draft("Deploys")).await.expect(201);
    let path = format!("/actions/actions/{}", text(&made, "id"));
    let first = api.post(&format!("{path}/deploy"), json!({})).await.expect(200);
    assert_eq!(
        (&first["number"], &first["status"], &first["deployed"]),
        (&json!(1), &json!("built"), &json!(true))
    );
    assert_eq!(first["action"]["id"], made["id"]);
    let other = "exports.onExecutePostLogin = async () => {};";
    let draft = api.patch(&path, json!({ "code": other })).await.expect(200);
    assert_eq!(
        (&draft["deployed_version"]["code"], &draft["all_changes_deployed"]),
        (&json!(CODE), &json!(false))
    );
    let second = api.post(&format!("{path}/deploy"), json!({})).await.expect(200);
    assert_eq!((&second["number"], &second["code"]), (&json!(2), &json!(other)));
    let versions = api.get(&format!("{path}/versions?per_page=1")).await.expect(200);
    assert_eq!((&versions["total"], &versions["versions"][0]["id"]), (&json!(2), &second["id"]));
    let one = format!("{path}/versions/{}", text(&first, "id"));
    assert_eq!(api.get(&one).await.expect(200)["deployed"], false);
    let back = api.post(&format!("{one}/deploy"), json!({ "update_draft": true })).await.expect(202);
    assert_eq!((&back["number"], &back["code"]), (&json!(3), &json!(CODE)));
    assert_eq!(api.get(&path).await.expect(200)["code"], CODE);
    let missing = format!("{path}/versions/00000000-0000-4000-8000-000000000000");
    assert_eq!(api.get(&missing).await.body["message"], "The action version does not exist.");
    let at_once = json!({ "name": "At once", "supported_triggers": [{ "id": "post-login" }], "code": CODE, "deploy": true });
    assert_eq!(api.post("/actions/actions", at_once).await.expect(201)["all_changes_deployed"], true);
}

#[tokio::test]
async fn lists_are_filtered_and_always_in_an_envelope() {
    let api = Api::new().await;
    let none = api.get("/actions/actions?page=0&per_page=100").await.expect(200);
    assert_eq!(none, json!({ "actions": [], "total": 0, "page": 0, "per_page": 100 }));
    let made = api.post("/actions/actions", draft("One")).await.expect(201);
    api.post("/actions/actions", draft("Two")).await.expect(201);
    api.post(&format!("/actions/actions/{}/deploy", text(&made, "id")), json!({})).await.expect(200);
    for (query, names) in [
        ("", vec!["One", "Two"]),
        ("?deployed=true", vec!["One"]),
        ("?deployed=false", vec!["Two"]),
        ("?actionName=Two", vec!["Two"]),
        ("?triggerId=credentials-exchange", vec![]),
        ("?installed=true", vec![]),
    ] {
        let listed = api.get(&format!("/actions/actions{query}")).await.expect(200);
        // Those of one millisecond come in any order.
        let found: BTreeSet<_> =
            listed["actions"].as_array().unwrap().iter().map(|action| text(action, "name")).collect();
        assert_eq!(found, names.into_iter().map(str::to_owned).collect(), "{query}");
        assert!(listed["total"].is_number() && listed["page"].is_number() && listed["per_page"].is_number());
    }
    let mut paged = BTreeSet::new();
    for page in 0..2 {
        let query = format!("?triggerId=post-login&per_page=1&page={page}");
        let listed = api.get(&format!("/actions/actions{query}")).await.expect(200);
        paged.extend(listed["actions"].as_array().unwrap().iter().map(|action| text(action, "name")));
    }
    assert_eq!(paged.len(), 2, "each is on one page");
}

#[tokio::test]
async fn what_could_not_run_is_refused_when_it_is_saved() {
    let api = Api::new().await;
    let mut broken = draft("Broken");
    broken["code"] = json!("exports.onExecutePostLogin = async (event, api) => {\n  api.access.deny('x');\n");
    let message = api.post("/actions/actions", broken).await.fault(400, "invalid_body");
    assert!(message.contains("Syntax error in line ") && message.contains("on property code ("), "{message}");
    let elsewhere = json!({ "name": "x", "supported_triggers": [{ "id": "credentials-exchange", "version": "v2" }], "code": CODE });
    let message = api.post("/actions/actions", elsewhere).await.fault(400, "invalid_body");
    assert!(message.contains("only at post-login"), "{message}");
    for (name, value) in [
        ("modules", json!([{ "module_id": "x" }])),
        ("runtime", json!("deno")),
        ("unknown", json!(1)),
        ("secrets", json!([{ "name": "A" }])),
        ("dependencies", json!(vec![json!({ "name": "x" }); 11])),
    ] {
        let mut body = draft("x");
        body[name] = value;
        api.post("/actions/actions", body).await.fault(400, "invalid_body");
    }
    api.post("/actions/actions", draft("x")).await.expect(201);
    let message = api.post("/actions/actions", draft("x")).await.fault(409, "action_conflict");
    assert_eq!(message, "An action with the same name already exists.");
}

#[tokio::test]
async fn bindings_say_what_runs_and_in_which_order() {
    let api = Api::new().await;
    let triggers = api.get("/actions/triggers").await.expect(200);
    assert_eq!(
        (&triggers["triggers"][0]["id"], &triggers["triggers"][0]["status"]),
        (&json!("post-login"), &json!("CURRENT"))
    );
    let mut made = Vec::new();
    for name in ["One", "Two", "Three"] {
        made.push(api.post("/actions/actions", draft(name)).await.expect(201));
    }
    let by_name = |name: &str| json!({ "ref": { "type": "action_name", "value": name }, "display_name": format!("Step {name}") });
    let message =
        api.patch(BINDINGS, json!({ "bindings": [by_name("One")] })).await.fault(400, "invalid_body");
    assert!(message.contains("is not deployed"), "{message}");
    for action in &made {
        api.post(&format!("/actions/actions/{}/deploy", text(action, "id")), json!({})).await.expect(200);
    }
    let by_id = json!({ "ref": { "type": "action_id", "value": made[1]["id"] } });
    let bound = api.patch(BINDINGS, json!({ "bindings": [by_id, by_name("One")] })).await.expect(200);
    let names = |bound: &Value| -> Vec<String> {
        bound["bindings"].as_array().unwrap().iter().map(|binding| text(&binding["action"], "name")).collect()
    };
    assert_eq!(names(&bound), ["Two", "One"]);
    assert_eq!(
        (&bound["bindings"][0]["display_name"], &bound["bindings"][1]["display_name"]),
        (&json!("Two"), &json!("Step One"))
    );
    assert_eq!(bound["bindings"][0]["trigger_id"], "post-login");
    let again = json!({ "ref": { "type": "binding_id", "value": bound["bindings"][1]["id"] } });
    let bound_again = api.patch(BINDINGS, json!({ "bindings": [again, by_name("Three")] })).await.expect(200);
    assert_eq!(names(&bound_again), ["One", "Three"]);
    assert_eq!(bound_again["bindings"][0]["id"], bound["bindings"][1]["id"], "a place keeps its id");
    let listed = api.get(&format!("{BINDINGS}?page=0&per_page=50")).await.expect(200);
    assert_eq!((names(&listed), &listed["total"]), (vec!["One".to_owned(), "Three".to_owned()], &json!(2)));
    for odd in [
        json!([by_name("One"), by_name("One")]),
        json!([by_name("Nobody")]),
        json!([{ "ref": { "type": "x", "value": "y" } }]),
    ] {
        api.patch(BINDINGS, json!({ "bindings": odd })).await.fault(400, "invalid_body");
    }
    let one = format!("/actions/actions/{}", text(&made[0], "id"));
    api.delete(&one).await.fault(409, "action_bound");
    api.delete(&format!("{one}?force=true")).await.expect(204);
    assert_eq!(names(&api.get(BINDINGS).await.expect(200)), ["Three"]);
    assert_eq!(names(&api.patch(BINDINGS, json!({ "bindings": [] })).await.expect(200)), [""; 0]);
    assert_eq!(
        api.get("/actions/triggers/credentials-exchange/bindings").await.expect(200)["bindings"],
        json!([])
    );
    assert_eq!(api.get("/actions/triggers/nonsense/bindings").await.status, 404);
}
