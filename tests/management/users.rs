//! Owns the tests of `/users` and `/users-by-email`.
//! Never touches their roles: those are tested with roles.

use super::world::{Api, PASSWORD, encoded, text};
use portico_core::{
    id::{ConnectionId, FamilyId, SessionId, UserId},
    model::{EventKind, Session, TokenFamily},
    secret::TokenHash,
    time::Clock,
};
use serde_json::{Value, json};
use std::time::Duration;

async fn home() -> Api {
    let api = Api::new().await;
    let client = api.client().await;
    api.database("db", &[&client]).await;
    api
}

#[tokio::test]
async fn a_user_is_made_with_defaults() {
    let api = home().await;
    let body = json!({ "connection": "db", "email": "Jennifer@Hoekstra.example", "password": PASSWORD });
    let made = api.post("/users", body).await.expect(201);
    let id = text(&made, "user_id");
    let key = id.strip_prefix("auth0|").unwrap();
    assert!(key.len() == 24 && key.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(
        (&made["email"], &made["email_verified"]),
        (&json!("jennifer@hoekstra.example"), &json!(false))
    );
    assert_eq!((&made["name"], &made["nickname"]), (&json!("jennifer@hoekstra.example"), &json!("jennifer")));
    let identity = json!([{ "connection": "db", "user_id": key, "provider": "auth0", "isSocial": false }]);
    assert_eq!(made["identities"], identity);
    for absent in ["user_metadata", "app_metadata", "blocked", "last_login", "password"] {
        assert_eq!(made.get(absent), None, "{absent}");
    }
    assert_eq!(api.get(&format!("/users/{}", encoded(&id))).await.expect(200), made);
    assert_eq!(api.get("/users-by-email?email=JENNIFER@hoekstra.example").await.expect(200), json!([made]));
}

#[tokio::test]
async fn creation_is_refused_in_the_documented_order() {
    let api = Api::new().await;
    let client = api.client().await;
    let organization = api.organization("hoekstra").await;
    let create = |connection: &'static str| {
        api.post("/users", json!({ "connection": connection, "email": "a@x.test", "password": PASSWORD }))
    };
    let unknown = create("nothing").await.fault(400, "inexistent_connection");
    assert_eq!(unknown, "The connection does not exist.");
    let body = json!({ "name": "idp", "strategy": "oidc", "options": { "issuer": "https://idp.test" }, "enabled_clients": [client] });
    api.post("/connections", body).await.expect(201);
    let elsewhere = create("idp").await.fault(400, "invalid_body");
    assert_eq!(
        elsewhere,
        "Connection does not support user creation through the API. It must either be a database or passwordless connection."
    );
    let connection = api.database("db", &[]).await;
    assert_eq!(create("db").await.fault(400, "connection_disabled"), "connection is disabled");
    let enabled = format!("/organizations/{organization}/enabled_connections");
    api.post(&enabled, json!({ "connection_id": connection })).await.expect(201);
    let still = create("db").await.fault(400, "connection_disabled");
    assert_eq!(still, "connection is disabled", "enabling it for an organization only does not suffice");
    let clients = format!("/connections/{connection}/clients");
    api.patch(&clients, json!([{ "client_id": client, "status": true }])).await.expect(204);
    let named = json!({ "connection": "db", "email": "a@x.test", "password": PASSWORD, "username": "ann" });
    let named = api.post("/users", named).await.fault(400, "invalid_body");
    assert_eq!(named, "Cannot set username for connection without requires_username");
    create("db").await.expect(201);
    assert_eq!(create("db").await.fault(409, "auth0_idp_error"), "The user already exists.");
}

#[tokio::test]
async fn passwords_are_refused_for_a_reason() {
    let api = home().await;
    let cases = [
        ("short", "PasswordStrengthError: Password is too weak"),
        ("Password1!", "PasswordDictionaryError: Password is too common"),
    ];
    let options = json!({ "options": { "passwordPolicy": "good", "password_dictionary": { "enable": true }, "password_history": { "enable": true, "size": 3 } } });
    let connection = text(&api.get("/connections?name=db").await.expect(200)[0], "id");
    api.patch(&format!("/connections/{connection}"), options).await.expect(200);
    for (password, expected) in cases {
        let body = json!({ "connection": "db", "email": "a@x.test", "password": password });
        assert_eq!(api.post("/users", body).await.fault(400, "invalid_password"), expected, "{password}");
    }
    let path = format!("/users/{}", encoded(&api.user("db", "a@x.test").await));
    let again = api.patch(&path, json!({ "password": PASSWORD, "connection": "db" })).await;
    assert_eq!(
        again.fault(400, "invalid_password"),
        "PasswordHistoryError: Password has previously been used"
    );
}

#[tokio::test]
async fn api_03_bodies_are_read_strictly() {
    let api = home().await;
    let path = format!("/users/{}", encoded(&api.user("db", "a@x.test").await));
    for name in
        ["created_at", "updated_at", "identities", "logins_count", "tenant", "session_epoch", "last_login"]
    {
        let expected = format!("Payload validation error: 'Additional properties not allowed: {name}'.");
        assert_eq!(api.patch(&path, json!({ name: "x" })).await.fault(400, "invalid_body"), expected);
        let body = json!({ "connection": "db", "email": "b@x.test", "password": PASSWORD, name: "x" });
        assert_eq!(api.post("/users", body).await.fault(400, "invalid_body"), expected);
    }
    api.patch(&path, json!({ "user_id": "auth0|other" })).await.fault(400, "invalid_body");
    let body = json!({ "connection": "db", "password": PASSWORD });
    assert_eq!(
        api.post("/users", body).await.fault(400, "invalid_body"),
        "Payload validation error: 'Missing required property: email'."
    );
}

#[tokio::test]
async fn a_message_asks_for_the_address_to_be_verified_when_it_is_wanted() {
    let api = home().await;
    let body = json!({ "connection": "db", "email": "a@x.test", "password": PASSWORD, "verify_email": true });
    let id = text(&api.post("/users", body).await.expect(201), "user_id");
    api.user("db", "b@x.test").await;
    let mails = api.mails().await;
    assert_eq!(mails.len(), 1, "nobody else was asked");
    assert_eq!((mails[0].template.as_str(), mails[0].to.as_str()), ("verify_email", "a@x.test"));
    let path = format!("/users/{}", encoded(&id));
    let moved = api.patch(&path, json!({ "email": "c@x.test", "verify_email": true })).await.expect(200);
    assert_eq!(moved["email_verified"], false);
    let mails = api.mails().await;
    assert_eq!((mails.len(), mails[1].to.as_str()), (2, "c@x.test"), "the new address is asked");
    for _ in 0..2 {
        api.patch(&path, json!({ "verify_email": true })).await.expect(200);
    }
    let refused = api.patch(&path, json!({ "verify_email": true })).await.fault(429, "too_many_requests");
    assert_eq!(refused, "Too many verification emails were asked for this address.");
    let token = api.scoped("update:users_app_metadata").await;
    let more = api.call_as(&token, "PATCH", &path, Some(&json!({ "verify_email": true }))).await;
    more.fault(403, "insufficient_scope");
}

#[tokio::test]
async fn a_key_may_be_asked_for_once() {
    let api = home().await;
    let body =
        |email: &str| json!({ "connection": "db", "email": email, "password": PASSWORD, "user_id": "abc" });
    assert_eq!(api.post("/users", body("a@x.test")).await.expect(201)["user_id"], "auth0|abc");
    api.post("/users", body("b@x.test")).await.fault(409, "auth0_idp_error");
    let bad = json!({ "connection": "db", "email": "c@x.test", "password": PASSWORD, "user_id": "a|b" });
    api.post("/users", bad).await.fault(400, "invalid_body");
}

#[tokio::test]
async fn metadata_is_merged_at_the_first_level() {
    let api = home().await;
    let body = json!({
        "connection": "db", "email": "a@x.test", "password": PASSWORD,
        "user_metadata": { "lang": "nl", "theme": { "dark": true } }, "app_metadata": { "plan": "gold" },
    });
    let path = format!("/users/{}", encoded(&text(&api.post("/users", body).await.expect(201), "user_id")));
    let change = json!({ "user_metadata": { "theme": { "big": true }, "lang": null }, "app_metadata": {} });
    let changed = api.patch(&path, change).await.expect(200);
    assert_eq!(changed["user_metadata"], json!({ "theme": { "big": true } }));
    assert_eq!(changed["app_metadata"], json!({ "plan": "gold" }));
    let cleared =
        api.patch(&path, json!({ "app_metadata": null, "name": "Ann", "nickname": null })).await.expect(200);
    assert_eq!(
        (cleared.get("app_metadata"), &cleared["name"], cleared.get("nickname")),
        (None, &json!("Ann"), None)
    );
}

#[tokio::test]
async fn the_scope_of_app_metadata_reaches_no_further() {
    let api = home().await;
    let path = format!("/users/{}", encoded(&api.user("db", "a@x.test").await));
    let token = api.scoped("update:users_app_metadata").await;
    let plan = json!({ "app_metadata": { "plan": "gold" } });
    api.call_as(&token, "PATCH", &path, Some(&plan)).await.expect(200);
    for more in [
        json!({ "blocked": true }),
        json!({ "password": "x" }),
        json!({ "app_metadata": {}, "email_verified": true }),
    ] {
        let message = api.call_as(&token, "PATCH", &path, Some(&more)).await.fault(403, "insufficient_scope");
        assert_eq!(message, "Insufficient scope, expected any of: update:users");
    }
}

#[tokio::test]
async fn one_thing_is_changed_at_a_time() {
    let api = home().await;
    let path = format!("/users/{}", encoded(&api.user("db", "a@x.test").await));
    for (body, pair) in [
        (json!({ "password": PASSWORD, "email": "b@x.test" }), "password and email"),
        (json!({ "password": PASSWORD, "email_verified": true }), "password and email_verified"),
        (json!({ "username": "ann", "email": "b@x.test" }), "username and email"),
        (json!({ "username": "ann", "email_verified": true }), "username and email_verified"),
    ] {
        let message = api.patch(&path, body).await.fault(400, "invalid_body");
        assert_eq!(message, format!("Cannot update {pair} simultaneously."));
    }
}

#[tokio::test]
async fn another_address_is_not_verified_and_is_taken_once() {
    let api = home().await;
    api.user("db", "taken@x.test").await;
    let path = format!("/users/{}", encoded(&api.user("db", "a@x.test").await));
    api.patch(&path, json!({ "email_verified": true })).await.expect(200);
    let same = api.patch(&path, json!({ "email": "A@x.test" })).await.expect(200);
    assert_eq!(same["email_verified"], true, "the same address in other letters");
    let moved = api.patch(&path, json!({ "email": "b@x.test" })).await.expect(200);
    assert_eq!((&moved["email"], &moved["email_verified"]), (&json!("b@x.test"), &json!(false)));
    let taken = api.patch(&path, json!({ "email": "taken@x.test" })).await.fault(409, "auth0_idp_error");
    assert_eq!(taken, "The specified new email or username already exists");
    api.user("db", "a@x.test").await;
}

/// Sign a user in by hand: a session and tokens.
async fn signed_in(api: &Api, user: &str) -> (SessionId, FamilyId) {
    let (now, user) = (api.clock.now(), UserId::parse(user).unwrap());
    let connection = text(&api.get("/connections?name=db").await.expect(200)[0], "id");
    let connection = ConnectionId::parse(connection).unwrap();
    let (session, family) = (SessionId::parse("ses_1").unwrap(), FamilyId::parse("fam_1").unwrap());
    let later = now.plus(Duration::from_hours(1));
    let record = Session {
        id: session.clone(),
        cookie: TokenHash::of("cookie"),
        user_id: user.clone(),
        connection_id: connection.clone(),
        organization_id: None,
        amr: Vec::new(),
        clients: Vec::new(),
        epoch: 0,
        authenticated_at: now,
        used_at: now,
        idle_expires_at: later,
        expires_at: later,
        upstream: portico_core::connector::Evidence::default(),
    };
    let tokens = TokenFamily {
        id: family.clone(),
        client_id: api.first.client_id.clone(),
        user_id: user,
        connection_id: connection,
        organization_id: None,
        audience: None,
        scope: Vec::new(),
        session_id: Some(session.clone()),
        auth_time: now,
        amr: Vec::new(),
        epoch: 0,
        created_at: now,
        revoked_at: None,
    };
    let write = api.store.write(move |unit| {
        Box::pin(async move {
            unit.sessions().insert(&record).await?;
            unit.grants().insert_family(&tokens).await
        })
    });
    write.await.unwrap();
    (session, family)
}

async fn is_signed_in(api: &Api, (session, family): &(SessionId, FamilyId)) -> (bool, bool) {
    let found = api.store.read(|unit| {
        Box::pin(async move {
            let session = unit.sessions().find(session).await?;
            Ok::<_, portico_core::port::store::StoreError>((
                session,
                unit.grants().find_family(family).await?,
            ))
        })
    });
    let (session, family) = found.await.unwrap();
    (session.is_some(), family.is_some_and(|family| family.revoked_at.is_none()))
}

#[tokio::test]
async fn a_block_and_a_new_password_end_everything() {
    for change in [json!({ "blocked": true }), json!({ "password": "Another-Harbour-77-kestrel" })] {
        let api = home().await;
        let user = api.user("db", "a@x.test").await;
        let path = format!("/users/{}", encoded(&user));
        let login = signed_in(&api, &user).await;
        api.patch(&path, json!({ "name": "Ann" })).await.expect(200);
        assert_eq!(is_signed_in(&api, &login).await, (true, true), "a new name ends nothing");
        let changed = api.patch(&path, change.clone()).await.expect(200);
        assert_eq!(is_signed_in(&api, &login).await, (false, false), "{change}");
        let reset = change.get("password").is_some();
        assert_eq!(changed.get("last_password_reset").is_some(), reset);
        assert_eq!(api.events().await.iter().any(|event| event.kind == EventKind::PasswordChanged), reset);
        let told: Vec<_> = api.mails().await.into_iter().map(|mail| (mail.template, mail.to)).collect();
        let notice = ("password_changed".to_owned(), "a@x.test".to_owned());
        assert_eq!(told, if reset { vec![notice] } else { Vec::new() }, "its owner may not be who did it");
    }
}

#[tokio::test]
async fn a_deleted_user_is_gone_with_all_that_was_theirs() {
    let api = home().await;
    let user = api.user("db", "a@x.test").await;
    let organization = api.organization("hoekstra").await;
    let members = format!("/organizations/{organization}/members");
    api.post(&members, json!({ "members": [user] })).await.expect(204);
    let login = signed_in(&api, &user).await;
    let path = format!("/users/{}", encoded(&user));
    api.delete(&path).await.expect(204);
    api.get(&path).await.fault(404, "inexistent_user");
    assert_eq!(api.get(&members).await.expect(200), json!([]));
    assert_eq!(is_signed_in(&api, &login).await, (false, false));
    assert_eq!(api.events().await.iter().filter(|event| event.kind == EventKind::UserDeleted).count(), 1);
    api.delete(&path).await.expect(204);
    api.user("db", "a@x.test").await;
}

#[tokio::test]
async fn users_of_other_places_keep_what_their_place_says() {
    let api = home().await;
    let id = "oidc|idp|amintha";
    let idp = json!({ "name": "idp", "strategy": "oidc", "options": { "issuer": "https://idp.test" } });
    let idp = api.post("/connections", idp).await.expect(201);
    let user = portico_core::model::User {
        id: UserId::parse(id).unwrap(),
        identities: vec![portico_core::model::Identity {
            connection_id: serde_json::from_value(idp["id"].clone()).unwrap(),
            connection: "idp".to_owned(),
            provider: "oidc".to_owned(),
            subject: portico_core::connector::Subject("amintha".to_owned()),
        }],
        email: None,
        email_verified: false,
        username: None,
        profile: serde_json::Map::new(),
        user_metadata: serde_json::Map::new(),
        app_metadata: serde_json::Map::new(),
        blocked: false,
        logins_count: 0,
        last_login: None,
        last_ip: None,
        last_password_reset: None,
        session_epoch: 0,
        created_at: api.clock.now(),
        updated_at: api.clock.now(),
    };
    let write = api.store.write(move |unit| Box::pin(async move { unit.users().insert(&user).await }));
    write.await.unwrap();
    let path = format!("/users/{}", encoded(id));
    api.patch(&path, json!({ "name": "Other" })).await.fault(400, "operation_not_supported");
    let blocked = api.patch(&path, json!({ "blocked": true, "app_metadata": { "x": 1 } })).await.expect(200);
    assert_eq!((&blocked["blocked"], &blocked["app_metadata"]), (&json!(true), &json!({ "x": 1 })));
}

#[tokio::test]
async fn users_are_found_by_what_is_supported() {
    let api = home().await;
    for email in ["jennifer@hoekstra.example", "pieter@hoekstra.example", "amintha@metahexa.example"] {
        api.clock.advance(Duration::from_millis(1));
        api.user("db", email).await;
    }
    let found = |query: &'static str| {
        let api = &api;
        async move {
            let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            let body = api.get(&format!("/users?search_engine=v3&q={encoded}")).await.expect(200);
            body.as_array().unwrap().iter().map(|row| text(row, "nickname")).collect::<Vec<_>>()
        }
    };
    assert_eq!(found(r#"email:"PIETER@hoekstra.example""#).await, ["pieter"]);
    assert_eq!(found(r#"email.domain:"hoekstra.example""#).await, ["jennifer", "pieter"]);
    assert_eq!(found("jenn").await, ["jennifer"]);
    assert_eq!(found(r#"email.domain:"hoekstra.example" AND blocked:true"#).await, Vec::<String>::new());
    let refused = api.get("/users?q=name:*").await.fault(400, "invalid_query_string");
    assert!(refused.contains("Supported are"), "{refused}");
    api.get("/users?search_engine=v2").await.fault(400, "invalid_query_string");
    let page =
        api.get("/users?include_totals=true&per_page=2&sort=created_at:-1&fields=email").await.expect(200);
    let expected: Value =
        json!([{ "email": "amintha@metahexa.example" }, { "email": "pieter@hoekstra.example" }]);
    assert_eq!((&page["total"], &page["length"], &page["users"]), (&json!(3), &json!(2), &expected));
}
