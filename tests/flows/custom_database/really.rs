//! Owns custom databases whose scripts really run, in worker processes: the shapes that they may have, and what hostile
//! ones come to (`security.md` §1.7).
//! Never touches real databases; `journeys` does.

use super::books::*;
use crate::{worker, world::World};
use async_trait::async_trait;
use portico_core::{
    admin::{ConnectionChange, ConnectionDraft},
    entropy::SystemEntropy,
    id::ConnectionId,
    model::EventKind,
    port::script::{AskError, Attendant, Reach, ScriptHost},
    time::SystemClock,
};
use portico_script::ScriptPool;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A gateway that has nothing for scripts.
#[derive(Debug)]
struct Nothing;

impl ScriptHost for Nothing {
    fn attend(&self, _: &Reach) -> Box<dyn Attendant> {
        Box::new(Self)
    }
}

#[async_trait]
impl Attendant for Nothing {
    async fn ask(&self, _: &str, _: Value) -> Result<Value, AskError> {
        Err(AskError::told("there is nothing here"))
    }
}

/// A gateway whose custom database has these scripts, and her in its configuration.
async fn running(scripts: Value, more: &Value) -> (World, ConnectionId) {
    let world = World::new().await;
    let entropy = Arc::new(SystemEntropy::default());
    let pool = ScriptPool::new(worker::command(), 2, Arc::new(Nothing), Arc::new(SystemClock), entropy);
    world.scripts.run_by(Arc::new(pool));
    let mut options = options(more);
    options["customScripts"] = scripts;
    options["configuration"] = json!({"EMAIL": "jen@legacy.test", "SECRET": "of the customer"});
    let id = connect(&world, options).await;
    (world, id)
}

/// Whether she comes in by this login script, and the log's last word on it.
async fn comes_in_by(login: &str) -> (bool, u16, World) {
    let (world, _) = running(json!({"login": login}), &json!({})).await;
    let page = sign_in(&world, "jen@legacy.test", PASSWORD).await;
    (is_in(&page), page.status.as_u16(), world)
}

const RIGHT: &str = "{ user_id: 'x', email: configuration.EMAIL }";

#[tokio::test]
async fn a_script_may_call_back_return_a_promise_or_be_asynchronous() {
    for login in [
        format!("function login(email, password, callback) {{ callback(null, {RIGHT}); }}"),
        format!(
            "function login(email, password, callback) {{ setTimeout(() => callback(null, {RIGHT}), 5); }}"
        ),
        format!(
            "async function login(email, password, callback) {{ await null; return callback(null, {RIGHT}); }}"
        ),
        format!("async (email, password) => ({RIGHT})"),
        format!("function (email, password) {{ return Promise.resolve({RIGHT}); }}"),
    ] {
        let (is_in, status, _world) = comes_in_by(&login).await;
        assert!(is_in, "{status} {login}");
    }
}

#[tokio::test]
async fn a_script_is_told_the_organization_where_the_connection_says_so() {
    let login = "function login(email, password, context, callback) {
        if (!context.organization) return callback(null, { user_id: 'nobody', email });
        callback(null, { user_id: context.organization.name, email });
    }";
    let (world, _) = running(json!({"login": login}), &json!({"enable_script_context": true})).await;
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await));
    assert_eq!(user(&world, "jen@legacy.test").await.unwrap().id.as_str(), "auth0|nobody");
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[("connection", NAME)]).await;
    let page = browser.submit(&[("username", "jim@legacy.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(is_in(page), "{}", page.text());
    assert_eq!(user(&world, "jim@legacy.test").await.unwrap().id.as_str(), "auth0|hoekstra");
}

#[tokio::test]
async fn js_08_a_script_reads_its_own_configuration_and_no_other() {
    let look = "function login(email, password, callback) {
        const seen = Object.keys(configuration).sort().join() + typeof require + typeof process;
        callback(null, { user_id: 'x', email, nickname: seen });
    }";
    let (world, id) = running(json!({"login": look}), &json!({})).await;
    let mut another = options(&json!({"configuration": {"OTHER": "of somebody else"}}));
    another["customScripts"] = json!({"login": look});
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await));
    let nickname = user(&world, "jen@legacy.test").await.unwrap().profile["nickname"].clone();
    assert_eq!(nickname, "EMAIL,SECRETfunctionundefined");
    configure(&world, &id, another).await;
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await));
    let nickname = user(&world, "jen@legacy.test").await.unwrap().profile["nickname"].clone();
    assert_eq!(nickname, "OTHERfunctionundefined", "what it had before is gone with it");
}

#[tokio::test]
async fn js_11_an_ambiguous_answer_lets_nobody_in() {
    for (body, expected, reason) in [
        (format!("callback(null, {RIGHT}); callback(new Error('no'));"), true, None),
        (format!("callback(new WrongUsernameOrPasswordError(email)); callback(null, {RIGHT});"), false, None),
        (format!("callback(null, {RIGHT}); throw new Error('after');"), false, Some("script_raised")),
        (format!("callback(new Error('both'), {RIGHT});"), false, Some("script_raised")),
        (format!("callback(undefined, {RIGHT});"), true, None),
        ("callback(null);".to_owned(), false, None),
        ("callback();".to_owned(), false, None),
        ("callback(null, false);".to_owned(), false, Some("script_unusable")),
        (String::new(), false, Some("script_silent")),
        ("return Promise.reject(new Error('late'));".to_owned(), false, Some("script_raised")),
    ] {
        let script = format!("function login(email, password, callback) {{ {body} }}");
        let (is_in, status, world) = comes_in_by(&script).await;
        assert_eq!(is_in, expected, "{status} {body}");
        assert_eq!(world.reason(EventKind::ScriptFailed).await.as_deref(), reason, "{body}");
        let logins = world.kinds().await.into_iter().filter(|kind| *kind == EventKind::Login).count();
        assert_eq!(logins, usize::from(expected), "{body}");
    }
}

#[tokio::test]
async fn js_12_whatever_is_thrown_is_a_no() {
    for thrown in [
        "'text'",
        "null",
        "undefined",
        "42",
        "Symbol('x')",
        "{ name: 'WrongUsernameOrPasswordError', message: 'a look-alike' }",
        "{ get message() { throw new Error('a trap'); } }",
        "new Error('x'.repeat(10 * 1024 * 1024))",
        "(() => { const e = new Error('round'); e.self = e; return e; })()",
    ] {
        let script = format!("function login(email, password, callback) {{ throw {thrown}; }}");
        let (is_in, status, world) = comes_in_by(&script).await;
        assert!(!is_in && status >= 400, "{status} {thrown}");
        assert!(user(&world, "jen@legacy.test").await.is_none(), "{thrown}");
        let longest = world
            .events()
            .await
            .into_iter()
            .filter_map(|event| event.description)
            .map(|text| text.len())
            .max();
        assert!(longest.unwrap_or_default() < 2048, "{thrown}");
    }
}

#[tokio::test]
async fn js_13_a_monstrous_profile_is_nobodys() {
    for (profile, expected) in [
        ("{ user_id: 'x', email, name: 'y'.repeat(10 * 1024 * 1024) }", false),
        ("{ user_id: 'x', email, user_metadata: JSON.parse('[' .repeat(1000) + ']'.repeat(1000)) }", false),
        ("(() => { const a = { user_id: 'x' }; a.a = a; return a; })()", false),
        ("{ user_id: NaN, email }", false),
        ("{ user_id: 10n, email }", false),
        ("{ user_id: new Date(0), email: [email] }", false),
        ("[{ user_id: 'x', email }]", false),
        ("{ email }", false),
        ("{ user_id: function () {}, email }", false),
        (
            "JSON.parse('{\"user_id\": \"x\", \"__proto__\": {\"blocked\": false}, \"email\": \"jen@legacy.test\"}')",
            true,
        ),
        ("{ user_id: 'x', email, nickname: undefined, picture: null, at: new Date(0), f: () => 1 }", true),
    ] {
        let script = format!("function login(email, password, callback) {{ callback(null, {profile}); }}");
        let (is_in, status, world) = comes_in_by(&script).await;
        assert_eq!(is_in, expected, "{status} {profile}");
        assert_eq!(user(&world, "jen@legacy.test").await.is_some(), expected, "{profile}");
    }
}

#[tokio::test]
async fn js_15_neither_a_password_nor_the_configuration_comes_out() {
    let script = "function login(email, password, callback) {
        console.log('password', password, JSON.stringify(arguments), configuration.SECRET);
        throw new Error('select * from users where password = ' + password + ' ' + configuration.SECRET);
    }";
    let (world, _) = running(json!({"login": script}), &json!({})).await;
    let typed = "Secret-Of-Jennifer-77";
    assert_eq!(sign_in(&world, "jen@legacy.test", typed).await.status, 400);
    let events = world.events().await;
    let failed = events.iter().find(|event| event.kind == EventKind::ScriptFailed).expect("an entry");
    assert!(failed.description.as_ref().unwrap().contains("select * from users"), "{failed:?}");
    let all = serde_json::to_string(&events).unwrap();
    assert!(!all.contains(typed) && !all.contains("of the customer"), "{all}");
    assert!(all.contains("password"), "the control: the console is there");
}

fn connection(scripts: Value) -> ConnectionDraft {
    let Value::Object(mut options) = options(&json!({})) else { unreachable!("options are an object") };
    options.insert("customScripts".to_owned(), scripts);
    ConnectionDraft {
        name: "checked-db".to_owned(),
        strategy: "auth0".to_owned(),
        display_name: None,
        options,
        enabled_clients: Vec::new(),
        realms: Vec::new(),
        extra: Map::new(),
    }
}

#[tokio::test]
async fn a_script_that_does_not_compile_is_refused_with_its_name_line_and_column() {
    let (world, _) = running(json!({"login": "async () => null"}), &json!({})).await;
    let (admin, actor) = (admin(&world), actor());
    let good = "function login(email, password, callback) { callback(null); }";
    let bad = "function create(user, callback) {\n  let let = 1;\n}";
    let refused = admin.create_connection(&actor, connection(json!({"login": good, "create": bad}))).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("create: syntax error in line 2, column "), "{refused}");
    assert!(refused.contains("on property options.customScripts.create"), "{refused}");
    let two = admin.create_connection(&actor, connection(json!({"login": "1 + 1"}))).await.unwrap_err();
    assert!(two.to_string().contains("login: "), "{two}");
    let made = admin.create_connection(&actor, connection(json!({"login": good}))).await.unwrap();
    let Value::Object(mut options) = made.options.clone() else { unreachable!("options are an object") };
    options.insert("customScripts".to_owned(), json!({"login": bad}));
    let change = ConnectionChange { options: Some(options), ..ConnectionChange::default() };
    admin.update_connection(&actor, &made.id, change).await.unwrap_err();
}

#[tokio::test]
async fn js_19_a_script_that_is_too_long_is_refused() {
    let (world, _) = running(json!({"login": "async () => null"}), &json!({})).await;
    let (admin, actor) = (admin(&world), actor());
    for script in [
        format!("function () {{ /* {} */ }}", "x".repeat(100 << 10)),
        format!("() => {}", "(".repeat(90_000)),
    ] {
        admin.create_connection(&actor, connection(json!({"login": script}))).await.unwrap_err();
    }
}
