//! Owns journeys through a database connection.
//! Never touches other connections.

use crate::world::{
    HOEKSTRA, World, query,
    seed::{Invited, PASSWORD},
};
use portico_core::{email::Email, model::EventKind};

#[tokio::test]
async fn a_member_signs_in_with_a_password() {
    let world = World::new().await;
    let mut browser = world.browser();
    let page = browser
        .open(&world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]))
        .await
        .unwrap();
    assert!(page.url.as_str().starts_with("https://login.portico.test/u/login?state=txn_"), "{}", page.url);
    assert!(page.text().contains("Hoekstra & Associates"), "{}", page.text());
    let page = browser.submit(&[("username", "Piet@Hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(page.url.as_str().starts_with(&format!("{HOEKSTRA}/callback?")), "{} {}", page.url, page.text());
    let answer = query(&page.url);
    assert!(answer["code"].starts_with("code_"));
    assert_eq!((answer["state"].as_str(), answer["iss"].as_str()), ("app-state", crate::world::ISSUER));
    assert_eq!(world.kinds().await, [EventKind::Login]);
    assert_eq!(world.events().await[0].user_id, Some(world.seed.piet.clone()));
}

#[tokio::test]
async fn a_wrong_password_is_asked_again_and_then_the_right_one_gets_in() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.open(&world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[])).await.unwrap();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", "wrong")]).await.unwrap();
    assert_eq!(page.status, 400);
    assert!(page.url.path() == "/u/login", "{}", page.url);
    browser.submit(&[("username", "nobody@hoekstra.test"), ("password", "wrong")]).await.unwrap();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "{} {}", page.url, page.text());
    assert_eq!(world.kinds().await, [EventKind::Login, EventKind::WrongPassword, EventKind::UnknownUser]);
}

#[tokio::test]
async fn jennifer_accepts_her_invitation() {
    let world = World::new().await;
    let seed = &world.seed;
    let invited = Invited {
        organization: &seed.hoekstra,
        client: &seed.booking,
        connection: Some(&seed.database),
        now: portico_core::time::Clock::now(&*world.clock),
    };
    let (_, ticket) = seed.invite(&*world.store, "jennifer@hoekstra.test", invited).await;
    let mut browser = world.browser();
    let more = [("invitation", ticket.as_str()), ("organization_name", "hoekstra")];
    let page = browser.open(&seed.authorize(&seed.booking, Some(&seed.hoekstra), &more)).await.unwrap();
    assert_eq!(page.url.path(), "/signup/invitation", "{}", page.text());
    assert!(!page.url.as_str().contains(&ticket), "the ticket is out of the address");
    assert!(
        page.body.contains("jennifer@hoekstra.test") && page.text().contains("Piet Hoekstra"),
        "{}",
        page.text()
    );
    let page = browser.submit(&[("password", "short")]).await.unwrap();
    assert_eq!(page.status, 400, "{}", page.text());
    let page = browser.submit(&[("password", "Unusual-Harbour-93-Lantern")]).await.unwrap();
    assert!(
        page.url.as_str().starts_with(&format!("{HOEKSTRA}/callback?code=code_")),
        "{} {}",
        page.url,
        page.text()
    );
    assert_eq!(
        world.kinds().await,
        [
            EventKind::Login,
            EventKind::SignUp,
            EventKind::SignUpFailed,
            EventKind::InvitationAccepted,
            EventKind::MemberAdded
        ]
    );
    let email = Email::parse("jennifer@hoekstra.test").unwrap();
    let hoekstra = seed.hoekstra.clone();
    let (users, member) = world
        .store
        .read(|unit| {
            Box::pin(async move {
                let users = unit.users().find_by_email(&email).await?;
                let member = unit.members().find(&hoekstra, &users[0].id).await?;
                Ok::<_, portico_core::port::store::StoreError>((users, member))
            })
        })
        .await
        .unwrap();
    assert_eq!(users.len(), 1);
    assert!(users[0].email_verified, "the mailed ticket proves the mailbox");
    assert!(member.is_some());
}
