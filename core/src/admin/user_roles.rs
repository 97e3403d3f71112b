//! Owns the roles and permissions that users have outside of any organization.
//! Never touches the roles of members.

use super::{
    Actor, Admin, AdminError, PermissionRow,
    actor::About,
    roles::{all_exist, named, permissions_exist},
    users::found,
};
use crate::{
    id::{RoleId, UserId},
    model::{Permission, Role},
    port::store::Page,
};

impl Admin {
    /// A page of a user's roles.
    pub async fn user_roles(&self, id: &UserId, page: Page) -> Result<Vec<Role>, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    Ok(unit.roles().of_user(id, &page).await?)
                })
            })
            .await
    }

    /// Give a user these roles too.
    pub async fn add_user_roles(
        &self,
        actor: &Actor,
        id: &UserId,
        roles: Vec<RoleId>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Assign roles to a user", About::user(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                all_exist(unit, &roles).await?;
                Ok(unit.roles().add_to_user(&id, &roles).await?)
            })
        })
        .await
    }

    /// Take these roles from a user; ones they do not have are passed over.
    pub async fn remove_user_roles(
        &self,
        actor: &Actor,
        id: &UserId,
        roles: Vec<RoleId>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Remove roles from a user", About::user(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                Ok(unit.roles().remove_from_user(&id, &roles).await?)
            })
        })
        .await
    }

    /// A page of what a user is permitted directly.
    pub async fn user_permissions(&self, id: &UserId, page: Page) -> Result<Vec<PermissionRow>, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    let permissions = unit.roles().permissions_of_user(id, &page).await?;
                    named(unit, permissions).await
                })
            })
            .await
    }

    /// Permit a user these too.
    pub async fn permit_user(
        &self,
        actor: &Actor,
        id: &UserId,
        permissions: Vec<Permission>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Assign permissions to a user", About::user(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                permissions_exist(unit, &permissions).await?;
                Ok(unit.roles().permit_user(&id, &permissions).await?)
            })
        })
        .await
    }

    /// No longer permit a user these; ones they are not permitted are passed over.
    pub async fn forbid_user(
        &self,
        actor: &Actor,
        id: &UserId,
        permissions: Vec<Permission>,
    ) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Remove permissions from a user", About::user(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                Ok(unit.roles().forbid_user(&id, &permissions).await?)
            })
        })
        .await
    }
}
