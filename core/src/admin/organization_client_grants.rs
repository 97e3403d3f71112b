//! Owns which client grants are good for an organization.
//! Never touches what a grant allows.

use super::{Actor, Admin, AdminError, actor::About, organizations::found};
use crate::{
    id::{ClientGrantId, OrganizationId},
    model::ClientGrant,
    port::store::{ClientGrantFilter, Page, UnitOfWork},
};

/// How many grants an organization may have (contract §3.1).
const MAX_GRANTS: i64 = 100;

impl Admin {
    /// A page of the grants that are good for an organization, and how many there are.
    pub async fn organization_client_grants(
        &self,
        id: &OrganizationId,
        filter: ClientGrantFilter,
        page: Page,
    ) -> Result<(Vec<ClientGrant>, i64), AdminError> {
        let filter = ClientGrantFilter { organization: Some(id.clone()), ..filter };
        self.store
            .read(|unit| {
                Box::pin(async move {
                    found(unit, id).await?;
                    let rows = unit.client_grants().list(&filter, &page).await?;
                    Ok((rows, unit.client_grants().count(&filter).await?))
                })
            })
            .await
    }

    /// Let a grant be good for an organization.
    pub async fn add_organization_client_grant(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        grant: &ClientGrantId,
    ) -> Result<ClientGrant, AdminError> {
        let about = About::organization(id).with_resource(grant.as_str());
        let event = self.wrote(actor, "Associate a client grant with an Organization", about);
        let (id, grant) = (id.clone(), grant.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                let mut grant = grant_of(unit, &grant).await?;
                if grant.organizations.contains(&id) {
                    return Err(AdminError::conflict(
                        "client_grant_conflict",
                        "The client grant has already been added to this organization.",
                    ));
                }
                let filter =
                    ClientGrantFilter { organization: Some(id.clone()), ..ClientGrantFilter::default() };
                if unit.client_grants().count(&filter).await? >= MAX_GRANTS {
                    return Err(AdminError::conflict(
                        "quota_exceeded",
                        "Quota exceeded; cannot add more than 100 client grants to a single organization",
                    ));
                }
                grant.organizations.push(id);
                grant.revision += 1;
                unit.client_grants().update(&grant).await?;
                Ok(grant)
            })
        })
        .await
    }

    /// Let a grant be good for an organization no longer. Nothing happens if it is not.
    pub async fn remove_organization_client_grant(
        &self,
        actor: &Actor,
        id: &OrganizationId,
        grant: &ClientGrantId,
    ) -> Result<(), AdminError> {
        let about = About::organization(id).with_resource(grant.as_str());
        let event = self.wrote(actor, "Disassociate a client grant from an Organization", about);
        let (id, grant) = (id.clone(), grant.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                found(unit, &id).await?;
                let mut grant = grant_of(unit, &grant).await?;
                if grant.organizations.contains(&id) {
                    grant.organizations.retain(|organization| organization != &id);
                    grant.revision += 1;
                    unit.client_grants().update(&grant).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

async fn grant_of(unit: &mut (dyn UnitOfWork + '_), id: &ClientGrantId) -> Result<ClientGrant, AdminError> {
    let missing = || AdminError::missing("inexistent_grant", "The grant does not exist.");
    unit.client_grants().find(id).await?.ok_or_else(missing)
}
