//! Owns [`Outbox`] in SQL. What templates are filled with is sealed.
//! Never touches how messages are rendered or sent.

use crate::{
    seal::OUTBOX_DATA,
    sql::{FromRow, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::MailId,
    model::{OutboxMail, OutboxState},
    port::store::{Outbox, Page, StoreError},
    time::Timestamp,
};
use serde_json::Map;

const COLUMNS: &str =
    "mail_id, recipient, template, organization_id, data, state, attempts, last_error, created_at,
        next_attempt_at";

impl FromRow for OutboxMail {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: String = row.get("mail_id")?;
        let wiped = row.get::<Option<String>>("data")?.is_none();
        Ok(Self {
            id: row.parse("mail_id")?,
            to: row.get("recipient")?,
            template: row.get("template")?,
            organization_id: row.parse_optional("organization_id")?,
            data: if wiped { Map::new() } else { row.open_json(&OUTBOX_DATA, &id)? },
            state: state(&row.get::<String>("state")?)?,
            attempts: row.get("attempts")?,
            last_error: row.get("last_error")?,
            created_at: row.at("created_at")?,
            next_attempt_at: row.at("next_attempt_at")?,
        })
    }
}

#[async_trait]
impl<S: Session> Outbox for SqlUnit<S> {
    async fn push(&mut self, mail: &OutboxMail) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO outbox (mail_id, recipient, template, organization_id, data, state, attempts, last_error,
                 created_at, next_attempt_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &mail.id,
            &mail.to,
            &mail.template,
            mail.organization_id.as_ref(),
            self.seal_json(&OUTBOX_DATA, mail.id.as_str(), &mail.data)?,
            mail.state.as_str(),
            mail.attempts,
            mail.last_error.as_deref(),
            mail.created_at,
            mail.next_attempt_at,
        ))
        .await
        .map(drop)
    }

    async fn claim(
        &mut self,
        now: Timestamp,
        until: Timestamp,
        take: i64,
    ) -> Result<Vec<OutboxMail>, StoreError> {
        // The condition is repeated outside: on PostgreSQL it is then looked at again for a row that another node has
        // taken while this one waited for it.
        let claim = sql!(
            "UPDATE outbox SET next_attempt_at = $2, attempts = attempts + 1
             WHERE state = 'pending' AND next_attempt_at <= $1 AND mail_id IN
                 (SELECT mail_id FROM outbox WHERE state = 'pending' AND next_attempt_at <= $1
                  ORDER BY next_attempt_at, mail_id LIMIT $3)
             RETURNING ",
            now,
            until,
            take.max(0),
        );
        let mut claimed: Vec<OutboxMail> = self.all(claim.push(COLUMNS)).await?;
        claimed.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(claimed)
    }

    async fn settle(
        &mut self,
        id: &MailId,
        state: OutboxState,
        error: Option<&str>,
        next_attempt_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(sql!(
            "UPDATE outbox SET state = $2, last_error = $3, next_attempt_at = $4,
                 data = CASE WHEN CAST($2 AS TEXT) = 'pending' THEN data END
             WHERE mail_id = $1",
            id,
            state.as_str(),
            error,
            next_attempt_at,
        ))
        .await
        .map(drop)
    }

    async fn list(&mut self, state: Option<OutboxState>, page: &Page) -> Result<Vec<OutboxMail>, StoreError> {
        let mut query = Sql::new("SELECT ").push(COLUMNS).push(" FROM outbox WHERE TRUE");
        if let Some(state) = state {
            query = query.push(" AND state = ").bind(state.as_str());
        }
        self.all(query.page(page, "created_at", "mail_id")).await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!("DELETE FROM outbox WHERE state <> 'pending' AND created_at < $1", before)).await
    }
}

fn state(text: &str) -> Result<OutboxState, StoreError> {
    [OutboxState::Pending, OutboxState::Sent, OutboxState::Failed]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| StoreError::backend(format!("`{text}` is not a state of messages")))
}
