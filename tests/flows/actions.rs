//! Owns logins at which actions run: what they say, and what a browser gets of it.
//! Never touches JavaScript: what an action's `api` notes is tested where it runs.

use crate::world::{HOEKSTRA, ISSUER, World, query, seed::PASSWORD};
use portico_core::{
    entropy::SystemEntropy,
    id::{ActionBindingId, ActionId, ActionVersionId},
    model::{Action, ActionBinding, ActionContent, ActionVersion, EventKind, Trigger},
    time::Timestamp,
};
use portico_fixtures::browser::Browser;
use serde_json::{Map, Value, json};

/// Deploy actions of these names, and bind them in this order.
async fn bind(world: &World, names: &[&'static str]) {
    let entropy = SystemEntropy::default();
    let at = Timestamp(1);
    let actions: Vec<_> = names
        .iter()
        .map(|name| {
            let content = ActionContent {
                code: "exports.onExecutePostLogin = async () => {};".to_owned(),
                dependencies: Vec::new(),
                runtime: "node22".to_owned(),
                secrets: Vec::new(),
            };
            let id = ActionId::random(&entropy);
            let version = ActionVersion {
                id: ActionVersionId::random(&entropy),
                action_id: id.clone(),
                number: 1,
                content: content.clone(),
                created_at: at,
            };
            let trigger = Trigger { id: Trigger::POST_LOGIN.to_owned(), version: "v3".to_owned() };
            let name = (*name).to_owned();
            Action {
                id,
                name,
                trigger,
                draft: content,
                deployed: Some(version),
                created_at: at,
                updated_at: at,
            }
        })
        .collect();
    let bindings: Vec<_> = actions
        .iter()
        .map(|action| ActionBinding {
            id: ActionBindingId::random(&entropy),
            trigger_id: Trigger::POST_LOGIN.to_owned(),
            action_id: action.id.clone(),
            display_name: action.name.clone(),
            created_at: at,
            updated_at: at,
        })
        .collect();
    world
        .store
        .write(move |unit| {
            Box::pin(async move {
                for action in &actions {
                    unit.actions().insert(action).await?;
                    let version = action.deployed.clone().expect("it is deployed");
                    unit.actions().insert_version(&version, 50).await?;
                }
                unit.actions().bind(Trigger::POST_LOGIN, &bindings).await
            })
        })
        .await
        .expect("the actions are stored");
}

/// From now on this action wants this, given its event and how it is called.
fn says(world: &World, name: &str, wants: impl Fn(&Value, &Value) -> Value + Send + Sync + 'static) {
    world.scripts.set(&format!("actions/{name}"), move |args| Ok(vec![wants(&args[0], &args[1])]));
}

async fn sign_in(world: &World, browser: &mut Browser) -> std::collections::BTreeMap<String, String> {
    world.begin(browser, &world.seed.booking, &[]).await;
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let mut answer = query(&page.url);
    answer.insert("at".to_owned(), page.url.to_string());
    answer.insert("text".to_owned(), page.text());
    answer
}

async fn app_metadata(world: &World) -> Map<String, Value> {
    world.people("piet@hoekstra.test", &world.seed.hoekstra).await[0].0.app_metadata.clone()
}

#[tokio::test]
async fn actions_run_after_the_rules_in_their_order_and_change_tokens() {
    let world = World::new().await;
    world.seed.rule(&*world.store, "rule", 1).await;
    world.scripts.set("rule", |mut args| {
        args[1]["idToken"]["https://t/order"] = json!("rule");
        args[1]["idToken"]["https://t/rule"] = json!(1);
        Ok(args)
    });
    bind(&world, &["second", "first"]).await;
    says(&world, "second", |event, how| {
        assert_eq!(
            (&how["handler"], &event["organization"]["name"]),
            (&json!("onExecutePostLogin"), &json!("hoekstra"))
        );
        assert_eq!(event["transaction"]["redirect_uri"], format!("{HOEKSTRA}/callback"));
        assert_eq!(how["rules"].as_array().unwrap().len(), 1);
        json!([
            ["idToken", "https://t/order", "second"],
            ["user_metadata", "colour", "red"],
            ["app_metadata", "plan", "gold"]
        ])
    });
    says(&world, "first", |event, _| {
        assert_eq!(event["user"]["app_metadata"], json!({}), "it is stored when the trigger is over");
        json!([["idToken", "https://t/order", "first"], ["accessToken", "https://t/plan", "gold"]])
    });
    let mut browser = world.browser();
    let answer = sign_in(&world, &mut browser).await;
    let tokens = world.redeem(&world.seed.booking, &answer["code"]).await;
    let claims = tokens.id_token();
    assert_eq!((&claims["https://t/order"], &claims["https://t/rule"]), (&json!("first"), &json!(1)));
    assert_eq!(Value::Object(app_metadata(&world).await), json!({"plan": "gold"}));
}

#[tokio::test]
async fn a_denied_login_names_the_action_in_the_log_and_runs_no_other() {
    let world = World::new().await;
    bind(&world, &["deny", "never"]).await;
    says(&world, "deny", |_, _| json!([["app_metadata", "denied", true], ["deny", "not in the office"]]));
    says(&world, "never", |_, _| panic!("after a denial nothing runs"));
    let mut browser = world.browser();
    let answer = sign_in(&world, &mut browser).await;
    assert_eq!(
        (answer["error"].as_str(), answer["error_description"].as_str()),
        ("access_denied", "not in the office")
    );
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("action_denied"));
    let event = world.events().await.pop().unwrap();
    assert_eq!(event.details["action"]["name"], "deny");
    assert_eq!(Value::Object(app_metadata(&world).await), json!({"denied": true}));
}

#[tokio::test]
async fn a_validation_error_is_a_page_that_the_visitor_reads() {
    let world = World::new().await;
    bind(&world, &["invalid"]).await;
    says(&world, "invalid", |_, _| json!([["invalid", "too_young", "Please ask <b>an adult</b>."]]));
    let mut browser = world.browser();
    let answer = sign_in(&world, &mut browser).await;
    assert!(answer["at"].starts_with(ISSUER) && !answer.contains_key("code"), "{}", answer["at"]);
    assert!(answer["text"].contains("Please ask <b>an adult</b>."), "{}", answer["text"]);
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("action_denied"));
}

#[tokio::test]
async fn an_action_sends_the_browser_away_and_goes_on_where_it_was() {
    let world = World::new().await;
    world.seed.rule(&*world.store, "rule", 1).await;
    world.scripts.set("rule", |mut args| {
        assert_eq!(args[1]["protocol"], "oidc-basic-profile", "the rules do not run again");
        args[1]["idToken"]["https://t/rule"] = json!(1);
        Ok(args)
    });
    bind(&world, &["before", "terms", "after"]).await;
    says(&world, "before", |_, how| {
        assert_eq!(how["handler"], "onExecutePostLogin", "it does not run again");
        json!([["idToken", "https://t/before", 1], ["app_metadata", "before", 1]])
    });
    says(&world, "terms", |event, how| {
        if how["handler"] == "onExecutePostLogin" {
            assert_eq!(how["can_redirect"], true);
            return json!([["sendUserTo", format!("{HOEKSTRA}/terms"), {"lang": "nl"}]]);
        }
        assert_eq!(how["state"], event["request"]["query"]["state"]);
        assert_eq!(event["request"]["method"], "GET");
        json!([["idToken", "https://t/accepted", event["request"]["query"]["accepted"].clone()]])
    });
    says(&world, "after", |_, how| {
        assert_eq!(how["handler"], "onExecutePostLogin");
        json!([["idToken", "https://t/after", 1]])
    });
    let mut browser = world.browser();
    let answer = sign_in(&world, &mut browser).await;
    assert!(answer["at"].starts_with(&format!("{HOEKSTRA}/terms?lang=nl&state=")), "{}", answer["at"]);
    assert_eq!(app_metadata(&world).await, Map::new(), "the trigger is not over");
    let back = format!("{ISSUER}continue?state={}", answer["state"]);
    let mut thief = world.browser();
    assert_eq!(thief.open(&back).await.unwrap().status, 400);
    let page = browser.open(&format!("{back}&accepted=yes")).await.unwrap();
    let tokens = world.redeem(&world.seed.booking, &query(&page.url)["code"]).await;
    let claims = tokens.id_token();
    for (claim, value) in
        [("rule", json!(1)), ("before", json!(1)), ("accepted", json!("yes")), ("after", json!(1))]
    {
        assert_eq!(claims[format!("https://t/{claim}")], value, "{claim}");
    }
    assert_eq!(Value::Object(app_metadata(&world).await), json!({"before": 1}));
    assert!(browser.open(&back).await.unwrap().status.is_client_error(), "a state is good once");
}

#[tokio::test]
async fn two_actions_may_send_the_browser_away_one_after_the_other() {
    let world = World::new().await;
    bind(&world, &["one", "two"]).await;
    for name in ["one", "two"] {
        says(&world, name, move |_, how| match how["handler"].as_str() {
            Some("onExecutePostLogin") => json!([["sendUserTo", format!("{HOEKSTRA}/{name}"), {}]]),
            _ => json!([["idToken", format!("https://t/{name}"), 1]]),
        });
    }
    let mut browser = world.browser();
    let first = sign_in(&world, &mut browser).await;
    let page = browser.open(&format!("{ISSUER}continue?state={}", first["state"])).await.unwrap();
    assert_eq!(page.url.path(), "/two");
    let second = query(&page.url)["state"].clone();
    assert_ne!(second, first["state"]);
    assert!(
        browser
            .open(&format!("{ISSUER}continue?state={}", first["state"]))
            .await
            .unwrap()
            .status
            .is_client_error()
    );
    let page = browser.open(&format!("{ISSUER}continue?state={second}")).await.unwrap();
    let claims = world.redeem(&world.seed.booking, &query(&page.url)["code"]).await.id_token();
    assert_eq!((&claims["https://t/one"], &claims["https://t/two"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn where_there_is_no_browser_to_send_away_an_action_is_told_and_a_redirect_refused() {
    let world = World::new().await;
    bind(&world, &["away"]).await;
    says(&world, "away", |event, how| {
        if event["transaction"]["protocol"] == "oidc-basic-profile"
            && event["transaction"]["prompt"] == json!([])
        {
            return json!([]);
        }
        assert_eq!(how["can_redirect"], false);
        json!([["sendUserTo", format!("{HOEKSTRA}/terms"), {}]])
    });
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[]).await;
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let code = query(&page.url).remove("code").expect("a code");
    let tokens = world.redeem(&world.seed.booking, &code).await;
    let page = world.begin(&mut browser, &world.seed.booking, &[("prompt", "none")]).await;
    assert_eq!(query(&page.url)["error"], "interaction_required", "{}", page.url);
    let client = world.seed.booking.clone();
    let refreshed = world
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", client.as_str()),
            ("client_secret", &format!("secret-of-{client}")),
            ("refresh_token", tokens.text("refresh_token")),
        ])
        .await;
    assert_eq!(
        (refreshed.status, refreshed.text("error")),
        (403, "interaction_required"),
        "{}",
        refreshed.body
    );
}
