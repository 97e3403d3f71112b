//! Owns the tests of `/jobs` (contract §2.10).
//! Never touches logins of people who were imported: `flows::imports` does.

use super::world::{Answer, Api, ISSUER, encoded, text};
use axum::body::Body;
use flate2::read::MultiGzDecoder;
use http::Request;
use portico_core::{
    email::Email,
    entropy::SystemEntropy,
    id::ConnectionId,
    model::{EventKind, PasswordCredential},
};
use portico_server::worker::{Jobs, Stopper};
use serde_json::{Value, json};
use std::{io::Read, sync::Arc, time::Duration};

const BOUNDARY: &str = "a-boundary";

/// A form with these parts.
fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let file = if *name == "users" { "; filename=\"users.json\"" } else { "" };
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

async fn post_form(api: &Api, token: &str, body: Vec<u8>) -> Answer {
    let request = Request::builder()
        .method("POST")
        .uri("/api/v2/jobs/users-imports")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from(body));
    api.send(request.unwrap()).await
}

pub(super) async fn import(api: &Api, connection: &str, users: &Value, more: &[(&str, &str)]) -> Answer {
    let users = users.to_string();
    let mut parts = vec![("users", users.as_bytes()), ("connection_id", connection.as_bytes())];
    parts.extend(more.iter().map(|(name, value)| (*name, value.as_bytes())));
    post_form(api, api.all_scopes(), form(&parts)).await
}

fn worker(api: &Api) -> Jobs {
    let (store, clock) = (Arc::clone(&api.store), api.clock.clone());
    Jobs::new(store, clock, Arc::new(SystemEntropy::default()), api.connectors.clone())
}

/// Run every job there is.
pub(super) async fn work(api: &Api) {
    let (_stopper, stop) = Stopper::new();
    while worker(api).run_next(&stop).await.unwrap() {}
}

/// A connection that can be imported into.
pub(super) async fn database(api: &Api) -> String {
    let client = api.client().await;
    api.database("hoekstra-db", &[&client]).await
}

/// Import these and see it through; the job.
pub(super) async fn imported(api: &Api, connection: &str, users: &Value, more: &[(&str, &str)]) -> Value {
    let job = import(api, connection, users, more).await.expect(202);
    work(api).await;
    api.get(&format!("/jobs/{}", text(&job, "id"))).await.expect(200)
}

async fn errors(api: &Api, job: &Value) -> Vec<(String, Vec<(String, String)>)> {
    let rows = api.get(&format!("/jobs/{}/errors", text(job, "id"))).await.expect(200);
    let rows = rows.as_array().unwrap().iter().map(|row| {
        let faults = row["errors"].as_array().unwrap().iter();
        let faults = faults.map(|fault| (text(fault, "code"), text(fault, "path"))).collect();
        (row["user"]["email"].as_str().unwrap_or_default().to_owned(), faults)
    });
    rows.collect()
}

async fn credential(api: &Api, connection: &str, email: &str) -> PasswordCredential {
    let (id, email) = (ConnectionId::parse(connection).unwrap(), Email::parse(email).unwrap());
    let found = api.store.read(|unit| {
        Box::pin(async move { unit.credentials().find_by_identifier(&id, email.canonical()).await })
    });
    found.await.unwrap().unwrap()
}

fn md5() -> Value {
    let hash = json!({ "value": "5f4dcc3b5aa765d61d8327deb882cf99", "encoding": "hex" });
    json!({ "algorithm": "md5", "hash": hash })
}

#[tokio::test]
async fn users_are_imported_and_told_of() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let users = json!([
        { "email": "Ann@Hoekstra.example", "email_verified": true, "name": "Ann", "custom_password_hash": md5(),
          "app_metadata": { "plan": 1 }, "user_metadata": { "theme": "dark" } },
        { "email": "bob@hoekstra.example", "user_id": "legacy-7", "blocked": true, "given_name": "Bob" },
    ]);
    let more = [("external_id", "ours-1"), ("send_completion_email", "false"), ("upsert", "false")];
    let job = import(&api, &connection, &users, &more).await.expect(202);
    assert_eq!((&job["status"], &job["type"]), (&json!("pending"), &json!("users_import")));
    assert_eq!((&job["connection_id"], &job["external_id"]), (&json!(connection), &json!("ours-1")));
    let path = format!("/jobs/{}", text(&job, "id"));
    assert_eq!(api.get(&path).await.expect(200)["status"], "pending");
    work(&api).await;
    let job = api.get(&path).await.expect(200);
    assert_eq!((&job["status"], &job["percentage_done"]), (&json!("completed"), &json!(100)));
    assert_eq!(job["summary"], json!({ "failed": 0, "updated": 0, "inserted": 2, "total": 2 }));
    assert_eq!(api.get(&format!("{path}/errors")).await.status, 204);
    let bob = api.get("/users/auth0%7Clegacy-7").await.expect(200);
    assert_eq!(
        (&bob["blocked"], &bob["given_name"], &bob["name"]),
        (&json!(true), &json!("Bob"), &json!("bob@hoekstra.example"))
    );
    let ann = api.get("/users-by-email?email=ann%40hoekstra.example").await.expect(200);
    assert_eq!((&ann[0]["email_verified"], &ann[0]["app_metadata"]), (&json!(true), &json!({ "plan": 1 })));
    let events = api.events().await;
    let told: Vec<_> = events.iter().filter(|event| event.kind == EventKind::UsersImported).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].details["summary"]["inserted"], 2);
}

#[tokio::test]
async fn api_09_a_file_is_refused_whole_for_its_reason() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let id = connection.as_bytes();
    let all = api.all_scopes();
    let file = |bytes: usize| {
        let mut file = b"[{\"email\":\"a@b.test\"}".to_vec();
        file.resize(bytes - 1, b' ');
        file.push(b']');
        file
    };
    let fits = form(&[("users", &file(512_000)), ("connection_id", id)]);
    post_form(&api, all, fits).await.expect(202);
    let too_large = "Payload content length greater than maximum allowed: 512000.";
    for bytes in [512_001, 2 << 20] {
        let body = form(&[("users", &file(bytes)), ("connection_id", id)]);
        assert_eq!(post_form(&api, all, body).await.fault(413, ""), too_large);
    }
    let broken = "Failed to parse users file JSON when importing users. Make sure it is valid JSON.";
    let multipart = "Payload validation error: 'Invalid multipart payload format'.";
    let two = [("users", &b"[{}]"[..]), ("users", b"[{}]"), ("connection_id", id)];
    for (parts, message) in [
        (&[("connection_id", id)][..], "Must provide 'users' file as multipart part."),
        (&[("users", b"[{}]")], "Must provide 'connection_id' as multipart part."),
        (&[("users", b""), ("connection_id", id)], "Users file must not be empty."),
        (&[("users", b"[]"), ("connection_id", id)], "Users file must not be empty."),
        (&[("users", b"email,name\r\na@b.test,A"), ("connection_id", id)], broken),
        (&[("users", b"{\"email\":\"a@b.test\"}"), ("connection_id", id)], broken),
        (&[("users", b"[{\"email\":\"\xff\xfe\"}]"), ("connection_id", id)], broken),
        (&[("users", b"\x1f\x8b\x08\x00gzip"), ("connection_id", id)], broken),
        (&two, multipart),
        (&[("users", b"[{}]"), ("connection_id", b"con_0000000000000000")], "The connection does not exist."),
    ] {
        let answer = post_form(&api, all, form(parts)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(answer.body["message"], message);
    }
    assert_eq!(post_form(&api, all, b"rubbish".to_vec()).await.fault(400, "invalid_body"), multipart);
    let answer = api.post("/jobs/users-imports", json!({ "users": [] })).await;
    assert_eq!(answer.fault(400, "invalid_body"), multipart, "JSON is no form");
    let typo = import(&api, &connection, &json!([{}]), &[("upsret", "true")]).await;
    assert!(typo.fault(400, "invalid_body").contains("Additional properties not allowed: upsret"));
    let typo = import(&api, &connection, &json!([{}]), &[("upsert", "yes")]).await;
    assert!(typo.fault(400, "invalid_body").contains("upsert"));
}

#[tokio::test]
async fn api_09_only_enabled_databases_are_imported_into() {
    let api = Api::new().await;
    let client = api.client().await;
    let users = json!([{ "email": "a@b.test" }]);
    let make = async |body: Value| text(&api.post("/connections", body).await.expect(201), "id");
    let idle = make(json!({ "name": "idle", "strategy": "auth0" })).await;
    let refused = import(&api, &idle, &users, &[]).await.fault(400, "invalid_body");
    assert_eq!(refused, "Connection must be enabled.");
    let idp = json!({ "name": "idp", "strategy": "oidc", "options": { "issuer": "https://idp.test" }, "enabled_clients": [client] });
    let refused = import(&api, &make(idp).await, &users, &[]).await.fault(400, "invalid_body");
    assert_eq!(refused, "Connection must be a database connection.");
}

#[tokio::test]
async fn api_09_custom_databases_are_imported_into_in_import_mode_alone() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let id = ConnectionId::parse(&connection).unwrap();
    let configure = async |options: Value| {
        let id = id.clone();
        let done = api.store.write(move |unit| {
            Box::pin(async move {
                let mut connection = unit.connections().find(&id).await?.unwrap();
                connection.options = options;
                connection.revision += 1;
                unit.connections().update(&connection).await
            })
        });
        done.await.unwrap();
    };
    let users = json!([{ "email": "a@b.test" }]);
    configure(json!({ "enabledDatabaseCustomization": true })).await;
    let refused = import(&api, &connection, &users, &[]).await.fault(400, "invalid_body");
    assert_eq!(refused, "Custom Database Connections without import mode are not allowed.");
    configure(json!({ "enabledDatabaseCustomization": true, "import_mode": true })).await;
    import(&api, &connection, &users, &[]).await.expect(202);
}

#[tokio::test]
async fn api_09_rows_are_refused_one_by_one_with_auth0s_codes() {
    let api = Api::new().await;
    let connection = database(&api).await;
    api.user("hoekstra-db", "there@hoekstra.example").await;
    let other = text(
        &api.post(
            "/connections",
            json!({ "name": "other-db", "strategy": "auth0", "enabled_clients": [api.client().await] }),
        )
        .await
        .expect(201),
        "id",
    );
    imported(&api, &other, &json!([{ "email": "x@other.example", "user_id": "theirs" }]), &[]).await;
    let users = json!([
        { "email": "good@hoekstra.example" },
        { "email": "GOOD@hoekstra.example" },
        { "email": "there@hoekstra.example" },
        { "email": "stolen@hoekstra.example", "user_id": "theirs" },
        { "email": "nobody" },
        { "email": "named@hoekstra.example", "username": "ann" },
        { "email": "typo@hoekstra.example", "pasword_hash": "x" },
        { "email": "clash@hoekstra.example", "app_metadata": { "email": "a@b" } },
        { "email": "control@hoekstra.example", "name": "A\u{0}B" },
        "rubbish",
        { "email": "last@hoekstra.example", "custom_password_hash": md5() },
    ]);
    let job = imported(&api, &connection, &users, &[]).await;
    assert_eq!(job["summary"], json!({ "failed": 9, "updated": 0, "inserted": 2, "total": 11 }));
    let found = errors(&api, &job).await;
    let expected = [
        ("GOOD@hoekstra.example", "CONFLICT_EMAIL", "email"),
        ("there@hoekstra.example", "CONFLICT_EMAIL", "email"),
        ("stolen@hoekstra.example", "CONFLICT", "user_id"),
        ("nobody", "FORMAT", "email"),
        ("named@hoekstra.example", "NOT_PASSED", "username"),
        ("typo@hoekstra.example", "NOT_PASSED", ""),
        ("clash@hoekstra.example", "NOT_PASSED", "app_metadata.email"),
        ("control@hoekstra.example", "PATTERN", "name"),
        ("", "INVALID_TYPE", ""),
    ];
    let expected =
        expected.map(|(email, code, path)| (email.to_owned(), vec![(code.to_owned(), path.to_owned())]));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn db_19_hashes_that_ask_for_too_much_are_refused_row_by_row_and_told_without_the_hash() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let bcrypt = |cost: u32| format!("$2b${cost:02}$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u");
    let custom = |algorithm: &str, value: String| json!({ "algorithm": algorithm, "hash": { "value": value, "encoding": "utf8" } });
    let argon2 = "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";
    let pbkdf2 = format!("$pbkdf2-sha512$i=1000000000,l=64$c2FsdA${}", "A".repeat(86));
    let users = json!([
        { "email": "a@hoekstra.example", "password_hash": bcrypt(31) },
        { "email": "b@hoekstra.example", "custom_password_hash": custom("bcrypt", bcrypt(31)) },
        { "email": "c@hoekstra.example", "custom_password_hash": custom("argon2", argon2.to_owned()) },
        { "email": "d@hoekstra.example", "custom_password_hash": custom("pbkdf2", pbkdf2) },
        { "email": "e@hoekstra.example", "custom_password_hash": custom("argon2", "$argon2id$v=19$rubbish".to_owned()) },
        { "email": "f@hoekstra.example", "password_hash": bcrypt(12) },
    ]);
    let job = imported(&api, &connection, &users, &[]).await;
    assert_eq!(job["summary"]["inserted"], 1, "the control");
    let codes: Vec<_> = errors(&api, &job).await.into_iter().map(|(_, faults)| faults[0].0.clone()).collect();
    assert_eq!(codes, ["MAXIMUM", "MAXIMUM", "MAXIMUM", "MAXIMUM", "PATTERN"]);
    let told = api.get(&format!("/jobs/{}/errors", text(&job, "id"))).await.expect(200).to_string();
    assert!(!told.contains("$2b$") && !told.contains("argon2id$v"), "{told}");
}

#[tokio::test]
async fn api_09_an_upsert_changes_no_password_address_or_verification() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let id = api.user("hoekstra-db", "ann@hoekstra.example").await;
    let change =
        json!({ "user_metadata": { "theme": "dark" }, "app_metadata": { "plan": 1 }, "name": "Ann" });
    api.patch(&format!("/users/{}", encoded(&id)), change).await.expect(200);
    let before = credential(&api, &connection, "ann@hoekstra.example").await;
    let hijack = json!([{
        "email": "ann@hoekstra.example", "email_verified": true, "custom_password_hash": md5(),
        "user_metadata": { "lang": "nl" }, "nickname": "annie",
    }]);
    let refused = imported(&api, &connection, &hijack, &[]).await;
    assert_eq!(refused["summary"], json!({ "failed": 1, "updated": 0, "inserted": 0, "total": 1 }));
    let job = imported(&api, &connection, &hijack, &[("upsert", "true")]).await;
    assert_eq!(job["summary"], json!({ "failed": 0, "updated": 1, "inserted": 0, "total": 1 }));
    let after = credential(&api, &connection, "ann@hoekstra.example").await;
    assert_eq!(
        after.password_hash.unwrap().expose(),
        before.password_hash.unwrap().expose(),
        "the password is hers"
    );
    let ann = api.get(&format!("/users/{}", encoded(&id))).await.expect(200);
    assert_eq!(ann["email_verified"], false, "nobody has shown that the address is hers");
    assert_eq!(ann["user_metadata"], json!({ "lang": "nl" }), "replaced, not merged");
    assert_eq!((&ann["app_metadata"], &ann["nickname"]), (&json!({ "plan": 1 }), &json!("annie")));
    let key = id.strip_prefix("auth0|").unwrap();
    let moved = json!([{ "email": "mallory@evil.example", "user_id": key }]);
    let job = imported(&api, &connection, &moved, &[("upsert", "true")]).await;
    assert_eq!(errors(&api, &job).await[0].1, [("CONFLICT_EMAIL".to_owned(), "email".to_owned())]);
}

#[tokio::test]
async fn api_09_an_imported_hash_can_be_imported_again_until_it_is_used() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let user = |hash: Value| json!([{ "email": "ann@hoekstra.example", "custom_password_hash": hash }]);
    imported(&api, &connection, &user(md5()), &[]).await;
    let first = credential(&api, &connection, "ann@hoekstra.example").await;
    let mut salted = md5();
    salted["salt"] = json!({ "value": "pepper" });
    imported(&api, &connection, &user(salted), &[("upsert", "true")]).await;
    let second = credential(&api, &connection, "ann@hoekstra.example").await;
    assert_ne!(second.password_hash.clone().unwrap().expose(), first.password_hash.unwrap().expose());
    let (id, at) = (second.user_id.clone(), portico_core::time::Timestamp(5));
    let used =
        api.store.write(move |unit| Box::pin(async move { unit.users().record_login(&id, at, None).await }));
    used.await.unwrap();
    imported(&api, &connection, &user(md5()), &[("upsert", "true")]).await;
    let third = credential(&api, &connection, "ann@hoekstra.example").await;
    assert_eq!(third.password_hash.unwrap().expose(), second.password_hash.unwrap().expose());
}

#[tokio::test]
async fn a_block_by_an_upsert_ends_sessions() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let id = api.user("hoekstra-db", "ann@hoekstra.example").await;
    let epoch = async || {
        let id = portico_core::id::UserId::parse(&id).unwrap();
        let found = api.store.read(|unit| Box::pin(async move { unit.users().find(&id).await }));
        found.await.unwrap().unwrap().session_epoch
    };
    let before = epoch().await;
    let job = imported(
        &api,
        &connection,
        &json!([{ "email": "ann@hoekstra.example", "blocked": true }]),
        &[("upsert", "true")],
    )
    .await;
    assert_eq!(job["summary"]["updated"], 1);
    assert!(epoch().await > before);
}

#[tokio::test]
async fn api_09_no_more_than_two_imports_go_on_at_once() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let users = |n: u32| json!([{ "email": format!("user{n}@hoekstra.example") }]);
    import(&api, &connection, &users(1), &[]).await.expect(202);
    import(&api, &connection, &users(2), &[]).await.expect(202);
    let refused = import(&api, &connection, &users(3), &[]).await.fault(429, "too_many_requests");
    assert!(refused.contains("2 active import users jobs"), "{refused}");
    work(&api).await;
    import(&api, &connection, &users(3), &[]).await.expect(202);
}

#[tokio::test]
async fn a_job_that_takes_longer_than_two_hours_is_given_up() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let job = import(&api, &connection, &json!([{ "email": "a@hoekstra.example" }]), &[]).await.expect(202);
    api.clock.advance(Duration::from_secs(2 * 3600 + 1));
    work(&api).await;
    let job = api.get(&format!("/jobs/{}", text(&job, "id"))).await.expect(200);
    assert_eq!(job["status"], "failed");
    assert!(text(&job, "status_details").contains("two hours"));
    import(&api, &connection, &json!([{ "email": "a@hoekstra.example" }]), &[]).await.expect(202);
}

/// The file of a completed export, unpacked.
async fn file(api: &Api, job: &Value) -> String {
    let job = api.get(&format!("/jobs/{}", text(job, "id"))).await.expect(200);
    let location = text(&job, "location");
    let (status, headers, bytes) =
        api.fetch(location.strip_prefix(ISSUER.trim_end_matches('/')).unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(headers["content-type"], "application/gzip");
    let mut text = String::new();
    MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn api_10_users_are_exported_and_no_name_is_a_formula() {
    let api = Api::new().await;
    let connection = database(&api).await;
    let users: Vec<_> = (0..1_203)
        .map(|n| json!({ "email": format!("user{n}@hoekstra.example"), "name": "=HYPERLINK(\"http://evil\")" }))
        .collect();
    imported(&api, &connection, &json!(users), &[]).await;
    let fields = json!([{ "name": "email" }, { "name": "name", "export_as": "@Name" }, { "name": "identities[0].connection" }]);
    let body = json!({ "connection_id": connection, "format": "csv", "fields": fields });
    let job = api.post("/jobs/users-exports", body).await.expect(200);
    assert_eq!((&job["type"], &job["status"]), (&json!("users_export"), &json!("pending")));
    work(&api).await;
    let csv = file(&api, &job).await;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 1_204, "a heading and everybody, over several parts");
    assert_eq!(lines[0], "\"email\",\"'@Name\",\"identities[0].connection\"");
    let row = "\"user0@hoekstra.example\",\"'=HYPERLINK(\"\"http://evil\"\")\",\"hoekstra-db\"";
    assert!(lines.contains(&row), "{}", lines[1]);
    let all = api.post("/jobs/users-exports", json!({ "limit": 1_001 })).await.expect(200);
    work(&api).await;
    let rows: Vec<Value> =
        file(&api, &all).await.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 1_001);
    assert!(rows.iter().all(|row| row.get("password_hash").is_none() && row["user_id"].is_string()));
}

#[tokio::test]
async fn an_exports_file_is_for_who_may_read_users_and_for_a_while() {
    let api = Api::new().await;
    database(&api).await;
    api.user("hoekstra-db", "ann@hoekstra.example").await;
    let job = api.post("/jobs/users-exports", json!({})).await.expect(200);
    work(&api).await;
    let path = format!("/jobs/{}", text(&job, "id"));
    let creator = api.scoped("create:users").await;
    let shown = api.call_as(&creator, "GET", &path, None).await.expect(200);
    assert!(shown.get("location").is_none(), "who may only make users reads none: {shown}");
    let reader = api.scoped("read:users").await;
    let shown = api.call_as(&reader, "GET", &path, None).await.expect(200);
    let location = text(&shown, "location").replace(ISSUER, "/");
    assert_eq!(api.fetch(&location).await.0, 200);
    let forged = location.replacen("/exports/A", "/exports/B", 1);
    assert_eq!(api.fetch(&forged).await.0, if forged == location { 200 } else { 404 });
    assert_eq!(api.fetch("/exports/AAAA/x.json.gz").await.0, 404);
    api.clock.advance(Duration::from_mins(10));
    assert_eq!(api.fetch(&location).await.0, 404, "its time is up");
    let body = json!({ "connection_id": "con_0000000000000000" });
    let refused = api.post("/jobs/users-exports", body).await.fault(400, "inexistent_connection");
    assert_eq!(refused, "The connection does not exist.");
    api.get("/jobs/job_0000000000000000").await.fault(404, "inexistent_job");
    let missing = api.get("/jobs/job_0000000000000000/errors").await.fault(404, "inexistent_job");
    assert_eq!(missing, "The job does not exist");
}

#[tokio::test]
async fn a_verification_email_is_a_job_that_is_done() {
    let api = Api::new().await;
    database(&api).await;
    let id = api.user("hoekstra-db", "ann@hoekstra.example").await;
    let job = api.post("/jobs/verification-email", json!({ "user_id": id })).await.expect(201);
    assert_eq!(job["type"], "verification_email");
    assert_eq!(api.mails().await.len(), 1);
    let unknown = json!({ "user_id": "auth0|nobody" });
    api.post("/jobs/verification-email", unknown).await.fault(404, "inexistent_user");
    assert_eq!(api.mails().await.len(), 1);
}
