//! Owns [`Clients`] in SQL. Secrets are sealed.
//! Never touches what clients may ask of APIs.

use crate::{
    seal::CLIENT_SECRET,
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::ClientId,
    model::Client,
    port::store::{ClientFilter, Clients, Page, StoreError},
};

const SELECT: &str = "SELECT client_id, secret, document FROM clients WHERE ";

impl FromRow for Client {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let id: String = row.get("client_id")?;
        Ok(Self { secret: row.open_text(&CLIENT_SECRET, &id)?, ..row.json("document")? })
    }
}

#[async_trait]
impl<S: Session> Clients for SqlUnit<S> {
    async fn find(&mut self, id: &ClientId) -> Result<Option<Client>, StoreError> {
        self.optional(Sql::new(SELECT).push("client_id = ").bind(id)).await
    }

    async fn list(&mut self, filter: &ClientFilter, page: &Page) -> Result<Vec<Client>, StoreError> {
        let query = restrict(Sql::new(SELECT).push("TRUE"), filter);
        self.all(query.page(page, "created_at", "client_id")).await
    }

    async fn count(&mut self, filter: &ClientFilter) -> Result<i64, StoreError> {
        self.number(restrict(Sql::new("SELECT COUNT(*) AS value FROM clients WHERE TRUE"), filter)).await
    }

    async fn insert(&mut self, client: &Client) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO clients (client_id, secret, app_type, is_first_party, is_global, document, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &client.id,
            self.vault.seal(&CLIENT_SECRET, client.id.as_str(), client.secret.expose().as_bytes())?,
            client.app_type.as_deref(),
            client.is_first_party,
            client.is_global,
            JsonText(client).encode()?,
            client.created_at,
        ))
        .await
        .map(drop)
    }

    async fn update(&mut self, client: &Client) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE clients SET secret = $2, app_type = $3, is_first_party = $4, is_global = $5, document = $6
             WHERE client_id = $1",
            &client.id,
            self.vault.seal(&CLIENT_SECRET, client.id.as_str(), client.secret.expose().as_bytes())?,
            client.app_type.as_deref(),
            client.is_first_party,
            client.is_global,
            JsonText(client).encode()?,
        ))
        .await
    }

    async fn delete(&mut self, id: &ClientId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM clients WHERE client_id = $1", id)).await
    }
}

fn restrict<'v>(mut query: Sql<'v>, filter: &'v ClientFilter) -> Sql<'v> {
    if let Some(is_global) = filter.is_global {
        query = query.push(" AND is_global = ").bind(is_global);
    }
    if let Some(is_first_party) = filter.is_first_party {
        query = query.push(" AND is_first_party = ").bind(is_first_party);
    }
    if !filter.app_types.is_empty() {
        query = query.push(" AND app_type IN ").bind_all(&filter.app_types);
    }
    query
}
