//! Owns journeys of people whose accounts stay with the customer (import mode off).
//! Never touches accounts that come over.

use super::books::*;
use crate::world::{World, query};
use portico_core::{
    admin::UserChange, email::Email, id::UserId, model::EventKind, port::script::ScriptError, secret::Secret,
};
use serde_json::{Value, json};
use std::time::Duration;

/// What a script does.
type Answer = fn() -> Result<Vec<Value>, ScriptError>;

async fn legacy() -> (World, Books) {
    let (world, books, _) = gateway(&json!({})).await;
    (world, books)
}

/// With addresses that have to be verified, as connections do when nothing is said.
async fn careful() -> (World, Books) {
    let (world, books, _) = gateway(&json!({"attributes": null})).await;
    (world, books)
}

#[tokio::test]
async fn a_user_of_the_customers_database_signs_in_by_its_script_every_time() {
    let (world, books) = legacy().await;
    for _ in 0..2 {
        let page = sign_in(&world, "Jen@Legacy.test", PASSWORD).await;
        assert!(is_in(&page), "{}", page.text());
        assert_eq!(books.calls(), ["login"]);
    }
    let user = user(&world, "jen@legacy.test").await.unwrap();
    assert_eq!(user.id.as_str(), "auth0|legacy-1");
    assert_eq!((user.logins_count, user.profile["nickname"].as_str()), (2, Some("jen")));
    assert!(!user.email_verified, "JS-14: a script is not believed unless the connection says so");
    assert_eq!(world.kinds().await, [EventKind::Login, EventKind::Login], "nobody signed up");
    let code = query(&sign_in(&world, "jen@legacy.test", PASSWORD).await.url).remove("code").unwrap();
    let token = world.redeem(&world.seed.plain, &code);
    assert_eq!(token.await.id_token()["sub"], "auth0|legacy-1");
}

#[tokio::test]
async fn the_profile_follows_the_customers_database() {
    let (world, books) = legacy().await;
    sign_in(&world, "jen@legacy.test", PASSWORD).await;
    books.add("legacy-2", "moved@legacy.test", PASSWORD);
    world.scripts.set(&format!("{NAME}/login"), |_| {
        Ok(vec![json!({"user_id": "legacy-1", "email": "moved@legacy.test", "nickname": "jenny"})])
    });
    assert!(is_in(&sign_in(&world, "moved@legacy.test", PASSWORD).await));
    let moved = user(&world, "moved@legacy.test").await.unwrap();
    assert_eq!((moved.id.as_str(), moved.profile["nickname"].as_str()), ("auth0|legacy-1", Some("jenny")));
    assert!(user(&world, "jen@legacy.test").await.is_none());
}

#[tokio::test]
async fn a_login_for_an_organization_makes_a_member() {
    let (world, _) = legacy().await;
    let mut browser = world.browser();
    world.begin(&mut browser, &world.seed.booking, &[("connection", NAME)]).await;
    let page = browser.submit(&[("username", "jen@legacy.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(is_in(page), "{}", page.text());
    assert!(world.people("jen@legacy.test", &world.seed.hoekstra).await[0].1);
}

#[tokio::test]
async fn js_21_whatever_a_script_says_no_with_the_visitor_is_told_the_same() {
    let (world, _) = legacy().await;
    let mut pages = Vec::new();
    let no: [Answer; 6] = [
        || Err(raised("WrongUsernameOrPasswordError", "wrong password for jen@legacy.test")),
        || Err(raised("Error", "no such user")),
        || Err(raised("UnauthorizedError", "unknown")),
        || Err(raised("TypeError", "cannot read property 'password' of undefined")),
        || Ok(Vec::new()),
        || Ok(vec![Value::Null]),
    ];
    for answer in no {
        world.scripts.set(&format!("{NAME}/login"), move |_| answer());
        let mut browser = world.browser_at([192, 0, 2, u8::try_from(pages.len()).unwrap()]);
        world.begin(&mut browser, &world.seed.plain, &[("connection", NAME)]).await;
        let page = browser.submit(&[("username", "jen@legacy.test"), ("password", "x")]).await.unwrap();
        let state = query(&page.url).remove("state").unwrap_or_default();
        pages.push((page.status, page.url.path().to_owned(), page.text().replace(&state, "")));
    }
    assert_eq!(pages[0].0, 400);
    assert!(pages.iter().all(|page| page == &pages[0]), "{pages:?}");
    let kinds = world.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::UnknownUser).count(), 6);
    assert_eq!(
        world.reason(EventKind::ScriptFailed).await.as_deref(),
        Some("script_raised"),
        "the log knows"
    );
}

#[tokio::test]
async fn what_a_script_cannot_say_is_nobodys_login() {
    let (world, _) = legacy().await;
    let cases: [(Answer, u16, EventKind, &str); 6] = [
        (
            || Err(ScriptError::TimedOut(Duration::from_secs(10))),
            503,
            EventKind::ScriptLimitHit,
            "script_timed_out",
        ),
        (|| Err(ScriptError::OutOfMemory), 500, EventKind::ScriptLimitHit, "script_out_of_memory"),
        (|| Err(ScriptError::Silent), 500, EventKind::ScriptFailed, "script_silent"),
        (|| Err(ScriptError::Unusable("10 MB".to_owned())), 500, EventKind::ScriptFailed, "script_unusable"),
        (|| Err(ScriptError::Busy), 503, EventKind::ScriptFailed, "script_busy"),
        (|| Ok(vec![json!({"email": "jen@legacy.test"})]), 500, EventKind::ScriptFailed, "script_unusable"),
    ];
    for (answer, status, kind, reason) in cases {
        world.scripts.set(&format!("{NAME}/login"), move |_| answer());
        let page = sign_in(&world, "jen@legacy.test", PASSWORD).await;
        assert_eq!(page.status.as_u16(), status, "{reason}: {}", page.text());
        assert_eq!(world.reason(kind).await.as_deref(), Some(reason));
    }
    assert!(user(&world, "jen@legacy.test").await.is_none());
}

#[tokio::test]
async fn js_13_a_script_that_names_a_user_of_another_connection_makes_nobody_them() {
    let (world, _) = legacy().await;
    let piet = world.seed.piet.as_str().trim_start_matches("auth0|").to_owned();
    let (claims, prefixed) = (piet.clone(), format!("auth0|{piet}"));
    world.scripts.set(&format!("{NAME}/login"), move |_| Ok(vec![json!({"user_id": claims})]));
    let page = sign_in(&world, "jen@legacy.test", PASSWORD).await;
    assert!(!is_in(&page), "the id is taken: {}", page.url);
    world.scripts.set(&format!("{NAME}/login"), move |_| Ok(vec![json!({"user_id": prefixed})]));
    let page = sign_in(&world, "jen@legacy.test", PASSWORD).await;
    assert!(is_in(&page), "somebody else, of this connection: {}", page.text());
    assert_eq!(user(&world, "jen@legacy.test").await.unwrap().id.as_str(), format!("auth0|auth0|{piet}"));
    let events = world.events().await;
    assert!(
        events
            .iter()
            .all(|event| event.kind != EventKind::Login || event.user_id != Some(world.seed.piet.clone()))
    );
}

#[tokio::test]
async fn a_sign_up_is_looked_up_made_and_read_in_this_order() {
    let (world, books) = legacy().await;
    let page = sign_up(&world, "new@legacy.test", STRONG).await;
    assert!(is_in(&page), "{}", page.text());
    assert_eq!(books.calls(), ["get_user", "create", "login"]);
    assert_eq!(books.person("new@legacy.test").unwrap().password, STRONG);
    assert_eq!(user(&world, "new@legacy.test").await.unwrap().id.as_str(), "auth0|legacy-2");
    assert_eq!(world.kinds().await, [EventKind::Login, EventKind::SignUp]);

    let page = sign_up(&world, "jen@legacy.test", STRONG).await;
    assert_eq!((page.status.as_u16(), books.calls()), (400, vec!["get_user".to_owned()]), "there is one");
    let page = sign_up(&world, "weak@legacy.test", "weak").await;
    assert_eq!((page.status.as_u16(), books.calls().len()), (400, 0), "the connection's policy counts");
    assert!(books.person("weak@legacy.test").is_none());
}

#[tokio::test]
async fn db_21_nothing_is_made_with_the_customer_where_nobody_may_sign_up() {
    let (world, books) = legacy().await;
    let mut browser = at_form(&world, &[("screen_hint", "signup")]).await;
    let plain = world.seed.plain.clone();
    world
        .change(move |unit| {
            Box::pin(async move {
                let connection = unit.connections().find_by_name(NAME).await?.expect("it is there");
                unit.connections().enable(&connection.id, &plain, false).await
            })
        })
        .await;
    let page = browser.submit(&[("email", "new@legacy.test"), ("password", STRONG)]).await.unwrap();
    assert!(!is_in(page), "{}", page.url);
    assert_eq!(books.calls(), [""; 0], "no script ran");
}

#[tokio::test]
async fn db_03_a_sign_up_tells_nobody_whose_address_the_customer_knows() {
    let (world, books) = careful().await;
    let mut told = Vec::new();
    for (email, scripts) in [
        ("jen@legacy.test", vec!["get_user", "get_user"]),
        ("new@legacy.test", vec!["get_user", "create", "login"]),
    ] {
        let page = sign_up(&world, email, STRONG).await;
        assert!(page.text().contains("Check your mail"), "{}", page.text());
        assert_eq!(books.calls(), scripts, "{email}");
        let state = query(&page.url).remove("state").unwrap_or_default();
        told.push((page.status, page.text().replace(email, "ADDRESS").replace(&state, "STATE")));
        let page = sign_in(&world, email, STRONG).await;
        assert_eq!(page.status, 400, "not before the address is verified: {email}");
        books.calls();
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(mail(&world, "account_exists").await.unwrap().to, "jen@legacy.test");

    let link = mail(&world, "verify_email").await.unwrap();
    assert_eq!(link.to, "new@legacy.test");
    let mut browser = world.browser();
    browser.open(link.data["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(browser.submit(&[]).await.unwrap().status, 200);
    assert_eq!(books.calls(), ["verify"]);
    assert!(books.person("new@legacy.test").unwrap().verified);
    assert!(is_in(&sign_in(&world, "new@legacy.test", STRONG).await), "now it opens");
}

#[tokio::test]
async fn a_forgotten_password_is_changed_with_the_customer() {
    let (world, books) = legacy().await;
    let page = reset(&world, "jen@legacy.test", STRONG).await.expect("a link was mailed");
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(books.calls(), ["get_user", "change_password"]);
    assert_eq!(books.person("jen@legacy.test").unwrap().password, STRONG);
    assert_eq!(sign_in(&world, "jen@legacy.test", PASSWORD).await.status, 400, "the old one opens nothing");
    assert!(is_in(&sign_in(&world, "jen@legacy.test", STRONG).await));
    assert!(mail(&world, "password_changed").await.is_some());
    assert!(user(&world, "jen@legacy.test").await.unwrap().email_verified, "the mailbox has shown it");

    books.calls();
    ask_for_reset(&world, "nobody@legacy.test").await;
    assert_eq!(books.calls(), ["get_user"]);
    assert_eq!(world.reason(EventKind::PasswordChangeRequestFailed).await.as_deref(), Some("unknown_user"));
    books.go_down();
    ask_for_reset(&world, "jen@legacy.test").await;
}

#[tokio::test]
async fn a_new_password_that_the_customer_does_not_take_leaves_the_link_as_it_was() {
    let (world, books) = legacy().await;
    ask_for_reset(&world, "jen@legacy.test").await;
    let link = mail(&world, "reset_email").await.unwrap();
    let mut browser = world.browser();
    browser.open(link.data["url"].as_str().unwrap()).await.unwrap();
    world.scripts.set(&format!("{NAME}/change_password"), |_| Ok(vec![json!(false)]));
    let page = browser.submit(&[("password", STRONG)]).await.unwrap();
    assert!(page.forms().iter().any(|form| !form.fields.is_empty()), "asked again: {}", page.text());
    assert_eq!(world.reason(EventKind::PasswordChangeFailed).await.as_deref(), Some("password_refused"));
    assert_eq!(books.person("jen@legacy.test").unwrap().password, PASSWORD);
    let books = books.clone();
    world.scripts.set(&format!("{NAME}/change_password"), move |_| {
        drop(books.calls());
        Ok(vec![json!(true)])
    });
    assert_eq!(browser.submit(&[("password", STRONG)]).await.unwrap().status, 200);
}

#[tokio::test]
async fn administrators_changes_go_to_the_customer_first() {
    let (world, books) = legacy().await;
    let (admin, actor) = (admin(&world), actor());
    let user = admin.create_user(&actor, draft("new@legacy.test", STRONG)).await.unwrap();
    assert_eq!(
        (user.id.as_str(), books.calls()),
        ("auth0|legacy-2", vec!["get_user".into(), "create".into(), "login".into()])
    );
    let twice = admin.create_user(&actor, draft("jen@legacy.test", STRONG)).await.unwrap_err();
    assert_eq!(
        (twice.to_string().contains("already exists"), books.calls()),
        (true, vec!["get_user".to_owned()])
    );

    let change = |change: UserChange| admin.update_user(&actor, &user.id, change);
    change(UserChange { password: Some(Secret::new("another Harbour 48")), ..UserChange::default() })
        .await
        .unwrap();
    assert_eq!(books.calls(), ["change_password"]);
    change(UserChange { email_verified: Some(true), ..UserChange::default() }).await.unwrap();
    assert_eq!(books.calls(), ["verify"]);
    let moved = Email::parse("moved@legacy.test").unwrap();
    change(UserChange { email: Some(moved), ..UserChange::default() }).await.unwrap();
    assert_eq!(books.calls(), ["change_email"]);
    change(UserChange { blocked: Some(false), ..UserChange::default() }).await.unwrap();
    assert_eq!(books.calls(), [""; 0], "nothing that the customer keeps");
    assert!(is_in(&sign_in(&world, "moved@legacy.test", "another Harbour 48").await));

    books.calls();
    admin.delete_user(&actor, &user.id).await.unwrap();
    assert_eq!(books.calls(), ["delete"]);
    assert!(books.person("moved@legacy.test").is_none());
    assert!(super::books::user(&world, "moved@legacy.test").await.is_none());
}

#[tokio::test]
async fn what_the_customer_refuses_stays_with_us_too() {
    let (world, books) = legacy().await;
    sign_in(&world, "jen@legacy.test", PASSWORD).await;
    let (admin, actor) = (admin(&world), actor());
    let id = UserId::parse("auth0|legacy-1").unwrap();
    world.scripts.set(&format!("{NAME}/delete"), |_| Err(raised("Error", "foreign key")));
    let refused = admin.delete_user(&actor, &id).await.unwrap_err();
    assert!(refused.to_string().contains("foreign key"), "{refused}");
    assert!(user(&world, "jen@legacy.test").await.is_some());
    let taken = Email::parse("taken@legacy.test").unwrap();
    world.scripts.set(&format!("{NAME}/change_email"), |_| Ok(vec![json!(false)]));
    let change = UserChange { email: Some(taken), ..UserChange::default() };
    admin.update_user(&actor, &id, change).await.unwrap_err();
    assert!(user(&world, "jen@legacy.test").await.is_some());
    assert!(books.person("jen@legacy.test").is_some());
}

#[tokio::test]
async fn a_script_that_is_missing_is_named() {
    let (world, _, id) = gateway(&json!({})).await;
    sign_in(&world, "jen@legacy.test", PASSWORD).await;
    let login =
        json!({"customScripts": {"login": "function (email, password, callback) { callback(null); }"}});
    configure(&world, &id, options(&login)).await;
    let refused =
        admin(&world).delete_user(&actor(), &UserId::parse("auth0|legacy-1").unwrap()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("Sandbox Error: Please implement the Delete script for the connection {NAME}")
    );
}

#[tokio::test]
async fn an_invitation_asks_the_customer_whether_there_is_an_account() {
    let (world, books) = legacy().await;
    for (email, page, scripts) in [
        ("jen@legacy.test", PASSWORD, vec!["get_user", "login"]),
        ("new@legacy.test", STRONG, vec!["get_user", "get_user", "get_user", "create", "login"]),
    ] {
        let (_, ticket) = world.invite(&world.seed.hoekstra, email).await;
        let mut browser = world.browser();
        let more = [("invitation", ticket.as_str()), ("connection", NAME)];
        world.begin(&mut browser, &world.seed.booking, &more).await;
        let page = browser.submit(&[("password", page)]).await.unwrap();
        assert!(is_in(page), "{email}: {}", page.text());
        assert_eq!(books.calls(), scripts, "{email}");
        assert!(world.people(email, &world.seed.hoekstra).await[0].1, "a member");
    }
}
