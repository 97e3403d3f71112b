//! Owns the cases of making an account on the pages of a login: DB-03, DB-21, and who is asked by mail to verify their
//! address.
//! Never touches `/dbconnections/signup`.

use crate::world::{HOEKSTRA, ISSUER, World, query};
use portico_core::{
    id::OrganizationId,
    model::{Connection, EventKind, OrganizationConnection, OutboxMail},
    port::store::{Page, StoreError},
};
use portico_fixtures::browser::{Browser, Document};
use serde_json::{Value, json};

const ADDRESS: &str = "jen@travel0.test";
const PASSWORD: &str = "quiet Harbour 47 lamps";

/// A browser at the form that makes an account: at the application without organizations, or at Hoekstra's.
async fn at_sign_up(world: &World, ip: [u8; 4], organization: Option<&OrganizationId>) -> Browser {
    let mut browser = world.browser_at(ip);
    let client = if organization.is_some() { &world.seed.booking } else { &world.seed.plain };
    let hint = [("screen_hint", "signup")];
    let page = browser.open(&world.seed.authorize(client, organization, &hint)).await.unwrap();
    assert_eq!(page.url.path(), "/u/signup", "{}", page.text());
    browser
}

async fn sign_up(browser: &mut Browser, email: &str) -> Document {
    browser.submit(&[("email", email), ("password", PASSWORD)]).await.unwrap().clone()
}

fn is_in(page: &Document) -> bool {
    page.url.as_str().starts_with(HOEKSTRA) && query(&page.url).contains_key("code")
}

async fn mails(world: &World) -> Vec<OutboxMail> {
    let mails: Result<_, StoreError> = world
        .store
        .read(|unit| Box::pin(async move { unit.outbox().list(None, &Page::first(100)).await }))
        .await;
    mails.unwrap()
}

/// Hoekstra takes sign-ups through its database, or does not.
async fn place(world: &World, change: impl FnOnce(&mut OrganizationConnection) + Send + 'static) {
    let (organization, connection) = (world.seed.hoekstra.clone(), world.seed.database.clone());
    world
        .change(move |unit| {
            Box::pin(async move {
                let place = unit.organizations().connection(&organization, &connection).await?;
                let mut place = place.expect("Hoekstra has its database");
                change(&mut place);
                unit.organizations().update_connection(&place).await.map(drop)
            })
        })
        .await;
}

async fn open_for_sign_up(world: &World) {
    place(world, |place| (place.is_signup_enabled, place.assign_membership_on_login) = (true, true)).await;
}

async fn options(world: &World, options: Value) {
    let id = world.seed.database.clone();
    world
        .change(move |unit| {
            Box::pin(async move {
                let old = unit.connections().find(&id).await?.expect("the connection is there");
                unit.connections().update(&Connection { revision: old.revision + 1, options, ..old }).await
            })
        })
        .await;
}

/// What everybody sees who signed up where addresses are verified.
fn is_sent(page: &Document) -> bool {
    page.status == 200 && page.url.path() == "/u/signup" && page.text().contains("Check your mail")
}

/// Try to sign in with what was chosen, on from the page.
async fn sign_in(browser: &mut Browser, email: &str) -> Document {
    let page = browser.page.clone().unwrap();
    let back = page.attribute(".switch a", "href").unwrap_or_else(|| panic!("{}", page.text()));
    browser.follow(&back).await.unwrap();
    browser.submit(&[("username", email), ("password", PASSWORD)]).await.unwrap().clone()
}

#[tokio::test]
async fn a_sign_up_on_the_page_mails_a_link_that_opens_the_account() {
    let world = World::new().await;
    let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
    assert!(is_sent(&sign_up(&mut browser, ADDRESS).await));
    let people = world.people(ADDRESS, &world.seed.hoekstra).await;
    assert!(!people[0].0.email_verified, "nobody says so of themselves");
    let [mail] = mails(&world).await.try_into().unwrap();
    assert_eq!((mail.template.as_str(), mail.to.as_str()), ("verify_email", ADDRESS));
    assert_eq!((&mail.data["client"], mail.organization_id), (&json!("Plain"), None));
    let page = sign_in(&mut browser.clone(), ADDRESS).await;
    assert_eq!(page.status, 400, "not before that: {}", page.text());

    let mut mail_program = world.browser();
    mail_program.open(mail.data["url"].as_str().unwrap()).await.unwrap();
    let page = mail_program.submit(&[]).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(world.people(ADDRESS, &world.seed.hoekstra).await[0].0.email_verified);
    let page = sign_in(&mut browser, ADDRESS).await;
    assert!(is_in(&page), "the login goes on where it was left: {}", page.text());
}

#[tokio::test]
async fn a_sign_up_at_an_organization_is_answered_in_its_branding_and_becomes_a_membership() {
    let world = World::new().await;
    open_for_sign_up(&world).await;
    let mut browser = at_sign_up(&world, [192, 0, 2, 1], Some(&world.seed.hoekstra)).await;
    assert!(is_sent(&sign_up(&mut browser, ADDRESS).await));
    assert!(!world.people(ADDRESS, &world.seed.hoekstra).await[0].1, "not before somebody signed in");
    let [mail] = mails(&world).await.try_into().unwrap();
    assert_eq!(mail.organization_id.as_ref(), Some(&world.seed.hoekstra));
    assert_eq!(mail.data["organization"], "Hoekstra & Associates");
    let mut mail_program = world.browser();
    mail_program.open(mail.data["url"].as_str().unwrap()).await.unwrap();
    mail_program.submit(&[]).await.unwrap();
    let page = sign_in(&mut browser, ADDRESS).await;
    assert!(is_in(&page), "{}", page.text());
    assert!(world.people(ADDRESS, &world.seed.hoekstra).await[0].1);
}

#[tokio::test]
async fn db_03_the_page_answers_an_address_that_has_an_account_as_it_answers_one_that_has_none() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for email in ["piet@hoekstra.test", ADDRESS] {
        let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
        let before = world.hashing.work_done().blocks;
        let page = sign_up(&mut browser, email).await;
        let work = world.hashing.work_done().blocks - before;
        assert!(is_sent(&page), "{email}: {}", page.text());
        let told = (page.status, page.text().replace(email, "ADDRESS"), work);
        let page = sign_in(&mut browser, email).await;
        let state = query(&page.url).get("state").cloned().unwrap_or_default();
        answers.push((told, page.status, page.text().replace(email, "ADDRESS").replace(&state, "STATE")));
    }
    assert_eq!(answers[0], answers[1], "nor does signing in with what was chosen tell");
    assert_eq!(answers[0].1, 400);
    let mailed: Vec<_> = mails(&world).await.into_iter().map(|mail| (mail.to, mail.template)).collect();
    let expected = [("piet@hoekstra.test", "account_exists"), (ADDRESS, "verify_email")];
    let expected = expected.map(|(to, template)| (to.to_owned(), template.to_owned()));
    assert_eq!(mailed, expected, "the mailbox alone knows");
    assert_eq!(world.reason(EventKind::SignUpFailed).await.as_deref(), Some("user_exists"));
    let mut piet = world.browser();
    assert!(world.sign_in(&mut piet).await.starts_with("code_"), "and Piet's password is what it was");
}

#[tokio::test]
async fn db_03_an_account_that_waits_is_opened_by_a_reset_and_by_an_administrator_too() {
    let world = World::new().await;
    let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
    sign_up(&mut browser, ADDRESS).await;
    // Once more: now there is an account, and its owner is told how to get in.
    let mut again = at_sign_up(&world, [192, 0, 2, 1], None).await;
    assert!(is_sent(&sign_up(&mut again, ADDRESS).await));
    let mail = mails(&world).await.pop().unwrap();
    assert_eq!(mail.template, "account_exists");
    let mut mail_program = world.browser();
    mail_program.open(mail.data["url"].as_str().unwrap()).await.unwrap();
    let page = mail_program.submit(&[("password", "another Harbour 48 lamps")]).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(sign_in(&mut browser.clone(), ADDRESS).await.status, 400, "not with the first password");
    let back = browser.page.as_ref().unwrap().attribute(".switch a", "href").unwrap();
    browser.follow(&back).await.unwrap();
    let fields = [("username", ADDRESS), ("password", "another Harbour 48 lamps")];
    let page = browser.submit(&fields).await.unwrap();
    assert!(is_in(page), "{}", page.text());
    assert!(world.people(ADDRESS, &world.seed.hoekstra).await[0].0.email_verified);
}

#[tokio::test]
async fn db_03_one_address_is_mailed_three_times_an_hour_and_the_page_does_not_tell() {
    let world = World::new().await;
    for number in 1..=5 {
        let mut browser = at_sign_up(&world, [192, 0, 2, number], None).await;
        assert!(is_sent(&sign_up(&mut browser, "piet@hoekstra.test").await), "{number}");
    }
    assert_eq!(mails(&world).await.len(), 3);
    assert_eq!(world.reason(EventKind::BlockedAttempts).await.as_deref(), Some("too_many_attempts"));
}

#[tokio::test]
async fn no_link_is_mailed_where_the_connection_verifies_no_addresses() {
    let world = World::new().await;
    let unverified = json!({"attributes": {"email": {"signup": {"verification": {"active": false}}}}});
    options(&world, unverified).await;
    let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
    assert!(is_in(&sign_up(&mut browser, ADDRESS).await));
    let body = json!({
        "client_id": world.seed.plain, "connection": "hoekstra-db", "email": "kim@travel0.test", "password": PASSWORD,
    });
    let request = http::Request::post("/dbconnections/signup")
        .header("host", "login.portico.test")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(body.to_string()))
        .unwrap();
    let answer = tower::ServiceExt::oneshot(world.app.router.clone(), request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(mails(&world).await.is_empty());
    let mut known = at_sign_up(&world, [192, 0, 2, 1], None).await;
    let page = sign_up(&mut known, "piet@hoekstra.test").await;
    assert_eq!(page.status, 400, "without mail there is no other way to tell whoever asks: {}", page.text());
    assert!(!world.people("kim@travel0.test", &world.seed.hoekstra).await[0].0.email_verified);
}

#[tokio::test]
async fn whoever_was_invited_by_mail_has_shown_the_address_and_is_not_asked_again() {
    let world = World::new().await;
    for (email, mailed) in [("jennifer@hoekstra.test", true), ("joan@hoekstra.test", false)] {
        let (api, mail) = world.invite(&world.seed.hoekstra, email).await;
        let ticket = if mailed { mail } else { api };
        let mut browser = world.browser();
        let more = [("invitation", ticket.as_str())];
        browser
            .open(&world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &more))
            .await
            .unwrap();
        let page = browser.submit(&[("password", PASSWORD)]).await.unwrap();
        assert!(is_in(page), "{}", page.text());
        let asked = mails(&world).await.iter().any(|mail| mail.to == email);
        let verified = world.people(email, &world.seed.hoekstra).await[0].0.email_verified;
        assert_eq!((asked, verified), (!mailed, mailed), "{email}");
    }
}

#[tokio::test]
async fn db_21_a_form_from_before_the_organization_closed_makes_no_account() {
    let world = World::new().await;
    let somebody = |number: u8| format!("somebody{number}@travel0.test");
    open_for_sign_up(&world).await;
    let mut control = at_sign_up(&world, [192, 0, 2, 1], Some(&world.seed.hoekstra)).await;
    let mut closed = at_sign_up(&world, [192, 0, 2, 1], Some(&world.seed.hoekstra)).await;
    let mut disabled = at_sign_up(&world, [192, 0, 2, 1], Some(&world.seed.hoekstra)).await;
    let mut gone = at_sign_up(&world, [192, 0, 2, 1], Some(&world.seed.hoekstra)).await;
    assert!(is_sent(&sign_up(&mut control, &somebody(0)).await), "the control");
    place(&world, |place| place.is_signup_enabled = false).await;
    assert!(!is_sent(&sign_up(&mut closed, &somebody(1)).await));
    place(&world, |place| (place.is_signup_enabled, place.is_enabled) = (true, false)).await;
    assert!(!is_sent(&sign_up(&mut disabled, &somebody(2)).await));
    let (organization, connection) = (world.seed.hoekstra.clone(), world.seed.database.clone());
    world
        .change(move |unit| {
            Box::pin(async move {
                unit.organizations().delete_connection(&organization, &connection).await.map(drop)
            })
        })
        .await;
    assert!(!is_sent(&sign_up(&mut gone, &somebody(3)).await));
    assert_eq!(world.people(&somebody(0), &world.seed.hoekstra).await.len(), 1);
    for number in 1..=3 {
        assert!(world.people(&somebody(number), &world.seed.hoekstra).await.is_empty(), "{number}");
    }
    let reasons: Vec<_> = world
        .events()
        .await
        .into_iter()
        .filter(|event| event.kind == EventKind::SignUpFailed)
        .map(|event| event.details["reason"].clone())
        .collect();
    assert_eq!(reasons, ["sign_up_refused"; 3]);
    assert_eq!(mails(&world).await.len(), 1);
}

#[tokio::test]
async fn db_21_a_form_from_before_the_application_lost_the_connection_makes_no_account() {
    let world = World::new().await;
    let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
    let (connection, client) = (world.seed.database.clone(), world.seed.plain.clone());
    world
        .change(move |unit| {
            Box::pin(async move { unit.connections().enable(&connection, &client, false).await.map(drop) })
        })
        .await;
    assert!(!is_sent(&sign_up(&mut browser, ADDRESS).await));
    assert!(world.people(ADDRESS, &world.seed.hoekstra).await.is_empty());
    assert_eq!(world.reason(EventKind::SignUpFailed).await.as_deref(), Some("sign_up_refused"));
}

#[tokio::test]
async fn db_03_sign_ups_from_one_address_are_counted_whatever_they_say() {
    let world = World::new().await;
    for number in 0..50 {
        // Nine forms of one login; the tenth "no" would end it.
        let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
        let known = if number % 2 == 0 { "piet@hoekstra.test" } else { "weak@travel0.test" };
        let password = if number % 2 == 0 { PASSWORD } else { "short" };
        let page = browser.submit(&[("email", known), ("password", password)]).await.unwrap();
        assert_eq!(page.status.as_u16(), if number % 2 == 0 { 200 } else { 400 }, "{}", page.text());
    }
    let before = world.hashing.work_done().passwords;
    let mut browser = at_sign_up(&world, [192, 0, 2, 1], None).await;
    let page = sign_up(&mut browser, ADDRESS).await;
    assert_eq!((page.status.as_u16(), page.url.path()), (429, "/u/signup"), "{}", page.text());
    assert_eq!(world.hashing.work_done().passwords, before, "what is refused costs no hash");
    assert!(world.people(ADDRESS, &world.seed.hoekstra).await.is_empty());
    assert_eq!(world.reason(EventKind::BlockedAddress).await.as_deref(), Some("too_many_attempts"));
    let mut elsewhere = at_sign_up(&world, [192, 0, 2, 2], None).await;
    assert!(is_sent(&sign_up(&mut elsewhere, ADDRESS).await), "others are not in their way");
    let signs_in = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]);
    let mut member = world.browser_at([192, 0, 2, 1]);
    member.open(&signs_in).await.unwrap();
    let page = member
        .submit(&[("username", "piet@hoekstra.test"), ("password", crate::world::seed::PASSWORD)])
        .await
        .unwrap();
    assert!(is_in(page), "nor is signing in: {} {ISSUER}", page.text());
}
