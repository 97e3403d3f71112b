//! Owns what operators do to a store from the command line: migrate, check, rewrap, back up.
//! Never touches a running server: each opens the store for itself, and may run beside one.

use crate::{
    data_keys::{self, Verified},
    migrate::{self, MIGRATIONS, Schema},
    options::{Location, StoreOptions},
    postgres::PostgresStore,
    sql::sql,
    sqlite,
    unit::{Session, SqlUnit},
};
use portico_core::{
    port::store::{StoreError, Verdict},
    time::Timestamp,
};
use std::{path::Path, sync::Arc};

/// The migrations a store lacks, by name, in order. Changes nothing, and makes no file.
pub async fn pending(url: &str, options: &StoreOptions) -> Result<Vec<&'static str>, StoreError> {
    match Location::of(url) {
        Location::File(path) if !path.exists() => Ok(migrate::names("sqlite")),
        Location::File(path) => migrate::pending(&mut sqlite::unit(&path)?, MIGRATIONS).await,
        Location::Server(url) => {
            migrate::pending(&mut PostgresStore::connect(url, options)?.unit().await?, MIGRATIONS).await
        }
    }
}

/// Apply the migrations a store lacks; which they were.
pub async fn migrate(url: &str, options: &StoreOptions) -> Result<Vec<&'static str>, StoreError> {
    let missing = pending(url, options).await?;
    let options = StoreOptions { schema: Schema::Update, ..options.clone() };
    crate::open(url, &options).await?;
    Ok(missing)
}

/// Decrypt every secret of a store, for `portico check`.
pub async fn verify_secrets(url: &str, options: &StoreOptions) -> Result<Verified, StoreError> {
    match Location::of(url) {
        Location::File(path) => verify(sqlite::unit(&path)?, options).await,
        Location::Server(url) => verify(PostgresStore::connect(url, options)?.unit().await?, options).await,
    }
}

/// What is wrong with the structure of a store in a file, in `SQLite`'s words; nothing, if all is well. PostgreSQL looks
/// after that itself (`pg_amcheck`).
pub fn verify_integrity(url: &str) -> Result<Vec<String>, StoreError> {
    match Location::of(url) {
        Location::File(path) => sqlite::faults(&path),
        Location::Server(_) => Ok(Vec::new()),
    }
}

/// Wrap the data keys of a store under the newest key-encryption key; how many were not. Servers that run meanwhile
/// are not disturbed: the data keys themselves stay. Once it is done, older key-encryption keys can be taken away.
pub async fn rewrap(url: &str, options: &StoreOptions) -> Result<u64, StoreError> {
    match Location::of(url) {
        Location::File(path) => rewrap_in(sqlite::unit(&path)?, options).await,
        Location::Server(url) => {
            rewrap_in(PostgresStore::connect(url, options)?.unit().await?, options).await
        }
    }
}

/// Copy a store in a file, which may be in use, as it was at one instant, into a new file. PostgreSQL has tools of its
/// own for this.
pub fn backup(url: &str, to: &Path) -> Result<(), StoreError> {
    match Location::of(url) {
        Location::File(path) => sqlite::backup(&path, to),
        Location::Server(_) => Err(StoreError::backend("a PostgreSQL store is backed up with pg_dump")),
    }
}

/// Void what a store that was restored from a backup may have forgotten to be used up: sessions, logins in progress,
/// codes, tickets and refresh tokens (`security.md` INF-15). Invitations stay, since what came of them is gone as well.
///
/// To be run once, after restoring and before the first server is started.
pub async fn restored(url: &str, options: &StoreOptions, at: Timestamp) -> Result<(), StoreError> {
    match Location::of(url) {
        Location::File(path) => void(sqlite::unit(&path)?, at).await,
        Location::Server(url) => void(PostgresStore::connect(url, options)?.unit().await?, at).await,
    }
}

async fn void<S: Session>(mut unit: SqlUnit<S>, at: Timestamp) -> Result<(), StoreError> {
    unit.session.script(S::BEGIN_MIGRATION).await?;
    let voided = void_all(&mut unit, at).await;
    let verdict = if voided.is_ok() { Verdict::Keep } else { Verdict::Undo };
    let finished = unit.session.finish(verdict).await;
    voided.and(finished)
}

async fn void_all<S: Session>(unit: &mut SqlUnit<S>, at: Timestamp) -> Result<(), StoreError> {
    unit.execute(sql!("UPDATE users SET session_epoch = session_epoch + 1")).await?;
    unit.execute(sql!("UPDATE token_families SET revoked_at = $1 WHERE revoked_at IS NULL", at)).await?;
    unit.execute(sql!("DELETE FROM sessions")).await?;
    unit.execute(sql!("DELETE FROM codes")).await?;
    unit.execute(sql!("DELETE FROM tickets")).await?;
    unit.execute(sql!("DELETE FROM transactions")).await.map(drop)
}

async fn verify<S: Session>(mut unit: SqlUnit<S>, options: &StoreOptions) -> Result<Verified, StoreError> {
    unlock(&mut unit, options).await?;
    let verified = data_keys::verify(&mut unit).await;
    unit.session.finish(Verdict::Undo).await?;
    verified
}

async fn rewrap_in<S: Session>(mut unit: SqlUnit<S>, options: &StoreOptions) -> Result<u64, StoreError> {
    unit.session.script(S::BEGIN_MIGRATION).await?;
    let rewrapped = data_keys::rewrap(&mut unit, &options.keks).await;
    let verdict = if rewrapped.is_ok() { Verdict::Keep } else { Verdict::Undo };
    let finished = unit.session.finish(verdict).await;
    rewrapped.and_then(|changed| finished.map(|()| changed))
}

/// Begin a transaction and unlock the vault, without touching the schema.
async fn unlock<S: Session>(unit: &mut SqlUnit<S>, options: &StoreOptions) -> Result<(), StoreError> {
    unit.session.script(S::BEGIN_READING).await?;
    unit.vault = Arc::new(data_keys::unlock(unit, &options.keks).await?);
    Ok(())
}
