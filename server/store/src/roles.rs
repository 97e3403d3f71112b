//! Owns [`Roles`] in SQL: roles, what they permit, and what users have outside organizations.
//! Never touches the roles of members.

use crate::{
    sql::{FromRow, Row, Sql, Value, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{RoleId, UserId},
    model::{Permission, Role},
    port::store::{Direction, Page, Roles, StoreError},
};

const SELECT: &str = "SELECT role_id, name, description, created_at FROM roles";

impl FromRow for Role {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.parse("role_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            created_at: row.at("created_at")?,
        })
    }
}

impl FromRow for Permission {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { resource_server_identifier: row.get("audience")?, permission_name: row.get("permission")? })
    }
}

#[async_trait]
impl<S: Session> Roles for SqlUnit<S> {
    async fn find(&mut self, id: &RoleId) -> Result<Option<Role>, StoreError> {
        self.optional(Sql::new(SELECT).push(" WHERE role_id = ").bind(id)).await
    }

    async fn find_all(&mut self, ids: &[RoleId]) -> Result<Vec<Role>, StoreError> {
        let query = Sql::new(SELECT).push(" WHERE role_id IN ").bind_all(ids);
        self.all(query.push(" ORDER BY created_at, role_id")).await
    }

    async fn list(&mut self, name_filter: Option<&str>, page: &Page) -> Result<Vec<Role>, StoreError> {
        let query = named(Sql::new(SELECT).push(" WHERE TRUE"), name_filter);
        self.all(query.page(page, "created_at", "role_id")).await
    }

    async fn count(&mut self, name_filter: Option<&str>) -> Result<i64, StoreError> {
        self.number(named(Sql::new("SELECT COUNT(*) AS value FROM roles WHERE TRUE"), name_filter)).await
    }

    async fn insert(&mut self, role: &Role) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO roles (role_id, name, description, created_at) VALUES ($1, $2, $3, $4)",
            &role.id,
            &role.name,
            role.description.as_deref(),
            role.created_at,
        ))
        .await
        .map(drop)
    }

    async fn update(&mut self, role: &Role) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE roles SET name = $2, description = $3 WHERE role_id = $1",
            &role.id,
            &role.name,
            role.description.as_deref(),
        ))
        .await
    }

    async fn delete(&mut self, id: &RoleId) -> Result<bool, StoreError> {
        self.changed(sql!("DELETE FROM roles WHERE role_id = $1", id)).await
    }

    async fn permissions(&mut self, id: &RoleId, page: &Page) -> Result<Vec<Permission>, StoreError> {
        let query = Sql::new("SELECT audience, permission FROM role_permissions WHERE role_id = ").bind(id);
        self.all(by_permission(query, page)).await
    }

    async fn permissions_of(&mut self, ids: &[RoleId]) -> Result<Vec<Permission>, StoreError> {
        let query = Sql::new("SELECT DISTINCT audience, permission FROM role_permissions WHERE role_id IN ");
        self.all(query.bind_all(ids).push(" ORDER BY audience, permission")).await
    }

    async fn add_permissions(&mut self, id: &RoleId, permissions: &[Permission]) -> Result<(), StoreError> {
        self.permit(
            "INSERT INTO role_permissions (role_id, audience, permission) VALUES ",
            id.as_str(),
            permissions,
        )
        .await
    }

    async fn remove_permissions(
        &mut self,
        id: &RoleId,
        permissions: &[Permission],
    ) -> Result<(), StoreError> {
        self.forbid("DELETE FROM role_permissions WHERE role_id = ", id.as_str(), permissions).await
    }

    async fn of_user(&mut self, user: &UserId, page: &Page) -> Result<Vec<Role>, StoreError> {
        let query = Sql::new(
            "SELECT r.role_id, r.name, r.description, r.created_at FROM user_roles AS u
             JOIN roles AS r ON r.role_id = u.role_id WHERE u.user_id = ",
        );
        self.all(query.bind(user).page(page, "r.created_at", "r.role_id")).await
    }

    async fn add_to_user(&mut self, user: &UserId, roles: &[RoleId]) -> Result<(), StoreError> {
        let insert = Sql::new("INSERT INTO user_roles (user_id, role_id) SELECT ").bind(user);
        let insert = insert.push(", role_id FROM roles WHERE role_id IN ").bind_all(roles);
        self.execute(insert.push(" ON CONFLICT DO NOTHING")).await.map(drop)
    }

    async fn remove_from_user(&mut self, user: &UserId, roles: &[RoleId]) -> Result<(), StoreError> {
        let delete = Sql::new("DELETE FROM user_roles WHERE user_id = ").bind(user);
        self.execute(delete.push(" AND role_id IN ").bind_all(roles)).await.map(drop)
    }

    async fn permissions_of_user(
        &mut self,
        user: &UserId,
        page: &Page,
    ) -> Result<Vec<Permission>, StoreError> {
        let query = Sql::new("SELECT audience, permission FROM user_permissions WHERE user_id = ").bind(user);
        self.all(by_permission(query, page)).await
    }

    async fn permit_user(&mut self, user: &UserId, permissions: &[Permission]) -> Result<(), StoreError> {
        self.permit(
            "INSERT INTO user_permissions (user_id, audience, permission) VALUES ",
            user.as_str(),
            permissions,
        )
        .await
    }

    async fn forbid_user(&mut self, user: &UserId, permissions: &[Permission]) -> Result<(), StoreError> {
        self.forbid("DELETE FROM user_permissions WHERE user_id = ", user.as_str(), permissions).await
    }
}

impl<S: Session> SqlUnit<S> {
    async fn permit(
        &mut self,
        insert: &'static str,
        whom: &str,
        permissions: &[Permission],
    ) -> Result<(), StoreError> {
        if permissions.is_empty() {
            return Ok(());
        }
        let rows = permissions.iter().map(|permission| {
            [
                Value::from(whom),
                Value::from(&permission.resource_server_identifier),
                Value::from(&permission.permission_name),
            ]
        });
        self.execute(Sql::new(insert).bind_rows(rows).push(" ON CONFLICT DO NOTHING")).await.map(drop)
    }

    async fn forbid(
        &mut self,
        delete: &'static str,
        whom: &str,
        permissions: &[Permission],
    ) -> Result<(), StoreError> {
        if permissions.is_empty() {
            return Ok(());
        }
        let rows = permissions.iter().map(|permission| {
            [Value::from(&permission.resource_server_identifier), Value::from(&permission.permission_name)]
        });
        let delete = Sql::new(delete).bind(whom).push(" AND (audience, permission) IN (VALUES ");
        self.execute(delete.bind_rows(rows).push(")")).await.map(drop)
    }
}

fn named<'v>(query: Sql<'v>, filter: Option<&str>) -> Sql<'v> {
    let Some(part) = filter else { return query };
    let literal = part.to_ascii_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    query.push(" AND LOWER(name) LIKE ").bind(format!("%{literal}%")).push(r" ESCAPE '\'")
}

fn by_permission<'v>(query: Sql<'v>, page: &Page) -> Sql<'v> {
    let order = match page.direction {
        Direction::Ascending => " ORDER BY audience, permission",
        Direction::Descending => " ORDER BY audience DESC, permission DESC",
    };
    query.push(order).limit(page)
}
