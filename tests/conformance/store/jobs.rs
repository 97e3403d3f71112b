//! Owns the cases of jobs, and of what they write many of at once.
//! Never touches what jobs do.

use super::{
    attempt,
    home::Home,
    on_every_engine, read,
    samples::{connection_id, credential, furnish, organization_id, user, user_id},
    write,
};
use portico_core::{
    connector::{AdoptionFault, Subject},
    id::JobId,
    model::{Job, JobError, JobStatus, JobSummary, JobTask, PasswordCredential, User},
    port::store::StoreError,
    secret::Secret,
    time::Timestamp,
};

on_every_engine! {
    no_more_of_a_kind_go_on_than_may
    a_job_is_claimed_by_one_and_comes_back_when_its_time_is_up
    whoever_lost_a_job_cannot_write_it
    a_jobs_file_and_its_refused_rows_go_with_it
    many_users_and_credentials_are_added_at_once
    a_hash_of_another_system_is_sealed_until_it_is_replaced
    a_retired_connection_is_gone_before_its_users_are
}

fn job_id(n: i64) -> JobId {
    JobId::parse(format!("job_{n:016}")).unwrap()
}

fn job(n: i64, task: JobTask) -> Job {
    Job {
        id: job_id(n),
        task,
        status: JobStatus::Pending,
        connection_id: Some(connection_id(0)),
        connection: Some("connection-0000".to_owned()),
        external_id: Some("ours".to_owned()),
        done: 0,
        total: Some(7),
        summary: JobSummary::default(),
        cursor: None,
        failure: None,
        attempts: 0,
        revision: 1,
        created_at: Timestamp(1000 + n),
        updated_at: Timestamp(1000 + n),
    }
}

fn import(n: i64) -> Job {
    job(n, JobTask::UsersImport { upsert: true })
}

async fn no_more_of_a_kind_go_on_than_may(home: Home) {
    let store = home.open().await;
    for (n, expected) in [(0, true), (1, true), (2, false)] {
        assert_eq!(write!(store, unit => unit.jobs().insert(&import(n), Some(2)).await?), expected, "{n}");
    }
    assert!(read!(store, unit => unit.jobs().find(&job_id(2)).await?).is_none());
    assert!(write!(store, unit => unit.jobs().insert(&job(3, JobTask::ConnectionDeletion), None).await?));
    assert!(write!(store, unit => unit.jobs().insert(&job(4, JobTask::ConnectionDeletion), None).await?));
    let ended = Job { status: JobStatus::Failed, revision: 2, ..import(0) };
    write!(store, unit => unit.jobs().advance(&ended, Timestamp(9)).await?);
    assert_eq!(
        read!(store, unit => unit.jobs().find(&job_id(0)).await?),
        Some(Job { revision: 2, ..ended_import() })
    );
    assert!(write!(store, unit => unit.jobs().insert(&import(5), Some(2)).await?), "there is room again");
    assert!(!write!(store, unit => unit.jobs().insert(&import(6), Some(2)).await?));
    // Many at once: as many get in as there is room for.
    let ended = Job { status: JobStatus::Completed, revision: 2, ..import(1) };
    write!(store, unit => unit.jobs().advance(&ended, Timestamp(9)).await?);
    let attempts = (10..18).map(|n| {
        let store = std::sync::Arc::clone(&store);
        async move { write!(store, unit => unit.jobs().insert(&import(n), Some(2)).await?) }
    });
    let added = futures_util::future::join_all(attempts).await;
    assert_eq!(added.into_iter().filter(|added| *added).count(), 1);
}

fn ended_import() -> Job {
    Job { status: JobStatus::Failed, ..import(0) }
}

async fn a_job_is_claimed_by_one_and_comes_back_when_its_time_is_up(home: Home) {
    let store = home.open().await;
    let claim = async |now: i64| write!(store, unit => unit.jobs().claim(Timestamp(now), Timestamp(now + 100)).await?);
    assert!(claim(5000).await.is_none());
    write!(store, unit => unit.jobs().insert(&import(1), Some(2)).await?);
    write!(store, unit => unit.jobs().insert(&import(0), Some(2)).await?);
    let first = claim(5000).await.unwrap();
    assert_eq!(
        first,
        Job { status: JobStatus::Processing, attempts: 1, revision: 2, ..import(0) },
        "the oldest"
    );
    assert_eq!(read!(store, unit => unit.jobs().find(&job_id(0)).await?), Some(first));
    assert_eq!(claim(5001).await.unwrap().id, job_id(1));
    assert!(claim(5099).await.is_none());
    let again = claim(5100).await.unwrap();
    assert_eq!((again.id.clone(), again.attempts, again.revision), (job_id(0), 2, 3));
    let kept = Job { revision: 4, done: 3, ..again };
    let written = kept.clone();
    write!(store, unit => unit.jobs().advance(&written, Timestamp(9000)).await?);
    assert_eq!(claim(8000).await.unwrap().id, job_id(1), "whoever writes keeps it");
    let done = Job { status: JobStatus::Completed, revision: 5, ..kept };
    write!(store, unit => unit.jobs().advance(&done, Timestamp(0)).await?);
    assert_eq!(claim(99_000).await.unwrap().id, job_id(1));
    assert!(claim(99_001).await.is_none(), "what has ended is done by nobody");
}

async fn whoever_lost_a_job_cannot_write_it(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    write!(store, unit => unit.jobs().insert(&import(0), None).await?);
    let slow = write!(store, unit => unit.jobs().claim(Timestamp(0), Timestamp(10)).await?).unwrap();
    let fast = write!(store, unit => unit.jobs().claim(Timestamp(10), Timestamp(20)).await?).unwrap();
    let late = Job { revision: slow.revision + 1, done: 5, ..slow };
    let written = attempt!(store, unit => {
        unit.users().insert(&user(7)).await?;
        unit.jobs().advance(&late, Timestamp(30)).await
    });
    assert!(matches!(written, Err(StoreError::Stale)), "{written:?}");
    assert_eq!(read!(store, unit => unit.users().find(&user_id(7)).await?), None, "nor what it did");
    assert_eq!(read!(store, unit => unit.jobs().find(&job_id(0)).await?), Some(fast));
}

async fn a_jobs_file_and_its_refused_rows_go_with_it(home: Home) {
    let store = home.open().await;
    for n in 0..2 {
        write!(store, unit => unit.jobs().insert(&import(n), None).await?);
        write!(store, unit => {
            unit.jobs().push_part(&job_id(n), 0, &Secret::new(format!("part 0 of {n}"))).await?;
            unit.jobs().push_part(&job_id(n), 11, &Secret::new("part 11")).await?;
        });
    }
    let error = |position: i64| JobError {
        position,
        user: serde_json::json!({"email": "x"}).as_object().unwrap().clone(),
        errors: vec![AdoptionFault {
            code: "FORMAT".into(),
            message: "no".to_owned(),
            path: "email".to_owned(),
        }],
    };
    let errors: Vec<_> = (0..250).map(|n| error(3 * n)).collect();
    let written = errors.clone();
    write!(store, unit => unit.jobs().push_errors(&job_id(0), &written).await?);
    assert_eq!(read!(store, unit => unit.jobs().errors(&job_id(0), 0, 1000).await?), errors);
    assert_eq!(read!(store, unit => unit.jobs().errors(&job_id(0), 3, 2).await?), errors[1..3]);
    assert!(read!(store, unit => unit.jobs().errors(&job_id(1), 0, 10).await?).is_empty());
    let part = read!(store, unit => unit.jobs().part(&job_id(0), 0).await?);
    assert_eq!(part.unwrap().expose(), "part 0 of 0");
    assert!(read!(store, unit => unit.jobs().part(&job_id(0), 1).await?).is_none());
    write!(store, unit => unit.jobs().delete_parts(&job_id(1)).await?);
    assert!(read!(store, unit => unit.jobs().part(&job_id(1), 11).await?).is_none());
    assert!(read!(store, unit => unit.jobs().part(&job_id(0), 11).await?).is_some(), "another's stays");
    assert_eq!(write!(store, unit => unit.jobs().sweep(Timestamp(9000)).await?), 0, "it has not ended");
    let ended = Job { revision: 2, ..ended_import() };
    write!(store, unit => unit.jobs().advance(&ended, Timestamp(0)).await?);
    assert_eq!(write!(store, unit => unit.jobs().sweep(Timestamp(1000)).await?), 0, "nor is it old");
    assert_eq!(write!(store, unit => unit.jobs().sweep(Timestamp(1001)).await?), 1);
    assert!(read!(store, unit => unit.jobs().part(&job_id(0), 11).await?).is_none());
    assert!(read!(store, unit => unit.jobs().errors(&job_id(0), 0, 10).await?).is_empty());
}

/// As many as no single statement holds.
fn crowd() -> (Vec<User>, Vec<PasswordCredential>) {
    let users = (100..400).map(user).collect();
    let with_name = |n: i64| PasswordCredential {
        username_normalized: Some(format!("name{n}")),
        email_normalized: Some(format!("user{n}@example.test")),
        ..credential(n)
    };
    (users, (100..400).map(with_name).collect())
}

async fn many_users_and_credentials_are_added_at_once(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let (users, credentials) = crowd();
    let (written, theirs) = (users.clone(), credentials.clone());
    write!(store, unit => {
        unit.users().insert_all(&written).await?;
        unit.credentials().insert_all(&theirs).await?;
        unit.users().insert_all(&[]).await?;
    });
    let wanted = [user_id(399), user_id(100), user_id(9_999)];
    let mut found = read!(store, unit => unit.users().find_all(&wanted).await?);
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found, [user(100), user(399)]);
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let subject = credentials[250].subject.0.clone();
    let (emails, names) =
        (texts(&["user101@example.test", "nobody@example.test"]), texts(&["name101", "name102"]));
    let (asked, called) = (&emails, &names);
    let mut found = read!(store, unit => {
        unit.credentials().find_all(&connection_id(0), asked, called, &[subject]).await?
    });
    found.sort_by(|one, other| one.user_id.cmp(&other.user_id));
    let ids: Vec<_> = found.iter().map(|credential| credential.user_id.clone()).collect();
    assert_eq!(ids, [user_id(101), user_id(102), user_id(350)], "each once");
    let elsewhere = read!(store, unit => {
        unit.credentials().find_all(&connection_id(1), &emails, &names, &[]).await?
    });
    assert!(elsewhere.is_empty(), "they are of another connection");
    let (mut again, _) = crowd();
    again.truncate(70);
    let more: Vec<_> = (500..530).map(user).collect();
    again.splice(0..0, more);
    let taken = attempt!(store, unit => unit.users().insert_all(&again).await);
    assert!(matches!(&taken, Err(StoreError::Conflict(name)) if name == "users_pkey"), "{taken:?}");
    assert_eq!(read!(store, unit => unit.users().find(&user_id(500)).await?), None, "all or none");
}

async fn a_hash_of_another_system_is_sealed_until_it_is_replaced(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let foreign = Secret::new("foreign:1:{\"a secret of theirs\":1}");
    let subject = Subject("9".to_owned());
    let mine = PasswordCredential {
        user_id: user_id(0),
        subject: subject.clone(),
        email_normalized: Some("nine@example.test".to_owned()),
        username_normalized: None,
        password_hash: Some(foreign.clone()),
        ..credential(0)
    };
    let find = async || {
        read!(store, unit => unit.credentials().find(&connection_id(0), &Subject("9".to_owned())).await?)
            .unwrap()
    };
    write!(store, unit => unit.credentials().insert(&mine).await?);
    assert!(find().await.password_hash.unwrap().matches(&foreign));
    home.assert_sound("a sealed hash").await;
    if home.is_postgres() {
        let clear = "imported_hash LIKE '%theirs%' OR password_hash IS NOT NULL";
        let stored = home.query(&format!("SELECT COUNT(*) FROM credentials WHERE {clear}"));
        assert_eq!(stored.trim(), "0", "it is not in the clear");
    }
    let rehash = async |old: &Secret, new: &str| {
        let (old, new, subject) = (old.clone(), Secret::new(new), subject.clone());
        write!(store, unit => unit.credentials().rehash(&connection_id(0), &subject, &old, &new).await?)
    };
    assert!(!rehash(&Secret::new("foreign:1:another"), "$argon2id$new").await);
    assert!(rehash(&foreign, "foreign:1:again").await, "by another such");
    assert!(find().await.password_hash.unwrap().matches(&Secret::new("foreign:1:again")));
    assert!(rehash(&Secret::new("foreign:1:again"), "$argon2id$new").await);
    assert!(find().await.password_hash.unwrap().matches(&Secret::new("$argon2id$new")));
    assert!(!rehash(&Secret::new("foreign:1:again"), "$argon2id$newer").await, "it is gone");
    assert!(rehash(&Secret::new("$argon2id$new"), "foreign:1:third").await);
    let (id, new) = (subject.clone(), Secret::new("$argon2id$chosen"));
    assert!(write!(store, unit => {
        unit.credentials().change_password(&connection_id(0), &id, &new, Timestamp(5), 3).await?
    }));
    let changed = find().await;
    assert!(changed.password_hash.unwrap().matches(&Secret::new("$argon2id$chosen")));
    assert!(changed.history.is_empty(), "a history is not sealed");
}

async fn a_retired_connection_is_gone_before_its_users_are(home: Home) {
    let store = home.open().await;
    furnish(&*store).await;
    let before = read!(store, unit => unit.connections().find(&connection_id(0)).await?).unwrap();
    assert!(write!(store, unit => unit.connections().retire(&connection_id(0), Timestamp(7)).await?));
    assert!(!write!(store, unit => unit.connections().retire(&connection_id(0), Timestamp(8)).await?));
    let (subject, name) = (user(0).identities[0].subject.clone(), before.name.clone());
    read!(store, unit => {
        let connections = unit.connections();
        assert_eq!(connections.find(&connection_id(0)).await?, None);
        assert_eq!(connections.find_by_name(&name).await?, None);
        assert_eq!(connections.find_all(&[connection_id(0), connection_id(1)]).await?.len(), 1);
        assert_eq!(unit.users().find(&user_id(0)).await?, None, "nobody by it alone");
        assert_eq!(unit.users().find_by_identity(&connection_id(0), &subject).await?, None);
        let page = portico_core::port::store::Page::first(9);
        assert!(unit.organizations().connections(&organization_id(0), &page).await?.iter().all(|each| each.connection_id != connection_id(0)));
    });
    let named_so = portico_core::model::Connection { id: connection_id(8), ..before };
    write!(store, unit => unit.connections().insert(&named_so).await?);
    let gone = async |take: i64| write!(store, unit => unit.connections().delete_users(&connection_id(0), take).await?);
    let mut deleted = 0;
    loop {
        match gone(1).await {
            0 => break,
            n => deleted += n,
        }
    }
    assert_eq!(deleted, 2, "one at a time");
    assert!(write!(store, unit => unit.connections().delete(&connection_id(0)).await?));
    home.assert_sound("afterwards").await;
}
