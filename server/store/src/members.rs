//! Owns [`Members`] in SQL.
//! Never touches organizations themselves.

use crate::{
    sql::{FromRow, Row, Scalar, Sql, sql},
    unit::{Session, SqlUnit},
    users,
};
use async_trait::async_trait;
use portico_core::{
    id::{OrganizationId, RoleId, UserId},
    model::{Membership, Organization, Role, User},
    port::store::{Members, Page, StoreError},
    time::Timestamp,
};

impl FromRow for Membership {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            organization_id: row.parse("organization_id")?,
            user_id: row.parse("user_id")?,
            roles: row.parse_all("roles")?,
            created_at: row.at("created_at")?,
        })
    }
}

/// A role, and the member who has it.
struct Held(UserId, Role);

impl FromRow for Held {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self(row.parse("user_id")?, Role::from_row(row)?))
    }
}

#[async_trait]
impl<S: Session> Members for SqlUnit<S> {
    async fn find(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<Membership>, StoreError> {
        self.optional(sql!(
            "SELECT organization_id, user_id, created_at,
                 (SELECT string_agg(r.role_id, ' ' ORDER BY r.role_id) FROM member_roles AS r
                  WHERE r.organization_id = m.organization_id AND r.user_id = m.user_id) AS roles
             FROM memberships AS m WHERE organization_id = $1 AND user_id = $2",
            organization,
            user,
        ))
        .await
    }

    async fn insert(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "INSERT INTO memberships (organization_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            organization,
            user,
            at,
        ))
        .await
    }

    async fn delete(&mut self, organization: &OrganizationId, user: &UserId) -> Result<bool, StoreError> {
        self.changed(sql!(
            "DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2",
            organization,
            user,
        ))
        .await
    }

    async fn list(&mut self, organization: &OrganizationId, page: &Page) -> Result<Vec<User>, StoreError> {
        let query = users::select::<S>();
        let query = query.push(" JOIN memberships AS m ON m.user_id = u.user_id WHERE m.organization_id = ");
        self.all(query.bind(organization).page(page, "m.created_at", "m.user_id")).await
    }

    async fn joined_at(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let joined = sql!(
            "SELECT created_at AS value FROM memberships WHERE organization_id = $1 AND user_id = $2",
            organization,
            user,
        );
        Ok(self.optional(joined).await?.map(|Scalar(at)| Timestamp(at)))
    }

    async fn count(&mut self, organization: &OrganizationId) -> Result<i64, StoreError> {
        self.number(sql!(
            "SELECT COUNT(*) AS value FROM memberships WHERE organization_id = $1",
            organization
        ))
        .await
    }

    async fn organizations_of(
        &mut self,
        user: &UserId,
        page: &Page,
    ) -> Result<Vec<Organization>, StoreError> {
        let query = Sql::new(
            "SELECT o.document FROM memberships AS m
             JOIN organizations AS o ON o.organization_id = m.organization_id WHERE m.user_id = ",
        );
        self.all(query.bind(user).page(page, "o.created_at", "o.organization_id")).await
    }

    async fn count_of(&mut self, user: &UserId) -> Result<i64, StoreError> {
        self.number(sql!("SELECT COUNT(*) AS value FROM memberships WHERE user_id = $1", user)).await
    }

    async fn add_roles(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        roles: &[RoleId],
    ) -> Result<(), StoreError> {
        let insert = Sql::new("INSERT INTO member_roles (organization_id, user_id, role_id) SELECT ");
        let insert = insert.bind(organization).push(", ").bind(user);
        let insert = insert.push(", role_id FROM roles WHERE role_id IN ").bind_all(roles);
        self.execute(insert.push(" ON CONFLICT DO NOTHING")).await.map(drop)
    }

    async fn remove_roles(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        roles: &[RoleId],
    ) -> Result<(), StoreError> {
        let delete = Sql::new("DELETE FROM member_roles WHERE organization_id = ").bind(organization);
        let delete = delete.push(" AND user_id = ").bind(user);
        self.execute(delete.push(" AND role_id IN ").bind_all(roles)).await.map(drop)
    }

    async fn roles_of(
        &mut self,
        organization: &OrganizationId,
        users: &[UserId],
    ) -> Result<Vec<(UserId, Role)>, StoreError> {
        let query = Sql::new(
            "SELECT m.user_id, r.role_id, r.name, r.description, r.created_at FROM member_roles AS m
             JOIN roles AS r ON r.role_id = m.role_id WHERE m.organization_id = ",
        );
        let query = query.bind(organization).push(" AND m.user_id IN ").bind_all(users);
        let held: Vec<Held> = self.all(query.push(" ORDER BY m.user_id, r.created_at, r.role_id")).await?;
        Ok(held.into_iter().map(|Held(user, role)| (user, role)).collect())
    }

    async fn roles(
        &mut self,
        organization: &OrganizationId,
        user: &UserId,
        page: &Page,
    ) -> Result<Vec<Role>, StoreError> {
        let query = Sql::new(
            "SELECT r.role_id, r.name, r.description, r.created_at FROM member_roles AS m
             JOIN roles AS r ON r.role_id = m.role_id WHERE m.organization_id = ",
        );
        let query = query.bind(organization).push(" AND m.user_id = ").bind(user);
        self.all(query.page(page, "r.created_at", "r.role_id")).await
    }
}
