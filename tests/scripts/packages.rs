//! Owns the packages that scripts may require when the operator has installed them: the set of ours, unmodified.
//! Never touches npm: `tests/install.sh test` has installed them, beside what cargo builds.

use super::*;
use std::path::PathBuf;

fn modules_dir() -> PathBuf {
    let executable = std::env::current_exe().unwrap();
    let folder = executable.ancestors().nth(3).unwrap().join("script-modules");
    assert!(folder.is_dir(), "run tests/install.sh test: there is no {}", folder.display());
    folder
}

fn bench() -> Bench {
    let answers = BTreeMap::from([("https://hooks.example/T1", (200, &[][..], "ok"))]);
    let network = Network { answers, ..Network::default() };
    Bench::new(network, Settings { modules_dir: Some(modules_dir()), ..Settings::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_of_the_set_run_unmodified() {
    for (body, expected) in [
        (
            "const _ = require('lodash@4.17.19'); callback(null, _.merge({ a: { b: 1 } }, { a: { c: [2] } }), _.get({ a: [{ b: 3 }] }, 'a[0].b'), _.camelCase('one two'), _.uniq([1, 1, 2]));",
            json!([{ "a": { "b": 1, "c": [2] } }, 3, "oneTwo", [1, 2]]),
        ),
        (
            "const uuid = require('uuid@3.3.2'); const [a, b] = [uuid.v4(), uuid.v4()]; callback(null, uuid.validate(a), a === b, uuid.v5('portico', uuid.v5.DNS));",
            json!([true, false, "67bbed9c-c988-57a2-9ba9-c0681d67cb6d"]),
        ),
        (
            "const moment = require('moment'); callback(null, moment.utc('2026-11-24').add(1, 'month').format('YYYY-MM-DD'), moment('2026-01-01').isBefore('2026-01-02'));",
            json!(["2026-12-24", true]),
        ),
        (
            "const moment = require('moment-timezone'); callback(null, moment.tz('2026-07-01 12:00', 'Europe/Amsterdam').utc().format(), moment('2026-11-24T10:00:00Z').tz('America/New_York').hours());",
            json!(["2026-07-01T10:00:00Z", 5]),
        ),
        (
            "const ipaddr = require('ipaddr.js'); const address = ipaddr.parse('192.168.1.7'); callback(null, address.match(ipaddr.parseCIDR('192.168.0.0/16')), address.range(), ipaddr.isValid('x'));",
            json!([true, "private", false]),
        ),
        (
            "const { DOMParser } = require('xmldom'); const xpath = require('xpath'); const document = new DOMParser().parseFromString('<a><b id=\"1\">x</b><b>y</b></a>'); callback(null, xpath.select('//b/text()', document).map(String), xpath.select('string(//b[@id=\"1\"])', document));",
            json!([["x", "y"], "x"]),
        ),
        (
            "callback(null, require('oauth-sign').hmacsign('POST', 'https://api.example/a', { oauth_nonce: 'n', b: 'c d' }, 'consumer', 'token'));",
            json!(["hAyyanZRd2d9mK1cb4Tp4BmDxE8="]),
        ),
        (
            "await require('slack-notify')('https://hooks.example/T1').success({ text: 'hello', channel: '#x' }); callback(null, 'sent');",
            json!(["sent"]),
        ),
    ] {
        let values = bench().values(body, json!({})).await;
        assert_eq!(Value::Array(values), expected, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_signed_and_checked_by_jsonwebtoken() {
    let body = "const jwt = require('jsonwebtoken@8.5.0');
        const token = jwt.sign({ a: 1 }, 'secret', { subject: 'u', expiresIn: '1h', issuer: 'i' });
        const checked = jwt.verify(token, 'secret', { issuer: 'i' });
        const refusals = [[token, 'other'], [jwt.sign({ exp: 1 }, 'secret'), 'secret'], ['x.y.z', 'secret']].map(([token, key]) => { try { return jwt.verify(token, key); } catch (error) { return error.name + ': ' + error.message; } });
        const signed = jwt.sign({ b: 2 }, privateKey, { algorithm: 'ES256' });
        callback(null, [checked.a, checked.sub, checked.exp - checked.iat], refusals, jwt.verify(signed, publicKey).b,
            jwt.verify(jwt.sign({ c: 3 }, rsaPrivate, { algorithm: 'RS256' }), rsaPublic, { algorithms: ['RS256'] }).c);";
    let keys = json!({
        "privateKey": include_str!("keys/ec.pem"),
        "publicKey": include_str!("keys/ec.pub.pem"),
        "rsaPrivate": include_str!("keys/rsa.pem"),
        "rsaPublic": include_str!("keys/rsa.pub.pem"),
    });
    let values = bench().values(body, keys).await;
    let expected = [
        json!([1, "u", 3600]),
        json!([
            "JsonWebTokenError: invalid signature",
            "TokenExpiredError: jwt expired",
            "JsonWebTokenError: invalid token"
        ]),
        json!(2),
        json!(3),
    ];
    assert_eq!(values, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_redirect_sign_and_check_their_session_token() {
    let body = "const { Auth0RedirectRuleUtilities } = require('@auth0/rule-utilities@0.1.0');
        const user = { user_id: 'auth0|1' };
        const context = { protocol: 'oidc-basic-profile', request: { ip: '192.0.2.1', hostname: 'portico.example', query: {} } };
        const configuration = { SESSION_TOKEN_SECRET: 'a secret' };
        new Auth0RedirectRuleUtilities(user, context, configuration).doRedirect('https://app.example/more');
        const [, token] = /session_token=(.*)$/.exec(context.redirect.url);
        const back = (token, configuration) => {
            const context = { protocol: 'redirect-callback', request: { ip: '192.0.2.1', hostname: 'portico.example', query: { session_token: token } } };
            const utilities = new Auth0RedirectRuleUtilities(user, context, configuration);
            try { return [utilities.isRedirectCallback, utilities.canRedirect, utilities.validateSessionToken().sub]; } catch (error) { return error.message; }
        };
        callback(null, context.redirect.url.startsWith('https://app.example/more?session_token='), back(token, configuration), back(token, { SESSION_TOKEN_SECRET: 'other' }), back(token.replace(/^[^.]+/, Buffer.from('{\"alg\":\"none\"}').toString('base64url')), configuration));";
    let expected = [
        json!(true),
        json!([true, false, "auth0|1"]),
        json!("invalid signature"),
        json!("invalid signature"),
    ];
    assert_eq!(bench().values(body, json!({})).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn js_06_what_a_run_does_to_a_package_the_next_does_not_see() {
    let bench = bench();
    let spoil = "const _ = require('lodash'); _.merge = () => 'spoiled'; require('moment').utc = null; callback(null, _.merge());";
    assert_eq!(bench.values(spoil, json!({})).await, [json!("spoiled")]);
    let look = "callback(null, require('lodash').merge({ a: 1 }, { b: 2 }), typeof require('moment').utc);";
    for _ in 0..4 {
        assert_eq!(bench.values(look, json!({})).await, [json!({ "a": 1, "b": 2 }), json!("function")]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn js_07_a_script_requires_what_is_listed_and_not_what_its_packages_use() {
    let bench = bench();
    for name in
        ["jws", "semver", "../package.json", "lodash/../jws", "/etc/passwd", "lodash/../../package.json"]
    {
        let message = raised(bench.run(&format!("require('{name}');"), json!({})).await);
        assert!(message.contains("Cannot find module"), "{name}: {message}");
    }
    assert_eq!(
        bench.values("callback(null, typeof require('lodash/fp').map);", json!({})).await,
        [json!("function")]
    );
}
