//! Owns [`Codes`] in SQL.
//! Never touches codes: it knows their hashes.

use crate::{
    sql::{FromRow, JsonText, Row, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    model::AuthorizationCode,
    port::store::{Codes, StoreError},
    secret::TokenHash,
    time::Timestamp,
};

impl FromRow for AuthorizationCode {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { consumed_at: row.at_optional("consumed_at")?, ..row.json("document")? })
    }
}

#[async_trait]
impl<S: Session> Codes for SqlUnit<S> {
    async fn find(&mut self, hash: &TokenHash) -> Result<Option<AuthorizationCode>, StoreError> {
        self.optional(sql!("SELECT document, consumed_at FROM codes WHERE code_hash = $1", hash)).await
    }

    async fn insert(&mut self, code: &AuthorizationCode) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO codes (code_hash, user_id, document, expires_at, consumed_at) VALUES ($1, $2, $3, $4, $5)",
            &code.hash,
            &code.family.user_id,
            JsonText(code).encode()?,
            code.expires_at,
            code.consumed_at,
        ))
        .await
        .map(drop)
    }

    async fn consume(&mut self, hash: &TokenHash, at: Timestamp) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE codes SET consumed_at = $2 WHERE code_hash = $1 AND consumed_at IS NULL",
            hash,
            at,
        ))
        .await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM codes WHERE expires_at < $1", before)).await
    }
}
