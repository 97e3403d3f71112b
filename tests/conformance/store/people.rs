//! Owns the cases of users and their passwords.
//! Never touches how passwords are hashed.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{
        AUDIENCE, code, connection_id, credential, family, furnish, hash, identity, organization_id, role_id,
        session, session_id, ticket, user, user_id,
    },
    write,
};
use portico_core::{
    connector::Subject,
    email::Email,
    model::{Permission, TicketKind, User},
    port::store::{Page, StoreError, UserFilter},
    secret::Secret,
    time::Timestamp,
};
use serde_json::json;

on_every_engine! {
    users_are_found_by_identity_and_address
    users_are_listed_by_what_they_are
    users_change_but_not_their_counters
    an_identity_belongs_to_one_user
    deleting_a_user_takes_all_that_is_theirs
    credentials_are_found_by_what_was_typed
    a_changed_password_leaves_the_old_one_in_the_history
    identifiers_are_unique_in_a_connection
}

async fn users_are_found_by_identity_and_address(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut linked = user(5);
    linked.identities.push(identity(1, "upstream"));
    let inserted = linked.clone();
    write!(store, unit => unit.users().insert(&inserted).await?);
    read!(store, unit => {
        let users = unit.users();
        assert_eq!(users.find(&user_id(0)).await?, Some(user(0)));
        assert_eq!(users.find(&user_id(9)).await?, None);
        let subject = Subject("upstream".to_owned());
        assert_eq!(users.find_by_identity(&connection_id(1), &subject).await?.as_ref(), Some(&linked));
        assert_eq!(users.find_by_identity(&connection_id(0), &subject).await?, None, "of another connection");
        let email = Email::parse("USER0@example.TEST").unwrap();
        assert_eq!(users.find_by_email(&email).await?, [user(0)]);
    });
}

async fn users_are_listed_by_what_they_are(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut other = user(2);
    other.identities = vec![identity(1, "2")];
    other.email = None;
    other.blocked = true;
    other.profile = json!({"name": "Zo\u{eb} 100%", "nickname": "zed_"}).as_object().unwrap().clone();
    write!(store, unit => unit.users().insert(&other).await?);
    let list = async |filter: UserFilter| -> Vec<i64> {
        let found: Vec<User> = read!(store, unit => {
            let listed = unit.users().list(&filter, &Page::first(9)).await?;
            assert_eq!(unit.users().count(&filter).await?, i64::try_from(listed.len()).unwrap());
            listed
        });
        found.into_iter().map(|user| user.created_at.0 - 1000).collect()
    };
    let all = UserFilter::default;
    let text = |text: &str| UserFilter { text: Some(text.to_owned()), ..all() };
    assert_eq!(list(all()).await, [0, 1, 2]);
    assert_eq!(list(UserFilter { connection: Some("connection-0001".to_owned()), ..all() }).await, [2]);
    assert_eq!(list(UserFilter { email: Email::parse("user1@example.test").ok(), ..all() }).await, [1]);
    let domain = |text: &str| UserFilter { email_domain: Some(text.to_owned()), ..all() };
    assert_eq!(list(domain("example.test")).await, [0, 1]);
    for other in ["test", "xample.test", "%", "e%.test", "example_test", "\\"] {
        assert_eq!(list(domain(other)).await, [0i64; 0], "{other} is no domain of theirs, and no pattern");
    }
    assert_eq!(list(UserFilter { user_id: Some(user_id(1)), ..all() }).await, [1]);
    assert_eq!(list(UserFilter { blocked: Some(true), ..all() }).await, [2]);
    assert_eq!(
        list(UserFilter { blocked: Some(false), user_id: Some(user_id(2)), ..all() }).await,
        [0i64; 0]
    );
    assert_eq!(list(text("ANN")).await, [0, 1], "by name, ignoring case");
    assert_eq!(list(text("user1@")).await, [1], "by address");
    assert_eq!(list(text("zed_")).await, [2], "by nickname");
    assert_eq!(list(text("%")).await, [0i64; 0], "nothing is a pattern");
    assert_eq!(list(text("zo\u{eb} 1")).await, [2]);
    assert_eq!(list(text("nn")).await, [0i64; 0], "from the beginning");
}

async fn users_change_but_not_their_counters(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let users = unit.users();
        users.record_login(&user_id(0), Timestamp(50), Some("192.0.2.1")).await?;
        users.record_login(&user_id(0), Timestamp(60), Some("192.0.2.2")).await?;
        assert_eq!(users.next_epoch(&user_id(0)).await?, Some(2));
        assert_eq!(users.next_epoch(&user_id(9)).await?, None);
    });
    let mut changed = user(0);
    changed.blocked = true;
    changed.email = Some(Email::parse("new@example.test").unwrap());
    changed.app_metadata.insert("seen".to_owned(), json!(true));
    changed.identities.clear();
    let update = changed.clone();
    assert!(write!(store, unit => unit.users().update(&update).await?));
    assert!(!write!(store, unit => unit.users().update(&user(9)).await?));
    let expected = User {
        identities: user(0).identities,
        logins_count: 2,
        last_login: Some(Timestamp(60)),
        last_ip: Some("192.0.2.2".to_owned()),
        session_epoch: 2,
        ..changed
    };
    assert_eq!(read!(store, unit => unit.users().find(&user_id(0)).await?), Some(expected));
    let old = Email::parse("user0@example.test").unwrap();
    assert_eq!(read!(store, unit => unit.users().find_by_email(&old).await?), []);
}

async fn an_identity_belongs_to_one_user(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut thief = user(7);
    thief.identities = user(0).identities;
    let taken = attempt!(store, unit => unit.users().insert(&thief).await);
    assert!(matches!(&taken, Err(StoreError::Conflict(name)) if name == "identities_pkey"), "{taken:?}");
    assert_eq!(read!(store, unit => unit.users().find(&user_id(7)).await?), None, "all or nothing");
    let taken = attempt!(store, unit => unit.users().insert(&user(0)).await);
    assert!(matches!(&taken, Err(StoreError::Conflict(name)) if name == "users_pkey"), "{taken:?}");
}

async fn deleting_a_user_takes_all_that_is_theirs(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.credentials().insert(&credential(0)).await?;
        unit.members().insert(&organization_id(0), &user_id(0), Timestamp(1)).await?;
        unit.roles().add_to_user(&user_id(0), &[role_id(0)]).await?;
        let permission =
            Permission { resource_server_identifier: AUDIENCE.to_owned(), permission_name: "x".to_owned() };
        unit.roles().permit_user(&user_id(0), &[permission]).await?;
        unit.sessions().insert(&session(0, 0)).await?;
        unit.codes().insert(&code(0)).await?;
        unit.grants().insert_family(&family(0, 0)).await?;
        unit.tickets().insert(&ticket(0, TicketKind::VerifyEmail)).await?;
        assert!(unit.users().delete(&user_id(0)).await?);
        assert!(!unit.users().delete(&user_id(0)).await?);
    });
    read!(store, unit => {
        let subject = user(0).identities[0].subject.clone();
        assert_eq!(unit.users().find_by_identity(&connection_id(0), &subject).await?, None);
        assert!(unit.credentials().find(&connection_id(0), &subject).await?.is_none());
        assert_eq!(unit.members().count(&organization_id(0)).await?, 0);
        assert_eq!(unit.sessions().find(&session_id(0)).await?, None);
        assert_eq!(unit.codes().find(&hash("code0")).await?, None);
        assert_eq!(unit.grants().find_family(&family(0, 0).id).await?, None);
        assert_eq!(unit.tickets().find(TicketKind::VerifyEmail, &hash("ticket0")).await?, None);
        assert_eq!(unit.roles().of_user(&user_id(0), &Page::first(9)).await?, []);
        assert_eq!(unit.roles().permissions_of_user(&user_id(0), &Page::first(9)).await?, []);
        assert_eq!(unit.users().find(&user_id(1)).await?, Some(user(1)), "others stay");
    });
}

async fn credentials_are_found_by_what_was_typed(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let mut lookalike = credential(1);
    lookalike.username_normalized = Some("user0@example.test".to_owned());
    write!(store, unit => {
        unit.credentials().insert(&lookalike).await?;
        unit.credentials().insert(&credential(0)).await?;
    });
    read!(store, unit => {
        let credentials = unit.credentials();
        let found = credentials.find_by_identifier(&connection_id(0), "user0@example.test").await?.unwrap();
        assert_eq!(found.user_id, user_id(0), "an address wins over a user name that looks like it");
        assert_eq!(found.password_hash.unwrap().expose(), credential(0).password_hash.unwrap().expose());
        let found = credentials.find_by_identifier(&connection_id(0), "user0").await?.unwrap();
        assert_eq!(found.subject, credential(0).subject);
        assert!(credentials.find_by_identifier(&connection_id(1), "user0").await?.is_none(), "another connection");
        assert!(credentials.find_by_identifier(&connection_id(0), "").await?.is_none());
        let found = credentials.find(&connection_id(0), &credential(1).subject).await?.unwrap();
        assert_eq!(found.email_normalized.as_deref(), Some("user1@example.test"));
    });
}

async fn a_changed_password_leaves_the_old_one_in_the_history(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => unit.credentials().insert(&credential(0)).await?);
    for n in 1..=3 {
        let changed = write!(store, unit => {
            let hash = Secret::new(format!("hash{n}"));
            unit.credentials()
                .change_password(&connection_id(0), &credential(0).subject, &hash, Timestamp(n), 2)
                .await?
        });
        assert!(changed);
    }
    let found =
        read!(store, unit => unit.credentials().find(&connection_id(0), &credential(0).subject).await?);
    let found = found.unwrap();
    assert_eq!(found.password_hash.unwrap().expose(), "hash3");
    assert_eq!(found.history.iter().map(Secret::expose).collect::<Vec<_>>(), ["hash2", "hash1"]);
    assert_eq!(found.changed_at, Timestamp(3));
    write!(store, unit => {
        let credentials = unit.credentials();
        let (connection, subject) = (connection_id(0), credential(0).subject);
        let (old, new) = (Secret::new("hash3"), Secret::new("hash3, stronger"));
        assert!(credentials.rehash(&connection, &subject, &old, &new).await?);
        assert!(!credentials.rehash(&connection, &subject, &old, &new).await?, "it is another by now");
        let nobody = Subject("nobody".to_owned());
        assert!(!credentials.change_password(&connection, &nobody, &new, Timestamp(4), 2).await?);
        let found = credentials.find(&connection, &subject).await?.unwrap();
        assert_eq!(found.history.len(), 2, "the same password is not in its own history");
    });
}

async fn identifiers_are_unique_in_a_connection(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.credentials().insert(&credential(0)).await?;
        unit.credentials().insert(&credential(1)).await?;
    });
    let (connection, subject) = (connection_id(0), credential(1).subject);
    let taken = {
        let (connection, subject) = (connection.clone(), subject.clone());
        attempt!(store, unit => {
            unit.credentials()
                .change_identifiers(&connection, &subject, Some("user0@example.test"), None)
                .await
        })
    };
    let name = "credentials_connection_id_email_normalized_key";
    assert!(matches!(&taken, Err(StoreError::Conflict(found)) if found == name), "{taken:?}");
    let mut second = credential(1);
    second.subject = Subject("other".to_owned());
    second.email_normalized = None;
    let taken = attempt!(store, unit => unit.credentials().insert(&second).await);
    let name = "credentials_connection_id_username_normalized_key";
    assert!(matches!(&taken, Err(StoreError::Conflict(found)) if found == name), "{taken:?}");
    write!(store, unit => {
        let credentials = unit.credentials();
        assert!(credentials.change_identifiers(&connection, &subject, Some("new@example.test"), None).await?);
        let found = credentials.find_by_identifier(&connection, "new@example.test").await?.unwrap();
        assert!(found.subject == subject && found.username_normalized.is_none());
        assert!(credentials.find_by_identifier(&connection, "user1").await?.is_none());
    });
}
