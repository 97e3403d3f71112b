//! Owns [`Connections`] in SQL. Options are sealed.
//! Never touches what options mean.

use crate::{
    seal::CONNECTION_OPTIONS,
    sql::{FromRow, JsonText, Row, Scalar, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{ClientId, ConnectionId},
    model::Connection,
    port::store::{ConnectionFilter, Connections, Direction, Page, StoreError},
    time::Timestamp,
};

const SELECT: &str = "SELECT c.connection_id, c.options, c.document,
        (SELECT string_agg(e.client_id, ' ' ORDER BY e.client_id) FROM connection_clients AS e
         WHERE e.connection_id = c.connection_id) AS enabled_clients
    FROM connections AS c WHERE c.retired_at IS NULL";

impl FromRow for Connection {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: String = row.get("connection_id")?;
        Ok(Self {
            options: row.open_json(&CONNECTION_OPTIONS, &id)?,
            enabled_clients: row.parse_all("enabled_clients")?,
            ..row.json("document")?
        })
    }
}

#[async_trait]
impl<S: Session> Connections for SqlUnit<S> {
    async fn find(&mut self, id: &ConnectionId) -> Result<Option<Connection>, StoreError> {
        self.optional(Sql::new(SELECT).push(" AND c.connection_id = ").bind(id)).await
    }

    async fn find_by_name(&mut self, name: &str) -> Result<Option<Connection>, StoreError> {
        self.optional(Sql::new(SELECT).push(" AND c.name = ").bind(name)).await
    }

    async fn find_all(&mut self, ids: &[ConnectionId]) -> Result<Vec<Connection>, StoreError> {
        let query = Sql::new(SELECT).push(" AND c.connection_id IN ").bind_all(ids);
        self.all(query.push(" ORDER BY c.created_at, c.connection_id")).await
    }

    async fn list(&mut self, filter: &ConnectionFilter, page: &Page) -> Result<Vec<Connection>, StoreError> {
        let query = restrict(Sql::new(SELECT), filter);
        self.all(query.page(page, "c.created_at", "c.connection_id")).await
    }

    async fn count(&mut self, filter: &ConnectionFilter) -> Result<i64, StoreError> {
        let query = Sql::new("SELECT COUNT(*) AS value FROM connections AS c WHERE c.retired_at IS NULL");
        self.number(restrict(query, filter)).await
    }

    async fn of_client(&mut self, client: &ClientId) -> Result<Vec<Connection>, StoreError> {
        let query = Sql::new(SELECT)
            .push(" AND c.connection_id IN (SELECT connection_id FROM connection_clients WHERE client_id = ");
        self.all(query.bind(client).push(") ORDER BY c.created_at, c.connection_id")).await
    }

    async fn insert(&mut self, connection: &Connection) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO connections (connection_id, name, strategy, options, document, revision, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &connection.id,
            &connection.name,
            &connection.strategy,
            self.seal_json(&CONNECTION_OPTIONS, connection.id.as_str(), &connection.options)?,
            JsonText(connection).encode()?,
            connection.revision,
            connection.created_at,
        ))
        .await?;
        if connection.enabled_clients.is_empty() {
            return Ok(());
        }
        let clients =
            connection.enabled_clients.iter().map(|client| [(&connection.id).into(), client.into()]);
        let insert = Sql::new("INSERT INTO connection_clients (connection_id, client_id) VALUES ");
        self.execute(insert.bind_rows(clients).push(" ON CONFLICT DO NOTHING")).await.map(drop)
    }

    async fn update(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let swapped = self
            .changed(sql!(
                "UPDATE connections SET options = $2, document = $3, revision = $4
                 WHERE connection_id = $1 AND revision + 1 = $4",
                &connection.id,
                self.seal_json(&CONNECTION_OPTIONS, connection.id.as_str(), &connection.options)?,
                JsonText(connection).encode()?,
                connection.revision,
            ))
            .await?;
        if swapped { Ok(()) } else { Err(StoreError::Stale) }
    }

    async fn delete(&mut self, id: &ConnectionId) -> Result<bool, StoreError> {
        // Users belong to the connection of their primary identity; identities elsewhere go with them.
        self.execute(sql!(
            "DELETE FROM users WHERE user_id IN
                 (SELECT user_id FROM identities WHERE connection_id = $1 AND position = 0)",
            id,
        ))
        .await?;
        self.changed(sql!("DELETE FROM connections WHERE connection_id = $1", id)).await
    }

    async fn retire(&mut self, id: &ConnectionId, at: Timestamp) -> Result<bool, StoreError> {
        // Its name is free from now on; no connection can be called what it is called instead.
        let retired = self
            .changed(sql!(
                "UPDATE connections SET retired_at = $2, name = '~' || connection_id, revision = revision + 1
                 WHERE connection_id = $1 AND retired_at IS NULL",
                id,
                at,
            ))
            .await?;
        if retired {
            self.execute(sql!("DELETE FROM connection_clients WHERE connection_id = $1", id)).await?;
            self.execute(sql!("DELETE FROM organization_connections WHERE connection_id = $1", id)).await?;
        }
        Ok(retired)
    }

    async fn delete_users(&mut self, id: &ConnectionId, take: i64) -> Result<u64, StoreError> {
        self.execute(sql!(
            "DELETE FROM users WHERE user_id IN
                 (SELECT user_id FROM identities WHERE connection_id = $1 AND position = 0
                  ORDER BY subject LIMIT $2)",
            id,
            take.max(0),
        ))
        .await
    }

    async fn enable(
        &mut self,
        id: &ConnectionId,
        client: &ClientId,
        enabled: bool,
    ) -> Result<(), StoreError> {
        let change = if enabled {
            sql!(
                "INSERT INTO connection_clients (connection_id, client_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                id,
                client,
            )
        } else {
            sql!("DELETE FROM connection_clients WHERE connection_id = $1 AND client_id = $2", id, client)
        };
        self.execute(change).await.map(drop)
    }

    async fn clients(&mut self, id: &ConnectionId, page: &Page) -> Result<Vec<ClientId>, StoreError> {
        let mut query =
            Sql::new("SELECT client_id AS value FROM connection_clients WHERE connection_id = ").bind(id);
        let (beyond, order) = match page.direction {
            Direction::Ascending => (" AND client_id > ", " ORDER BY client_id"),
            Direction::Descending => (" AND client_id < ", " ORDER BY client_id DESC"),
        };
        if let Some((_, after)) = &page.after {
            query = query.push(beyond).bind(after);
        }
        let clients: Vec<Scalar<String>> = self.all(query.push(order).limit(page)).await?;
        clients.into_iter().map(|Scalar(id)| ClientId::parse(id).map_err(StoreError::backend)).collect()
    }
}

fn restrict<'v>(mut query: Sql<'v>, filter: &'v ConnectionFilter) -> Sql<'v> {
    if !filter.strategies.is_empty() {
        query = query.push(" AND c.strategy IN ").bind_all(&filter.strategies);
    }
    if let Some(name) = &filter.name {
        query = query.push(" AND c.name = ").bind(name);
    }
    query
}
