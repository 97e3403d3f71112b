//! Owns [`Limits`] in SQL: GCRA, one row a key.
//! Never touches what is limited, or by how much.
//!
//! A key's `tat` is the instant at which it would be empty again. An event moves it `period` further, from now if it
//! lies in the past, and fits if it is then at most `capacity` = `burst` × `period` ahead of now.

use crate::{
    sql::{FromRow, Row, Sql, Value, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    port::store::{Charge, Limits, StoreError},
    time::Timestamp,
};
use std::collections::BTreeMap;

struct Charged(String);

impl FromRow for Charged {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.get("limit_key").map(Self)
    }
}

struct Level {
    key: String,
    tat: i64,
}

impl FromRow for Level {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { key: row.get("limit_key")?, tat: row.get("tat")? })
    }
}

#[async_trait]
impl<S: Session> Limits for SqlUnit<S> {
    async fn charge(
        &mut self,
        charges: &[Charge],
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let wanted = by_key(charges);
        if let Some(closed) = charges.iter().find(|charge| charge.burst == 0) {
            return Ok(Some((closed.key.clone(), now.plus(closed.period))));
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let charged = self.charge_each(&wanted, now).await?;
        if charged.len() == wanted.len() {
            return Ok(None);
        }
        // All or none. The rows are locked since they were looked at, those that are full too.
        self.take_back(charged.iter().map(|Charged(key)| key.as_str())).await?;
        let full =
            wanted.keys().copied().filter(|key| !charged.iter().any(|Charged(charged)| charged == key));
        let query = Sql::new("SELECT limit_key, tat FROM limits WHERE limit_key IN ").bind_all(full);
        let levels: Vec<Level> = self.all(query).await?;
        let first = charges.iter().find_map(|charge| {
            let level = levels.iter().find(|level| level.key == charge.key)?;
            Some((level.key.clone(), Timestamp(level.tat + period(charge) - capacity(charge))))
        });
        first.map(Some).ok_or_else(|| StoreError::backend("a key was full, and is gone"))
    }

    async fn refund(&mut self, charges: &[Charge], now: Timestamp) -> Result<(), StoreError> {
        if charges.is_empty() {
            return Ok(());
        }
        // An insert, not an update: it locks rows in the order it is given, which is everybody's.
        let rows = by_key(charges).into_iter().map(|(key, charge)| row(key, charge, now.0));
        let refund =
            Sql::new("INSERT INTO limits (limit_key, tat, period, capacity) VALUES ").bind_rows(rows);
        let refund = refund.push(" ON CONFLICT (limit_key) DO UPDATE SET tat = limits.tat - excluded.period");
        self.execute(refund).await.map(drop)
    }

    async fn forget(&mut self, key: &str) -> Result<(), StoreError> {
        self.execute(sql!("DELETE FROM limits WHERE limit_key = $1", key)).await.map(drop)
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM limits WHERE tat < $1", before)).await
    }
}

impl<S: Session> SqlUnit<S> {
    /// Charge those keys that have room; which they were.
    async fn charge_each(
        &mut self,
        wanted: &BTreeMap<&str, &Charge>,
        now: Timestamp,
    ) -> Result<Vec<Charged>, StoreError> {
        let rows = wanted.iter().map(|(key, charge)| row(key, charge, now.0 + period(charge)));
        // `excluded` is the row as it would be for an empty key: `excluded.tat - excluded.period` is now.
        let insert =
            Sql::new("INSERT INTO limits (limit_key, tat, period, capacity) VALUES ").bind_rows(rows).push(
                " ON CONFLICT (limit_key) DO UPDATE SET
                 tat = CASE WHEN limits.tat > excluded.tat - excluded.period
                     THEN limits.tat + excluded.period ELSE excluded.tat END,
                 period = excluded.period,
                 capacity = excluded.capacity
             WHERE limits.tat <= excluded.tat - excluded.period
                 OR limits.tat + excluded.period <= excluded.tat - excluded.period + excluded.capacity
             RETURNING limit_key",
            );
        self.all(insert).await
    }

    /// Take back what this unit has just charged to these keys.
    async fn take_back(&mut self, keys: impl Iterator<Item = &str> + Send) -> Result<(), StoreError> {
        let keys: Vec<&str> = keys.collect();
        let update = Sql::new("UPDATE limits SET tat = tat - period WHERE limit_key IN ").bind_all(keys);
        self.execute(update).await.map(drop)
    }
}

/// Each key once, in the order in which everybody locks rows.
fn by_key(charges: &[Charge]) -> BTreeMap<&str, &Charge> {
    charges.iter().map(|charge| (charge.key.as_str(), charge)).collect()
}

fn row<'v>(key: &'v str, charge: &Charge, tat: i64) -> [Value<'v>; 4] {
    [key.into(), tat.into(), period(charge).into(), capacity(charge).into()]
}

fn period(charge: &Charge) -> i64 {
    i64::try_from(charge.period.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

fn capacity(charge: &Charge) -> i64 {
    period(charge).saturating_mul(charge.burst.into()).min(i64::MAX / 4)
}
