//! Owns [`Organizations`] in SQL.
//! Never touches members: those are in `members.rs`.

use crate::{
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{ConnectionId, OrganizationId},
    model::{Organization, OrganizationConnection, OrganizationName},
    port::store::{Organizations, Page, StoreError},
    time::Timestamp,
};

impl FromRow for Organization {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.json("document")
    }
}

impl FromRow for OrganizationConnection {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.json("document")
    }
}

#[async_trait]
impl<S: Session> Organizations for SqlUnit<S> {
    async fn find(&mut self, id: &OrganizationId) -> Result<Option<Organization>, StoreError> {
        self.optional(sql!("SELECT document FROM organizations WHERE organization_id = $1", id)).await
    }

    async fn find_by_name(&mut self, name: &OrganizationName) -> Result<Option<Organization>, StoreError> {
        self.optional(sql!("SELECT document FROM organizations WHERE name = $1", name.as_str())).await
    }

    async fn list(&mut self, page: &Page) -> Result<Vec<Organization>, StoreError> {
        let query = Sql::new("SELECT document FROM organizations WHERE TRUE");
        self.all(query.page(page, "created_at", "organization_id")).await
    }

    async fn count(&mut self) -> Result<i64, StoreError> {
        self.number(sql!("SELECT COUNT(*) AS value FROM organizations")).await
    }

    async fn insert(
        &mut self,
        organization: &Organization,
        released_before: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO organizations (organization_id, name, document, created_at) VALUES ($1, $2, $3, $4)",
            &organization.id,
            organization.name.as_str(),
            JsonText(organization).encode()?,
            organization.created_at,
        ))
        .await?;
        self.claim_name(organization, released_before).await
    }

    async fn update(
        &mut self,
        organization: &Organization,
        at: Timestamp,
        released_before: Timestamp,
    ) -> Result<bool, StoreError> {
        let changed = self
            .changed(sql!(
                "UPDATE organizations SET name = $2, document = $3 WHERE organization_id = $1",
                &organization.id,
                organization.name.as_str(),
                JsonText(organization).encode()?,
            ))
            .await?;
        if changed {
            self.claim_name(organization, released_before).await?;
            self.execute(sql!(
                "UPDATE organization_names SET released_at = $3
                 WHERE organization_id = $1 AND name <> $2 AND released_at IS NULL",
                &organization.id,
                organization.name.as_str(),
                at,
            ))
            .await?;
        }
        Ok(changed)
    }

    async fn delete(&mut self, id: &OrganizationId, at: Timestamp) -> Result<bool, StoreError> {
        self.execute(sql!(
            "UPDATE organization_names SET released_at = $2 WHERE organization_id = $1 AND released_at IS NULL",
            id,
            at,
        ))
        .await?;
        self.changed(sql!("DELETE FROM organizations WHERE organization_id = $1", id)).await
    }

    async fn connection(
        &mut self,
        id: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<Option<OrganizationConnection>, StoreError> {
        self.optional(sql!(
            "SELECT document FROM organization_connections WHERE organization_id = $1 AND connection_id = $2",
            id,
            connection,
        ))
        .await
    }

    async fn connections(
        &mut self,
        id: &OrganizationId,
        page: &Page,
    ) -> Result<Vec<OrganizationConnection>, StoreError> {
        let query = Sql::new("SELECT document FROM organization_connections WHERE organization_id = ");
        self.all(query.bind(id).page(page, "created_at", "connection_id")).await
    }

    async fn count_connections(&mut self, id: &OrganizationId) -> Result<i64, StoreError> {
        self.number(sql!(
            "SELECT COUNT(*) AS value FROM organization_connections WHERE organization_id = $1",
            id,
        ))
        .await
    }

    async fn with_connection(
        &mut self,
        connection: &ConnectionId,
        take: i64,
    ) -> Result<Vec<OrganizationConnection>, StoreError> {
        self.all(sql!(
            "SELECT document FROM organization_connections WHERE connection_id = $1
             ORDER BY created_at, organization_id LIMIT $2",
            connection,
            take.max(0),
        ))
        .await
    }

    async fn insert_connection(&mut self, connection: &OrganizationConnection) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO organization_connections (organization_id, connection_id, document, created_at)
             VALUES ($1, $2, $3, $4)",
            &connection.organization_id,
            &connection.connection_id,
            JsonText(connection).encode()?,
            connection.created_at,
        ))
        .await
        .map(drop)
    }

    async fn update_connection(&mut self, connection: &OrganizationConnection) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE organization_connections SET document = $3 WHERE organization_id = $1 AND connection_id = $2",
            &connection.organization_id,
            &connection.connection_id,
            JsonText(connection).encode()?,
        ))
        .await
    }

    async fn delete_connection(
        &mut self,
        id: &OrganizationId,
        connection: &ConnectionId,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "DELETE FROM organization_connections WHERE organization_id = $1 AND connection_id = $2",
            id,
            connection,
        ))
        .await
    }
}

impl<S: Session> SqlUnit<S> {
    /// Enter the organization as the holder of its name, unless another has it, or gave it up too recently (ORG-09).
    ///
    /// One statement, so that on PostgreSQL too nobody can slip in between a look and a write.
    async fn claim_name(
        &mut self,
        organization: &Organization,
        released_before: Timestamp,
    ) -> Result<(), StoreError> {
        let claimed = self
            .changed(sql!(
                "INSERT INTO organization_names (name, organization_id, released_at) VALUES ($1, $2, NULL)
                 ON CONFLICT (name) DO UPDATE SET organization_id = excluded.organization_id, released_at = NULL
                 WHERE organization_names.organization_id = excluded.organization_id
                     OR organization_names.released_at < $3",
                organization.name.as_str(),
                &organization.id,
                released_before,
            ))
            .await?;
        if claimed { Ok(()) } else { Err(self.conflict("organizations_name_key")) }
    }
}
