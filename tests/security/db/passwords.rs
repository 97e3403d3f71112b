//! Owns the cases of what a password is and what it costs: DB-01, DB-02, DB-09, DB-10, DB-11 at the connector.
//! Never touches pages.

use super::house::{House, OTHER, PASSWORD, QUICK, prompt_of};
use futures_util::future::join_all;
use portico_core::testing::SeededEntropy;
use portico_core::{
    connector::{ConnectorError, Intent, PasswordFault, Refusal, Step},
    model::EventKind,
    port::store::StoreError,
};
use portico_database::{HashingPool, HashingSettings, Password, hashing::Parameters};
use serde_json::json;
use std::sync::Arc;

/// An account of each kind, by its address: one that exists, one that is blocked, one without a password, one with a
/// hash of other parameters.
async fn everybody(house: &House) {
    house.account("known@hoekstra.test", Some(PASSWORD)).await;
    let mut blocked = house.account("blocked@hoekstra.test", Some(PASSWORD)).await;
    blocked.blocked = true;
    house.save(blocked).await;
    house.account("no-password@hoekstra.test", None).await;
    let legacy = house.account("legacy@hoekstra.test", Some(PASSWORD)).await;
    set_legacy_hash(house, &legacy.identities[0].subject).await;
}

/// As an earlier version of the configuration hashed: half the memory, one pass.
async fn set_legacy_hash(house: &House, subject: &portico_core::connector::Subject) {
    let parameters = Parameters { memory_kib: QUICK.memory_kib / 2, iterations: 1, ..QUICK };
    let settings = HashingSettings { parameters, threads: 1, queue: 4 };
    let pool = HashingPool::start(settings, Arc::new(SeededEntropy::new(7))).unwrap();
    let hash = pool.hash(&Password::parse(PASSWORD).unwrap()).await.unwrap();
    let (connection, subject) = (house.connection.id.clone(), subject.clone());
    let now = portico_core::time::Timestamp(1);
    house
        .store
        .write::<_, StoreError, _>(move |unit| {
            Box::pin(
                async move { unit.credentials().change_password(&connection, &subject, &hash, now, 0).await },
            )
        })
        .await
        .unwrap();
}

const EVERYBODY: [&str; 6] = [
    "known@hoekstra.test",
    "unknown@hoekstra.test",
    "blocked@hoekstra.test",
    "no-password@hoekstra.test",
    "legacy@hoekstra.test",
    "not an identifier",
];

#[tokio::test]
async fn db_01_a_wrong_password_and_an_unknown_account_are_answered_alike() {
    let house = House::with(json!({})).await;
    everybody(&house).await;
    for identifier in EVERYBODY {
        let step = house.sign_in(identifier, "wrong").await;
        let mut prompt = prompt_of(&step).clone();
        let Step::Refused { reason, retry: Some(retry), .. } = &step else { panic!("{step:?}") };
        assert_eq!(*reason, Refusal::WrongCredentials, "{identifier}");
        assert_eq!(
            prompt.identifier.take().as_deref(),
            Some(identifier),
            "what was typed stands there again"
        );
        let control = house.sign_in("somebody@else.test", "wrong").await;
        let mut expected = prompt_of(&control).clone();
        expected.identifier = None;
        assert_eq!(prompt, expected, "{identifier}");
        let Step::Refused { retry: Some(other), .. } = &control else { panic!("{control:?}") };
        assert_eq!(retry.memo, other.memo, "{identifier}");
    }
    assert!(house.opens("known@hoekstra.test", PASSWORD).await, "control: the right password opens");
}

#[tokio::test]
async fn db_02_every_answer_takes_the_same_hashing() {
    let house = House::with(json!({})).await;
    everybody(&house).await;
    let mut work = Vec::new();
    for identifier in EVERYBODY {
        let before = house.pool.work_done();
        house.sign_in(identifier, "wrong").await;
        let after = house.pool.work_done();
        work.push((identifier, after.passwords - before.passwords, after.blocks - before.blocks));
    }
    for (identifier, passwords, blocks) in work {
        let cost = u64::from(QUICK.memory_kib * QUICK.iterations);
        assert_eq!((passwords, blocks), (1, cost), "{identifier}");
    }
}

#[tokio::test]
async fn db_02_a_hash_of_other_parameters_is_replaced_when_its_password_is_known() {
    let house = House::with(json!({})).await;
    everybody(&house).await;
    let hash = async || {
        let connection = &house.connection.id;
        let found = house.store.read(|unit| {
            Box::pin(async move {
                unit.credentials().find_by_identifier(connection, "legacy@hoekstra.test").await
            })
        });
        let found: Result<_, StoreError> = found.await;
        found.unwrap().unwrap().password_hash.unwrap().expose().to_owned()
    };
    let old = hash().await;
    assert!(!house.opens("legacy@hoekstra.test", "wrong").await);
    assert_eq!(hash().await, old, "a guess changes nothing");
    assert!(house.opens("legacy@hoekstra.test", PASSWORD).await);
    assert!(hash().await.starts_with("$argon2id$v=19$m=64,t=2,p=1$"), "{}", hash().await);
    assert!(house.opens("legacy@hoekstra.test", PASSWORD).await, "and it is still the same password");
}

#[tokio::test]
async fn db_09_logins_beyond_the_queue_are_turned_away_and_the_others_are_answered() {
    let slow = Parameters { memory_kib: 8 << 10, iterations: 2, parallelism: 1 };
    let house = House::hashing(json!({}), HashingSettings { parameters: slow, threads: 2, queue: 8 }).await;
    let form = [("username", "somebody@else.test"), ("password", "wrong")];
    let outcomes = join_all((0..500).map(|_| house.converse(Intent::SignIn, form))).await;
    let busy = outcomes.iter().filter(|outcome| matches!(outcome, Err(ConnectorError::Busy))).count();
    let answered = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Step::Refused { reason: Refusal::WrongCredentials, .. })))
        .count();
    assert_eq!(busy + answered, 500);
    assert!(answered >= 8, "the queue is worked off: {answered}");
    assert!(busy > 0, "the rest is turned away");
    assert_eq!(house.pool.work_done().passwords, answered as u64, "and costs no hash");
}

#[tokio::test]
async fn db_10_a_password_is_taken_whole_or_not_at_all() {
    let house = House::with(json!({ "passwordPolicy": "low" })).await;
    let long = format!("{}x", "0123456789ab".repeat(6));
    assert_eq!(long.len(), 73);
    let family = "👩‍👩‍👧‍👦 tent 42 ñandú".repeat(3);
    let with_nul = "before\0after";
    for (email, password, cut) in [
        ("long@hoekstra.test", long.as_str(), &long[..72]),
        ("emoji@hoekstra.test", family.as_str(), "👩‍👩‍👧‍👦 tent 42 ñandú"),
        ("nul@hoekstra.test", with_nul, "before"),
    ] {
        house.account(email, Some(password)).await;
        assert!(house.opens(email, password).await, "{email}");
        assert!(!house.opens(email, cut).await, "{email}: a part of it is another password");
    }
    for too_long in ["a".repeat(257), "ab".repeat(1 << 19)] {
        let form = [("email", "fresh@hoekstra.test"), ("password", too_long.as_str())];
        let step = house.converse(Intent::SignUp, form).await.unwrap();
        let Step::Refused { reason, .. } = &step else { panic!("{step:?}") };
        assert_eq!(*reason, Refusal::PasswordTooWeak(vec![PasswordFault::TooLong]));
        assert!(!house.opens("long@hoekstra.test", &too_long).await, "and opens nothing");
    }
}

#[tokio::test]
async fn db_10_one_password_in_two_unicode_forms_opens_one_account() {
    let house = House::with(json!({ "passwordPolicy": "low" })).await;
    house.account("nfc@hoekstra.test", Some("caf\u{e9} \u{c5}ngstr\u{f6}m")).await;
    house.account("nfd@hoekstra.test", Some("cafe\u{301} A\u{30a}ngstro\u{308}m")).await;
    for email in ["nfc@hoekstra.test", "nfd@hoekstra.test"] {
        assert!(house.opens(email, "caf\u{e9} \u{c5}ngstr\u{f6}m").await, "{email}");
        assert!(house.opens(email, "cafe\u{301} A\u{30a}ngstro\u{308}m").await, "{email}");
        assert!(!house.opens(email, "cafe Angstrom").await, "{email}: without its accents it is another");
    }
}

#[tokio::test]
async fn db_11_a_new_password_is_refused_for_its_reasons() {
    let house = House::with(json!({ "passwordPolicy": "good" })).await;
    let refusals = async |password: &str| {
        let form = [("email", "jennifer@travel0.test"), ("password", password)];
        match house.converse(Intent::SignUp, form).await.unwrap() {
            Step::Identified(_) => Vec::new(),
            Step::Refused { reason: Refusal::PasswordTooWeak(faults), .. } => faults,
            step @ (Step::Ask(_) | Step::Wanted { .. } | Step::Refused { .. }) => panic!("{step:?}"),
        }
    };
    for (password, fault) in [
        ("kT7!zqp", PasswordFault::TooShort),
        ("kt7zqpwv", PasswordFault::TooSimple),
        ("Password1!", PasswordFault::Common),
        ("xHoekstra-1", PasswordFault::Personal),
        ("xJennifer-1", PasswordFault::Personal),
        ("Travel0-xyz", PasswordFault::Personal),
        ("hoekstra-db-X1", PasswordFault::Personal),
    ] {
        assert_eq!(refusals(password).await, [fault], "{password}");
    }
    for password in ["kT7!zqpw", "four quiet Words 1 day", &"a Long one with spaces 9 ".repeat(9)] {
        assert_eq!(refusals(password).await, [], "{password}");
    }
}

#[tokio::test]
async fn db_11_the_three_thousand_commonest_passwords_are_refused() {
    let house =
        House::with(json!({ "passwordPolicy": "none", "password_dictionary": { "enable": true } })).await;
    let list = include_str!("../../../connectors/database/src/common-passwords.txt");
    assert!(list.lines().count() >= 3_000);
    for common in list.lines().step_by(97) {
        let form = [("email", "jennifer@travel0.test"), ("password", common)];
        let step = house.converse(Intent::SignUp, form).await.unwrap();
        let Step::Refused { reason: Refusal::PasswordTooWeak(faults), .. } = &step else {
            panic!("{common}: {step:?}")
        };
        assert_eq!(*faults, [PasswordFault::Common], "{common}");
    }
}

#[tokio::test]
async fn db_11_a_password_is_not_used_again_within_its_history() {
    let house = House::with(json!({ "password_history": { "enable": true, "size": 2 } })).await;
    let user = house.account("jennifer@travel0.test", Some(PASSWORD)).await;
    let caller = portico_core::account::Caller::default();
    for (password, taken) in [
        (PASSWORD, false),
        (OTHER, true),
        (PASSWORD, false),
        ("third Window 12 apples", true),
        (PASSWORD, true),
    ] {
        house.clock.advance(std::time::Duration::from_hours(1));
        house.ask_for_reset("jennifer@travel0.test").await;
        let ticket = house.newest_ticket().await;
        let changed = house.service.change_password(&ticket, password.into(), &caller).await.unwrap();
        assert_eq!(changed.is_ok(), taken, "{password}: {changed:?}");
    }
    assert_eq!(house.events(EventKind::PasswordChangeFailed).await.len(), 2);
    assert!(house.user(&user).await.last_password_reset.is_some());
}
