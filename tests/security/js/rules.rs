//! Owns JS-14 and JS-17: what rules may change, with rules that are really run.

use super::*;
use portico_core::{
    connector::Subject,
    email::Email,
    id::{ClientId, ConnectionId, OrganizationId, RuleId, UserId},
    login::pipeline::{
        Asked, Changes, IgnoredEdit, Pipeline, Protocol, Ran, RuleFailed, RuleInput, Script, ScriptKind,
        Suspended, Verdict,
    },
    model::{
        Client, ClientAuthentication, Connection, Identity, LoginScripts, Organization, OrganizationName,
        OrganizationUsage, RefreshTokenPolicy, RequireBehavior, Rule, User,
    },
    secret::Secret,
    time::Timestamp,
};

/// Run these rule bodies, each with `user`, `context` and `callback`, for a login of a blocked-nowhere, unverified user.
async fn login(bodies: &[&str]) -> Result<Verdict, RuleFailed> {
    ran(bodies).await.verdict
}

async fn ran(bodies: &[&str]) -> Ran {
    let rules: Vec<Rule> = bodies.iter().zip(1..).map(|(body, order)| rule(body, order)).collect();
    run(&LoginScripts { rules, actions: Vec::new() }).await
}

/// The same with these scripts.
pub(super) async fn run(scripts: &LoginScripts) -> Ran {
    run_from(scripts, None).await
}

/// The same after a journey.
pub(super) async fn run_from(scripts: &LoginScripts, from: Option<Suspended>) -> Ran {
    let pipeline = Pipeline::new(Arc::new(pool()), Arc::new(SystemClock), LIMITS);
    let (user, client, connection, organization) = (user(), client(), connection(), organization());
    let input = RuleInput {
        tenant: "portico",
        user: &user,
        logins_count: 1,
        client: &client,
        connection: &connection,
        organization: Some(&organization),
        roles: &["Booker".to_owned()],
        scope: &["openid".to_owned()],
        protocol: Protocol::OidcBasicProfile,
        session: None,
        session_clients: &[],
        methods: &[],
        request: None,
        asked: Asked { issuer: "https://login.portico.test/", ..Asked::default() },
    };
    pipeline.run(scripts, &[], &input, from).await
}

async fn changes(bodies: &[&str]) -> Changes {
    match login(bodies).await {
        Ok(Verdict::Allow(changes)) => *changes,
        other => panic!("{other:?}"),
    }
}

fn paths(changes: &Changes) -> Vec<&str> {
    changes.ignored.iter().map(|edit| edit.path.as_str()).collect()
}

const GO_ON: &str = "callback(null, user, context);";

#[tokio::test]
async fn js_14_a_rule_cannot_vouch_for_anybody() {
    let vouch = format!(
        "user.email_verified = true; user.blocked = false; user.user_id = 'auth0|admin'; user.identities = [{{ user_id: 'admin' }}];
         user.email = 'admin@hoekstra.example'; user.app_metadata.roles = ['admin']; user.org_id = 'org_other'; user.nickname = 'Jen';
         context.idToken.email_verified = true; context.idToken.org_id = 'org_other'; context.accessToken.sub = 'auth0|admin';
         context.idToken['https://t/roles'] = ['x']; {GO_ON}"
    );
    let look = format!(
        "context.idToken['https://t/seen'] = [user.email_verified, user.user_id, user.email, user.identities[0].user_id]; {GO_ON}"
    );
    let changes = changes(&[&vouch, &look]).await;
    let expected = json!({"https://t/roles": ["x"], "https://t/seen": [false, "auth0|1", "jennifer@hoekstra.example", "1"]});
    assert_eq!(Value::Object(changes.id_token.clone()), expected);
    assert_eq!(changes.access_token, Map::new());
    assert_eq!(Value::Object(changes.profile.clone()), json!({"nickname": "Jen"}), "the control");
    let expected = [
        "user.user_id",
        "user.email",
        "user.email_verified",
        "user.identities",
        "user.blocked",
        "context.accessToken.sub",
        "context.idToken.email_verified",
        "context.idToken.org_id",
    ];
    assert_eq!(paths(&changes), expected);
}

#[tokio::test]
async fn js_17_no_rule_passes_a_login_that_another_refuses() {
    let endless = "while (true) {}";
    let deny = "callback(new UnauthorizedError('not in the office'));";
    let claim = format!("context.idToken['https://t/x'] = 1; {GO_ON}");
    let failed = login(&[endless, deny]).await.unwrap_err();
    assert_eq!((failed.by.name.as_str(), failed.reason()), ("rule 1", "rule_timed_out"));
    for rules in [[deny, endless], [deny, &claim], [&claim, deny]] {
        match login(&rules).await {
            Ok(Verdict::Deny { reason, .. }) => assert_eq!(reason, "not in the office"),
            other => panic!("{rules:?}: {other:?}"),
        }
    }
    assert_eq!(changes(&[&claim, GO_ON]).await.id_token["https://t/x"], 1, "the control");
}

#[tokio::test]
async fn js_17_a_denial_wins_over_a_redirect() {
    let redirect = format!("context.redirect = {{ url: 'https://terms.example/' }}; {GO_ON}");
    let deny = "callback(new UnauthorizedError('no'));";
    for rules in [[redirect.as_str(), deny], [deny, redirect.as_str()]] {
        assert!(matches!(login(&rules).await, Ok(Verdict::Deny { .. })), "{rules:?}");
    }
    let take_back = format!("if (context.redirect) delete context.redirect; {GO_ON}");
    changes(&[&redirect, &take_back]).await;
    let no_address = format!("context.redirect = {{ href: 'https://terms.example/' }}; {GO_ON}");
    assert_eq!(login(&[&no_address]).await.unwrap_err().reason(), "rule_result_unusable");
    let by = Script { kind: ScriptKind::Rule, name: "rule 1".to_owned() };
    let paused = Verdict::Pause { by, url: "https://terms.example/".to_owned(), suspended: None };
    assert_eq!(login(&[&redirect, GO_ON]).await.unwrap(), paused, "the control");
}

#[tokio::test]
async fn js_17_a_rule_cannot_edit_what_the_login_is_about() {
    let edit = format!(
        "context.clientID = 'other'; context.organization.id = 'org_other'; context.connection = 'x'; {GO_ON}"
    );
    let look = format!(
        "context.idToken['https://t/seen'] = [context.clientID, context.organization.id, context.connection]; {GO_ON}"
    );
    let changes = changes(&[&edit, &look]).await;
    assert_eq!(changes.id_token["https://t/seen"], json!(["client1", "org_hoekstra", "hoekstra-users"]));
    assert_eq!(paths(&changes), ["context.clientID", "context.connection", "context.organization"]);
    let expected = IgnoredEdit { rule: "rule 1".to_owned(), path: "context.clientID".to_owned() };
    assert_eq!(changes.ignored[0], expected);
}

#[tokio::test]
async fn js_17_denial_crash_time_out_and_memory_are_four_outcomes() {
    let denied = login(&["throw new UnauthorizedError('no');"]).await.unwrap();
    assert!(matches!(denied, Verdict::Deny { .. }), "{denied:?}");
    for (body, reason) in [
        ("user.missing.property;", "rule_raised"),
        ("while (true) {}", "rule_timed_out"),
        ("const all = []; for (;;) all.push(new ArrayBuffer(1 << 20));", "rule_out_of_memory"),
        ("callback(null, user);", "rule_result_unusable"),
        ("return;", "rule_silent"),
        ("let let = 1;", "rule_syntax"),
    ] {
        assert_eq!(login(&[body]).await.unwrap_err().reason(), reason, "{body}");
    }
}

fn rule(body: &str, order: i64) -> Rule {
    Rule {
        id: RuleId::parse("rul_1").unwrap(),
        name: format!("rule {order}"),
        script: format!("function (user, context, callback) {{ {body} }}"),
        order,
        enabled: true,
        revision: 1,
        created_at: Timestamp(0),
    }
}

fn user() -> User {
    User {
        id: UserId::parse("auth0|1").unwrap(),
        identities: vec![Identity {
            connection_id: ConnectionId::parse("con_1").unwrap(),
            connection: "hoekstra-users".to_owned(),
            provider: "auth0".to_owned(),
            subject: Subject("1".to_owned()),
        }],
        email: Some(Email::parse("jennifer@hoekstra.example").unwrap()),
        email_verified: false,
        username: None,
        profile: Map::new(),
        user_metadata: Map::new(),
        app_metadata: Map::new(),
        blocked: false,
        logins_count: 0,
        last_login: None,
        last_ip: None,
        last_password_reset: None,
        session_epoch: 0,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn client() -> Client {
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
        extra: Map::new(),
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
        options: json!({}),
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
        display_name: None,
        branding: None,
        metadata: None,
        extra: Map::new(),
        created_at: Timestamp(0),
    }
}
