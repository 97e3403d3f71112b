//! Owns who belongs to an organization, as administrators decide it.
//! Never touches membership by invitation or login.

use super::{Actor, Admin, AdminError, actor::About, organizations::found};
use crate::{
    id::{OrganizationId, UserId},
    model::{EventKind, Organization, OrganizationConnection, User},
    port::store::{Page, UnitOfWork},
    time::Timestamp,
};

/// How many members one request may add or remove (contract §3.1).
const MAX_AT_ONCE: usize = 10;

impl Admin {
    /// A page of an organization's members, and how many it has.
    pub async fn members(&self, id: &OrganizationId, page: Page) -> Result<(Vec<User>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    let rows = unit.members().list(id, &page).await?;
                    Ok((rows, unit.members().count(id).await?))
                })
            })
            .await
    }

    /// When this member joined: what a cursor of [`members`](Self::members) holds.
    pub async fn joined_at(
        &self,
        id: &OrganizationId,
        user: &UserId,
    ) -> Result<Option<Timestamp>, AdminError> {
        self.store.read(|unit| Box::pin(async move { Ok(unit.members().joined_at(id, user).await?) })).await
    }

    /// Make existing users members; those who are already stay so.
    ///
    /// A user who does not exist makes the whole request fail: membership needs a user profile (seed, "Users"). For who
    /// acts for one organization, only those exist who sign in through one of its connections: nobody reads other
    /// organizations' people by making them members (ORG-19).
    pub async fn add_members(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        users: Vec<UserId>,
    ) -> Result<(), AdminError> {
        self.change_members(actor, id, users, Membership::Begins).await
    }

    /// Remove members, with their roles; those who are none are passed over.
    ///
    /// Their tokens for this organization end in the same unit of work (ORG-08).
    pub async fn remove_members(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        users: Vec<UserId>,
    ) -> Result<(), AdminError> {
        self.change_members(actor, id, users, Membership::Ends).await
    }

    async fn change_members(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        users: Vec<UserId>,
        change: Membership,
    ) -> Result<(), AdminError> {
        few(users.len())?;
        let (request, kind, happened) = change.words();
        let event = self.wrote(actor, request, About::organization(id));
        let about = |user: &UserId| About::organization(id).with_user(user);
        let users: Vec<_> =
            users.into_iter().map(|user| (self.event(actor, kind, happened, about(&user)), user)).collect();
        let (id, at, bound) = (id.clone(), self.clock.now(), actor.organization.is_some());
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                let own = if bound {
                    Some(unit.organizations().connections(&id, &Page::first(100)).await?)
                } else {
                    None
                };
                for (event, user) in &users {
                    let changed = match change {
                        Membership::Begins => {
                            exists(unit, user, own.as_deref()).await?;
                            unit.members().insert(&id, user, at).await?
                        }
                        Membership::Ends if unit.members().delete(&id, user).await? => {
                            unit.grants().revoke_of_user(user, Some(&id), at).await?;
                            true
                        }
                        Membership::Ends => false,
                    };
                    if changed {
                        unit.events().insert(event).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// A page of the organizations of a user, and how many there are.
    pub async fn organizations_of_user(
        &self,
        user: &UserId,
        page: Page,
    ) -> Result<(Vec<Organization>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.members().organizations_of(user, &page).await?;
                    Ok((rows, unit.members().count_of(user).await?))
                })
            })
            .await
    }
}

/// What becomes of a membership.
#[derive(Clone, Copy)]
enum Membership {
    Begins,
    Ends,
}

impl Membership {
    /// What the log calls the request, and what happened to each user.
    const fn words(self) -> (&'static str, EventKind, &'static str) {
        match self {
            Self::Begins => ("Add members to an Organization", EventKind::MemberAdded, "Member added"),
            Self::Ends => ("Delete members from an Organization", EventKind::MemberRemoved, "Member removed"),
        }
    }
}

/// Refuse a user whom there is not: at all, or through these connections.
async fn exists(
    unit: &mut (dyn UnitOfWork + '_),
    user: &UserId,
    through: Option<&[OrganizationConnection]>,
) -> Result<(), AdminError> {
    let comes_by =
        |user: &User, place: &OrganizationConnection| user.identity_at(&place.connection_id).is_some();
    let user = unit.users().find(user).await?;
    let known = user
        .is_some_and(|user| through.is_none_or(|places| places.iter().any(|place| comes_by(&user, place))));
    if known { Ok(()) } else { Err(AdminError::missing("inexistent_user", "The user does not exist.")) }
}

fn few(count: usize) -> Result<(), AdminError> {
    if count <= MAX_AT_ONCE {
        return Ok(());
    }
    Err(AdminError::property(
        format!("Array is too long ({count}), maximum {MAX_AT_ONCE}"),
        "members",
        "List of user IDs",
    ))
}
