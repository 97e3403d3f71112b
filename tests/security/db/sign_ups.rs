//! Owns the cases of signing up: DB-03, DB-21, and what an account is made with.
//! Never touches the login that may follow.

use super::house::{House, OTHER, PASSWORD, nobody};
use portico_core::{
    account::{Caller, Door, NoSignUp, NotSignedUp, SignUp, SignedUp, may_sign_up},
    connector::{Intent, PasswordFault, Refusal, Step},
    id::ClientId,
    model::{EventKind, OrganizationConnection, testing},
};
use serde_json::{Map, json};

fn wanted(house: &House, email: &str) -> SignUp {
    SignUp {
        client_id: house.client.id.clone(),
        connection: house.connection.name.clone(),
        email: email.to_owned(),
        username: None,
        password: PASSWORD.into(),
        profile: Map::new(),
        user_metadata: Map::new(),
    }
}

async fn sign_up(house: &House, wanted: SignUp) -> Result<SignedUp, NotSignedUp> {
    house.service.sign_up(wanted, &Caller::default()).await.unwrap()
}

#[tokio::test]
async fn an_account_is_made_with_what_was_said_and_its_address_is_unverified() {
    let house = House::with(json!({})).await;
    let mut asked = wanted(&house, "Jen@travel0.test");
    asked.profile.insert("given_name".to_owned(), "Jennifer".into());
    asked.profile.insert("email_verified".to_owned(), true.into());
    asked.profile.insert("app_metadata".to_owned(), json!({ "admin": true }));
    asked.user_metadata.insert("plan".to_owned(), "gold".into());
    let signed_up = sign_up(&house, asked).await.unwrap();
    let id = portico_core::id::UserId::parse(format!("auth0|{}", signed_up.subject.0)).unwrap();
    let user = house.user(&portico_core::model::User { id, ..testing::user() }).await;
    assert!(!user.email_verified, "nobody says so of themselves");
    assert!(user.app_metadata.is_empty());
    assert_eq!(user.text("given_name"), Some("Jennifer"));
    assert_eq!(user.text("name"), Some("jen@travel0.test"));
    assert_eq!(user.user_metadata["plan"], "gold");
    assert!(!house.opens("jen@travel0.test", PASSWORD).await, "not before the address is verified");
    let mails = house.mails().await;
    assert_eq!((mails[0].template.as_str(), mails[0].to.as_str()), ("verify_email", "Jen@travel0.test"));
    house.service.verify_email(&house.newest_ticket().await, &Caller::default()).await.unwrap().unwrap();
    assert!(house.user(&user).await.email_verified);
    assert!(house.opens("jen@travel0.test", PASSWORD).await);
    assert_eq!(house.events(EventKind::SignUp).await.len(), 1);
}

#[tokio::test]
async fn db_03_an_address_that_has_an_account_gets_the_same_answer_and_another_message() {
    let house = House::with(json!({})).await;
    let user = house.account("jen@travel0.test", Some(OTHER)).await;
    let before = house.pool.work_done();
    let existing = sign_up(&house, wanted(&house, "jen@travel0.test")).await.unwrap();
    let between = house.pool.work_done();
    let fresh = sign_up(&house, wanted(&house, "new@travel0.test")).await.unwrap();
    let after = house.pool.work_done();
    assert_eq!(existing.subject.0.len(), fresh.subject.0.len());
    assert_ne!(existing.subject, user.identities[0].subject, "it tells nothing of the account");
    assert_eq!(between.blocks - before.blocks, after.blocks - between.blocks, "and takes the same work");
    let templates: Vec<_> = house.mails().await.into_iter().map(|mail| (mail.to, mail.template)).collect();
    assert_eq!(
        templates,
        [
            ("jen@travel0.test".to_owned(), "account_exists".to_owned()),
            ("new@travel0.test".to_owned(), "verify_email".to_owned())
        ]
    );
    assert!(house.opens("jen@travel0.test", OTHER).await, "the password is what it was");
    for email in ["jen@travel0.test", "new@travel0.test"] {
        assert!(!house.opens(email, PASSWORD).await, "nor does signing in tell: {email}");
    }
    assert_eq!(house.events(EventKind::SignUpFailed).await[0].details["reason"], "user_exists");
}

#[tokio::test]
async fn db_03_mail_to_one_address_is_limited() {
    let house = House::with(json!({})).await;
    for attempt in 1..=4 {
        let answer = sign_up(&house, wanted(&house, "jen@travel0.test")).await;
        assert_eq!(answer.is_ok(), attempt <= 3, "{attempt}: {answer:?}");
    }
    assert_eq!(house.mails().await.len(), 3);
}

#[tokio::test]
async fn db_21_nobody_signs_up_where_sign_up_is_closed() {
    let house = House::with(json!({ "disable_signup": true })).await;
    let refused = sign_up(&house, wanted(&house, "jen@travel0.test")).await;
    assert_eq!(refused.map(|_| ()), Err(NotSignedUp::Refused(NoSignUp::Closed)));
    let step = house.connector().await.begin(&house.question(Intent::SignUp)).await.unwrap();
    assert!(matches!(step, Step::Refused { reason: Refusal::SignUpRefused, .. }), "{step:?}");
    assert!(house.mails().await.is_empty() && !house.opens("jen@travel0.test", PASSWORD).await);
    let open = House::with(json!({ "disable_signup": false })).await;
    assert!(sign_up(&open, wanted(&open, "jen@travel0.test")).await.is_ok(), "control");
}

#[tokio::test]
async fn db_21_nobody_signs_up_from_an_application_without_the_connection() {
    let house = House::with(json!({})).await;
    let refused = Err(NotSignedUp::Refused(NoSignUp::NotEnabled));
    let other = ClientId::parse("SomebodyElsesClient0000000000000").unwrap();
    let unknown = SignUp { client_id: other.clone(), ..wanted(&house, "jen@travel0.test") };
    assert_eq!(sign_up(&house, unknown).await.map(|_| ()), refused);
    let missing =
        SignUp { connection: "no-such-connection".to_owned(), ..wanted(&house, "jen@travel0.test") };
    assert_eq!(sign_up(&house, missing).await.map(|_| ()), refused);
    let (connection, client) = (house.connection.id.clone(), house.client.id.clone());
    house
        .store
        .write::<_, portico_core::port::store::StoreError, _>(move |unit| {
            Box::pin(async move { unit.connections().enable(&connection, &client, false).await })
        })
        .await
        .unwrap();
    assert_eq!(sign_up(&house, wanted(&house, "jen@travel0.test")).await.map(|_| ()), refused);
    assert!(house.mails().await.is_empty());
}

#[tokio::test]
async fn db_21_an_organization_takes_sign_ups_only_where_it_says_so() {
    let house = House::with(json!({})).await;
    let connector = house.connector().await;
    let may = |place: &OrganizationConnection| {
        may_sign_up(connector.accounts(), &house.connection, Door::Organization(Some(place)))
    };
    let open = OrganizationConnection {
        is_signup_enabled: true,
        assign_membership_on_login: true,
        ..testing::organization_connection()
    };
    assert_eq!(may(&open), Ok(()));
    for (place, why) in [
        (OrganizationConnection { is_enabled: false, ..open.clone() }, NoSignUp::NotEnabled),
        (
            OrganizationConnection {
                connection_id: portico_core::id::ConnectionId::parse("con_another00000000").unwrap(),
                ..open.clone()
            },
            NoSignUp::NotEnabled,
        ),
        (OrganizationConnection { is_signup_enabled: false, ..open.clone() }, NoSignUp::Closed),
        (OrganizationConnection { assign_membership_on_login: false, ..open.clone() }, NoSignUp::Closed),
    ] {
        assert_eq!(may(&place), Err(why), "{place:?}");
    }
    let nowhere = may_sign_up(connector.accounts(), &house.connection, Door::Organization(None));
    assert_eq!(nowhere, Err(NoSignUp::NotEnabled), "an organization without the connection");
    let no_accounts = may_sign_up(None, &house.connection, Door::Organization(Some(&open)));
    assert_eq!(no_accounts, Err(NoSignUp::Closed));
}

#[tokio::test]
async fn a_reset_is_asked_for_only_through_an_enabled_connection() {
    let house = House::with(json!({})).await;
    let name = house.connection.name.as_str();
    let enabled = async |client: &ClientId, organization| {
        house.service.enabled_connection(name, client, organization).await.unwrap().is_some()
    };
    let other = ClientId::parse("SomebodyElsesClient0000000000000").unwrap();
    assert!(enabled(&house.client.id, None).await);
    assert!(enabled(&house.client.id, Some(&house.organization.id)).await);
    assert!(!enabled(&other, None).await);
    assert!(!enabled(&house.client.id, Some(&nobody())).await);
}

#[tokio::test]
async fn a_password_or_user_name_that_is_refused_makes_no_account() {
    let house = House::with(json!({})).await;
    let weak = SignUp { password: "short".into(), ..wanted(&house, "jen@travel0.test") };
    let faults = vec![PasswordFault::TooShort, PasswordFault::TooSimple];
    assert_eq!(sign_up(&house, weak).await.map(|_| ()), Err(NotSignedUp::Faults(faults)));
    let named = SignUp { username: Some("jen".to_owned()), ..wanted(&house, "jen@travel0.test") };
    let refused = sign_up(&house, named).await.map(|_| ());
    assert_eq!(refused, Err(NotSignedUp::UsernameUnusable("this connection has no user names")));
    let nowhere = wanted(&house, "jen");
    assert_eq!(sign_up(&house, nowhere).await.map(|_| ()), Err(NotSignedUp::EmailUnusable));
    assert!(house.mails().await.is_empty());
}
