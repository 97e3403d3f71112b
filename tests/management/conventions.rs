//! Owns the tests of what all routes share: tokens, envelopes of lists, cursors, bodies, headers.
//! Never touches single resources more than it needs to.

use super::world::{Api, ISSUER, text};
use axum::body::Body;
use http::Request;
use portico_core::{admin::bootstrap::SecretRotation, entropy::SystemEntropy, model::EventKind};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn api_01_who_is_not_known_gets_401_and_the_reason() {
    let api = Api::new().await;
    let request = |authorization: Option<&str>| {
        let mut request = Request::get("/api/v2/clients");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        request.body(Body::empty()).unwrap()
    };
    for missing in [None, Some("Basic Zm9vOmJhcg=="), Some("Bearer")] {
        let answer = api.send(request(missing)).await;
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
        assert_eq!(answer.fault(401, ""), "Missing authentication", "{missing:?}");
    }
    let good = api.scoped("read:clients").await;
    let stranger = Api::new().await;
    let cases = [
        ("nonsense".to_owned(), "Invalid token"),
        (stranger.scoped("read:clients").await, "Invalid signature received for JSON Web Token validation"),
        (api.token(json!({"scope": "read:clients", "aud": "https://api.test"})).await, "Invalid token"),
        (api.token(json!({"scope": "read:clients", "iss": "https://other.test/"})).await, "Invalid token"),
        (api.token(json!({"scope": "read:clients", "aud": ISSUER})).await, "Invalid token"),
        (api.token(json!({"scope": "read:clients", "azp": null})).await, "Invalid token"),
        (
            api.token(json!({"scope": "read:clients", "azp": "nobody", "sub": "nobody@clients"})).await,
            "Invalid token",
        ),
    ];
    for (token, message) in cases {
        let answer = api.call_as(&token, "GET", "/clients", None).await;
        assert_eq!(answer.fault(401, ""), message);
    }
    api.call_as(&good, "GET", "/clients", None).await.expect(200);
    api.clock.advance(Duration::from_hours(24));
    let late = api.call_as(&good, "GET", "/clients", None).await;
    assert_eq!(late.fault(401, ""), "Expired token received for JSON Web Token validation");
}

#[tokio::test]
async fn api_01_a_persons_token_has_no_scopes_here() {
    let api = Api::new().await;
    let token = api.token(json!({"scope": "read:clients", "sub": "auth0|admin", "gty": null})).await;
    let message = api.call_as(&token, "GET", "/clients", None).await.fault(403, "insufficient_scope");
    assert!(message.starts_with("Insufficient scope, expected any of: read:clients,"), "{message}");
}

#[tokio::test]
async fn api_01_scopes_match_letter_for_letter() {
    let api = Api::new().await;
    for scope in ["read:user", "READ:USERS", "read:users_app_metadata", "xread:users", "read: users"] {
        let token = api.scoped(scope).await;
        api.call_as(&token, "GET", "/users", None).await.fault(403, "insufficient_scope");
    }
    let token = api.scoped("read:users").await;
    api.call_as(&token, "GET", "/users", None).await.expect(200);
}

#[tokio::test]
async fn api_13_a_grant_that_was_cut_down_counts_at_once() {
    let api = Api::new().await;
    let machine = json!({ "name": "Machine", "app_type": "non_interactive" });
    let machine = text(&api.post("/clients", machine).await.expect(201), "client_id");
    let grant = json!({ "client_id": machine, "audience": api.first.audience, "scope": ["read:roles", "read:users"] });
    let grant = text(&api.post("/client-grants", grant).await.expect(201), "id");
    let claims =
        json!({ "scope": "read:roles read:users", "azp": machine, "sub": format!("{machine}@clients") });
    let token = api.token(claims).await;
    api.call_as(&token, "GET", "/users", None).await.expect(200);
    api.patch(&format!("/client-grants/{grant}"), json!({ "scope": ["read:roles"] })).await.expect(200);
    let message = api.call_as(&token, "GET", "/users", None).await.fault(403, "insufficient_scope");
    assert_eq!(message, "Insufficient scope, expected any of: read:users");
    api.call_as(&token, "GET", "/roles", None).await.expect(200);
    api.delete(&format!("/client-grants/{grant}")).await.expect(204);
    api.call_as(&token, "GET", "/roles", None).await.fault(403, "insufficient_scope");
    api.delete(&format!("/clients/{machine}")).await.expect(204);
    let gone = api.call_as(&token, "GET", "/roles", None).await;
    assert_eq!(gone.fault(401, ""), "Invalid token");
}

#[tokio::test]
async fn what_is_not_built_says_so_as_clients_expect_it() {
    let api = Api::new().await;
    let cases = [
        ("GET", "/log-streams", "read:log_streams"),
        ("POST", "/hooks", "create:hooks"),
        ("PATCH", "/attack-protection/captcha", "update:attack_protection"),
        ("PUT", "/guardian/policies", "update:guardian_factors"),
        ("DELETE", "/emails/provider", "delete:email_provider"),
        (
            "GET",
            "/organizations/org_0000000000000000/discovery-domains",
            "read:organization_discovery_domains",
        ),
        ("GET", "/nothing/of/the/kind", "read:nothing"),
        ("GET", "/", "read:resource"),
    ];
    let token = api.scoped("read:users").await;
    for (method, path, scope) in cases {
        let message = api.call_as(&token, method, path, None).await.fault(403, "insufficient_scope");
        assert_eq!(message, format!("Insufficient scope, expected any of: {scope}"), "{method} {path}");
    }
    let nobody = Request::get("/api/v2/log-streams").body(Body::empty()).unwrap();
    assert_eq!(api.send(nobody).await.fault(401, ""), "Missing authentication");
}

#[tokio::test]
async fn api_02_other_methods_and_other_spellings_of_a_path_open_nothing() {
    let api = Api::new().await;
    for method in ["PUT", "HEAD", "OPTIONS", "TRACE"] {
        let answer = api.call_as(&api.scoped("read:clients").await, method, "/clients", None).await;
        assert_eq!(answer.status.as_u16(), 405, "{method}");
    }
    for path in ["/clients/", "//clients", "/./clients", "/%2e/clients", "/Clients", "/clients%2f"] {
        let answer = api.get(path).await;
        assert!(matches!(answer.status.as_u16(), 403 | 404), "{path}: {}", answer.status);
    }
    let request = Request::get("/api/v2/clients")
        .header("authorization", format!("Bearer {}", api.scoped("read:clients").await))
        .header("x-http-method-override", "POST")
        .body(Body::empty());
    assert!(api.send(request.unwrap()).await.expect(200).is_array());
}

#[tokio::test]
async fn every_reply_says_how_many_calls_are_left() {
    let api = Api::new().await;
    let first = api.get("/roles").await;
    let second = api.get("/roles").await;
    let number = |answer: &super::world::Answer, name: &str| {
        answer.headers[name].to_str().unwrap().parse::<i64>().unwrap()
    };
    let remaining = "x-ratelimit-remaining";
    assert_eq!(number(&first, remaining) - number(&second, remaining), 1);
    assert!(number(&second, remaining) < number(&second, "x-ratelimit-limit"));
    assert!(number(&second, "x-ratelimit-reset") >= portico_core::time::Clock::now(&*api.clock).seconds());
    let nobody = api.send(Request::get("/api/v2/roles").body(Body::empty()).unwrap()).await;
    assert!(number(&nobody, "x-ratelimit-reset") > 0, "on a refusal too");
}

#[tokio::test]
async fn api_12_too_many_calls_are_refused_until_the_time_that_is_named() {
    let api = Api::new().await;
    let token = api.scoped("read:roles").await;
    let mut last = api.call_as(&token, "GET", "/roles/x", None).await;
    for _ in 0..1000 {
        last = api.call_as(&token, "GET", "/roles/x", None).await;
    }
    assert_eq!(last.headers["x-ratelimit-remaining"], "0");
    let message = last.fault(429, "too_many_requests");
    assert!(message.starts_with("Too many requests. Check the X-RateLimit-Limit, "), "{message}");
    let another = api.scoped("read:roles read:users").await;
    api.call_as(&another, "GET", "/roles", None).await.fault(429, "too_many_requests");
    api.clock.advance(Duration::from_secs(1));
    api.call_as(&token, "GET", "/roles", None).await.expect(200);
}

#[tokio::test]
async fn lists_come_bare_or_in_either_envelope() {
    let api = Api::new().await;
    for n in 0..5 {
        api.clock.advance(Duration::from_millis(1));
        api.organization(&format!("org{n}")).await;
    }
    let names = |body: &Value| {
        let rows = body.as_array().unwrap_or_else(|| panic!("{body}"));
        rows.iter().map(|row| text(row, "name")).collect::<Vec<_>>()
    };
    let bare = api.get("/organizations").await.expect(200);
    assert_eq!(names(&bare), ["org0", "org1", "org2", "org3", "org4"]);
    let page = api.get("/organizations?page=1&per_page=2&include_totals=true").await.expect(200);
    assert_eq!((&page["start"], &page["limit"], &page["total"]), (&json!(2), &json!(2), &json!(5)));
    assert_eq!(names(&page["organizations"]), ["org2", "org3"]);
    let past = api.get("/organizations?page=3&per_page=2&include_totals=true").await.expect(200);
    assert_eq!(past["organizations"], json!([]), "past the end there is an empty list");
    let mut seen = Vec::new();
    let mut path = "/organizations?include_totals=true&take=2".to_owned();
    loop {
        let page = api.get(&path).await.expect(200);
        assert_eq!(page.get("total"), None, "a checkpoint page has no totals");
        seen.extend(names(&page["organizations"]));
        let Some(next) = page.get("next") else { break };
        path = format!("/organizations?include_totals=true&take=2&from={}", next.as_str().unwrap());
    }
    assert_eq!(seen, ["org0", "org1", "org2", "org3", "org4"]);
    let newest = api.get("/organizations?sort=created_at:-1&take=1").await.expect(200);
    assert_eq!(names(&newest["organizations"]), ["org4"]);
}

#[tokio::test]
async fn a_cursor_goes_on_where_its_row_was_deleted() {
    let api = Api::new().await;
    for n in 0..3 {
        api.clock.advance(Duration::from_millis(1));
        api.organization(&format!("org{n}")).await;
    }
    let first = api.get("/organizations?take=1").await.expect(200);
    api.delete(&format!("/organizations/{}", text(&first["organizations"][0], "id"))).await.expect(204);
    let second = api.get(&format!("/organizations?take=1&from={}", text(&first, "next"))).await.expect(200);
    assert_eq!(second["organizations"][0]["name"], "org1");
}

#[tokio::test]
async fn api_06_paging_cannot_be_bent() {
    let api = Api::new().await;
    api.organization("one").await;
    let cursor = text(&api.get("/organizations?take=1").await.expect(200), "next");
    let (rest, last) = cursor.split_at(cursor.len() - 1);
    let forged = format!("{rest}{}", if last == "A" { "Q" } else { "A" });
    let other_list = text(&api.get("/clients?take=1").await.expect(200), "next");
    let other_filter = text(&api.get("/clients?take=1&is_global=true").await.expect(200), "next");
    for from in [forged.as_str(), other_list.as_str(), "0", "%00", "' OR 1=1 --", "AAAA"] {
        let path = format!("/organizations?take=1&from={}", from.replace(' ', "%20"));
        api.get(&path).await.fault(400, "invalid_query_string");
    }
    api.get(&format!("/clients?take=1&from={other_filter}")).await.fault(400, "invalid_query_string");
    api.get(&format!("/clients?take=1&is_global=true&from={other_filter}")).await.expect(200);
    for query in [
        "per_page=0",
        "per_page=-1",
        "per_page=1000000000",
        "per_page=x",
        "take=0",
        "take=101",
        "page=-1",
        "page=1&page=2",
    ] {
        api.get(&format!("/organizations?{query}")).await.fault(400, "invalid_query_string");
    }
    for query in ["page=1000000000", "page=10&per_page=100"] {
        let message = api.get(&format!("/organizations?{query}")).await.fault(400, "invalid_paging");
        assert_eq!(message, "Requesting page exceeds the allowed maximum of 1000 records");
    }
    assert_eq!(api.get("/organizations?page=9&per_page=100").await.expect(200), json!([]));
}

#[tokio::test]
async fn api_08_bodies_are_json_objects_without_tricks() {
    let api = Api::new().await;
    let token = api.scoped("create:organizations").await;
    let send = |kind: &'static str, body: String| {
        let request = Request::post("/api/v2/organizations")
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", kind)
            .body(Body::from(body));
        api.send(request.unwrap())
    };
    let kind = "application/json; charset=utf-8";
    send(kind, r#"{"name":"a","name":"b"}"#.to_owned()).await.fault(400, "invalid_body");
    send(kind, r#"{"name":"a","metadata":{"k":1e400}}"#.to_owned()).await.fault(400, "invalid_body");
    send(kind, format!("{}{}", "[".repeat(30_000), "]".repeat(30_000))).await.fault(400, "invalid_body");
    send(kind, "\u{feff}{}".to_owned()).await.fault(400, "invalid_body");
    send(kind, "{name:'x'}".to_owned()).await.fault(400, "invalid_body");
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        send(other, r#"{"name":"a"}"#.to_owned()).await.fault(415, "");
    }
    send(kind, r#"{"name":"a"}"#.to_owned()).await.expect(201);
}

#[tokio::test]
async fn an_id_that_is_none_is_refused_and_one_of_nothing_is_not_found() {
    let api = Api::new().await;
    for path in ["/organizations/org_!", "/connections/x", "/users/nobody", "/roles/rol_", "/rules/1"] {
        let message = api.get(path).await.fault(400, "invalid_uri");
        assert!(message.starts_with("Path validation error: '"), "{message}");
    }
    let unknown = api.get("/organizations/org_9999999999999999").await;
    assert_eq!(unknown.fault(404, ""), "No organization found by that id or name");
    for (path, code, message) in [
        ("/connections/con_0000000000000000", "inexistent_connection", "The connection does not exist"),
        ("/clients/nobody", "inexistent_client", "The client does not exist"),
        ("/users/auth0%7Cnobody", "inexistent_user", "The user does not exist."),
        ("/resource-servers/nothing", "inexistent_resource_server", "The resource server does not exist"),
        ("/client-grants/cgr_0000000000000000", "inexistent_grant", "The grant does not exist."),
    ] {
        assert_eq!(api.get(path).await.fault(404, code), message);
    }
}

#[tokio::test]
async fn every_write_is_in_the_log_without_what_was_written() {
    let api = Api::new().await;
    let id = api.organization("hoekstra").await;
    api.put("/rules-configs/KEY", json!({ "value": "s3cr3t-of-the-rule" })).await.expect(200);
    let events = api.events().await;
    let writes: Vec<_> = events.iter().filter(|event| event.kind == EventKind::ApiWrite).collect();
    let of = |what: &str| {
        let found = writes.iter().find(|event| event.description.as_deref() == Some(what));
        found.unwrap_or_else(|| panic!("no `{what}`"))
    };
    let made = of("Create an Organization");
    assert_eq!(made.client_id.as_ref(), Some(&api.first.client_id));
    assert_eq!(made.details["request"], json!({ "method": "POST", "path": "/api/v2/organizations" }));
    assert_eq!(made.details["resource_id"], id.as_str());
    let set = of("Set a rules config");
    assert_eq!(set.details["resource_id"], "KEY");
    assert!(!format!("{events:?}").contains("s3cr3t-of-the-rule"));
}

#[tokio::test]
async fn a_write_that_fails_is_not_in_the_log() {
    let api = Api::new().await;
    api.organization("hoekstra").await;
    let before = api.events().await.len();
    api.post("/organizations", json!({ "name": "hoekstra" })).await.fault(409, "organization_conflict");
    assert_eq!(api.events().await.len(), before);
}

#[tokio::test]
async fn inf_18_the_first_start_happens_once_and_tells_its_secret_once() {
    let api = Api::new().await;
    let issuer = ISSUER.parse().unwrap();
    let again = |rotation| {
        let (store, clock, issuer) = (api.store.clone(), api.clock.clone(), &issuer);
        async move {
            let entropy = SystemEntropy::default();
            portico_core::admin::bootstrap::bootstrap(&*store, &*clock, &entropy, issuer, rotation)
                .await
                .unwrap()
        }
    };
    let second = again(SecretRotation::Keep).await;
    assert_eq!(second.client_id, api.first.client_id);
    assert!(second.client_secret.is_none() && api.first.client_secret.is_some());
    let renewed = again(SecretRotation::Renew).await;
    let new = renewed.client_secret.unwrap();
    assert_ne!(new.expose(), api.first.client_secret.as_ref().unwrap().expose());
    let shown = api.get(&format!("/clients/{}", renewed.client_id)).await.expect(200);
    assert_eq!(shown["client_secret"], new.expose());
    assert_eq!(api.get("/clients?is_global=true").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(api.get("/resource-servers").await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn k22_of_many_first_starts_at_once_one_counts() {
    let store = portico_store::temporary().await.unwrap();
    let issuer: url::Url = ISSUER.parse().unwrap();
    let starts = (0..8).map(|_| async {
        let (clock, entropy) = (portico_core::time::SystemClock, SystemEntropy::default());
        let keep = SecretRotation::Keep;
        portico_core::admin::bootstrap::bootstrap(&*store, &clock, &entropy, &issuer, keep).await.unwrap()
    });
    let all = futures_util::future::join_all(starts).await;
    assert_eq!(all.iter().filter(|one| one.client_secret.is_some()).count(), 1);
    assert!(all.iter().all(|one| one.client_id == all[0].client_id));
}
