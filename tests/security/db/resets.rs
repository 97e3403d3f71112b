//! Owns the cases of a forgotten password: DB-03, DB-14, DB-16, DB-17, DB-22 at the use cases.
//! Never touches pages.

use super::house::{House, OTHER, PASSWORD};
use portico_core::{
    account::{Caller, NotChanged, ResetRequested, Unusable, VerificationRequested},
    connector::PasswordFault,
    email::Email,
    id::{FamilyId, SessionId},
    model::{EventKind, Session, TicketKind, TokenFamily, User},
    port::store::StoreError,
    secret::TokenHash,
};
use serde_json::json;
use std::time::Duration;

const ADDRESS: &str = "jennifer@travel0.test";

async fn change(house: &House, ticket: &str, password: &str) -> Result<(), NotChanged> {
    let changed = house.service.change_password(ticket, password.into(), &Caller::default()).await.unwrap();
    changed.map(|_changed| ())
}

/// A session and a token family of this user.
async fn sign_in_somewhere(house: &House, user: &User) -> (SessionId, FamilyId) {
    let now = portico_core::time::Clock::now(&*house.clock);
    let later = now.plus(Duration::from_hours(24));
    let session = Session {
        id: SessionId::parse("ses_000000000000000000000001").unwrap(),
        cookie: TokenHash::of("cookie"),
        user_id: user.id.clone(),
        connection_id: house.connection.id.clone(),
        organization_id: Some(house.organization.id.clone()),
        amr: vec!["pwd".to_owned()],
        clients: vec![house.client.id.clone()],
        epoch: 0,
        authenticated_at: now,
        used_at: now,
        idle_expires_at: later,
        expires_at: later,
        upstream: portico_core::connector::Evidence::default(),
    };
    let family = TokenFamily {
        id: FamilyId::parse("fam_000000000000000000000001").unwrap(),
        client_id: house.client.id.clone(),
        user_id: user.id.clone(),
        connection_id: house.connection.id.clone(),
        organization_id: Some(house.organization.id.clone()),
        audience: None,
        scope: vec!["openid".to_owned()],
        session_id: Some(session.id.clone()),
        auth_time: now,
        amr: vec!["pwd".to_owned()],
        epoch: 0,
        created_at: now,
        revoked_at: None,
    };
    let ids = (session.id.clone(), family.id.clone());
    house
        .store
        .write::<_, StoreError, _>(move |unit| {
            Box::pin(async move {
                unit.sessions().insert(&session).await?;
                unit.grants().insert_family(&family).await
            })
        })
        .await
        .unwrap();
    ids
}

#[tokio::test]
async fn db_03_a_link_is_mailed_to_an_account_and_the_answer_says_nothing() {
    let house = House::with(json!({})).await;
    house.account("Jennifer@travel0.test", Some(PASSWORD)).await;
    assert_eq!(house.ask_for_reset("JENNIFER@travel0.test").await, ResetRequested::Accepted);
    assert_eq!(house.ask_for_reset("nobody@travel0.test").await, ResetRequested::Accepted);
    let mails = house.mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].template, "reset_email");
    assert_eq!(mails[0].to, "Jennifer@travel0.test", "to the address as it is stored");
    assert_eq!(house.events(EventKind::PasswordChangeRequested).await.len(), 1);
    let failed = house.events(EventKind::PasswordChangeRequestFailed).await;
    assert_eq!(failed[0].details["reason"], "unknown_user");
    let everything = format!("{:?}{:?}", house.events(EventKind::PasswordChangeRequested).await, failed);
    assert!(!everything.contains(&house.newest_ticket().await), "no entry of the log holds the ticket");
}

#[tokio::test]
async fn db_03_requests_are_limited_alike_for_every_address() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    for address in [ADDRESS, "nobody@travel0.test"] {
        // From anywhere: the limit is the address's.
        for (attempt, expected) in [(1, true), (2, true), (3, true), (4, false)] {
            let caller = Caller { ip: Some([198, 51, 100, attempt].into()), user_agent: None };
            let answer =
                house.service.request_password_change(&house.reset_request(address), &caller).await.unwrap();
            assert_eq!(answer == ResetRequested::Accepted, expected, "{address}: {attempt}: {answer:?}");
        }
    }
    assert_eq!(house.mails().await.len(), 3);
    house.clock.advance(Duration::from_mins(20));
    assert_eq!(house.ask_for_reset(ADDRESS).await, ResetRequested::Accepted, "one fits again");
    let caller = Caller { ip: Some([203, 0, 113, 9].into()), user_agent: None };
    let mut fitted = 0;
    for number in 0..8 {
        let request = house.reset_request(&format!("{number}@travel0.test"));
        let answer = house.service.request_password_change(&request, &caller).await.unwrap();
        fitted += u32::from(answer == ResetRequested::Accepted);
    }
    assert_eq!(fitted, 5, "and whoever asks has a limit too");
}

#[tokio::test]
async fn db_14_only_the_newest_unused_link_in_its_time_changes_a_password() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    house.ask_for_reset(ADDRESS).await;
    let first = house.newest_ticket().await;
    for made_up in ["", " ", &first[..42], &first.to_lowercase(), &"A".repeat(43), "null"] {
        assert_eq!(change(&house, made_up, OTHER).await, Err(NotChanged::Unusable), "{made_up:?}");
    }
    house.clock.advance(Duration::from_secs(1));
    house.ask_for_reset(ADDRESS).await;
    let second = house.newest_ticket().await;
    assert_eq!(change(&house, &first, OTHER).await, Err(NotChanged::Unusable), "a newer one was issued");
    assert!(house.service.reset_form(&first).await.unwrap().is_err());
    assert!(house.service.reset_form(&second).await.unwrap().is_ok(), "looking uses nothing up");
    assert_eq!(
        change(&house, &second, "short").await,
        Err(NotChanged::Faults(vec![PasswordFault::TooShort, PasswordFault::TooSimple]))
    );
    assert_eq!(change(&house, &second, OTHER).await, Ok(()), "and neither does a password that is refused");
    assert_eq!(change(&house, &second, PASSWORD).await, Err(NotChanged::Unusable), "it was used");
    assert!(house.opens(ADDRESS, OTHER).await && !house.opens(ADDRESS, PASSWORD).await);

    house.clock.advance(Duration::from_hours(1));
    house.ask_for_reset(ADDRESS).await;
    let third = house.newest_ticket().await;
    house.clock.advance(Duration::from_hours(1));
    assert_eq!(change(&house, &third, PASSWORD).await, Err(NotChanged::Unusable), "at its end it is over");
}

#[tokio::test]
async fn db_14_a_link_ends_when_the_address_changes_and_opens_nothing_else() {
    let house = House::with(json!({})).await;
    let user = house.account(ADDRESS, Some(PASSWORD)).await;
    house.ask_for_reset(ADDRESS).await;
    let ticket = house.newest_ticket().await;
    let moved = User { email: Email::parse("new@travel0.test").ok(), ..house.user(&user).await };
    house.save(moved).await;
    assert_eq!(change(&house, &ticket, OTHER).await, Err(NotChanged::Unusable));
    house.save(user).await;
    assert!(
        house.service.verify_email(&ticket, &Caller::default()).await.unwrap().is_err(),
        "of another kind"
    );
    assert_eq!(change(&house, &ticket, OTHER).await, Ok(()), "control: with the address it is good");
}

#[tokio::test]
async fn db_14_of_two_uses_at_once_one_changes_the_password() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    house.ask_for_reset(ADDRESS).await;
    let ticket = house.newest_ticket().await;
    let outcomes = futures_util::future::join_all((0..10).map(|_| change(&house, &ticket, OTHER))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert_eq!(house.events(EventKind::PasswordChanged).await.len(), 1);
}

#[tokio::test]
async fn db_16_a_new_password_ends_what_the_old_one_opened() {
    let house = House::with(json!({})).await;
    let user = house.account(ADDRESS, Some(PASSWORD)).await;
    let (session, family) = sign_in_somewhere(&house, &user).await;
    let verify = house.service.request_verification(&user.id, &house.connection.id).await.unwrap();
    assert_eq!(verify, VerificationRequested::Accepted);
    let other_link = house.newest_ticket().await;
    house.clock.advance(Duration::from_secs(1));
    house.ask_for_reset(ADDRESS).await;
    change(&house, &house.newest_ticket().await, OTHER).await.unwrap();

    let (session, family) = (&session, &family);
    let left: Result<_, StoreError> = house
        .store
        .read(|unit| {
            Box::pin(async move {
                Ok((unit.sessions().find(session).await?, unit.grants().find_family(family).await?))
            })
        })
        .await;
    let (session, family) = left.unwrap();
    assert!(session.is_none(), "the session is gone");
    assert!(family.unwrap().revoked_at.is_some(), "the token family is revoked");
    let now = house.user(&user).await;
    assert_eq!(now.session_epoch, user.session_epoch + 1);
    assert!(now.email_verified, "the link came by mail");
    let verified = house.service.verify_email(&other_link, &Caller::default()).await.unwrap();
    assert_eq!(verified.map(|_| ()), Err(Unusable), "other links are void");
    let notice = house.mails().await.pop().unwrap();
    assert_eq!((notice.template.as_str(), notice.to.as_str()), ("password_changed", ADDRESS));
    assert_eq!(notice.data.get("url"), None);
    assert_eq!(house.events(EventKind::PasswordChanged).await[0].user_id, Some(user.id));
}

#[tokio::test]
async fn db_17_a_link_verifies_the_address_it_went_to_and_no_other() {
    let house = House::with(json!({})).await;
    let user = house.account(ADDRESS, Some(PASSWORD)).await;
    house.service.request_verification(&user.id, &house.connection.id).await.unwrap();
    let ticket = house.newest_ticket().await;
    let moved = User { email: Email::parse("new@travel0.test").ok(), ..house.user(&user).await };
    house.save(moved).await;
    let verify = async || house.service.verify_email(&ticket, &Caller::default()).await.unwrap().map(|_| ());
    assert_eq!(verify().await, Err(Unusable));
    assert!(!house.user(&user).await.email_verified);
    house.save(user.clone()).await;
    assert!(house.service.verification_form(&ticket).await.unwrap().is_ok());
    assert!(!house.user(&user).await.email_verified, "looking verifies nothing");
    assert_eq!(verify().await, Ok(()));
    assert!(house.user(&user).await.email_verified);
    assert_eq!(verify().await, Err(Unusable), "once");
    assert_eq!(house.events(EventKind::EmailVerified).await.len(), 1);
}

#[tokio::test]
async fn db_22_a_blocked_user_gets_no_link_and_uses_none() {
    let house = House::with(json!({})).await;
    let user = house.account(ADDRESS, Some(PASSWORD)).await;
    house.ask_for_reset(ADDRESS).await;
    let ticket = house.newest_ticket().await;
    house.save(User { blocked: true, ..house.user(&user).await }).await;
    assert_eq!(change(&house, &ticket, OTHER).await, Err(NotChanged::Unusable));
    assert_eq!(house.ask_for_reset(ADDRESS).await, ResetRequested::Accepted, "the same answer");
    assert_eq!(house.mails().await.len(), 1, "and no second message");
    let failed = house.events(EventKind::PasswordChangeRequestFailed).await;
    assert_eq!(failed[0].details["reason"], "user_blocked");
    house.save(user).await;
    assert_eq!(change(&house, &ticket, OTHER).await, Ok(()), "control: who is not blocked");
}

#[tokio::test]
async fn a_connection_that_does_not_offer_it_mails_nothing() {
    let house = House::with(json!({ "disable_self_service_change_password": true })).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    assert_eq!(house.ask_for_reset(ADDRESS).await, ResetRequested::Closed);
    assert!(house.mails().await.is_empty());
    let kind = TicketKind::ChangePassword;
    let found: Result<_, StoreError> = house
        .store
        .read(|unit| Box::pin(async move { unit.tickets().find(kind, &TokenHash::of("")).await }))
        .await;
    assert!(found.unwrap().is_none());
}

#[tokio::test]
async fn a_reset_lets_its_owner_try_again_at_once() {
    let house = House::with(json!({})).await;
    house.account(ADDRESS, Some(PASSWORD)).await;
    let ip = Some([198, 51, 100, 7].into());
    let charges = portico_core::login::throttle::guess(house.connection.id.as_str(), ADDRESS, ip);
    let now = portico_core::time::Clock::now(&*house.clock);
    let charge = async || {
        let charges = charges.clone();
        let charged =
            house.store.write(move |unit| Box::pin(async move { unit.limits().charge(&charges, now).await }));
        let charged: Result<_, StoreError> = charged.await;
        charged.unwrap()
    };
    while charge().await.is_none() {}
    house.ask_for_reset(ADDRESS).await;
    let ticket = house.newest_ticket().await;
    let caller = Caller { ip, user_agent: None };
    house.service.change_password(&ticket, OTHER.into(), &caller).await.unwrap().unwrap();
    assert_eq!(charge().await, None);
}
