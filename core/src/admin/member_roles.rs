//! Owns the roles that members have inside an organization.
//! Never touches roles that users have outside of any.

use super::{Actor, Admin, AdminError, actor::About, organizations::found, roles::all_exist};
use crate::{
    id::{OrganizationId, RoleId, UserId},
    model::{Role, User},
    port::store::{Page, UnitOfWork},
};

/// How many roles a member may have (contract §3.1).
const MAX_ROLES: usize = 50;

impl Admin {
    /// A page of a member's roles, and how many there are.
    pub async fn member_roles(
        &self,
        id: &OrganizationId,
        user: &UserId,
        page: Page,
    ) -> Result<(Vec<Role>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let count = membership(unit, id, user).await?;
                    let rows = unit.members().roles(id, user, &page).await?;
                    Ok((rows, i64::try_from(count).unwrap_or(i64::MAX)))
                })
            })
            .await
    }

    /// The roles of these members, by member.
    pub async fn roles_of_members(
        &self,
        id: &OrganizationId,
        members: &[User],
    ) -> Result<Vec<(UserId, Role)>, AdminError> {
        let users: Vec<_> = members.iter().map(|member| member.id.clone()).collect();
        if users.is_empty() {
            return Ok(Vec::new());
        }
        self.store.read(|unit| Box::pin(async move { Ok(unit.members().roles_of(id, &users).await?) })).await
    }

    /// Give a member these roles too.
    pub async fn add_member_roles(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        user: &UserId,
        roles: Vec<RoleId>,
    ) -> Result<(), AdminError> {
        let about = About::organization(id).with_user(user).with_resource(user.as_str());
        let event = self.wrote(actor, "Assign user roles in an Organization", about);
        let (id, user) = (id.clone(), user.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                membership(unit, &id, &user).await?;
                all_exist(unit, &roles).await?;
                unit.members().add_roles(&id, &user, &roles).await?;
                if membership(unit, &id, &user).await? > MAX_ROLES {
                    return Err(AdminError::conflict(
                        "too_many_roles",
                        "No more roles can be assigned to this organization member.",
                    ));
                }
                Ok(())
            })
        })
        .await
    }

    /// Take these roles from a member; ones they do not have are passed over.
    pub async fn remove_member_roles(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        user: &UserId,
        roles: Vec<RoleId>,
    ) -> Result<(), AdminError> {
        let about = About::organization(id).with_user(user).with_resource(user.as_str());
        let event = self.wrote(actor, "Remove user roles in an Organization", about);
        let (id, user) = (id.clone(), user.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                membership(unit, &id, &user).await?;
                unit.members().remove_roles(&id, &user, &roles).await?;
                Ok(())
            })
        })
        .await
    }
}

/// How many roles the member has; refused when there is no such organization or member.
async fn membership(
    unit: &mut (dyn UnitOfWork + '_),
    id: &OrganizationId,
    user: &UserId,
) -> Result<usize, AdminError> {
    found(unit, id).await?;
    match unit.members().find(id, user).await? {
        Some(membership) => Ok(membership.roles.len()),
        None => Err(AdminError::missing_plain("The user is not a member of the organization.")),
    }
}
