//! Owns who belongs to an organization, as administrators decide it.
//! Never touches membership by invitation or login.

use super::{Actor, Admin, AdminError, actor::About, organizations::found};
use crate::{
    id::{OrganizationId, UserId},
    model::{EventKind, Organization, OrganizationConnection, User},
    port::store::Page,
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
        few(users.len())?;
        let event = self.wrote(actor, "Add members to an Organization", About::organization(id));
        let added: Vec<_> = users
            .into_iter()
            .map(|user| (self.membership_event(actor, EventKind::MemberAdded, id, &user), user))
            .collect();
        let (id, at, bound) = (id.clone(), self.clock.now(), actor.organization.is_some());
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                let all = Page::first(100);
                let own = if bound { Some(unit.organizations().connections(&id, &all).await?) } else { None };
                let comes_through = |user: &User, place: &OrganizationConnection| {
                    user.identity_at(&place.connection_id).is_some()
                };
                for (event, user) in &added {
                    let known = unit.users().find(user).await?.filter(|user| {
                        own.as_ref().is_none_or(|own| own.iter().any(|place| comes_through(user, place)))
                    });
                    if known.is_none() {
                        return Err(AdminError::missing("inexistent_user", "The user does not exist."));
                    }
                    if unit.members().insert(&id, user, at).await? {
                        unit.events().insert(event).await?;
                    }
                }
                Ok(())
            })
        })
        .await
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
        few(users.len())?;
        let event = self.wrote(actor, "Delete members from an Organization", About::organization(id));
        let removed: Vec<_> = users
            .into_iter()
            .map(|user| (self.membership_event(actor, EventKind::MemberRemoved, id, &user), user))
            .collect();
        let (id, at) = (id.clone(), self.clock.now());
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                for (event, user) in &removed {
                    if unit.members().delete(&id, user).await? {
                        unit.grants().revoke_of_user(user, Some(&id), at).await?;
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

    fn membership_event(
        &self,
        actor: &Actor,
        kind: EventKind,
        id: &OrganizationId,
        user: &UserId,
    ) -> crate::model::AuditEvent {
        let what = if kind == EventKind::MemberAdded { "Member added" } else { "Member removed" };
        self.event(actor, kind, what, About::organization(id).with_user(user))
    }
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
