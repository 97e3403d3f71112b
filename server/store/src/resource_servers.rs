//! Owns [`ResourceServers`] in SQL.
//! Never touches who may ask for what.

use crate::{
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::ResourceServerId,
    model::ResourceServer,
    port::store::{Page, ResourceServers, StoreError},
};

impl FromRow for ResourceServer {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.json("document")
    }
}

#[async_trait]
impl<S: Session> ResourceServers for SqlUnit<S> {
    async fn find(&mut self, id: &ResourceServerId) -> Result<Option<ResourceServer>, StoreError> {
        self.optional(sql!("SELECT document FROM resource_servers WHERE resource_server_id = $1", id)).await
    }

    async fn find_by_identifier(&mut self, identifier: &str) -> Result<Option<ResourceServer>, StoreError> {
        self.optional(sql!("SELECT document FROM resource_servers WHERE identifier = $1", identifier)).await
    }

    async fn list(&mut self, identifiers: &[String], page: &Page) -> Result<Vec<ResourceServer>, StoreError> {
        let query = restrict(Sql::new("SELECT document FROM resource_servers WHERE TRUE"), identifiers);
        self.all(query.page(page, "created_at", "resource_server_id")).await
    }

    async fn count(&mut self, identifiers: &[String]) -> Result<i64, StoreError> {
        let query = Sql::new("SELECT COUNT(*) AS value FROM resource_servers WHERE TRUE");
        self.number(restrict(query, identifiers)).await
    }

    async fn insert(&mut self, server: &ResourceServer) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO resource_servers (resource_server_id, identifier, document, created_at)
             VALUES ($1, $2, $3, $4)",
            &server.id,
            &server.identifier,
            JsonText(server).encode()?,
            server.created_at,
        ))
        .await
        .map(drop)
    }

    async fn update(&mut self, server: &ResourceServer) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE resource_servers SET document = $2 WHERE resource_server_id = $1",
            &server.id,
            JsonText(server).encode()?,
        ))
        .await
    }

    async fn delete(&mut self, id: &ResourceServerId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM resource_servers WHERE resource_server_id = $1", id)).await
    }
}

fn restrict<'v>(query: Sql<'v>, identifiers: &'v [String]) -> Sql<'v> {
    if identifiers.is_empty() { query } else { query.push(" AND identifier IN ").bind_all(identifiers) }
}
