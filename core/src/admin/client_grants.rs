//! Owns what applications may ask of APIs in their own name, as administrators decide it.
//! Never touches tokens: those made under an earlier revision of a grant are checked where they are used (API-13).

use super::{Actor, Admin, AdminError, Change, actor::About};
use crate::{
    id::{ClientGrantId, ClientId},
    model::{ClientGrant, GrantOrganizationUsage},
    port::store::{ClientGrantFilter, Page, UnitOfWork},
};

/// A grant to be.
#[derive(Clone, Debug)]
pub struct ClientGrantDraft {
    /// The application.
    pub client_id: ClientId,
    /// The API.
    pub audience: String,
    /// The scopes.
    pub scope: Vec<String>,
    /// Whether tokens may, must, or must not be for an organization.
    pub organization_usage: GrantOrganizationUsage,
    /// Whether any organization will do.
    pub allow_any_organization: bool,
}

/// What is to become of a grant.
#[derive(Clone, Debug, Default)]
pub struct ClientGrantChange {
    /// The scopes.
    pub scope: Option<Vec<String>>,
    /// Whether tokens may, must, or must not be for an organization.
    pub organization_usage: Change<GrantOrganizationUsage>,
    /// Whether any organization will do.
    pub allow_any_organization: Option<bool>,
}

impl Admin {
    /// A page of the grants that fit, and how many do.
    pub async fn client_grants(
        &self,
        filter: ClientGrantFilter,
        page: Page,
    ) -> Result<(Vec<ClientGrant>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.client_grants().list(&filter, &page).await?;
                    Ok((rows, unit.client_grants().count(&filter).await?))
                })
            })
            .await
    }

    /// One grant.
    pub async fn client_grant(&self, id: &ClientGrantId) -> Result<ClientGrant, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let missing = || AdminError::missing("inexistent_grant", "The grant does not exist.");
                    unit.client_grants().find(id).await?.ok_or_else(missing)
                })
            })
            .await
    }

    /// Make one; an application has at most one for an API.
    pub async fn create_client_grant(
        &self,
        actor: &Actor,
        draft: ClientGrantDraft,
    ) -> Result<ClientGrant, AdminError> {
        let grant = ClientGrant {
            id: ClientGrantId::random(self.entropy.as_ref()),
            client_id: draft.client_id,
            audience: draft.audience,
            scope: draft.scope,
            organization_usage: draft.organization_usage,
            allow_any_organization: draft.allow_any_organization,
            organizations: Vec::new(),
            revision: 1,
            created_at: self.clock.now(),
        };
        let event = self.wrote(actor, "Create client grant", About::resource(grant.id.as_str()));
        self.write(event, move |unit| {
            Box::pin(async move {
                if unit.clients().find(&grant.client_id).await?.is_none() {
                    return Err(AdminError::missing("inexistent_client", "Client not found"));
                }
                scopes_exist(unit, &grant.audience, &grant.scope).await?;
                unit.client_grants().insert(&grant).await?;
                Ok(grant)
            })
        })
        .await
        .map_err(|error| {
            let text = "A client grant for this client and audience already exists.";
            error.taken("", "client_grant_conflict", text)
        })
    }

    /// Change one; tokens that ask for more than it gives now are void at their next use.
    pub async fn update_client_grant(
        &self,
        actor: &Actor,
        id: &ClientGrantId,
        change: ClientGrantChange,
    ) -> Result<ClientGrant, AdminError> {
        let event = self.wrote(actor, "Update client grant", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let missing = || AdminError::missing("inexistent_grant", "The client grant does not exist.");
                let mut grant = unit.client_grants().find(&id).await?.ok_or_else(missing)?;
                if let Some(scope) = change.scope {
                    scopes_exist(unit, &grant.audience, &scope).await?;
                    grant.scope = scope;
                }
                change
                    .organization_usage
                    .apply_or(&mut grant.organization_usage, GrantOrganizationUsage::Deny);
                grant.allow_any_organization =
                    change.allow_any_organization.unwrap_or(grant.allow_any_organization);
                grant.revision += 1;
                unit.client_grants().update(&grant).await?;
                Ok(grant)
            })
        })
        .await
    }

    /// Delete one. Nothing happens if there is none.
    pub async fn delete_client_grant(&self, actor: &Actor, id: &ClientGrantId) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete client grant", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.client_grants().delete(&id).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn scopes_exist(
    unit: &mut (dyn UnitOfWork + '_),
    audience: &str,
    scopes: &[String],
) -> Result<(), AdminError> {
    let Some(server) = unit.resource_servers().find_by_identifier(audience).await? else {
        return Err(AdminError::missing("inexistent_resource_server", "Resource server not found"));
    };
    let known = |scope: &String| server.scopes.iter().any(|known| &known.value == scope);
    let foreign: Vec<_> = scopes.iter().filter(|scope| !known(scope)).map(String::as_str).collect();
    if foreign.is_empty() {
        return Ok(());
    }
    Err(AdminError::body(format!(
        "Scopes are not defined on the resource server {audience}: {}",
        foreign.join(", ")
    )))
}
