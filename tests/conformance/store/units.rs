//! Owns the cases of units of work: what is kept, what is undone, and what may not be done in one.
//! Never touches single repositories, but as examples.

use super::{
    attempt,
    home::{Home, keks, options},
    on_every_engine, read,
    samples::{furnish, role, role_id, user, user_id},
};
use portico_core::port::store::{Durability, Page, Store, StoreError};
use portico_store::{Schema, StoreOptions};
use std::{
    sync::{Arc, mpsc},
    time::Duration,
};
use tokio::task::JoinSet;

on_every_engine! {
    the_store_is_ready
    a_swallowed_failure_still_undoes_the_unit
    a_failing_unit_leaves_its_neighbours_alone
    an_acknowledged_unit_can_be_read
    how_durable_a_unit_is_changes_nothing_else
    a_reader_cannot_write
    a_reader_borrows_from_its_caller
    a_unit_awaits_nothing_foreign
    a_panic_is_contained
    an_abandoned_unit_does_no_harm
    nodes_that_start_at_once_share_a_schema
    a_store_that_lacks_something_is_refused
}

async fn insert(store: &dyn Store, n: i64) -> Result<(), StoreError> {
    attempt!(store, unit => unit.roles().insert(&role(n)).await)
}

async fn exists(store: &dyn Store, n: i64) -> bool {
    read!(store, unit => unit.roles().find(&role_id(n)).await?).is_some()
}

async fn the_store_is_ready(home: Home) {
    home.open().await.ready().await.unwrap();
}

async fn a_swallowed_failure_still_undoes_the_unit(home: Home) {
    let store = home.open().await;
    insert(&*store, 1).await.unwrap();
    let result: Result<(), StoreError> = attempt!(store, unit => {
        unit.roles().insert(&role(2)).await?;
        unit.roles().insert(&role(1)).await.unwrap_err();
        assert!(matches!(unit.roles().find(&role_id(1)).await, Err(StoreError::Broken)));
        Ok(())
    });
    assert!(matches!(result, Err(StoreError::Broken)), "{result:?}");
    assert!(!exists(&*store, 2).await);
}

/// Runs units that are sure to be in the writer's queue together.
async fn together(store: &Arc<dyn Store>, roles: &[i64]) -> Vec<Result<(), StoreError>> {
    let (open, gate) = mpsc::channel::<()>();
    let mut holder = JoinSet::new();
    let held = Arc::clone(store);
    holder.spawn(async move { attempt!(held, _unit => gate.recv().map_err(StoreError::backend)) });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut units = JoinSet::new();
    for (at, n) in roles.iter().copied().enumerate() {
        let store = Arc::clone(store);
        units.spawn(async move { (at, insert(&*store, n).await) });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    open.send(()).unwrap();
    let mut results = units.join_all().await;
    results.sort_by_key(|(at, _)| *at);
    holder.join_all().await.into_iter().collect::<Result<Vec<()>, StoreError>>().unwrap();
    results.into_iter().map(|(_, result)| result).collect()
}

async fn a_failing_unit_leaves_its_neighbours_alone(home: Home) {
    let store = home.open().await;
    insert(&*store, 1000).await.unwrap();
    let numbers: Vec<i64> = (0..20).map(|n| if n % 3 == 1 { 1000 } else { n }).collect();
    let results = together(&store, &numbers).await;
    for (n, result) in numbers.into_iter().zip(results) {
        assert_eq!(result.is_ok(), n != 1000, "{n}: {result:?}");
        assert!(exists(&*store, n).await);
    }
}

async fn an_acknowledged_unit_can_be_read(home: Home) {
    let store = home.open().await;
    let mut tasks = JoinSet::new();
    for task in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in 0..30 {
                insert(&*store, task * 100 + n).await.unwrap();
                assert!(exists(&*store, task * 100 + n).await);
            }
        });
    }
    tasks.join_all().await;
}

async fn how_durable_a_unit_is_changes_nothing_else(home: Home) {
    let store = home.open().await;
    insert(&*store, 1000).await.unwrap();
    let mut units = JoinSet::new();
    // All of them at once, so that lazy ones and others meet in one group, and failures among them.
    for n in 0..60 {
        let store = Arc::clone(&store);
        units.spawn(async move {
            let durability = if n % 2 == 0 { Durability::Lazy } else { Durability::Now };
            let number = if n % 5 == 4 { 1000 } else { n };
            let written: Result<(), StoreError> = store
                .write_as(durability, move |unit| {
                    Box::pin(async move { unit.roles().insert(&role(number)).await })
                })
                .await;
            assert_eq!(written.is_ok(), number != 1000, "{n}: {written:?}");
            assert!(exists(&*store, number).await);
        });
    }
    units.join_all().await;
}

async fn a_reader_cannot_write(home: Home) {
    let store = home.open().await;
    let result: Result<(), StoreError> =
        store.read(|unit| Box::pin(async move { unit.roles().insert(&role(1)).await })).await;
    assert!(matches!(result, Err(StoreError::Backend(_))), "{result:?}");
    assert!(!exists(&*store, 1).await);
}

async fn a_reader_borrows_from_its_caller(home: Home) {
    let store = home.open().await;
    insert(&*store, 1).await.unwrap();
    let (id, mut seen) = (role_id(1), 0);
    let name = {
        let (id, seen) = (&id, &mut seen);
        let read = store.read(|unit| {
            Box::pin(async move {
                *seen += 1;
                Ok::<_, StoreError>(unit.roles().find(id).await?.map(|role| role.name))
            })
        });
        read.await.unwrap()
    };
    assert_eq!((name, seen), (Some(role(1).name), 1));
}

async fn a_unit_awaits_nothing_foreign(home: Home) {
    let store = home.open().await;
    let result: Result<(), StoreError> = attempt!(store, unit => {
        unit.roles().insert(&role(1)).await?;
        std::future::pending::<Result<(), StoreError>>().await
    });
    assert!(matches!(result, Err(StoreError::Foreign)), "{result:?}");
    let inner = Arc::clone(&store);
    let nested: Result<(), StoreError> = attempt!(store, _unit => insert(&*inner, 2).await);
    assert!(matches!(nested, Err(StoreError::Foreign)), "{nested:?}");
    let read: Result<(), StoreError> = store.read(|_| Box::pin(std::future::pending())).await;
    assert!(matches!(read, Err(StoreError::Foreign)), "{read:?}");
    assert!(!exists(&*store, 1).await);
    insert(&*store, 1).await.unwrap();
}

/// Panics when dropped.
struct PanicsLate;
impl Drop for PanicsLate {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "on purpose");
    }
}

async fn a_panic_is_contained(home: Home) {
    let store = home.open().await;
    let result: Result<(), StoreError> = attempt!(store, unit => {
        unit.roles().insert(&role(1)).await?;
        panic!("on purpose")
    });
    assert!(matches!(&result, Err(StoreError::Panicked(message)) if message == "on purpose"), "{result:?}");
    let late: Result<(), StoreError> = attempt!(store, _unit => {
        let late = PanicsLate;
        std::future::pending::<()>().await;
        drop(late);
        Ok(())
    });
    assert!(matches!(late, Err(StoreError::Panicked(_))), "{late:?}");
    let read: Result<(), StoreError> = store.read(|_| panic!("on purpose")).await;
    assert!(matches!(read, Err(StoreError::Panicked(_))), "{read:?}");
    assert!(!exists(&*store, 1).await);
    insert(&*store, 1).await.unwrap();
}

async fn an_abandoned_unit_does_no_harm(home: Home) {
    let store = home.open().await;
    for n in 0..40 {
        let unit = store.write(move |unit| {
            Box::pin(async move {
                unit.roles().insert(&role(n)).await?;
                let mut described = role(n);
                described.description = Some("done".to_owned());
                unit.roles().update(&described).await
            })
        });
        let wait = Duration::from_micros(100 * u64::try_from(n).unwrap());
        let _: Result<Result<bool, StoreError>, _> = tokio::time::timeout(wait, unit).await;
    }
    insert(&*store, 1000).await.unwrap();
    let roles = read!(store, unit => unit.roles().list(None, &Page::first(100)).await?);
    let done = |role: &portico_core::model::Role| role.description.as_deref() == Some("done");
    assert!(
        roles.iter().all(|found| done(found) || found.id == role_id(1000)),
        "a unit is done entirely or not at all"
    );
}

async fn nodes_that_start_at_once_share_a_schema(home: Home) {
    let mut nodes = JoinSet::new();
    let home = Arc::new(home);
    for _ in 0..8 {
        let home = Arc::clone(&home);
        nodes.spawn(async move { home.open().await });
    }
    let nodes = nodes.join_all().await;
    furnish(&*nodes[0]).await;
    for node in &nodes {
        let found = read!(node, unit => unit.users().find(&user_id(0)).await?);
        assert_eq!(found, Some(user(0)));
        let client = read!(node, unit => unit.clients().find(&super::samples::client_id(0)).await?);
        assert!(client.is_some(), "they share a data key");
    }
}

async fn a_store_that_lacks_something_is_refused(home: Home) {
    let require = StoreOptions { schema: Schema::Require, ..options(keks(&[1])) };
    let url = home.url();
    assert!(!portico_store::pending(&url, &require).await.unwrap().is_empty());
    assert!(home.is_postgres() || !home.file().exists(), "to look makes nothing");
    let refused = portico_store::open(&url, &require).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("0001_init.sql"), "{refused}");
    let applied = portico_store::migrate(&url, &require).await.unwrap();
    assert_eq!(applied.first(), Some(&"0001_init.sql"));
    assert_eq!(portico_store::pending(&url, &require).await.unwrap(), Vec::<&str>::new());
    portico_store::open(&url, &require).await.unwrap().ready().await.unwrap();
}
