//! Owns what actions may do (contract §4.2), with actions that are really run.
//! Never touches HTTP: what a login makes of a verdict is tested with the flows.

use super::{
    rules::{run as run_all, run_from},
    *,
};
use portico_core::{
    id::{ActionId, ActionVersionId},
    login::pipeline::{Changes, MetadataUpdates, Ran, Suspended, Verdict},
    model::{ActionContent, ActionSecret, ActionVersion, BoundAction, LoginScripts},
    secret::Secret,
    time::Timestamp,
};

fn action(number: usize, code: &str) -> BoundAction {
    let id = ActionId::parse(format!("00000000-0000-4000-8000-{number:012}")).unwrap();
    let content = ActionContent {
        code: code.to_owned(),
        dependencies: Vec::new(),
        runtime: "node22".to_owned(),
        secrets: vec![ActionSecret {
            name: "KEY".to_owned(),
            value: Secret::new("s3cr3t-of-the-action"),
            updated_at: Timestamp(1),
        }],
    };
    let version = ActionVersion {
        id: ActionVersionId::parse(format!("0000000{number}-0000-4000-8000-000000000000")).unwrap(),
        action_id: id.clone(),
        number: 1,
        content,
        created_at: Timestamp(1),
    };
    BoundAction { id, name: format!("action {number}"), version }
}

async fn run(codes: &[&str]) -> Ran {
    let actions = codes.iter().zip(1..).map(|(code, number)| action(number, code)).collect();
    run_all(&LoginScripts { rules: Vec::new(), actions }).await
}

async fn changes(codes: &[&str]) -> Changes {
    match run(codes).await.verdict {
        Ok(Verdict::Allow(changes)) => *changes,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_action_reads_its_event_and_changes_tokens_and_metadata() {
    let code = "
        const helper = (event) => event.organization.name + ':' + event.authorization.roles.join();
        exports.onExecutePostLogin = async (event, api) => {
            await new Promise((resolve) => setTimeout(resolve, 1));
            api.idToken.setCustomClaim('https://t/who', [event.user.user_id, event.client.client_id, event.connection.strategy]);
            api.accessToken.setCustomClaim('https://t/in', helper(event)).accessToken.addScope('book:trips');
            api.user.setAppMetadata('seen', event.stats.logins_count);
            api.user.setUserMetadata('colour', null);
            api.idToken.setCustomClaim('sub', 'auth0|admin');
            console.log('secret', event.secrets.KEY, event.request.geoip.countryCode, api.redirect.canRedirect());
        };";
    let ran = run(&[code]).await;
    let Ok(Verdict::Allow(changes)) = ran.verdict else { panic!("{:?}", ran.verdict) };
    assert_eq!(
        Value::Object(changes.id_token.clone()),
        json!({"https://t/who": ["auth0|1", "client1", "auth0"]})
    );
    assert_eq!(Value::Object(changes.access_token.clone()), json!({"https://t/in": "hoekstra:Booker"}));
    assert_eq!(changes.scope, Some(vec!["openid".to_owned(), "book:trips".to_owned()]));
    assert_eq!(changes.ignored[0].path, "api.idToken.sub");
    assert_eq!(Value::Object(ran.metadata.app_metadata), json!({"seen": 1}));
    assert_eq!(Value::Object(ran.metadata.user_metadata), json!({"colour": null}));
    let line = &changes.console[0].lines[0];
    assert!(line.starts_with("secret ") && !line.contains("s3cr3t"), "js_15: {line}");
}

#[tokio::test]
async fn the_first_denial_stops_the_chain() {
    let deny = "exports.onExecutePostLogin = async (event, api) => { api.access.deny('not today'); api.user.setAppMetadata('denied', true); };";
    let never = "exports.onExecutePostLogin = async () => { throw new Error('it runs'); };";
    let ran = run(&[deny, never]).await;
    match ran.verdict {
        Ok(Verdict::Deny { by, reason, .. }) => {
            assert_eq!((by.to_string().as_str(), reason.as_str()), ("action `action 1`", "not today"));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Value::Object(ran.metadata.app_metadata), json!({"denied": true}));
    assert_eq!(run(&[never, deny]).await.verdict.unwrap_err().reason(), "action_raised", "the control");
}

#[tokio::test]
async fn js_11_every_way_in_which_an_action_fails_is_a_failure() {
    for (code, reason) in [
        ("exports.onExecutePostLogin = (event) => { event.missing.property; };", "action_raised"),
        ("exports.onExecutePostLogin = async () => { throw undefined; };", "action_raised"),
        ("exports.onExecutePostLogin = async () => { await Promise.reject(null); };", "action_raised"),
        ("exports.other = 1;", "action_raised"),
        ("exports.onExecutePostLogin = 7;", "action_raised"),
        ("exports.onExecutePostLogin = async () => { while (true) {} };", "action_timed_out"),
        ("exports.onExecutePostLogin = () => new Promise(() => {});", "action_silent"),
        (
            "exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('x', 'y'.repeat(99999)); };",
            "action_result_unusable",
        ),
        ("}}) syntax", "action_syntax"),
    ] {
        assert_eq!(run(&[code]).await.verdict.unwrap_err().reason(), reason, "{code}");
    }
    changes(&["module.exports = { onExecutePostLogin() {} };"]).await;
}

#[tokio::test]
async fn what_is_not_supported_fails_the_login_even_if_the_action_hides_it() {
    for call in [
        "api.multifactor.enable('any')",
        "api.authentication.challengeWith({ type: 'otp' })",
        "api.authentication.setPrimaryUser('auth0|2')",
    ] {
        let open = format!("exports.onExecutePostLogin = async (event, api) => {{ {call}; }};");
        let hidden =
            format!("exports.onExecutePostLogin = async (event, api) => {{ try {{ {call}; }} catch {{}} }};");
        for code in [open, hidden] {
            let failed = run(&[&code]).await.verdict.unwrap_err();
            let name = call.split('(').next().unwrap();
            assert_eq!(failed.to_string(), format!("action `action 1`: `{name}` is not supported"), "{code}");
        }
    }
    changes(&["exports.onExecutePostLogin = async (event, api) => { api.multifactor.enable('none'); };"])
        .await;
    let absent = "exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('x', [typeof api.cache, typeof api.session]); };";
    assert_eq!(changes(&[absent]).await.id_token["x"], json!(["undefined", "undefined"]));
}

#[tokio::test]
async fn a_session_token_is_signed_and_nobody_elses_is_taken() {
    let code = "
        exports.onExecutePostLogin = async (event, api) => {
            const secret = 'a shared secret';
            const token = api.redirect.encodeToken({ secret, expiresInSeconds: 60, payload: { email: event.user.email } });
            const taken = [];
            const tries = { forged: token.slice(0, -2) + 'xx', stateless: token, none: 'a.b', missing: undefined };
            for (const [name, value] of Object.entries(tries)) {
                event.request.query.session_token = value;
                try { api.redirect.validateToken({ secret }); taken.push(name); } catch (error) { taken.push(error.message); }
            }
            api.redirect.sendUserTo('https://terms.example/?a=1', { query: { session_token: token } });
            api.idToken.setCustomClaim('x', 1);
            console.log(JSON.stringify(taken));
        };";
    let ran = run(&[code]).await;
    let Ok(Verdict::Pause { by, url, suspended }) = ran.verdict else { panic!("{:?}", ran.verdict) };
    assert_eq!(by.name, "action 1");
    let suspended = suspended.unwrap();
    let taken: Vec<String> = serde_json::from_str(&suspended.changes.console[0].lines[0]).unwrap();
    let expected = [
        "its signature does not fit",
        "State in the token does not match",
        "it is not a JWT",
        "there is no parameter",
    ];
    for (taken, expected) in taken.iter().zip(expected) {
        assert!(taken.contains(expected), "{taken}");
    }
    assert_eq!(suspended.changes.id_token["x"], 1, "what it changed waits with it");
    let url = url::Url::parse(&url).unwrap();
    let token = url.query_pairs().find(|(name, _)| name == "session_token").unwrap().1.into_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"a shared secret");
    let decode =
        |part: &str| base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, part).unwrap();
    let signed = format!("{}.{}", parts[0], parts[1]);
    aws_lc_rs::hmac::verify(&key, signed.as_bytes(), &decode(parts[2])).expect("an HS256 signature");
    let claims: Value = serde_json::from_slice(&decode(parts[1])).unwrap();
    assert_eq!((&claims["sub"], &claims["email"]), (&json!("auth0|1"), &json!("jennifer@hoekstra.example")));
    assert_eq!(claims["iss"], "https://login.portico.test/");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
}

#[tokio::test]
async fn an_action_goes_on_after_a_journey_with_what_was_signed_for_its_state() {
    let code = format!(
        "exports.onExecutePostLogin = async (event, api) => {{ api.access.deny('executed'); }};
         exports.onContinuePostLogin = async (event, api) => {{
             event.request.query.session_token = '{SIGNED}';
             const claims = api.redirect.validateToken({{ secret: 'a shared secret' }});
             api.idToken.setCustomClaim('https://t/accepted', claims.accepted);
         }};"
    );
    let then = "exports.onExecutePostLogin = async (event, api) => { api.idToken.setCustomClaim('https://t/then', 1); };";
    let scripts = LoginScripts { rules: Vec::new(), actions: vec![action(1, &code), action(2, then)] };
    let suspended = |action: usize, state: &str| Suspended {
        action: ActionId::parse(format!("00000000-0000-4000-8000-{action:012}")).unwrap(),
        changes: Changes {
            id_token: Map::from_iter([("https://t/before".to_owned(), json!(1))]),
            ..Changes::default()
        },
        metadata: MetadataUpdates::default(),
        state: state.to_owned(),
    };
    let ran = run_from(&scripts, Some(suspended(1, "txn.7"))).await;
    let Ok(Verdict::Allow(changes)) = ran.verdict else { panic!("{:?}", ran.verdict) };
    let expected = json!({"https://t/before": 1, "https://t/accepted": "ja, é", "https://t/then": 1});
    assert_eq!(Value::Object(changes.id_token), expected);
    let other = run_from(&scripts, Some(suspended(1, "txn.8"))).await.verdict.unwrap_err();
    assert_eq!(other.reason(), "action_raised", "the token is for another journey");
    let gone = run_from(&scripts, Some(suspended(9, "txn.7"))).await.verdict.unwrap_err();
    assert_eq!(gone.reason(), "action_gone");
}

/// Signed by another implementation (Python's `hmac`) with the key `a shared secret`, for the state `txn.7`, until 2100.
const SIGNED: &str = "eyJhbGciOiAiSFMyNTYiLCAidHlwIjogIkpXVCJ9.eyJzdWIiOiAiYXV0aDB8MSIsICJzdGF0ZSI6ICJ0eG4uNyIsICJleHAiOiA0MTAyNDQ0ODAwLCAiYWNjZXB0ZWQiOiAiamEsIMOpIn0.okb7Yp54xbFxzVVnPvmzbWqz7AmorvgY8XmA0Q8ewN0";
