//! Owns crashes: what was acknowledged is there afterwards, and nothing is there by half (INF-13; `security.md` §5.1).
//! Never touches power cuts: a killed process loses no page that the kernel has.

use super::{
    attempt,
    home::{Home, keks, options},
    read,
    samples::{furnish, organization_id, user, user_id},
};
use portico_core::{
    port::store::{Page, Store, StoreError},
    time::Timestamp,
};
use portico_fixtures::postgres::{Durability, Server};
use std::{
    collections::BTreeSet,
    hash::{BuildHasher, Hasher},
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;

/// Tasks that write at once.
const WRITERS: i64 = 16;
/// Where the child finds the store, and the first number it writes.
const STORE: &str = "PORTICO_TEST_KILLED_STORE";
const FIRST: &str = "PORTICO_TEST_KILLED_FIRST";
/// Numbers of one round.
const ROUND: i64 = 1_000_000;

/// A user and their membership, in one unit.
async fn add(store: &dyn Store, n: i64) -> Result<(), StoreError> {
    attempt!(store, unit => {
        unit.users().insert(&user(n)).await?;
        unit.members().insert(&organization_id(0), &user_id(n), Timestamp(n)).await.map(drop)
    })
}

/// Every number that was acknowledged is there; whatever is there is there entirely.
async fn assert_complete(store: &dyn Store, acknowledged: &BTreeSet<i64>) {
    for n in acknowledged {
        let member = read!(store, unit => unit.members().find(&organization_id(0), &user_id(*n)).await?);
        assert!(member.is_some(), "{n} was acknowledged and is lost");
    }
    let users =
        read!(store, unit => unit.users().count(&portico_core::port::store::UserFilter::default()).await?);
    let members = read!(store, unit => unit.members().count(&organization_id(0)).await?);
    assert_eq!(users - 2, members, "a user without their membership, or the other way round");
    let some = read!(store, unit => unit.members().list(&organization_id(0), &Page::first(5)).await?);
    assert!(some.iter().all(|user| user.identities.len() == 1));
}

/// A number of acknowledgements after which to kill.
fn random_moment() -> usize {
    let random = std::hash::RandomState::new().build_hasher().finish();
    100 + usize::try_from(random % 900).unwrap()
}

/// The child: writes until it is killed, and prints what was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it by the environment where to write")]
async fn writes_until_killed() {
    let (url, first) = (std::env::var(STORE).unwrap(), std::env::var(FIRST).unwrap());
    let first: i64 = first.parse().unwrap();
    let store = portico_store::open(&url, &options(keks(&[1]))).await.unwrap();
    let mut tasks = JoinSet::new();
    for task in 0..WRITERS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in (first + task..first + ROUND).step_by(usize::try_from(WRITERS).unwrap()) {
                add(&*store, n).await.unwrap();
                println!("acknowledged {n}");
            }
        });
    }
    tasks.join_all().await;
}

/// Run the child, and SIGKILL it after so many acknowledgements; all that it gave.
fn run_and_kill(url: &str, first: i64) -> BTreeSet<i64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "conformance::store::killed::writes_until_killed", "--ignored", "--nocapture"])
        .env(STORE, url)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (moment, mut acknowledged) = (random_moment(), BTreeSet::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // What is still in the pipe after the kill was acknowledged, too; a last line may be cut short.
        if let Some(n) = line.unwrap().strip_prefix("acknowledged ").and_then(|n| n.parse().ok()) {
            acknowledged.insert(n);
        }
        if acknowledged.len() == moment {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(acknowledged.len() >= moment, "the child ended by itself: {status}");
    // A number that was cut short could be mistaken for another one.
    acknowledged.retain(|n| *n >= first);
    acknowledged
}

async fn inf_13_a_killed_server_loses_nothing_it_acknowledged(home: Home) {
    furnish(&*home.open().await).await;
    let mut acknowledged = BTreeSet::new();
    for round in 1..=4 {
        acknowledged.extend(run_and_kill(&home.url(), round * ROUND));
        let store = home.open().await;
        assert_complete(&*store, &acknowledged).await;
        home.assert_sound(&format!("round {round}")).await;
        add(&*store, 10 * ROUND + round).await.unwrap();
        acknowledged.insert(10 * ROUND + round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_a_killed_server_loses_nothing_it_acknowledged_on_disk() {
    inf_13_a_killed_server_loses_nothing_it_acknowledged(Home::disk()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_a_killed_server_loses_nothing_it_acknowledged_on_postgres() {
    inf_13_a_killed_server_loses_nothing_it_acknowledged(Home::postgres()).await;
}

/// The database dies, not the server: the same store works again once it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_12_a_killed_database_loses_nothing_it_acknowledged() {
    let mut server = Server::start(Durability::Full).unwrap();
    let url = server.create("portico").unwrap();
    let store = portico_store::open(&url, &options(keks(&[1]))).await.unwrap();
    furnish(&*store).await;
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 1..=3 {
        let mut writers = JoinSet::new();
        for task in 0..WRITERS {
            let (store, acknowledged) = (Arc::clone(&store), Arc::clone(&acknowledged));
            writers.spawn(async move {
                for n in (round * ROUND + task..).step_by(usize::try_from(WRITERS).unwrap()) {
                    if add(&*store, n).await.is_err() {
                        break;
                    }
                    acknowledged.lock().unwrap().insert(n);
                }
            });
        }
        let (before, moment) = (acknowledged.lock().unwrap().len(), random_moment());
        while acknowledged.lock().unwrap().len() < before + moment {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        server.kill().unwrap();
        writers.join_all().await;
        assert!(store.ready().await.is_err(), "a store without its database is not ready");
        server.resume().unwrap();
        while store.ready().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let acknowledged = acknowledged.lock().unwrap().clone();
        assert_complete(&*store, &acknowledged).await;
    }
}
