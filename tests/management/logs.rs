//! Owns the tests of `/logs`.
//! Never touches what is logged.

use super::world::{Api, text};
use serde_json::{Value, json};
use std::time::Duration;

async fn with_entries() -> Api {
    let api = Api::new().await;
    for n in 0..4 {
        if n == 2 {
            api.clock.advance(Duration::from_millis(1));
        }
        api.role(&format!("role{n}")).await;
    }
    api
}

fn ids(body: &Value) -> Vec<String> {
    body.as_array().unwrap().iter().map(|row| text(row, "log_id")).collect()
}

#[tokio::test]
async fn pages_come_newest_first() {
    let api = with_entries().await;
    let page = api.get("/logs?per_page=2&include_totals=true").await.expect(200);
    assert_eq!((&page["total"], &page["length"], &page["start"]), (&json!(5), &json!(2), &json!(0)));
    assert_eq!(page["logs"][0]["description"], "Create a role");
    let all = ids(&api.get("/logs").await.expect(200));
    let mut oldest_first = ids(&api.get("/logs?sort=date:1").await.expect(200));
    oldest_first.reverse();
    assert_eq!(all, oldest_first);
    let one = api.get(&format!("/logs/{}", all[0])).await.expect(200);
    assert_eq!((&one["type"], &one["_id"], &one["log_id"]), (&json!("sapi"), &json!(all[0]), &json!(all[0])));
    let missing = api.get("/logs/1795521600000aaaaaaaaaaaa").await;
    assert_eq!(missing.fault(404, "inexistent_log"), "Log not found.");
}

#[tokio::test]
async fn what_happened_in_one_instant_is_listed_as_it_happened() {
    let api = Api::new().await;
    let names: Vec<_> = (0..20).map(|n| format!("role{n:02}")).collect();
    let mut made = Vec::new();
    for name in &names {
        made.push(api.role(name).await);
    }
    let told = |path: &'static str| {
        let api = &api;
        async move {
            let body = api.get(path).await.expect(200);
            let rows = body.as_array().unwrap().iter().filter(|row| row["description"] == "Create a role");
            rows.map(|row| (text(row, "date"), text(&row["details"], "resource_id"))).collect::<Vec<_>>()
        }
    };
    let oldest_first = told("/logs?sort=date:1").await;
    assert!(oldest_first.iter().all(|(date, _)| *date == oldest_first[0].0), "the clock stands still");
    let ids = |rows: Vec<(String, String)>| rows.into_iter().map(|(_, id)| id).collect::<Vec<_>>();
    assert_eq!(ids(oldest_first), made);
    let mut newest_first = ids(told("/logs").await);
    newest_first.reverse();
    assert_eq!(newest_first, made);
    assert_eq!(ids(told("/logs?take=50").await), made, "by checkpoints too");
}

#[tokio::test]
async fn checkpoints_are_ids_of_entries_and_come_oldest_first() {
    let api = with_entries().await;
    let mut seen = ids(&api.get("/logs?take=2").await.expect(200));
    loop {
        let last = seen.last().unwrap().clone();
        let more = ids(&api.get(&format!("/logs?take=2&from={last}")).await.expect(200));
        if more.is_empty() {
            break;
        }
        seen.extend(more);
    }
    let mut newest_first = ids(&api.get("/logs").await.expect(200));
    newest_first.reverse();
    assert_eq!(seen, newest_first);
    api.get("/logs?from=x").await.fault(400, "invalid_query_string");
}

#[tokio::test]
async fn entries_are_found_by_what_is_supported_and_nothing_else() {
    let api = with_entries().await;
    let organization = api.organization("hoekstra").await;
    assert_eq!(ids(&api.get("/logs?q=type:sapi").await.expect(200)).len(), 6);
    assert_eq!(ids(&api.get("/logs?q=type:(s%20OR%20f)").await.expect(200)).len(), 0);
    let path = format!("/logs?q=organization_id:%22{organization}%22%20AND%20type:sapi");
    assert_eq!(ids(&api.get(&path).await.expect(200)).len(), 1);
    for query in ["type:nothing", "details.secret:*", "free%20text", "user_id:*"] {
        api.get(&format!("/logs?q={query}")).await.fault(400, "invalid_query_string");
    }
}
