//! Owns the cases of a store that somebody has tampered with, and of statements that only this crate can make.
//! Never touches PostgreSQL: what concerns both engines is in the conformance tests.

use crate::{
    data_keys,
    migrate::{MIGRATIONS, Migration, Schema, prepare},
    seal::{CLIENT_SECRET, CONNECTION_OPTIONS, Kek, Keks},
    sql::{Column, FromRow, JsonText, Row, Sql, sql},
    sqlite::{self, SqliteStore},
    unit::SqlUnit,
};
use portico_core::{
    model::RuleConfig,
    port::store::{Rules, Store, StoreError, UnitOfWork},
    secret::Secret,
};
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

fn keks() -> Keks {
    Keks::new(Kek::new([1; 32]), Vec::new())
}

fn file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    (folder, file)
}

async fn open(file: &Path, migrations: &[Migration]) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(SqliteStore::open(file, migrations, Schema::Update, &keks()).await?))
}

async fn unit(file: &Path) -> SqlUnit<Connection> {
    let mut unit = sqlite::unit(file).unwrap();
    unit.vault = Arc::new(prepare(&mut unit, MIGRATIONS, Schema::Update, &keks()).await.unwrap());
    unit
}

#[tokio::test]
async fn inf_09_a_ciphertext_opens_in_its_own_row_and_column_alone() {
    let (_folder, file) = file();
    let unit = unit(&file).await;
    let sealed = unit.vault.seal(&CLIENT_SECRET, "a", b"secret").unwrap();
    assert_eq!(unit.vault.open(&CLIENT_SECRET, "a", &sealed).unwrap().as_slice(), b"secret");
    assert!(unit.vault.open(&CLIENT_SECRET, "b", &sealed).is_err(), "another row");
    assert!(unit.vault.open(&CONNECTION_OPTIONS, "a", &sealed).is_err(), "another column");
    let other_key = sealed.replacen("1.", "2.", 1);
    assert!(unit.vault.open(&CLIENT_SECRET, "a", &other_key).is_err(), "another data key");
    for at in 2..sealed.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        // The last character holds bits that do not count: then base64 is not canonical, and is refused as well.
        let changed = String::from_utf8(changed).unwrap();
        assert!(unit.vault.open(&CLIENT_SECRET, "a", &changed).is_err(), "changed at {at}");
    }
    let again = unit.vault.seal(&CLIENT_SECRET, "a", b"secret").unwrap();
    assert_ne!(sealed, again, "the same text is sealed differently every time");
}

#[tokio::test]
async fn inf_09_swapped_rows_are_found_and_do_not_open() {
    let (_folder, file) = file();
    let mut unit = unit(&file).await;
    for key in ["a", "b", "c"] {
        let config = RuleConfig { key: key.to_owned(), value: Secret::new(format!("value of {key}")) };
        unit.rules().set_config(&config).await.unwrap();
    }
    assert_eq!(data_keys::verify(&mut unit).await.unwrap().unreadable, Vec::<String>::new());
    let swap = "CREATE TEMP TABLE before AS SELECT config_key, value FROM rule_configs;
                UPDATE rule_configs SET value = (SELECT value FROM before WHERE before.config_key =
                    CASE rule_configs.config_key WHEN 'a' THEN 'b' ELSE 'a' END)
                WHERE config_key <> 'c'";
    unit.session.execute_batch(swap).unwrap();
    let verified = data_keys::verify(&mut unit).await.unwrap();
    assert_eq!(verified.readable, 1);
    assert_eq!(verified.unreadable, ["rule_configs.value of a", "rule_configs.value of b"]);
    let refused = Rules::configs(&mut unit).await.unwrap_err().to_string();
    assert_eq!(refused, "`rule_configs.value` of a row cannot be decrypted");
}

#[tokio::test]
async fn inf_10_lost_data_keys_are_never_made_anew() {
    let (_folder, file) = file();
    unit(&file).await.session.execute_batch("DELETE FROM data_keys").unwrap();
    let refused = open(&file, MIGRATIONS).await.map(drop).unwrap_err().to_string();
    assert!(refused.contains("lost its data keys"), "{refused}");
    let keys: i64 = Connection::open(&file)
        .and_then(|file| file.query_row("SELECT COUNT(*) FROM data_keys", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(keys, 0);
}

#[tokio::test]
async fn an_edited_migration_is_refused() {
    const EDITED: &[Migration] = &[("0001_init.sql", "CREATE TABLE other (x TEXT)")];
    let (_folder, file) = file();
    open(&file, MIGRATIONS).await.unwrap();
    let edited = open(&file, EDITED).await.map(drop).unwrap_err();
    assert!(edited.to_string().contains("0001_init.sql was edited"), "{edited}");
}

#[tokio::test]
async fn inf_16_migrations_are_all_or_nothing() {
    const KEYS: &str = "CREATE TABLE data_keys (data_key_id BIGINT, kek_id TEXT, wrapped TEXT);";
    const BAD: &[Migration] = &[("0001.sql", KEYS), ("0002.sql", "CREATE TABLE bad (x TEXT); NONSENSE;")];
    const GOOD: &[Migration] = &[("0001.sql", KEYS), ("0002.sql", "CREATE TABLE bad (x TEXT);")];
    let (_folder, file) = file();
    assert!(open(&file, BAD).await.is_err());
    open(&file, GOOD).await.unwrap();
}

/// A deferred constraint is the one way to fail a commit on demand; and why there must be none.
#[tokio::test]
async fn a_failed_commit_fails_its_unit_and_leaves_the_store_usable() {
    let (_folder, file) = file();
    let store = open(&file, MIGRATIONS).await.unwrap();
    let other = Connection::open(&file).unwrap();
    other
        .execute_batch(
            "DROP TABLE rule_configs;
             CREATE TABLE rule_configs (config_key TEXT PRIMARY KEY REFERENCES roles (role_id)
                 DEFERRABLE INITIALLY DEFERRED, value TEXT)",
        )
        .unwrap();
    let set = async |key: &'static str| -> Result<(), StoreError> {
        let config = RuleConfig { key: key.to_owned(), value: Secret::new("x") };
        store.write(move |unit| Box::pin(async move { unit.rules().set_config(&config).await })).await
    };
    let refused = set("nobody").await;
    assert!(matches!(refused, Err(StoreError::Backend(_))), "{refused:?}");
    let marked: Result<bool, StoreError> =
        store.write(|unit| Box::pin(async move { unit.tenant().set_mark("m", "v").await })).await;
    assert!(marked.unwrap());
    let left: i64 = other.query_row("SELECT COUNT(*) FROM rule_configs", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

struct Pair<A, B>(A, B);

impl<A: Column + Send, B: Column + Send> FromRow for Pair<A, B> {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(row.get("a")?, row.get("b")?))
    }
}

#[tokio::test]
async fn placeholders_are_bound_by_their_numbers() {
    let mut unit = SqlUnit::new(Connection::open_in_memory().unwrap(), Arc::default());
    let Pair(a, b): Pair<String, String> = unit
        .one(sql!(
            "SELECT CAST($2 AS TEXT) || '$1' || /* $3 it's */ CAST($2 AS TEXT) AS a, -- $4 '
                    CAST($1 AS TEXT) || \"$5\" AS b FROM (SELECT 'five' AS \"$5\") AS t",
            "one",
            "two",
        ))
        .await
        .unwrap();
    assert_eq!((a.as_str(), b.as_str()), ("two$1two", "onefive"));
    unit.session.execute_batch("CREATE TABLE t (a BIGINT, b TEXT)").unwrap();
    let rows = (0..12).map(|n| [n.into(), format!("[{n}]").into()]);
    unit.execute(Sql::new("INSERT INTO t (a, b) VALUES ").bind_rows(rows)).await.unwrap();
    let many = Sql::new("SELECT a, b FROM t WHERE a IN ").bind_all(0..11).push(" ORDER BY a DESC");
    assert_eq!(many.params.len(), 16, "few texts have to be prepared");
    let rows: Vec<Pair<i64, JsonText<Vec<i64>>>> = unit.all(many).await.unwrap();
    assert_eq!((rows.len(), rows[0].0, &rows[0].1), (11, 10, &JsonText(vec![10])));
    assert!(unit.execute(sql!("INSERT INTO t (a) VALUES ($1)")).await.is_err(), "too few parameters");
    assert!(matches!(unit.execute(sql!("DELETE FROM t")).await, Err(StoreError::Broken)));
}
