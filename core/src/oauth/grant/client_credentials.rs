//! Owns tokens that a client gets in its own name (RFC 6749 §4.4, contract §1.4.3).
//! Never touches users.

use super::super::{
    OpenIdProvider,
    api::Access,
    claims,
    entry::{Decided, Entry},
    error::{OAuthError, Refusal},
    token::{AccessDraft, Draft, TokenRequest},
};
use crate::{
    id::OrganizationId,
    model::{Client, ClientGrant, Organization, OrganizationName, OrganizationUsage, TenantSettings},
    port::store::{StoreError, UnitOfWork},
    time::Timestamp,
};
use serde_json::Value;

/// Grant it. Nothing is stored but the entry of the log: the token stands for itself.
pub(in crate::oauth) async fn grant(
    provider: &OpenIdProvider,
    client: Client,
    request: &TokenRequest<'_>,
    entry: Entry,
) -> Result<Draft, OAuthError> {
    if !client.is_confidential() {
        return provider.refuse(entry, Refusal::unauthorized("public_client")).await;
    }
    let asked = Asked {
        client,
        audience: request.get("audience").map(str::to_owned),
        organization: request.get("organization").map(str::to_owned),
        scope: request.get("scope").map(|scope| scope.split_ascii_whitespace().map(str::to_owned).collect()),
        issuer: provider.issuer.as_str().to_owned(),
        name: provider.entropy.token(),
        now: provider.now(),
    };
    let decided: Result<Decided<Draft>, StoreError> =
        provider.store.write(move |unit| Box::pin(asked.exchange(unit, entry))).await;
    Ok(decided??)
}

struct Asked {
    client: Client,
    audience: Option<String>,
    organization: Option<String>,
    scope: Option<Vec<String>>,
    issuer: String,
    name: String,
    now: Timestamp,
}

impl Asked {
    async fn exchange(self, unit: &mut dyn UnitOfWork, entry: Entry) -> Result<Decided<Draft>, StoreError> {
        let settings = unit.tenant().settings().await?;
        let Some(audience) = self.audience.as_ref().or(settings.default_audience.as_ref()) else {
            return entry.refuse(unit, Refusal::missing("audience")).await;
        };
        let entry = entry.of_audience(audience);
        let Some(server) = unit.resource_servers().find_by_identifier(audience).await? else {
            return entry.refuse(unit, Refusal::unknown_api(audience)).await;
        };
        let Some(grant) = unit.client_grants().find_for(&self.client.id, audience).await? else {
            return entry.refuse(unit, Refusal::no_client_grant(audience)).await;
        };
        let organization = match self.organization(unit, &settings, &grant).await? {
            Ok(organization) => organization,
            Err(refusal) => return entry.refuse(unit, refusal).await,
        };
        let entry = organization
            .iter()
            .fold(entry, |entry, organization| entry.with("organization", organization.id.as_str()));
        let scope = match &self.scope {
            Some(asked) if asked.iter().any(|scope| !grant.scope.contains(scope)) => {
                return entry.refuse(unit, Refusal::invalid_scope()).await;
            }
            Some(asked) => asked.clone(),
            None => grant.scope.clone(),
        };
        let known = |scope: &String| server.scopes.iter().any(|known| known.value == *scope);
        let scope: Vec<String> = scope.into_iter().filter(known).collect();
        let access = Access::of_client(&server, scope.clone());
        let basis = (self.issuer.as_str(), &settings, self.now);
        let claims = claims::machine_token(basis, &self.client, organization.as_ref(), &access, &self.name);
        unit.events().insert(&entry.succeeded(&scope)).await?;
        Ok(Ok(Draft {
            access_token: AccessDraft::Signed(access.typ(), claims),
            id_token: None,
            refresh_token: None,
            scope,
            expires_in: access.lifetime,
        }))
    }

    /// For which organization, if for any: the one that was named, or the client's default (contract §1.4.3).
    async fn organization(
        &self,
        unit: &mut dyn UnitOfWork,
        settings: &TenantSettings,
        grant: &ClientGrant,
    ) -> Result<Decided<Option<Organization>>, StoreError> {
        let default = default_organization(&self.client);
        let named = match (grant.organization_usage, &self.organization) {
            (OrganizationUsage::Deny, Some(_)) => {
                return Ok(Err(Refusal::invalid_request(
                    "parameter organization is not allowed for this client",
                    "organization_not_allowed",
                )));
            }
            (OrganizationUsage::Deny, None) => return Ok(Ok(None)),
            (_, Some(named)) => named.clone(),
            (usage, None) => match (default, usage) {
                (Some(default), _) => default,
                (None, OrganizationUsage::Require) => {
                    return Ok(Err(Refusal::invalid_request(
                        "parameter organization is required for this client",
                        "organization_required",
                    )));
                }
                (None, OrganizationUsage::Allow | OrganizationUsage::Deny) => return Ok(Ok(None)),
            },
        };
        let found = if let Ok(id) = OrganizationId::parse(named.as_str()) {
            unit.organizations().find(&id).await?
        } else if let (true, Ok(name)) = (
            settings.allow_organization_name_in_authentication_api,
            OrganizationName::parse(&named.to_lowercase()),
        ) {
            unit.organizations().find_by_name(&name).await?
        } else {
            None
        };
        let Some(organization) = found else {
            let description = format!("parameter organization is invalid: {named}");
            return Ok(Err(Refusal::invalid_request(description, "unknown_organization")));
        };
        // ORG-16: the organization of a machine's token comes from its grant.
        if grant.allow_any_organization || grant.organizations.contains(&organization.id) {
            Ok(Ok(Some(organization)))
        } else {
            Ok(Err(Refusal::no_organization_grant(organization.id.as_str())))
        }
    }
}

/// `default_organization {organization_id, flows: ["client_credentials"]}` of the client (contract §2.6).
fn default_organization(client: &Client) -> Option<String> {
    let default = client.extra.get("default_organization")?;
    let flows = default.get("flows").and_then(Value::as_array)?;
    let applies = flows.iter().any(|flow| flow.as_str() == Some("client_credentials"));
    default.get("organization_id").and_then(Value::as_str).filter(|_| applies).map(str::to_owned)
}
