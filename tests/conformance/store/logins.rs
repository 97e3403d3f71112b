//! Owns the cases of login transactions, sessions and tickets.
//! Never touches what decides a login.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{client_id, furnish, hash, session, session_id, ticket, transaction, transaction_id, user_id},
    write,
};
use portico_core::{
    login::{Completed, Locating, Stage},
    model::{Session, TicketKind},
    port::store::StoreError,
    time::Timestamp,
};

on_every_engine! {
    a_transaction_advances_version_by_version
    a_browser_has_at_most_eight_unfinished_logins
    expired_transactions_are_swept
    sessions_are_found_by_cookie_and_touched
    a_way_back_from_a_logout_is_taken_once_and_in_time
    sessions_end_one_by_one_or_all_at_once
    a_ticket_is_used_once_and_in_time
    a_newer_ticket_voids_the_older_ones
    expired_tickets_are_swept
}

async fn a_transaction_advances_version_by_version(home: Home) {
    let store = home.open().await;
    write!(store, unit => unit.transactions().insert(&transaction(0)).await?);
    assert_eq!(
        read!(store, unit => unit.transactions().find(&transaction_id(0)).await?),
        Some(transaction(0))
    );
    assert_eq!(read!(store, unit => unit.transactions().find(&transaction_id(9)).await?), None);
    let mut next = transaction(0).at(Stage::Locating(Locating {}));
    next.trace.push("located".to_owned());
    let stored = next.clone();
    write!(store, unit => unit.transactions().advance(&stored).await?);
    assert_eq!(read!(store, unit => unit.transactions().find(&transaction_id(0)).await?), Some(next.clone()));
    let replayed = attempt!(store, unit => unit.transactions().advance(&next).await);
    assert!(matches!(replayed, Err(StoreError::Stale)), "{replayed:?}");
    let unknown = attempt!(store, unit => unit.transactions().advance(&transaction(9).at(Stage::Locating(Locating {}))).await);
    assert!(matches!(unknown, Err(StoreError::Stale)), "{unknown:?}");
    let twice = attempt!(store, unit => unit.transactions().insert(&transaction(0)).await);
    assert!(matches!(&twice, Err(StoreError::Conflict(name)) if name == "transactions_pkey"), "{twice:?}");
}

async fn a_browser_has_at_most_eight_unfinished_logins(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        let finished = transaction(0);
        unit.transactions().insert(&finished).await?;
        unit.transactions().advance(&finished.at(Stage::Completed(Completed { at: Timestamp(1) }))).await?;
        let mut foreign = transaction(1);
        foreign.browser = hash("another browser");
        unit.transactions().insert(&foreign).await?;
        for n in 2..12 {
            unit.transactions().insert(&transaction(n)).await?;
        }
        assert_eq!(unit.transactions().count_of(&hash("browser")).await?, 8);
        assert_eq!(unit.transactions().count_of(&hash("another browser")).await?, 1);
        for n in 0..12 {
            let found = unit.transactions().find(&transaction_id(n)).await?.is_some();
            assert_eq!(found, !(2..4).contains(&n), "the oldest unfinished ones of this browser are gone: {n}");
        }
    });
}

async fn expired_transactions_are_swept(home: Home) {
    let store = home.open().await;
    write!(store, unit => {
        let mut early = transaction(1);
        early.expires_at = Timestamp(10);
        unit.transactions().insert(&transaction(0)).await?;
        unit.transactions().insert(&early).await?;
        assert_eq!(unit.transactions().sweep(Timestamp(10)).await?, 0);
        assert_eq!(unit.transactions().sweep(Timestamp(11)).await?, 1);
        assert!(unit.transactions().find(&transaction_id(0)).await?.is_some());
    });
}

async fn sessions_are_found_by_cookie_and_touched(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => unit.sessions().insert(&session(0, 0)).await?);
    read!(store, unit => {
        assert_eq!(unit.sessions().find_by_cookie(&hash("cookie0")).await?, Some(session(0, 0)));
        assert_eq!(unit.sessions().find_by_cookie(&hash("cookie9")).await?, None);
        assert_eq!(unit.sessions().find(&session_id(0)).await?, Some(session(0, 0)));
        let upstream = |name| Session::upstream_hash(&session(0, 0).connection_id, name);
        assert_eq!(unit.sessions().of_upstream(&upstream("canary-name0")).await?, [session(0, 0)]);
        assert_eq!(unit.sessions().of_upstream(&upstream("canary-name1")).await?, []);
    });
    write!(store, unit => {
        let sessions = unit.sessions();
        for n in [0, 1, 1] {
            assert!(sessions.touch(&session_id(0), &client_id(n), Timestamp(2000 + n), Timestamp(6000)).await?);
        }
        assert!(!sessions.touch(&session_id(9), &client_id(0), Timestamp(2000), Timestamp(6000)).await?);
        let found = sessions.find(&session_id(0)).await?.unwrap();
        assert_eq!(found.clients, [client_id(0), client_id(1)]);
        assert_eq!((found.used_at, found.idle_expires_at), (Timestamp(2001), Timestamp(6000)));
        assert_eq!(found.expires_at, session(0, 0).expires_at, "the absolute end does not move");
    });
    let mut twin = session(1, 1);
    twin.cookie = hash("cookie0");
    let twice = attempt!(store, unit => unit.sessions().insert(&twin).await);
    assert!(
        matches!(&twice, Err(StoreError::Conflict(name)) if name == "sessions_cookie_hash_key"),
        "{twice:?}"
    );
}

async fn a_way_back_from_a_logout_is_taken_once_and_in_time(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let (place, until) = ("https://app.example/bye", Timestamp(100));
    write!(store, unit => {
        for handle in ["one", "late", "swept"] {
            unit.sessions().depart(&hash(handle), place, until).await?;
        }
        let sessions = unit.sessions();
        assert_eq!(sessions.arrive(&hash("one"), Timestamp(99)).await?.as_deref(), Some(place));
        assert_eq!(sessions.arrive(&hash("one"), Timestamp(99)).await?, None, "once");
        assert_eq!(sessions.arrive(&hash("late"), Timestamp(100)).await?, None, "in time");
        assert_eq!(sessions.arrive(&hash("nobody"), Timestamp(1)).await?, None);
        sessions.sweep(Timestamp(101)).await?;
        assert_eq!(sessions.arrive(&hash("swept"), Timestamp(1)).await?, None);
    });
}

async fn sessions_end_one_by_one_or_all_at_once(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let sessions = unit.sessions();
        for n in 0..5 {
            sessions.insert(&session(n, n / 4)).await?;
        }
        assert!(sessions.delete(&session_id(0)).await?);
        assert!(!sessions.delete(&session_id(0)).await?);
        assert_eq!(sessions.delete_of(&user_id(0), Some(&session_id(2))).await?, 2);
        assert!(sessions.find(&session_id(2)).await?.is_some());
        assert_eq!(sessions.delete_of(&user_id(0), None).await?, 1);
        assert!(sessions.find(&session_id(4)).await?.is_some(), "of another user");
        assert_eq!(sessions.sweep(Timestamp(5004)).await?, 0);
        assert_eq!(sessions.sweep(Timestamp(5005)).await?, 1, "idle for too long");
        let mut short = session(6, 0);
        short.expires_at = Timestamp(3000);
        sessions.insert(&short).await?;
        assert_eq!(sessions.sweep(Timestamp(3001)).await?, 1, "over in any case");
    });
}

async fn a_ticket_is_used_once_and_in_time(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let tickets = unit.tickets();
        tickets.insert(&ticket(0, TicketKind::ChangePassword)).await?;
        let found = tickets.find(TicketKind::ChangePassword, &hash("ticket0")).await?;
        assert_eq!(found, Some(ticket(0, TicketKind::ChangePassword)));
        assert_eq!(tickets.find(TicketKind::VerifyEmail, &hash("ticket0")).await?, None, "of another kind");
        assert!(!tickets.consume(&hash("ticket0"), Timestamp(9000)).await?, "over at its end");
        assert!(tickets.consume(&hash("ticket0"), Timestamp(8999)).await?);
        assert!(!tickets.consume(&hash("ticket0"), Timestamp(2000)).await?);
        assert!(!tickets.consume(&hash("unknown"), Timestamp(2000)).await?);
        let used = tickets.find(TicketKind::ChangePassword, &hash("ticket0")).await?.unwrap();
        assert_eq!(used.consumed_at, Some(Timestamp(8999)));
    });
}

async fn a_newer_ticket_voids_the_older_ones(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        let tickets = unit.tickets();
        tickets.insert(&ticket(0, TicketKind::ChangePassword)).await?;
        tickets.insert(&ticket(1, TicketKind::VerifyEmail)).await?;
        tickets.insert(&ticket(2, TicketKind::ChangePassword)).await?;
        let void = tickets.find(TicketKind::ChangePassword, &hash("ticket0")).await?.unwrap();
        assert!(void.consumed_at.is_some());
        assert!(!tickets.consume(&hash("ticket0"), Timestamp(2000)).await?);
        assert!(tickets.consume(&hash("ticket1"), Timestamp(2000)).await?, "of another kind");
        assert!(tickets.consume(&hash("ticket2"), Timestamp(2000)).await?);
        assert_eq!(tickets.delete_of(&user_id(0)).await?, 3);
        assert_eq!(tickets.find(TicketKind::VerifyEmail, &hash("ticket1")).await?, None);
    });
}

async fn expired_tickets_are_swept(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.tickets().insert(&ticket(0, TicketKind::ChangePassword)).await?;
        assert_eq!(unit.tickets().sweep(Timestamp(9000)).await?, 0);
        assert_eq!(unit.tickets().sweep(Timestamp(9001)).await?, 1);
    });
}
