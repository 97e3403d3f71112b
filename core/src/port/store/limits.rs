//! Owns the storage of rate limits.
//! Never touches what is limited, or by how much.

use super::{Durability, Store, StoreError};
use crate::time::Timestamp;
use async_trait::async_trait;
use std::time::Duration;

/// Rate limits by GCRA: one row a key, charged in one statement, before the work (`security.md` §3.5).
#[async_trait]
pub trait Limits: Send {
    /// Charge one event to each of these keys, all or none; `None` when it fits, else the first key that is full and
    /// when it will have room.
    async fn charge(
        &mut self,
        charges: &[Charge],
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError>;
    /// Take back one event from each of these keys.
    async fn refund(&mut self, charges: &[Charge], now: Timestamp) -> Result<(), StoreError>;
    /// Forget what was charged to this key.
    async fn forget(&mut self, key: &str) -> Result<(), StoreError>;
    /// Delete keys that have been empty since before; how many there were.
    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError>;
}

impl dyn Store + '_ {
    /// Charge one event to each of these keys, in a unit of its own ([`Limits::charge`]).
    pub async fn charge(
        &self,
        charges: &[Charge],
        now: Timestamp,
    ) -> Result<Option<(String, Timestamp)>, StoreError> {
        let charges = charges.to_vec();
        // Who can cut the power has other ways in: a count is not worth the wait for a disk.
        self.write_as(Durability::Lazy, move |unit| {
            Box::pin(async move { unit.limits().charge(&charges, now).await })
        })
        .await
    }

    /// Take back one event from each of these keys, in a unit of its own.
    pub async fn refund(&self, charges: &[Charge], now: Timestamp) -> Result<(), StoreError> {
        let charges = charges.to_vec();
        self.write_as(Durability::Lazy, move |unit| {
            Box::pin(async move { unit.limits().refund(&charges, now).await })
        })
        .await
    }
}

/// One event against one key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Charge {
    /// What is counted, such as `login:ip+id:…`. Holds no personal data in the clear: identifiers are hashed.
    pub key: String,
    /// How many fit at once.
    pub burst: u32,
    /// After how long there is room for one more.
    pub period: Duration,
}
