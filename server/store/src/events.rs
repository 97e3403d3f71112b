//! Owns [`Events`] in SQL.
//! Never touches what is worth an entry.

use crate::{
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::LogId,
    model::AuditEvent,
    port::store::{Direction, EventFilter, Events, Page, StoreError},
    time::Timestamp,
};

impl FromRow for AuditEvent {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.json("document")
    }
}

#[async_trait]
impl<S: Session> Events for SqlUnit<S> {
    async fn insert(&mut self, event: &AuditEvent) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO events (event_id, kind, user_id, organization_id, occurred_at, document)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &event.id,
            event.kind.code(),
            event.user_id.as_ref(),
            event.organization_id.as_ref(),
            event.at,
            JsonText(event).encode()?,
        ))
        .await
        .map(drop)
    }

    async fn find(&mut self, id: &LogId) -> Result<Option<AuditEvent>, StoreError> {
        self.optional(sql!("SELECT document FROM events WHERE event_id = $1", id)).await
    }

    async fn list(&mut self, filter: &EventFilter, page: &Page) -> Result<Vec<AuditEvent>, StoreError> {
        let query = restrict(Sql::new("SELECT document FROM events WHERE TRUE"), filter);
        self.all(paged(query, page)).await
    }

    async fn count(&mut self, filter: &EventFilter) -> Result<i64, StoreError> {
        self.number(restrict(Sql::new("SELECT COUNT(*) AS value FROM events WHERE TRUE"), filter)).await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM events WHERE event_id < $1", LogId::beginning(before))).await
    }
}

/// In the order of their ids, which is that in which they happened: an entry needs no index of its time.
fn paged<'v>(mut query: Sql<'v>, page: &'v Page) -> Sql<'v> {
    let (beyond, order) = match page.direction {
        Direction::Ascending => (" AND event_id > ", " ORDER BY event_id"),
        Direction::Descending => (" AND event_id < ", " ORDER BY event_id DESC"),
    };
    if let Some((_, id)) = &page.after {
        query = query.push(beyond).bind(id);
    }
    query.push(order).limit(page)
}

fn restrict<'v>(mut query: Sql<'v>, filter: &'v EventFilter) -> Sql<'v> {
    if !filter.kinds.is_empty() {
        query = query.push(" AND kind IN ").bind_all(filter.kinds.iter().map(|kind| kind.code()));
    }
    if let Some(user) = &filter.user_id {
        query = query.push(" AND user_id = ").bind(user);
    }
    if let Some(organization) = &filter.organization_id {
        query = query.push(" AND organization_id = ").bind(organization);
    }
    query
}
