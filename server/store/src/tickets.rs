//! Owns [`Tickets`] in SQL.
//! Never touches tickets themselves: it knows their hashes.

use crate::{
    sql::{FromRow, JsonText, Row, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::UserId,
    model::{Ticket, TicketKind},
    port::store::{StoreError, Tickets},
    secret::TokenHash,
    time::Timestamp,
};

impl FromRow for Ticket {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { consumed_at: row.at_optional("consumed_at")?, ..row.json("document")? })
    }
}

#[async_trait]
impl<S: Session> Tickets for SqlUnit<S> {
    async fn find(&mut self, kind: TicketKind, hash: &TokenHash) -> Result<Option<Ticket>, StoreError> {
        self.optional(sql!(
            "SELECT document, consumed_at FROM tickets WHERE ticket_hash = $1 AND kind = $2",
            hash,
            kind.as_str(),
        ))
        .await
    }

    async fn insert(&mut self, ticket: &Ticket) -> Result<(), StoreError> {
        self.execute(sql!(
            "UPDATE tickets SET consumed_at = $3 WHERE user_id = $1 AND kind = $2 AND consumed_at IS NULL",
            &ticket.user_id,
            ticket.kind.as_str(),
            ticket.created_at,
        ))
        .await?;
        self.execute(sql!(
            "INSERT INTO tickets (ticket_hash, kind, user_id, document, created_at, expires_at, consumed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &ticket.hash,
            ticket.kind.as_str(),
            &ticket.user_id,
            JsonText(ticket).encode()?,
            ticket.created_at,
            ticket.expires_at,
            ticket.consumed_at,
        ))
        .await
        .map(drop)
    }

    async fn consume(&mut self, hash: &TokenHash, at: Timestamp) -> Result<bool, StoreError> {
        // Two that were made at once on PostgreSQL do not see each other: only the newer one of them is good.
        self.changed(sql!(
            "UPDATE tickets SET consumed_at = $2
             WHERE ticket_hash = $1 AND consumed_at IS NULL AND expires_at > $2 AND NOT EXISTS
                 (SELECT 1 FROM tickets AS newer WHERE newer.user_id = tickets.user_id AND newer.kind = tickets.kind
                  AND (newer.created_at, newer.ticket_hash) > (tickets.created_at, tickets.ticket_hash))",
            hash,
            at,
        ))
        .await
    }

    async fn delete_of(&mut self, user: &UserId) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM tickets WHERE user_id = $1", user)).await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM tickets WHERE expires_at < $1", before)).await
    }
}
