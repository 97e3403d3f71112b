//! Owns the cases of backups, and of what is void after one was restored.
//! Never touches PostgreSQL's own tools.

use super::{
    home::{Home, keks, options},
    on_every_engine, read,
    samples::{
        client, client_id, code, family, family_id, furnish, hash, invitation, organization_id, session,
        session_id, ticket, transaction, transaction_id, user, user_id,
    },
    write,
};
use portico_core::{model::TicketKind, port::store::Page, time::Timestamp};
use std::{fs, os::unix::fs::PermissionsExt, sync::Arc};
use tokio::task::JoinSet;

on_every_engine! {
    inf_15_what_was_used_up_after_the_backup_is_void_after_the_restore
}

async fn inf_15_what_was_used_up_after_the_backup_is_void_after_the_restore(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => {
        unit.sessions().insert(&session(0, 0)).await?;
        unit.codes().insert(&code(0)).await?;
        unit.grants().insert_family(&family(0, 0)).await?;
        unit.grants().insert_family(&family(1, 1)).await?;
        unit.grants().revoke_family(&family_id(1), Timestamp(5)).await?;
        unit.tickets().insert(&ticket(0, TicketKind::ChangePassword)).await?;
        unit.transactions().insert(&transaction(0)).await?;
        unit.invitations().insert(&invitation(0)).await?;
    });
    portico_store::restored(&home.url(), &options(keks(&[1])), Timestamp(7000)).await.unwrap();
    read!(store, unit => {
        assert_eq!(unit.sessions().find(&session_id(0)).await?, None);
        assert_eq!(unit.codes().find(&hash("code0")).await?, None);
        assert_eq!(unit.tickets().find(TicketKind::ChangePassword, &hash("ticket0")).await?, None);
        assert_eq!(unit.transactions().find(&transaction_id(0)).await?, None);
        let revoked = async |unit: &mut dyn portico_core::port::store::UnitOfWork, n| {
            let family = unit.grants().find_family(&family_id(n)).await;
            family.map(|family| family.and_then(|family| family.revoked_at))
        };
        assert_eq!(revoked(unit, 0).await?, Some(Timestamp(7000)));
        assert_eq!(revoked(unit, 1).await?, Some(Timestamp(5)), "when it was ended is still known");
        let epochs = (unit.users().find(&user_id(0)).await?, unit.users().find(&user_id(1)).await?);
        assert_eq!((epochs.0.unwrap().session_epoch, epochs.1.unwrap().session_epoch), (2, 2));
        assert_eq!(unit.invitations().count(&organization_id(0)).await?, 1, "an invitation can be accepted again");
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_of_a_busy_store_is_a_store() {
    let home = Home::disk();
    let store = home.open().await;
    furnish(&*store).await;
    let mut writers = JoinSet::new();
    for n in 0..8 {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for m in 0..50 {
                write!(store, unit => {
                    unit.users().insert(&user(100 + n * 50 + m)).await?;
                    unit.members().insert(&organization_id(0), &user_id(100 + n * 50 + m), Timestamp(1)).await?;
                });
            }
        });
    }
    let to = home.file().with_file_name("backup.db");
    portico_store::backup(&home.url(), &to).unwrap();
    writers.join_all().await;
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(portico_store::backup(&home.url(), &to).is_err(), "a backup is never overwritten");

    let url = to.display().to_string();
    assert_eq!(portico_store::verify_integrity(&url).unwrap(), Vec::<String>::new());
    let verified = portico_store::verify_secrets(&url, &options(keks(&[1]))).await.unwrap();
    assert_eq!((verified.readable, verified.unreadable), (3, vec![]));
    let copy = portico_store::open(&url, &options(keks(&[1]))).await.unwrap();
    read!(copy, unit => {
        let secret = unit.clients().find(&client_id(0)).await?.unwrap().secret;
        assert_eq!(secret.expose(), client(0).secret.expose());
        let members = unit.members().list(&organization_id(0), &Page::first(999)).await?.len();
        let users = unit.users().list(&portico_core::port::store::UserFilter::default(), &Page::first(999)).await?;
        assert_eq!(users.len(), members + 2, "as it was at one instant");
    });
}
