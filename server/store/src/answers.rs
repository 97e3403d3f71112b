//! Owns [`Answers`] in SQL.
//! Never touches answers: it knows hashes of their marks.

use crate::{
    sql::sql,
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::ConnectionId,
    port::store::{Answers, StoreError},
    secret::TokenHash,
    time::Timestamp,
};

#[async_trait]
impl<S: Session> Answers for SqlUnit<S> {
    async fn consume(
        &mut self,
        connection: &ConnectionId,
        mark: &TokenHash,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "INSERT INTO used_answers (connection_id, answer_hash, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (connection_id, answer_hash) DO NOTHING",
            connection,
            mark,
            until,
        ))
        .await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM used_answers WHERE expires_at < $1", before)).await
    }
}
