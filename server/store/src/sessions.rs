//! Owns [`Sessions`] in SQL.
//! Never touches cookies: it knows their hashes.

use crate::{
    seal::SESSION_UPSTREAM,
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session as Engine, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    connector::Evidence,
    id::{ClientId, SessionId, UserId},
    model::Session,
    port::store::{Sessions, StoreError},
    secret::TokenHash,
    time::Timestamp,
};

const SELECT: &str = "SELECT s.session_id, s.document, s.upstream, s.used_at, s.idle_expires_at,
        (SELECT string_agg(c.client_id, ' ' ORDER BY c.client_id) FROM session_clients AS c
         WHERE c.session_id = s.session_id) AS clients
    FROM sessions AS s WHERE ";

impl FromRow for Session {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: String = row.get("session_id")?;
        let upstream = row.open_optional(&SESSION_UPSTREAM, &id)?;
        let upstream = upstream.map(|text| serde_json::from_str(text.expose())).transpose();
        Ok(Self {
            upstream: upstream.map_err(StoreError::backend)?.unwrap_or_default(),
            clients: row.parse_all("clients")?,
            used_at: row.at("used_at")?,
            idle_expires_at: row.at("idle_expires_at")?,
            ..row.json("document")?
        })
    }
}

struct Location(String);

impl FromRow for Location {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.get("location").map(Self)
    }
}

#[async_trait]
impl<S: Engine> Sessions for SqlUnit<S> {
    async fn find_by_cookie(&mut self, cookie: &TokenHash) -> Result<Option<Session>, StoreError> {
        self.optional(Sql::new(SELECT).push("s.cookie_hash = ").bind(cookie)).await
    }

    async fn find(&mut self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.optional(Sql::new(SELECT).push("s.session_id = ").bind(id)).await
    }

    async fn of_upstream(&mut self, upstream: &TokenHash) -> Result<Vec<Session>, StoreError> {
        self.all(Sql::new(SELECT).push("s.upstream_hash = ").bind(upstream)).await
    }

    async fn insert(&mut self, session: &Session) -> Result<(), StoreError> {
        let id = session.id.as_str();
        let known = session.upstream != Evidence::default();
        let upstream = known.then(|| self.seal_json(&SESSION_UPSTREAM, id, &session.upstream)).transpose()?;
        let name = session.upstream.name.as_deref();
        let upstream_hash = name.map(|name| Session::upstream_hash(&session.connection_id, name));
        self.execute(sql!(
            "INSERT INTO sessions (session_id, cookie_hash, user_id, document, used_at, idle_expires_at, expires_at,
                 upstream, upstream_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &session.id,
            &session.cookie,
            &session.user_id,
            JsonText(session).encode()?,
            session.used_at,
            session.idle_expires_at,
            session.expires_at,
            upstream,
            upstream_hash.as_ref(),
        ))
        .await?;
        if session.clients.is_empty() {
            return Ok(());
        }
        let clients = session.clients.iter().map(|client| [(&session.id).into(), client.into()]);
        let insert = Sql::new("INSERT INTO session_clients (session_id, client_id) VALUES ");
        self.execute(insert.bind_rows(clients).push(" ON CONFLICT DO NOTHING")).await.map(drop)
    }

    async fn touch(
        &mut self,
        id: &SessionId,
        client: &ClientId,
        used_at: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let touched = self
            .changed(sql!(
                "UPDATE sessions SET used_at = $2, idle_expires_at = $3 WHERE session_id = $1",
                id,
                used_at,
                idle_expires_at,
            ))
            .await?;
        if touched {
            self.execute(sql!(
                "INSERT INTO session_clients (session_id, client_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                id,
                client,
            ))
            .await?;
        }
        Ok(touched)
    }

    async fn delete(&mut self, id: &SessionId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM sessions WHERE session_id = $1", id)).await
    }

    async fn delete_of(&mut self, user: &UserId, except: Option<&SessionId>) -> Result<u64, StoreError> {
        let mut delete = Sql::new("DELETE FROM sessions WHERE user_id = ").bind(user);
        if let Some(kept) = except {
            delete = delete.push(" AND session_id <> ").bind(kept);
        }
        self.execute(delete).await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let sessions = sql!("DELETE FROM sessions WHERE expires_at < $1 OR idle_expires_at < $1", before);
        let swept = self.execute(sessions).await?;
        Ok(swept + self.execute(sql!("DELETE FROM departures WHERE expires_at < $1", before)).await?)
    }

    async fn depart(
        &mut self,
        handle: &TokenHash,
        location: &str,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO departures (handle_hash, location, expires_at) VALUES ($1, $2, $3)",
            handle,
            location,
            until,
        ))
        .await
        .map(drop)
    }

    async fn arrive(&mut self, handle: &TokenHash, now: Timestamp) -> Result<Option<String>, StoreError> {
        let arrived = sql!(
            "DELETE FROM departures WHERE handle_hash = $1 AND expires_at > $2 RETURNING location",
            handle,
            now,
        );
        Ok(self.optional(arrived).await?.map(|Location(location)| location))
    }
}
