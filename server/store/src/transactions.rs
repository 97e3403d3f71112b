//! Owns [`Transactions`] in SQL. Documents are sealed whole, and found by the hash of their handle.
//! Never touches stages, but for whether one is final.

use crate::{
    seal::TRANSACTION_DOCUMENT,
    sql::{FromRow, Row, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::TransactionId,
    login::Transaction,
    port::store::{StoreError, Transactions},
    secret::TokenHash,
    time::Timestamp,
};

/// How many unfinished logins a browser may have (`security.md` §3.4).
const UNFINISHED: i64 = 8;

impl FromRow for Transaction {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.open_json(&TRANSACTION_DOCUMENT, &row.get::<String>("transaction_hash")?)
    }
}

#[async_trait]
impl<S: Session> Transactions for SqlUnit<S> {
    async fn find(&mut self, id: &TransactionId) -> Result<Option<Transaction>, StoreError> {
        self.optional(sql!(
            "SELECT transaction_hash, document FROM transactions WHERE transaction_hash = $1",
            &TokenHash::of(id.as_str()),
        ))
        .await
    }

    async fn insert(&mut self, transaction: &Transaction) -> Result<(), StoreError> {
        self.execute(sql!(
            "DELETE FROM transactions WHERE transaction_hash IN
                 (SELECT transaction_hash FROM transactions WHERE browser = $1 AND is_final = FALSE
                  ORDER BY created_at DESC, transaction_hash LIMIT 1000 OFFSET $2)",
            &transaction.browser,
            UNFINISHED - 1,
        ))
        .await?;
        let hash = TokenHash::of(transaction.id.as_str());
        self.execute(sql!(
            "INSERT INTO transactions (transaction_hash, version, browser, is_final, document, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &hash,
            transaction.version,
            &transaction.browser,
            transaction.stage.is_final(),
            self.seal_json(&TRANSACTION_DOCUMENT, hash.as_str(), transaction)?,
            transaction.created_at,
            transaction.expires_at,
        ))
        .await
        .map(drop)
    }

    async fn advance(&mut self, next: &Transaction) -> Result<(), StoreError> {
        let hash = TokenHash::of(next.id.as_str());
        let swapped = self
            .changed(sql!(
                "UPDATE transactions SET version = $2, is_final = $3, document = $4, expires_at = $5
                 WHERE transaction_hash = $1 AND version + 1 = $2",
                &hash,
                next.version,
                next.stage.is_final(),
                self.seal_json(&TRANSACTION_DOCUMENT, hash.as_str(), next)?,
                next.expires_at,
            ))
            .await?;
        if swapped { Ok(()) } else { Err(StoreError::Stale) }
    }

    async fn count_of(&mut self, browser: &TokenHash) -> Result<i64, StoreError> {
        self.number(sql!(
            "SELECT COUNT(*) AS value FROM transactions WHERE browser = $1 AND is_final = FALSE",
            browser,
        ))
        .await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM transactions WHERE expires_at < $1", before)).await
    }
}
