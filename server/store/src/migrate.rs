//! Owns bringing a schema up to date: every file that has not run yet, in order, in one transaction.
//! Never touches rows, but for the data keys that are made with the first schema.

use crate::{
    data_keys,
    seal::{Keks, Vault},
    sql::{FromRow, Row, sql},
    unit::{Session, SqlUnit},
};
use portico_core::port::store::{StoreError, Verdict};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A file's name and text. `0002_x.postgres.sql` is for PostgreSQL, `0002_x.sql` for all.
pub(crate) type Migration = (&'static str, &'static str);

/// The files in `migrations/`, in order.
pub(crate) const MIGRATIONS: &[Migration] = &[
    ("0001_init.sql", include_str!("../migrations/0001_init.sql")),
    ("0002_partners.sql", include_str!("../migrations/0002_partners.sql")),
    ("0003_upstream_sessions.sql", include_str!("../migrations/0003_upstream_sessions.sql")),
    ("0004_departures.sql", include_str!("../migrations/0004_departures.sql")),
    ("0005_jobs.sql", include_str!("../migrations/0005_jobs.sql")),
    ("0006_actions.sql", include_str!("../migrations/0006_actions.sql")),
];

/// Whether opening a store may change its schema.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Schema {
    /// Apply what is missing.
    #[default]
    Update,
    /// Refuse to open a store that lacks something.
    Require,
}

struct Applied {
    name: String,
    checksum: String,
}

impl FromRow for Applied {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { name: row.get("name")?, checksum: row.get("checksum")? })
    }
}

/// Bring the schema up to date, and unlock the vault.
///
/// Refuses if a file was edited after it had been applied, or if a data key cannot be unwrapped: data keys are made
/// together with the first schema and never again. Nodes that start at once wait for each other. Files this program
/// does not know are none of its business, so an old node can restart during a rolling update.
pub(crate) async fn prepare<S: Session>(
    unit: &mut SqlUnit<S>,
    files: &[Migration],
    schema: Schema,
    keks: &Keks,
) -> Result<Vault, StoreError> {
    unit.session.script(S::BEGIN_MIGRATION).await?;
    let prepared = apply(unit, files, schema, keks).await;
    let verdict = if prepared.is_ok() { Verdict::Keep } else { Verdict::Undo };
    let finished = unit.session.finish(verdict).await;
    prepared.and_then(|vault| finished.map(|()| vault))
}

/// The names of files that have not run yet. Changes nothing.
pub(crate) async fn pending<S: Session>(
    unit: &mut SqlUnit<S>,
    files: &[Migration],
) -> Result<Vec<&'static str>, StoreError> {
    unit.session.script(S::BEGIN_MIGRATION).await?;
    let missing = missing(unit, files).await;
    let finished = unit.session.finish(Verdict::Undo).await;
    let names = missing?.1.iter().map(|(name, _)| *name).collect();
    finished.map(|()| names)
}

/// The names of all files for an engine.
pub(crate) fn names(engine: &str) -> Vec<&'static str> {
    MIGRATIONS.iter().map(|(name, _)| *name).filter(|name| is_for(engine, name)).collect()
}

async fn apply<S: Session>(
    unit: &mut SqlUnit<S>,
    files: &[Migration],
    schema: Schema,
    keks: &Keks,
) -> Result<Vault, StoreError> {
    let (empty, missing) = missing(unit, files).await?;
    if schema == Schema::Require && !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        return Err(StoreError::backend(format!(
            "the schema is not up to date: {names} must be applied first"
        )));
    }
    let changes = !missing.is_empty();
    for (name, text) in missing {
        unit.session.script(text).await?;
        unit.execute(sql!("INSERT INTO migrations (name, checksum) VALUES ($1, $2)", name, checksum(text)))
            .await?;
    }
    if changes {
        unit.session.script(S::ORDER_BY_BYTES).await?;
    }
    if empty { data_keys::create(unit, keks).await } else { data_keys::unlock(unit, keks).await }
}

/// Whether nothing has run yet, and what has not.
async fn missing<S: Session>(
    unit: &mut SqlUnit<S>,
    files: &[Migration],
) -> Result<(bool, Vec<Migration>), StoreError> {
    let history =
        "CREATE TABLE IF NOT EXISTS migrations (name TEXT NOT NULL PRIMARY KEY, checksum TEXT NOT NULL)";
    unit.session.script(history).await?;
    let applied: Vec<Applied> = unit.all(sql!("SELECT name, checksum FROM migrations")).await?;
    let mut missing = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| is_for(S::ENGINE, name)) {
        match applied.iter().find(|applied| applied.name == *name) {
            Some(applied) if applied.checksum == checksum(text) => {}
            Some(_) => {
                return Err(StoreError::backend(format!("{name} was edited after it had been applied")));
            }
            None => missing.push((*name, *text)),
        }
    }
    Ok((applied.is_empty(), missing))
}

fn is_for(engine: &str, file: &str) -> bool {
    let stem = file.strip_suffix(".sql").unwrap_or(file);
    stem.rsplit_once('.').is_none_or(|(_, infix)| infix == engine)
}

fn checksum(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<_> =
            std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert_eq!(files, MIGRATIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    #[test]
    fn an_infix_names_the_engine_a_file_is_for() {
        assert!(is_for("sqlite", "0001_init.sql"));
        assert!(is_for("sqlite", "0002_x.sqlite.sql"));
        assert!(!is_for("sqlite", "0002_x.postgres.sql"));
    }
}
