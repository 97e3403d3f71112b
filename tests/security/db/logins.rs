//! Owns the cases of signing in through the pages: DB-01, DB-04, DB-05, DB-06, DB-09, DB-21, DB-22.
//! Never touches the connector by itself.

use crate::world::{HOEKSTRA, ISSUER, World, query, seed::PASSWORD};
use portico_core::{id::UserId, model::EventKind, port::store::StoreError};
use portico_database::{HashingSettings, hashing::Parameters};
use portico_fixtures::browser::{Browser, Document};
use std::collections::BTreeMap;

const PIET: &str = "piet@hoekstra.test";

/// A browser at the form.
async fn at_the_form(world: &World, ip: [u8; 4]) -> Browser {
    let mut browser = world.browser_at(ip);
    let request = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]);
    browser.open(&request).await.unwrap();
    browser
}

/// One attempt, in a browser of its own.
async fn attempt(world: &World, ip: [u8; 4], identifier: &str, password: &str) -> Document {
    let mut browser = at_the_form(world, ip).await;
    browser.submit(&[("username", identifier), ("password", password)]).await.unwrap().clone()
}

fn is_in(document: &Document) -> bool {
    document.url.as_str().starts_with(HOEKSTRA) && query(&document.url).contains_key("code")
}

async fn block(world: &World, id: &UserId) {
    let id = id.clone();
    world
        .store
        .write::<_, StoreError, _>(move |unit| {
            Box::pin(async move {
                let mut user = unit.users().find(&id).await?.expect("the user is there");
                user.blocked = true;
                unit.users().update(&user).await
            })
        })
        .await
        .unwrap();
}

/// What an answer tells, without what is new in every answer: the login's handle, tokens, nonces, numbers, and what was
/// typed.
fn told(document: &Document, typed: &str) -> (u16, String, BTreeMap<String, String>, String) {
    let mut fresh: Vec<String> = vec![typed.to_owned()];
    fresh.extend(query(&document.url).into_values());
    let forms = document.forms();
    let hidden = forms.iter().flat_map(|form| &form.fields);
    fresh.extend(
        hidden.filter(|(name, _)| name == "state" || name == "form_token").map(|(_, value)| value.clone()),
    );
    let policy = document.headers["content-security-policy"].to_str().unwrap();
    let nonce = policy.split('\'').find_map(|part| part.strip_prefix("nonce-")).unwrap();
    fresh.push(nonce.to_owned());
    let without =
        |text: &str| fresh.iter().fold(text.to_owned(), |text, value| text.replace(value.as_str(), "_"));
    let headers =
        document.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "x-reference");
    let headers = headers.map(|(name, value)| (name.to_string(), without(value.to_str().unwrap())));
    (document.status.as_u16(), without(document.url.as_str()), headers.collect(), without(&document.body))
}

#[tokio::test]
async fn db_01_the_pages_for_a_wrong_password_and_an_unknown_account_are_the_same_bytes() {
    let world = World::new().await;
    block(&world, &world.seed.eve).await;
    // Names of one length, so that even the length of the answer has to be the same.
    for (known, unknown) in [(PIET, "kees@hoekstra.test"), ("eve@hoekstra.test", "bob@hoekstra.test")] {
        let wrong = attempt(&world, [192, 0, 2, 1], known, "wrong").await;
        let nobody = attempt(&world, [192, 0, 2, 1], unknown, "wrong").await;
        assert_eq!(wrong.status, 400);
        let told_of = told(&wrong, known);
        assert!(told_of.3.contains("<form") && !told_of.3.contains(known));
        assert_eq!(told_of, told(&nobody, unknown), "{known} and {unknown}");
    }
}

#[tokio::test]
async fn db_04_after_ten_wrong_passwords_an_account_is_closed_to_that_address() {
    let world = World::new().await;
    for _ in 0..10 {
        assert_eq!(attempt(&world, [192, 0, 2, 1], PIET, "wrong").await.status, 400);
    }
    let closed = attempt(&world, [192, 0, 2, 1], PIET, PASSWORD).await;
    assert_eq!(closed.status, 429, "not even the right one is looked at: {}", closed.text());
    assert_eq!(world.kinds().await.into_iter().filter(|kind| *kind == EventKind::BlockedAttempts).count(), 1);
    assert!(
        is_in(&attempt(&world, [192, 0, 2, 2], PIET, PASSWORD).await),
        "DB-06: its owner gets in elsewhere"
    );
    assert_eq!(
        attempt(&world, [192, 0, 2, 1], "kees@hoekstra.test", "wrong").await.status,
        400,
        "others do here"
    );
}

#[tokio::test]
async fn db_04_a_right_password_is_no_guess() {
    let world = World::new().await;
    for _ in 0..15 {
        assert!(is_in(&attempt(&world, [192, 0, 2, 1], PIET, PASSWORD).await));
    }
}

#[tokio::test]
async fn db_04_one_account_takes_a_hundred_guesses_an_hour_from_everywhere() {
    let world = World::new().await;
    for number in 0..100 {
        let answer = attempt(&world, [198, 51, 100, number], PIET, "wrong").await;
        assert_eq!(answer.status, 400, "{number}");
    }
    assert_eq!(attempt(&world, [203, 0, 113, 1], PIET, "wrong").await.status, 429);
}

#[tokio::test]
async fn db_04_one_address_takes_a_hundred_guesses_at_any_accounts() {
    let world = World::new().await;
    for number in 0..100 {
        let answer = attempt(&world, [192, 0, 2, 1], &format!("guess{number}@hoekstra.test"), "wrong").await;
        assert_eq!(answer.status, 400, "{number}");
    }
    let closed = attempt(&world, [192, 0, 2, 1], "another@hoekstra.test", "wrong").await;
    assert_eq!(closed.status, 429);
    assert!(world.kinds().await.contains(&EventKind::BlockedAddress));
}

#[tokio::test]
async fn db_05_of_many_guesses_at_once_no_more_than_the_limit_are_looked_at() {
    let world = World::new().await;
    let mut browsers = Vec::new();
    for _ in 0..40 {
        browsers.push(at_the_form(&world, [192, 0, 2, 1]).await);
    }
    let before = world.hashing.work_done().passwords;
    let guesses =
        browsers.iter_mut().map(|browser| browser.submit(&[("username", PIET), ("password", "wrong")]));
    let answers = futures_util::future::join_all(guesses).await;
    let of = |status: u16| answers.iter().filter(|answer| answer.as_ref().unwrap().status == status).count();
    assert_eq!((of(400), of(429)), (10, 30));
    assert_eq!(world.hashing.work_done().passwords - before, 10, "what is refused costs no hash");
}

#[tokio::test]
async fn db_09_logins_beyond_the_queue_get_a_503_and_other_pages_are_served() {
    let slow = Parameters { memory_kib: 16 << 10, iterations: 2, parallelism: 1 };
    let world = World::hashing(HashingSettings { parameters: slow, threads: 1, queue: 2 }).await;
    let mut browsers = Vec::new();
    for number in 0..24 {
        browsers.push(at_the_form(&world, [198, 51, 100, number]).await);
    }
    let logins =
        browsers.iter_mut().map(|browser| browser.submit(&[("username", PIET), ("password", PASSWORD)]));
    let mut other = world.browser_at([203, 0, 113, 1]);
    let discovery = format!("{ISSUER}.well-known/openid-configuration");
    let (answers, served) = tokio::join!(futures_util::future::join_all(logins), other.open(&discovery));
    assert_eq!(served.unwrap().status, 200);
    let (mut admitted, mut busy) = (0, 0);
    for answer in &answers {
        let answer = answer.as_ref().unwrap();
        if is_in(answer) {
            admitted += 1;
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert!(answer.headers.contains_key("retry-after"));
            busy += 1;
        }
    }
    assert!(admitted > 0 && busy > 0, "{admitted} got in, {busy} were turned away");
    let again = attempt(&world, [203, 0, 113, 2], PIET, PASSWORD).await;
    assert!(is_in(&again), "afterwards there is room, and nobody was counted as a guess: {}", again.text());
}

#[tokio::test]
async fn db_21_a_form_that_was_not_offered_makes_no_account() {
    let world = World::new().await;
    let mut browser = at_the_form(&world, [192, 0, 2, 1]).await;
    let page = browser.page.clone().unwrap();
    assert!(!page.body.contains("/u/signup"), "the organization takes no sign-ups: nothing leads there");
    let state = query(&page.url)["state"].clone();
    let shown = browser.open(&format!("{ISSUER}u/signup?state={state}")).await.unwrap();
    assert_ne!(shown.url.path(), "/u/signup", "nor does typing its address");
    let token = page.forms()[0].fields.iter().find(|(name, _)| name == "form_token").unwrap().1.clone();
    let form = [
        ("state", state.as_str()),
        ("form_token", token.as_str()),
        ("email", "fresh@hoekstra.test"),
        ("password", "quiet Harbour 47 lamps"),
    ];
    let origin = ISSUER.trim_end_matches('/');
    let answer = browser.forge(origin, &format!("{ISSUER}u/signup"), &form).await.unwrap();
    assert_eq!(answer.status, 400, "it is read as an answer to what was asked: {}", answer.text());
    let email = portico_core::email::Email::parse("fresh@hoekstra.test").unwrap();
    let found: Result<_, StoreError> =
        world.store.read(|unit| Box::pin(async move { unit.users().find_by_email(&email).await })).await;
    assert!(found.unwrap().is_empty());
}

#[tokio::test]
async fn db_22_a_blocked_user_signs_in_nowhere() {
    let world = World::new().await;
    let mut remembered = at_the_form(&world, [192, 0, 2, 1]).await;
    let page = remembered.submit(&[("username", PIET), ("password", PASSWORD)]).await.unwrap();
    assert!(is_in(page), "control: who is not blocked");
    block(&world, &world.seed.piet).await;
    let denied = attempt(&world, [192, 0, 2, 1], PIET, PASSWORD).await;
    let answer = query(&denied.url);
    assert_eq!(
        answer.get("error").map(String::as_str),
        Some("access_denied"),
        "{} {}",
        denied.url,
        denied.text()
    );
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("user_blocked"));
    let wrong = attempt(&world, [192, 0, 2, 1], PIET, "wrong").await;
    assert_eq!(wrong.status, 400, "and a stranger learns nothing of it");
    let request = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[]);
    let page = remembered.open(&request).await.unwrap();
    assert!(!is_in(page), "a session of before opens nothing: {}", page.url);
    let silent = world.seed.authorize(&world.seed.booking, Some(&world.seed.hoekstra), &[("prompt", "none")]);
    let page = remembered.open(&silent).await.unwrap();
    assert_eq!(query(&page.url).get("error").map(String::as_str), Some("login_required"), "{}", page.url);
}
