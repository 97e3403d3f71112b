//! Owns what administrators do with roles, and with what they permit.
//! Never touches who has one.

use super::{Actor, Admin, AdminError, Change, actor::About, text::for_people};
use crate::{
    id::RoleId,
    model::{Permission, ResourceServer, Role},
    port::store::{Page, UnitOfWork},
};

/// A role to be.
#[derive(Clone, Debug)]
pub struct RoleDraft {
    /// Its unique name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// What is to become of a role.
#[derive(Clone, Debug, Default)]
pub struct RoleChange {
    /// Its unique name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Change<String>,
}

/// A permission, with what people call it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PermissionRow {
    /// The permission.
    pub permission: Permission,
    /// The API's name, or its audience.
    pub resource_server_name: String,
    /// What the scope allows.
    pub description: Option<String>,
}

impl Admin {
    /// A page of the roles whose name contains this, and how many there are.
    pub async fn roles(
        &self,
        name_filter: Option<String>,
        page: Page,
    ) -> Result<(Vec<Role>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.roles().list(name_filter.as_deref(), &page).await?;
                    Ok((rows, unit.roles().count(name_filter.as_deref()).await?))
                })
            })
            .await
    }

    /// One role.
    pub async fn role(&self, id: &RoleId) -> Result<Role, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// Make one.
    pub async fn create_role(&self, actor: &Actor, draft: RoleDraft) -> Result<Role, AdminError> {
        for_people(&draft.name, "name", "Name of the role")?;
        let id = RoleId::random(self.entropy.as_ref());
        let role =
            Role { id, name: draft.name, description: draft.description, created_at: self.clock.now() };
        let event = self.wrote(actor, "Create a role", About::resource(role.id.as_str()));
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.roles().insert(&role).await?;
                Ok(role)
            })
        })
        .await
        .map_err(name_taken)
    }

    /// Change one.
    pub async fn update_role(
        &self,
        actor: &Actor,
        id: &RoleId,
        change: RoleChange,
    ) -> Result<Role, AdminError> {
        if let Some(name) = &change.name {
            for_people(name, "name", "Name of the role")?;
        }
        let event = self.wrote(actor, "Update a role", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut role = found(unit, &id).await?;
                role.name = change.name.unwrap_or(role.name);
                change.description.apply(&mut role.description);
                unit.roles().update(&role).await?;
                Ok(role)
            })
        })
        .await
        .map_err(name_taken)
    }

    /// Delete one, and take it from everybody.
    pub async fn delete_role(&self, actor: &Actor, id: &RoleId) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete a role", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move { if unit.roles().delete(&id).await? { Ok(()) } else { Err(missing()) } })
        })
        .await
    }

    /// A page of what a role permits.
    pub async fn role_permissions(&self, id: &RoleId, page: Page) -> Result<Vec<PermissionRow>, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    let permissions = unit.roles().permissions(id, &page).await?;
                    named(unit, permissions).await
                })
            })
            .await
    }

    /// Let a role permit these too.
    pub async fn add_role_permissions(
        &self,
        actor: &Actor,
        id: &RoleId,
        permissions: Vec<Permission>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Associate permissions with a role", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                permissions_exist(unit, &permissions).await?;
                Ok(unit.roles().add_permissions(&id, &permissions).await?)
            })
        })
        .await
    }

    /// Let a role no longer permit these; ones it does not permit are passed over.
    pub async fn remove_role_permissions(
        &self,
        actor: &Actor,
        id: &RoleId,
        permissions: Vec<Permission>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Unassociate permissions from a role", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                Ok(unit.roles().remove_permissions(&id, &permissions).await?)
            })
        })
        .await
    }
}

/// Refuse roles that do not exist, in the words of contract §2.4.
pub(super) async fn all_exist(
    unit: &mut (dyn UnitOfWork + '_),
    ids: &[RoleId],
) -> Result<Vec<Role>, AdminError> {
    let known = unit.roles().find_all(ids).await?;
    let foreign: Vec<_> =
        ids.iter().filter(|id| !known.iter().any(|role| &role.id == *id)).map(RoleId::as_str).collect();
    if foreign.is_empty() {
        return Ok(known);
    }
    Err(AdminError::body(format!("One or more of the specified roles do not exist: {}", foreign.join(", "))))
}

/// Refuse permissions of APIs, or scopes, that do not exist.
pub(super) async fn permissions_exist(
    unit: &mut (dyn UnitOfWork + '_),
    permissions: &[Permission],
) -> Result<(), AdminError> {
    let servers = servers_of(unit, permissions).await?;
    for permission in permissions {
        let server = servers.iter().find(|server| server.identifier == permission.resource_server_identifier);
        let Some(server) = server else {
            return Err(AdminError::missing(
                "inexistent_resource_server",
                "The resource server does not exist",
            ));
        };
        if !server.scopes.iter().any(|scope| scope.value == permission.permission_name) {
            return Err(AdminError::body(format!(
                "The permission {} does not exist on the resource server {}.",
                permission.permission_name, server.identifier
            )));
        }
    }
    Ok(())
}

/// Permissions with what people call them. Those whose API is gone are named by its audience.
pub(super) async fn named(
    unit: &mut (dyn UnitOfWork + '_),
    permissions: Vec<Permission>,
) -> Result<Vec<PermissionRow>, AdminError> {
    let servers = servers_of(unit, &permissions).await?;
    let row = |permission: Permission| {
        let server = servers.iter().find(|server| server.identifier == permission.resource_server_identifier);
        let scope = server
            .and_then(|server| server.scopes.iter().find(|scope| scope.value == permission.permission_name));
        PermissionRow {
            resource_server_name: server
                .and_then(|server| server.name.clone())
                .unwrap_or_else(|| permission.resource_server_identifier.clone()),
            description: scope.and_then(|scope| scope.description.clone()),
            permission,
        }
    };
    Ok(permissions.into_iter().map(row).collect())
}

async fn servers_of(
    unit: &mut (dyn UnitOfWork + '_),
    permissions: &[Permission],
) -> Result<Vec<ResourceServer>, AdminError> {
    let mut identifiers: Vec<_> =
        permissions.iter().map(|permission| permission.resource_server_identifier.clone()).collect();
    identifiers.sort_unstable();
    identifiers.dedup();
    if identifiers.is_empty() {
        return Ok(Vec::new());
    }
    let all = Page::first(i64::try_from(identifiers.len()).unwrap_or(i64::MAX));
    Ok(unit.resource_servers().list(&identifiers, &all).await?)
}

async fn found(unit: &mut (dyn UnitOfWork + '_), id: &RoleId) -> Result<Role, AdminError> {
    unit.roles().find(id).await?.ok_or_else(missing)
}

fn missing() -> AdminError {
    AdminError::missing("inexistent_role", "Role not found.")
}

fn name_taken(error: AdminError) -> AdminError {
    error.taken("roles_name_key", "role_conflict", "The role already exists.")
}
