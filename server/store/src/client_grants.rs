//! Owns [`ClientGrants`] in SQL.
//! Never touches tokens.

use crate::{
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{ClientGrantId, ClientId},
    model::ClientGrant,
    port::store::{ClientGrantFilter, ClientGrants, Page, StoreError},
};

const SELECT: &str = "SELECT g.document,
        (SELECT string_agg(o.organization_id, ' ' ORDER BY o.organization_id) FROM client_grant_organizations AS o
         WHERE o.client_grant_id = g.client_grant_id) AS organizations
    FROM client_grants AS g WHERE ";

impl FromRow for ClientGrant {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { organizations: row.parse_all("organizations")?, ..row.json("document")? })
    }
}

#[async_trait]
impl<S: Session> ClientGrants for SqlUnit<S> {
    async fn find(&mut self, id: &ClientGrantId) -> Result<Option<ClientGrant>, StoreError> {
        self.optional(Sql::new(SELECT).push("g.client_grant_id = ").bind(id)).await
    }

    async fn find_for(
        &mut self,
        client: &ClientId,
        audience: &str,
    ) -> Result<Option<ClientGrant>, StoreError> {
        let query = Sql::new(SELECT).push("g.client_id = ").bind(client);
        self.optional(query.push(" AND g.audience = ").bind(audience)).await
    }

    async fn list(
        &mut self,
        filter: &ClientGrantFilter,
        page: &Page,
    ) -> Result<Vec<ClientGrant>, StoreError> {
        let query = restrict(Sql::new(SELECT).push("TRUE"), filter);
        self.all(query.page(page, "g.created_at", "g.client_grant_id")).await
    }

    async fn count(&mut self, filter: &ClientGrantFilter) -> Result<i64, StoreError> {
        let query = Sql::new("SELECT COUNT(*) AS value FROM client_grants AS g WHERE TRUE");
        self.number(restrict(query, filter)).await
    }

    async fn insert(&mut self, grant: &ClientGrant) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO client_grants (client_grant_id, client_id, audience, document, created_at)
             VALUES ($1, $2, $3, $4, $5)",
            &grant.id,
            &grant.client_id,
            &grant.audience,
            JsonText(grant).encode()?,
            grant.created_at,
        ))
        .await?;
        self.name_organizations(grant).await
    }

    async fn update(&mut self, grant: &ClientGrant) -> Result<bool, StoreError> {
        let changed = self
            .changed(sql!(
                "UPDATE client_grants SET document = $2 WHERE client_grant_id = $1",
                &grant.id,
                JsonText(grant).encode()?,
            ))
            .await?;
        if changed {
            self.execute(sql!(
                "DELETE FROM client_grant_organizations WHERE client_grant_id = $1",
                &grant.id,
            ))
            .await?;
            self.name_organizations(grant).await?;
        }
        Ok(changed)
    }

    async fn delete(&mut self, id: &ClientGrantId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM client_grants WHERE client_grant_id = $1", id)).await
    }
}

impl<S: Session> SqlUnit<S> {
    async fn name_organizations(&mut self, grant: &ClientGrant) -> Result<(), StoreError> {
        if grant.organizations.is_empty() {
            return Ok(());
        }
        let named = grant.organizations.iter().map(|organization| [(&grant.id).into(), organization.into()]);
        let insert =
            Sql::new("INSERT INTO client_grant_organizations (client_grant_id, organization_id) VALUES ");
        self.execute(insert.bind_rows(named).push(" ON CONFLICT DO NOTHING")).await.map(drop)
    }
}

fn restrict<'v>(mut query: Sql<'v>, filter: &'v ClientGrantFilter) -> Sql<'v> {
    if let Some(client) = &filter.client_id {
        query = query.push(" AND g.client_id = ").bind(client);
    }
    if let Some(audience) = &filter.audience {
        query = query.push(" AND g.audience = ").bind(audience);
    }
    if let Some(organization) = &filter.organization {
        query = query
            .push(
                " AND EXISTS (SELECT 1 FROM client_grant_organizations AS o
                     WHERE o.client_grant_id = g.client_grant_id AND o.organization_id = ",
            )
            .bind(organization)
            .push(")");
    }
    query
}
