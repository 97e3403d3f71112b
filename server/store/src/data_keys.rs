//! Owns the table of wrapped data keys, and the check that every sealed column of a store opens.
//! Never touches ciphers: those are the vault's.

use crate::{
    seal::{self, Keks, Place, SEALED, Vault, WrappedKey},
    sql::{FromRow, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use portico_core::port::store::StoreError;

/// Rows looked at in one statement.
const BATCH: i64 = 500;

impl FromRow for WrappedKey {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { number: row.get("data_key_id")?, kek: row.get("kek_id")?, wrapped: row.get("wrapped")? })
    }
}

/// Make the first data key of a new store.
pub(crate) async fn create<S: Session>(unit: &mut SqlUnit<S>, keks: &Keks) -> Result<Vault, StoreError> {
    let key = seal::new_data_key(keks, 1)?;
    unit.execute(sql!(
        "INSERT INTO data_keys (data_key_id, kek_id, wrapped) VALUES ($1, $2, $3)",
        key.number,
        &key.kek,
        &key.wrapped,
    ))
    .await?;
    Vault::unlock(keks, &[key])
}

/// Unwrap the data keys of a store that has some.
pub(crate) async fn unlock<S: Session>(unit: &mut SqlUnit<S>, keks: &Keks) -> Result<Vault, StoreError> {
    let wrapped = all(unit).await?;
    if wrapped.is_empty() {
        return Err(StoreError::backend(
            "this store has lost its data keys: nothing sealed in it can be read",
        ));
    }
    Vault::unlock(keks, &wrapped)
}

/// Wrap every data key under the newest key-encryption key; how many were not.
pub(crate) async fn rewrap<S: Session>(unit: &mut SqlUnit<S>, keks: &Keks) -> Result<u64, StoreError> {
    let mut changed = 0;
    // One statement a key: a store has as many data keys as it was rotated times, which is a handful.
    for old in all(unit).await? {
        if let Some(new) = seal::rewrap(keks, &old)? {
            changed += unit
                .execute(sql!(
                    "UPDATE data_keys SET kek_id = $2, wrapped = $3 WHERE data_key_id = $1 AND wrapped = $4",
                    new.number,
                    &new.kek,
                    &new.wrapped,
                    &old.wrapped,
                ))
                .await?;
        }
    }
    Ok(changed)
}

async fn all<S: Session>(unit: &mut SqlUnit<S>) -> Result<Vec<WrappedKey>, StoreError> {
    unit.all(sql!("SELECT data_key_id, kek_id, wrapped FROM data_keys ORDER BY data_key_id")).await
}

/// What became of the sealed columns of a store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verified {
    /// How many opened.
    pub readable: u64,
    /// Those that did not, as `table.column of row`.
    pub unreadable: Vec<String>,
}

/// A sealed column of a row, unopened.
struct Sealed {
    row: String,
    text: String,
}

impl FromRow for Sealed {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { row: row.get("row_key")?, text: row.get("sealed")? })
    }
}

/// Open every sealed column of every row.
pub(crate) async fn verify<S: Session>(unit: &mut SqlUnit<S>) -> Result<Verified, StoreError> {
    let mut verified = Verified::default();
    for place in &SEALED {
        let mut after = String::new();
        loop {
            let rows = batch(unit, place, &after).await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.row);
            for Sealed { row, text } in &rows {
                match unit.vault.open(place, row, text) {
                    Ok(_) => verified.readable += 1,
                    Err(_) => {
                        verified.unreadable.push(format!("{}.{} of {row}", place.table, place.column));
                    }
                }
            }
        }
    }
    Ok(verified)
}

async fn batch<S: Session>(
    unit: &mut SqlUnit<S>,
    place: &Place,
    after: &str,
) -> Result<Vec<Sealed>, StoreError> {
    let query = Sql::new("SELECT ").push(place.key).push(" AS row_key, ").push(place.column);
    let query = query.push(" AS sealed FROM ").push(place.table).push(" WHERE ").push(place.column);
    let query = query.push(" IS NOT NULL AND ").push(place.key).push(" > ").bind(after);
    unit.all(query.push(" ORDER BY ").push(place.key).push(" LIMIT ").bind(BATCH)).await
}
