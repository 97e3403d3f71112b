//! Owns the tests of the pipeline, over a runtime that answers what the test says.
//! Never touches an engine: what JavaScript does is tested where it runs.

use super::*;
use crate::{
    connector::Subject,
    email::Email,
    id::{ClientId, ConnectionId, OrganizationId, RuleId, UserId},
    model::{
        Client, ClientAuthentication, Connection, Identity, LoginScripts, Organization, OrganizationName,
        OrganizationUsage, RefreshTokenPolicy, RequireBehavior, Rule, RuleConfig, User,
    },
    port::script::{Call, Outcome, ScriptError, Source},
    secret::Secret,
    time::{SystemClock, Timestamp},
};
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, sync::Mutex};

type Player = Box<dyn Fn(&mut Value, &mut Value) -> Result<(), ScriptError> + Send + Sync>;

/// Plays scripts that are Rust functions, found by the rule's name, and remembers what each was given.
#[derive(Default)]
struct Played {
    scripts: Vec<(&'static str, Player)>,
    calls: Mutex<Vec<(String, Call)>>,
}

impl Played {
    fn rule(
        mut self,
        name: &'static str,
        script: impl Fn(&mut Value, &mut Value) -> Result<(), ScriptError> + Send + Sync + 'static,
    ) -> Self {
        self.scripts.push((name, Box::new(script)));
        self
    }

    async fn login(self) -> (Result<Verdict, RuleFailed>, Vec<(String, Call)>) {
        let rules: Vec<Rule> =
            self.scripts.iter().zip(1..).map(|((name, _), order)| rule(name, order)).collect();
        self.login_with(&rules, &[]).await
    }

    async fn login_with(
        self,
        rules: &[Rule],
        configs: &[RuleConfig],
    ) -> (Result<Verdict, RuleFailed>, Vec<(String, Call)>) {
        let played = Arc::new(self);
        let pipeline = Pipeline::new(played.clone(), Arc::new(SystemClock), Limits::default());
        let (user, client, connection, organization) = (user(), client(), connection(), organization());
        let input = RuleInput {
            tenant: "portico",
            user: &user,
            logins_count: 3,
            client: &client,
            connection: &connection,
            organization: Some(&organization),
            roles: &["Booker".to_owned()],
            scope: &["openid".to_owned(), "profile".to_owned()],
            protocol: Protocol::OidcBasicProfile,
            session: None,
            session_clients: &[],
            methods: &[Method { name: "pwd".to_owned(), at: Timestamp(5) }],
            request: Some(RuleRequest { ip: Some("192.0.2.7".to_owned()), ..RuleRequest::default() }),
            asked: Asked::default(),
        };
        let scripts = LoginScripts { rules: rules.to_vec(), actions: Vec::new() };
        let verdict = pipeline.run(&scripts, configs, &input, None).await.verdict;
        let calls = std::mem::take(&mut *played.calls.lock().unwrap());
        (verdict, calls)
    }
}

#[async_trait]
impl ScriptRuntime for Played {
    async fn check(&self, _: &Source) -> Result<(), ScriptError> {
        Ok(())
    }

    async fn call(&self, source: &Source, call: Call) -> Result<Outcome, ScriptError> {
        self.calls.lock().unwrap().push((source.name.clone(), call.clone()));
        let mut args = call.args.into_iter();
        let (mut user, mut context) = (args.next().unwrap(), args.next().unwrap());
        let (_, script) = self.scripts.iter().find(|(name, _)| *name == source.name).unwrap();
        script(&mut user, &mut context)?;
        Ok(Outcome { values: vec![user, context], console: vec![format!("{} ran", source.name)] })
    }
}

fn allowed(verdict: Result<Verdict, RuleFailed>) -> Changes {
    match verdict {
        Ok(Verdict::Allow(changes)) => *changes,
        other => panic!("{other:?}"),
    }
}

fn failed(verdict: Result<Verdict, RuleFailed>) -> RuleFailed {
    verdict.expect_err("the login fails")
}

fn raised(name: &str, message: &str) -> ScriptError {
    ScriptError::Raised {
        name: name.to_owned(),
        message: message.to_owned(),
        code: None,
        line: 1,
        console: Vec::new(),
    }
}

#[tokio::test]
async fn a_rule_is_told_what_the_contract_lists() {
    let (verdict, calls) = Played::default().rule("look", |_, _| Ok(())).login().await;
    allowed(verdict);
    let [user, context] = calls[0].1.args.as_slice() else { panic!("two arguments") };
    assert_eq!(user["user_id"], "auth0|1");
    assert_eq!(user["email"], "jennifer@hoekstra.example");
    assert_eq!(user["email_verified"], true);
    assert_eq!(user["name"], "Jennifer");
    assert_eq!(user["app_metadata"], json!({"plan": 2}));
    assert_eq!(user["user_metadata"], json!({}), "never null");
    assert_eq!(user["identities"][0]["user_id"], "1");
    assert_eq!(context["clientID"], "client1");
    assert_eq!(context["clientMetadata"], json!({"tier": "gold"}));
    assert_eq!(context["connection"], "hoekstra-users");
    assert_eq!(
        context["connectionOptions"],
        json!({"domain_aliases": ["hoekstra.example"]}),
        "no other option"
    );
    assert_eq!(context["protocol"], "oidc-basic-profile");
    assert_eq!(
        context["organization"],
        json!({"id": "org_hoekstra", "name": "hoekstra", "display_name": "Hoekstra", "metadata": {}})
    );
    assert_eq!(context["authorization"], json!({"roles": ["Booker"]}));
    assert_eq!(context["authentication"], json!({"methods": [{"name": "pwd", "timestamp": 5}]}));
    assert_eq!(context["stats"], json!({"loginsCount": 3}));
    assert_eq!(context["request"]["ip"], "192.0.2.7");
    assert_eq!((&context["idToken"], &context["accessToken"]), (&json!({}), &json!({})));
    assert_eq!(calls[0].1.organization.as_deref(), Some("org_hoekstra"));
}

#[tokio::test]
async fn enabled_rules_run_by_order_and_each_sees_what_its_predecessor_left() {
    let played = Played::default()
        .rule("second", |user, context| {
            assert_eq!((&user["seen"], &context["idToken"]["https://t/a"]), (&json!(true), &json!(1)));
            context["idToken"]["https://t/b"] = json!(2);
            Ok(())
        })
        .rule("first", |user, context| {
            user["seen"] = json!(true);
            context["idToken"]["https://t/a"] = json!(1);
            context["accessToken"]["plan"] = json!("gold");
            Ok(())
        })
        .rule("off", |_, _| panic!("disabled"));
    let rules = [rule("second", 9), rule("first", 4), Rule { enabled: false, ..rule("off", 1) }];
    let (verdict, calls) = played.login_with(&rules, &[]).await;
    assert_eq!(calls.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    let changes = allowed(verdict);
    assert_eq!(Value::Object(changes.id_token), json!({"https://t/a": 1, "https://t/b": 2}));
    assert_eq!(Value::Object(changes.access_token), json!({"plan": "gold"}));
    assert_eq!(changes.ignored, []);
    assert_eq!(
        changes.console[1],
        Console { rule: "second".to_owned(), lines: vec!["second ran".to_owned()] }
    );
}

#[tokio::test]
async fn an_unauthorized_error_denies_and_ends_the_pipeline() {
    let (verdict, calls) = Played::default()
        .rule("claims", |_, context| {
            context["idToken"]["x"] = json!(1);
            Ok(())
        })
        .rule("deny", |_, _| Err(raised("UnauthorizedError", "not today")))
        .rule("never", |_, _| panic!("after a denial nothing runs"))
        .login()
        .await;
    assert_eq!(calls.len(), 2);
    let by = Script { kind: ScriptKind::Rule, name: "deny".to_owned() };
    let denied = Verdict::Deny { by, reason: "not today".to_owned(), console: Vec::new() };
    assert_eq!(verdict.unwrap(), denied);
}

#[tokio::test]
async fn crash_time_out_and_memory_are_different_failures_that_name_the_rule() {
    type Fails = fn() -> ScriptError;
    let cases: [(Fails, &str); 6] = [
        (|| raised("TypeError", "x is undefined"), "rule_raised"),
        (|| ScriptError::TimedOut(Duration::from_secs(1)), "rule_timed_out"),
        (|| ScriptError::OutOfMemory, "rule_out_of_memory"),
        (|| ScriptError::Silent, "rule_silent"),
        (|| ScriptError::Busy, "scripts_busy"),
        (|| ScriptError::Worker("gone".into()), "script_worker_failed"),
    ];
    for (error, reason) in cases {
        let (verdict, _) = Played::default().rule("bad", move |_, _| Err(error())).login().await;
        let failed = failed(verdict);
        assert_eq!((failed.by.name.as_str(), failed.reason()), ("bad", reason));
    }
}

#[tokio::test]
async fn op_36_reserved_claims_stay_as_they_are_and_attempts_are_reported() {
    let reserved =
        ["iss", "sub", "aud", "exp", "iat", "nbf", "nonce", "azp", "org_id", "org_name", "email_verified"];
    let (verdict, _) = Played::default()
        .rule("forge", move |_, context| {
            for claim in reserved {
                context["idToken"][claim] = json!("forged");
                context["accessToken"][claim] = json!("forged");
            }
            context["idToken"]["scope"] = json!("admin");
            context["idToken"]["https://t/kept"] = json!(true);
            Ok(())
        })
        .login()
        .await;
    let changes = allowed(verdict);
    assert_eq!(Value::Object(changes.id_token), json!({"https://t/kept": true}));
    assert_eq!(changes.access_token, Map::new());
    assert_eq!(changes.scope, None);
    assert_eq!(changes.ignored.len(), 2 * reserved.len() + 1);
    let sub = IgnoredEdit { rule: "forge".to_owned(), path: "context.idToken.sub".to_owned() };
    assert!(changes.ignored.contains(&sub), "{:?}", changes.ignored);
}

#[tokio::test]
async fn js_17_what_the_login_is_about_cannot_be_edited() {
    let (verdict, calls) = Played::default()
        .rule("edit", |user, context| {
            context["clientID"] = json!("other");
            context["organization"] = json!({"id": "org_other"});
            context["connection"] = json!("other");
            context["authorization"]["roles"] = json!(["Admin"]);
            user["email_verified"] = json!(false);
            user["user_id"] = json!("auth0|2");
            user["nickname"] = json!("Jen");
            Ok(())
        })
        .rule("after", |_, _| Ok(()))
        .login()
        .await;
    let [user, context] = calls[1].1.args.as_slice() else { panic!("two arguments") };
    assert_eq!(
        (&context["clientID"], &context["organization"]["id"]),
        (&json!("client1"), &json!("org_hoekstra"))
    );
    assert_eq!(context["authorization"]["roles"], json!(["Booker"]));
    assert_eq!((&user["user_id"], &user["email_verified"]), (&json!("auth0|1"), &json!(true)));
    let changes = allowed(verdict);
    let paths: Vec<&str> = changes.ignored.iter().map(|edit| edit.path.as_str()).collect();
    let expected = [
        "user.user_id",
        "user.email_verified",
        "context.clientID",
        "context.connection",
        "context.organization",
        "context.authorization",
    ];
    assert_eq!(paths, expected);
    assert_eq!(Value::Object(changes.profile), json!({"nickname": "Jen"}), "the control: this one counts");
}

#[tokio::test]
async fn what_is_not_supported_fails_the_login_and_says_so() {
    for (field, value) in [("multifactor", json!({"provider": "any"})), ("primaryUser", json!("auth0|2"))] {
        let (verdict, _) = Played::default()
            .rule("asks", move |_, context| {
                context[field] = value.clone();
                Ok(())
            })
            .login()
            .await;
        let failed = failed(verdict);
        assert_eq!(failed.to_string(), format!("rule `asks`: `context.{field}` is not supported"));
    }
}

#[tokio::test]
async fn a_result_that_is_not_user_and_context_fails() {
    for (user, context) in [(json!(null), json!({})), (json!({}), json!([])), (json!("x"), json!({}))] {
        let (verdict, _) = Played::default()
            .rule("odd", move |old_user, old_context| {
                (*old_user, *old_context) = (user.clone(), context.clone());
                Ok(())
            })
            .login()
            .await;
        assert_eq!(failed(verdict).reason(), "rule_result_unusable");
    }
}

#[tokio::test]
async fn a_rule_narrows_and_widens_the_scope_but_not_to_openid_or_offline_access() {
    let (verdict, _) = Played::default()
        .rule("scope", |_, context| {
            context["accessToken"]["scope"] = json!(["read:trips", "offline_access", "read:trips"]);
            Ok(())
        })
        .login()
        .await;
    let changes = allowed(verdict);
    assert_eq!(changes.scope, Some(vec!["openid".to_owned(), "read:trips".to_owned()]));
    assert_eq!(changes.ignored[0].path, "context.accessToken.scope.offline_access");
    let (verdict, _) = Played::default()
        .rule("scope", |_, context| {
            context["accessToken"]["scope"] = json!(["a\"b"]);
            Ok(())
        })
        .login()
        .await;
    assert_eq!(failed(verdict).reason(), "rule_result_unusable");
}

#[tokio::test]
async fn configuration_reaches_rules_and_its_secrets_are_blacked_out() {
    let configs = [
        RuleConfig { key: "API_KEY".to_owned(), value: Secret::new("abcdef-123") },
        RuleConfig { key: "DEBUG".to_owned(), value: Secret::new("true") },
    ];
    let played = Played::default().rule("reads", |_, _| Ok(()));
    let (verdict, calls) = played.login_with(&[rule("reads", 1)], &configs).await;
    allowed(verdict);
    assert_eq!(calls[0].1.globals["configuration"], json!({"API_KEY": "abcdef-123", "DEBUG": "true"}));
    assert_eq!(calls[0].1.redact, BTreeSet::from(["abcdef-123".to_owned()]));
}

fn rule(name: &str, order: i64) -> Rule {
    Rule {
        id: RuleId::parse("rul_1").unwrap(),
        name: name.to_owned(),
        script: String::new(),
        order,
        enabled: true,
        revision: 1,
        created_at: Timestamp(0),
    }
}

pub(super) fn user() -> User {
    User {
        id: UserId::parse("auth0|1").unwrap(),
        identities: vec![Identity {
            connection_id: ConnectionId::parse("con_1").unwrap(),
            connection: "hoekstra-users".to_owned(),
            provider: "auth0".to_owned(),
            subject: Subject("1".to_owned()),
        }],
        email: Some(Email::parse("jennifer@hoekstra.example").unwrap()),
        email_verified: true,
        username: None,
        profile: Map::from_iter([("name".to_owned(), json!("Jennifer"))]),
        user_metadata: Map::new(),
        app_metadata: Map::from_iter([("plan".to_owned(), json!(2))]),
        blocked: false,
        logins_count: 2,
        last_login: None,
        last_ip: None,
        last_password_reset: None,
        session_epoch: 0,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub(super) fn client() -> Client {
    Client {
        id: ClientId::parse("client1").unwrap(),
        secret: Secret::default(),
        name: "Travel0".to_owned(),
        app_type: None,
        authentication: ClientAuthentication::ClientSecretPost,
        callbacks: Vec::new(),
        allowed_logout_urls: Vec::new(),
        web_origins: Vec::new(),
        allowed_origins: Vec::new(),
        initiate_login_uri: None,
        grant_types: Vec::new(),
        is_first_party: true,
        organization_usage: OrganizationUsage::Allow,
        organization_require_behavior: RequireBehavior::NoPrompt,
        id_token_lifetime: 36000,
        refresh_token: RefreshTokenPolicy::default(),
        is_global: false,
        extra: Map::from_iter([("client_metadata".to_owned(), json!({"tier": "gold"}))]),
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn connection() -> Connection {
    Connection {
        id: ConnectionId::parse("con_1").unwrap(),
        name: "hoekstra-users".to_owned(),
        strategy: "auth0".to_owned(),
        display_name: None,
        options: json!({"domain_aliases": ["hoekstra.example"], "client_secret": "hidden"}),
        enabled_clients: Vec::new(),
        realms: Vec::new(),
        extra: Map::new(),
        revision: 1,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn organization() -> Organization {
    Organization {
        id: OrganizationId::parse("org_hoekstra").unwrap(),
        name: OrganizationName::parse("hoekstra").unwrap(),
        display_name: Some("Hoekstra".to_owned()),
        branding: None,
        metadata: None,
        extra: Map::new(),
        created_at: Timestamp(0),
    }
}
