//! Owns journeys of people whose accounts come over as they come (import mode on).
//! Never touches accounts that stay with the customer.

use super::books::*;
use crate::world::{World, query};
use portico_core::{
    admin::UserChange, email::Email, id::ConnectionId, id::UserId, model::EventKind, secret::Secret,
};
use serde_json::json;

async fn import() -> (World, Books, ConnectionId) {
    gateway(&json!({"import_mode": true})).await
}

#[tokio::test]
async fn the_first_login_brings_a_user_over_and_no_script_runs_again() {
    let (world, books, id) = import().await;
    let page = sign_in(&world, "jen@legacy.test", PASSWORD).await;
    assert!(is_in(&page), "a password that breaks our policy comes over too: {}", page.text());
    assert_eq!(books.calls(), ["login"]);
    let user = user(&world, "jen@legacy.test").await.unwrap();
    assert_eq!(user.id.as_str(), "auth0|legacy-1");
    assert!(has_password(&world, &id, "legacy-1").await);
    assert_eq!(world.kinds().await, [EventKind::Login, EventKind::UserMigrated]);

    books.go_down();
    assert!(
        is_in(&sign_in(&world, "JEN@legacy.test", PASSWORD).await),
        "the customer is not needed any more"
    );
    let wrong = sign_in(&world, "jen@legacy.test", "wrong").await;
    assert_eq!((wrong.status.as_u16(), books.calls()), (400, Vec::<String>::new()));
    assert_eq!(world.reason(EventKind::WrongPassword).await.as_deref(), Some("wrong_credentials"));
}

#[tokio::test]
async fn a_wrong_password_brings_nobody_over() {
    let (world, books, id) = import().await;
    for email in ["jen@legacy.test", "nobody@legacy.test"] {
        let page = sign_in(&world, email, "wrong").await;
        assert_eq!((page.status.as_u16(), books.calls()), (400, vec!["login".to_owned()]), "{email}");
    }
    books.go_down();
    assert_eq!(sign_in(&world, "jen@legacy.test", PASSWORD).await.status, 400);
    assert!(user(&world, "jen@legacy.test").await.is_none());
    assert!(!has_password(&world, &id, "legacy-1").await);
}

#[tokio::test]
async fn a_password_that_was_changed_here_is_the_only_one() {
    let (world, books, _) = import().await;
    sign_in(&world, "jen@legacy.test", PASSWORD).await;
    let (admin, actor) = (admin(&world), actor());
    let user = UserId::parse("auth0|legacy-1").unwrap();
    let password = UserChange { password: Some(Secret::new(STRONG)), ..UserChange::default() };
    admin.update_user(&actor, &user, password).await.unwrap();
    let moved =
        UserChange { email: Some(Email::parse("moved@legacy.test").unwrap()), ..UserChange::default() };
    admin.update_user(&actor, &user, moved).await.unwrap();
    assert_eq!(books.calls(), ["login", "get_user"], "whether somebody has the new address");
    assert!(is_in(&sign_in(&world, "moved@legacy.test", STRONG).await));
    let by_the_old_name = sign_in(&world, "jen@legacy.test", PASSWORD).await;
    assert_eq!(
        by_the_old_name.status,
        400,
        "what the customer still has opens nothing: {}",
        by_the_old_name.text()
    );
    assert_eq!(books.person("jen@legacy.test").unwrap().password, PASSWORD);
}

#[tokio::test]
async fn somebody_who_comes_in_twice_at_once_comes_over_once() {
    let (world, _, id) = import().await;
    let both = tokio::join!(
        sign_in(&world, "jen@legacy.test", PASSWORD),
        sign_in(&world, "jen@legacy.test", PASSWORD),
    );
    assert!(is_in(&both.0) && is_in(&both.1), "{} {}", both.0.url, both.1.url);
    assert!(has_password(&world, &id, "legacy-1").await);
    assert_eq!(world.people("jen@legacy.test", &world.seed.hoekstra).await.len(), 1);
}

#[tokio::test]
async fn a_sign_up_asks_the_customer_only_whether_there_is_an_account() {
    let (world, books, _) = import().await;
    let page = sign_up(&world, "new@legacy.test", STRONG).await;
    assert!(is_in(&page), "{}", page.text());
    assert_eq!(books.calls(), ["get_user"]);
    assert!(books.person("new@legacy.test").is_none(), "nothing is written there");
    assert!(is_in(&sign_in(&world, "new@legacy.test", STRONG).await));
    assert_eq!(books.calls(), [""; 0]);
    assert_eq!(sign_up(&world, "jen@legacy.test", STRONG).await.status, 400, "the customer has her");
    let (admin, actor) = (admin(&world), actor());
    admin.create_user(&actor, draft("other@legacy.test", STRONG)).await.unwrap();
    let taken = admin.create_user(&actor, draft("jen@legacy.test", STRONG)).await.unwrap_err();
    assert!(taken.to_string().contains("already exists"), "{taken}");
}

#[tokio::test]
async fn db_03_a_careful_sign_up_tells_nobody_whom_the_customer_has() {
    let (world, books, id) = gateway(&json!({"import_mode": true, "attributes": null})).await;
    let mut told = Vec::new();
    for email in ["jen@legacy.test", "new@legacy.test"] {
        let before = world.hashing.work_done().blocks;
        let page = sign_up(&world, email, STRONG).await;
        let state = query(&page.url).remove("state").unwrap_or_default();
        let work = world.hashing.work_done().blocks - before;
        told.push((page.status, page.text().replace(email, "ADDRESS").replace(&state, "STATE"), work));
    }
    assert_eq!(told[0], told[1]);
    assert!(mail(&world, "verify_email").await.is_some());
    // Her own message leads to a new password; the old one is good until she has chosen it.
    let exists = mail(&world, "account_exists").await.unwrap();
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await));
    assert!(has_password(&world, &id, "legacy-1").await);
    assert_eq!(exists.to, "jen@legacy.test");
    drop(books);
}

#[tokio::test]
async fn a_forgotten_password_brings_its_owner_over_with_the_new_one() {
    let (world, books, id) = import().await;
    ask_for_reset(&world, "jen@legacy.test").await;
    assert_eq!(books.calls(), ["get_user"]);
    assert!(!has_password(&world, &id, "legacy-1").await, "not before it is chosen");
    let link = mail(&world, "reset_email").await.unwrap();
    let mut browser = world.browser();
    browser.open(link.data["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(
        browser.submit(&[("password", "weak")]).await.unwrap().status,
        400,
        "our policy counts for new ones"
    );
    assert_eq!(browser.submit(&[("password", STRONG)]).await.unwrap().status, 200);
    assert_eq!(books.calls(), [""; 0], "change_password is not called");
    books.go_down();
    assert!(is_in(&sign_in(&world, "jen@legacy.test", STRONG).await));
    assert_eq!(sign_in(&world, "jen@legacy.test", PASSWORD).await.status, 400);
    assert_eq!(books.person("jen@legacy.test").unwrap().password, PASSWORD);
}

#[tokio::test]
async fn a_link_that_was_asked_for_takes_nothing_away() {
    let (world, _, id) = import().await;
    ask_for_reset(&world, "jen@legacy.test").await;
    let link = mail(&world, "reset_email").await.unwrap();
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await), "anybody can ask for a link");
    assert!(has_password(&world, &id, "legacy-1").await);
    let mut browser = world.browser();
    browser.open(link.data["url"].as_str().unwrap()).await.unwrap();
    let page = browser.submit(&[("password", STRONG)]).await.unwrap();
    assert_eq!(page.status, 200, "and the link is still good: {}", page.text());
    assert!(is_in(&sign_in(&world, "jen@legacy.test", STRONG).await));
}

#[tokio::test]
async fn a_user_who_is_deleted_here_may_come_over_again() {
    let (world, books, id) = import().await;
    sign_in(&world, "jen@legacy.test", PASSWORD).await;
    let email = Email::parse("jen@legacy.test").unwrap();
    admin(&world).delete_user_of_connection(&actor(), &id, &email).await.unwrap();
    assert!(user(&world, "jen@legacy.test").await.is_none());
    assert!(books.person("jen@legacy.test").is_some(), "only here");
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await));
    admin(&world).delete_user_of_connection(&actor(), &world.seed.idp, &email).await.unwrap_err();
    admin(&world).delete_user_of_connection(&actor(), &world.seed.database, &email).await.unwrap();
    assert!(user(&world, "jen@legacy.test").await.is_some(), "another connection's user is left alone");
}

#[tokio::test]
async fn users_of_the_time_before_import_mode_come_over_with_their_next_login() {
    let (world, books, id) = gateway(&json!({})).await;
    sign_in(&world, "jen@legacy.test", PASSWORD).await;
    sign_up(&world, "new@legacy.test", STRONG).await;
    configure(&world, &id, options(&json!({"import_mode": true}))).await;
    books.calls();
    for (email, password) in [("jen@legacy.test", PASSWORD), ("new@legacy.test", STRONG)] {
        assert!(is_in(&sign_in(&world, email, password).await), "{email}");
        assert_eq!(books.calls(), ["login"]);
        assert!(is_in(&sign_in(&world, email, password).await), "{email}");
        assert_eq!(books.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn what_a_profile_brings_comes_over_once() {
    let (world, _, _) = gateway(&json!({"import_mode": true, "trust_email_verified": true})).await;
    world.scripts.set(&format!("{NAME}/login"), |_| {
        Ok(vec![json!({
            "user_id": 7, "email": "jen@legacy.test", "email_verified": true, "username": "Jen", "roles": ["admin"],
            "user_metadata": {"seat": "aisle"}, "app_metadata": {"plan": "gold"}, "blocked": false,
        })])
    });
    assert!(is_in(&sign_in(&world, "jen@legacy.test", PASSWORD).await));
    let user = user(&world, "jen@legacy.test").await.unwrap();
    assert_eq!((user.id.as_str(), user.email_verified), ("auth0|7", true));
    assert_eq!(user.username.as_deref(), Some("jen"));
    assert_eq!((&user.user_metadata["seat"], &user.app_metadata["plan"]), (&json!("aisle"), &json!("gold")));
    assert!(!user.profile.contains_key("roles"));
}
