//! Owns INF-13 for jobs: a process is killed in, and after, each unit of work of a job, and the next one goes on.
//! Never touches kills of logins.

use super::killed::{Deadly, Moment};
use crate::{
    conformance::store::home::{Home, keks, options},
    world::{World, nodes::app_over},
};
use portico_core::{
    entropy::SystemEntropy,
    id::JobId,
    model::{Job, JobStatus, JobSummary, JobTask},
    port::store::{Store, StoreError, UserFilter},
    secret::Secret,
    testing::FakeClock,
};
use portico_server::worker::{Jobs, Stopper};
use serde_json::{Value, json};
use std::{process::Command, sync::Arc, time::Duration};

const STORE: &str = "PORTICO_TEST_JOBS_STORE";
const UNIT: &str = "PORTICO_TEST_JOBS_UNIT";
const MOMENT: &str = "PORTICO_TEST_JOBS_MOMENT";
const ROUND: &str = "PORTICO_TEST_JOBS_ROUND";

/// The child: runs the one job there is, in a process that will be killed. Each round is later than the job's last lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by the tests below"]
#[expect(clippy::disallowed_methods, reason = "its parent tells it by the environment what to do")]
async fn runs_a_job_until_killed() {
    let told = |name: &str| std::env::var(name).unwrap();
    let store = portico_store::open(&told(STORE), &options(keks(&[1]))).await.unwrap();
    let moment = if told(MOMENT) == "Inside" { Moment::Inside } else { Moment::After };
    let app = app_over(Arc::clone(&store)).await;
    let left = told(UNIT).parse::<usize>().unwrap().into();
    let clock = Arc::new(FakeClock::default());
    clock.advance(Duration::from_secs(61) * told(ROUND).parse().unwrap());
    let store: Arc<dyn Store> = Arc::new(Deadly { store, left, moment });
    let jobs = Jobs::new(store, clock, Arc::new(SystemEntropy::default()), app.connectors);
    let (_stopper, stop) = Stopper::new();
    // None is left when the one before was killed behind its last unit.
    jobs.run_next(&stop).await.unwrap();
}

/// Whether it came to its end.
fn run(home: &Home, unit: usize, moment: Moment, round: u32) -> bool {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "flows::killed_jobs::runs_a_job_until_killed", "--ignored", "--nocapture"])
        .env(STORE, home.url())
        .env(UNIT, unit.to_string())
        .env(MOMENT, format!("{moment:?}"))
        .env(ROUND, round.to_string())
        .output()
        .unwrap();
    let killed = std::os::unix::process::ExitStatusExt::signal(&child.status) == Some(9);
    let told = String::from_utf8_lossy(&child.stderr);
    assert!(killed || child.status.success(), "unit {unit} {moment:?}: {told}");
    !killed
}

fn job(world: &World, task: JobTask, total: i64) -> Job {
    let now = portico_core::time::Clock::now(&*world.clock);
    Job {
        id: JobId::random(&SystemEntropy::default()),
        task,
        status: JobStatus::Pending,
        connection_id: Some(world.seed.database.clone()),
        connection: None,
        external_id: None,
        done: 0,
        total: Some(total),
        summary: JobSummary::default(),
        cursor: None,
        failure: None,
        attempts: 0,
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}

async fn users(store: &dyn Store) -> i64 {
    let all = UserFilter::default();
    store.read(|unit| Box::pin(async move { unit.users().count(&all).await })).await.unwrap()
}

async fn found(store: &dyn Store, id: &JobId) -> Job {
    let found = store.read::<_, StoreError, _>(|unit| Box::pin(async move { unit.jobs().find(id).await }));
    found.await.unwrap().unwrap()
}

/// Kill it in its first unit, then in its second, and so on, until it has come to its end: how often it was killed.
async fn kill_until_done(home: &Home, moment: Moment) -> usize {
    let (mut kills, mut round) = (0, 0);
    // A job that does not get on is given up after some attempts: each unit is the deadly one once, and then it goes on.
    for unit in [1, 2, 2, 2, 3, 9_999] {
        if run(home, unit, moment, round) {
            return kills;
        }
        kills += 1;
        round += 1;
        home.assert_sound(&format!("kill {kills} {moment:?}")).await;
    }
    panic!("it never came to its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_an_import_that_is_killed_at_any_step_does_no_row_twice() {
    kill_an_import(Home::memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_an_import_that_is_killed_at_any_step_does_no_row_twice_on_postgres() {
    kill_an_import(Home::postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_the_end_of_a_connection_that_is_killed_at_any_step_is_gone_on_with() {
    kill_a_deletion(Home::memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inf_13_the_end_of_a_connection_that_is_killed_at_any_step_is_gone_on_with_on_postgres() {
    kill_a_deletion(Home::postgres).await;
}

async fn kill_an_import(home: fn() -> Home) {
    for moment in [Moment::Inside, Moment::After] {
        let home = home();
        let world = World::over(home.open().await, None).await;
        let before = users(&*world.store).await;
        // Every tenth row is no address, and the last one has the address of the first.
        let row = |n: usize| match n {
            2_499 => json!({ "email": "user1@imported.test" }),
            n if n % 10 == 0 => json!({ "email": format!("user{n}") }),
            n => json!({ "email": format!("user{n}@imported.test") }),
        };
        let rows: Vec<Value> = (0..2_500).map(row).collect();
        let job = job(&world, JobTask::UsersImport { upsert: false }, 2_500);
        let (id, file) = (job.id.clone(), Secret::new(json!(rows).to_string()));
        world
            .change(move |unit| {
                Box::pin(async move {
                    assert!(unit.jobs().insert(&job, None).await?);
                    unit.jobs().push_part(&job.id, 0, &file).await
                })
            })
            .await;
        let kills = kill_until_done(&home, moment).await;
        assert!(kills >= 4, "{moment:?}: only {kills} kills");
        let job = found(&*world.store, &id).await;
        assert_eq!(job.status, JobStatus::Completed, "{job:?}");
        assert_eq!(job.summary, JobSummary { failed: 251, updated: 0, inserted: 2_249 });
        assert_eq!(users(&*world.store).await - before, 2_249);
        let errors = world.store.read::<_, StoreError, _>(|unit| {
            let id = &id;
            Box::pin(async move { unit.jobs().errors(id, 0, 9_999).await })
        });
        let errors = errors.await.unwrap();
        assert_eq!(errors.len(), 251);
        assert_eq!(errors[250].errors[0].code, "CONFLICT_EMAIL", "what came before is remembered");
        let events = world.kinds().await;
        let told =
            events.iter().filter(|kind| **kind == portico_core::model::EventKind::UsersImported).count();
        assert_eq!(told, 1, "it is told of once");
    }
}

async fn kill_a_deletion(home: fn() -> Home) {
    for moment in [Moment::Inside, Moment::After] {
        let home = home();
        let world = World::over(home.open().await, None).await;
        let database = world.seed.database.clone();
        let piet = world.store.read::<_, StoreError, _>(|unit| {
            let id = world.seed.piet.clone();
            Box::pin(async move { unit.users().find(&id).await })
        });
        let piet = piet.await.unwrap().unwrap();
        let crowd: Vec<_> = (0..650)
            .map(|n| {
                let mut user = piet.clone();
                user.id = portico_core::id::UserId::parse(format!("auth0|crowd{n}")).unwrap();
                user.identities[0].subject = portico_core::connector::Subject(format!("crowd{n}"));
                user
            })
            .collect();
        let mut other = piet.clone();
        other.id = portico_core::id::UserId::parse("oidc|other").unwrap();
        other.identities[0].connection_id = world.seed.idp.clone();
        let job = job(&world, JobTask::ConnectionDeletion, 652);
        let (id, at, kept) = (job.id.clone(), job.created_at, other.id.clone());
        world
            .change(move |unit| {
                Box::pin(async move {
                    unit.users().insert_all(&crowd).await?;
                    unit.users().insert(&other).await?;
                    assert!(unit.connections().retire(&database, at).await?);
                    unit.jobs().insert(&job, None).await.map(drop)
                })
            })
            .await;
        let kills = kill_until_done(&home, moment).await;
        assert!(kills >= 4, "{moment:?}: only {kills} kills");
        let job = found(&*world.store, &id).await;
        assert_eq!((job.status, job.done), (JobStatus::Completed, 652), "{job:?}");
        assert_eq!(users(&*world.store).await, 1, "nobody but another connection's user");
        let kept = world
            .store
            .read::<_, StoreError, _>(|unit| Box::pin(async move { unit.users().find(&kept).await }));
        assert!(kept.await.unwrap().is_some());
    }
}
