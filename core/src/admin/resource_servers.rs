//! Owns what administrators do with APIs.
//! Never touches tokens.

use super::{Actor, Admin, AdminError, Change, actor::About, change::merge};
use crate::{
    id::ResourceServerId,
    model::{ResourceServer, Scope},
    port::store::{Page, UnitOfWork},
};
use serde_json::{Map, Value};

/// An API to be.
#[derive(Clone, Debug)]
pub struct ResourceServerDraft {
    /// Its audience, for good.
    pub identifier: String,
    /// The rest.
    pub fields: ResourceServerChange,
}

/// What an API is to become.
#[derive(Clone, Debug, Default)]
pub struct ResourceServerChange {
    /// Its name for people.
    pub name: Change<String>,
    /// The scopes it knows, in place of the old ones.
    pub scopes: Option<Vec<Scope>>,
    /// Whether refresh tokens may be had for it.
    pub allow_offline_access: Option<bool>,
    /// Seconds an access token is valid.
    pub token_lifetime: Option<i64>,
    /// The same, for logins in a browser; not above `token_lifetime`.
    pub token_lifetime_for_web: Option<i64>,
    /// Whether tokens hold the user's permissions.
    pub enforce_policies: Option<bool>,
    /// `access_token`, `access_token_authz`, `rfc9068_profile` or `rfc9068_profile_authz`.
    pub token_dialect: Option<String>,
    /// Fields that are kept and given back; `null` removes one.
    pub extra: Map<String, Value>,
}

impl Admin {
    /// A page of all APIs, or of those with one of these audiences, and how many there are.
    pub async fn resource_servers(
        &self,
        identifiers: Vec<String>,
        page: Page,
    ) -> Result<(Vec<ResourceServer>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.resource_servers().list(&identifiers, &page).await?;
                    Ok((rows, unit.resource_servers().count(&identifiers).await?))
                })
            })
            .await
    }

    /// One API, by its id or its audience.
    pub async fn resource_server(&self, key: &str) -> Result<ResourceServer, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, key).await })).await
    }

    /// Make one.
    pub async fn create_resource_server(
        &self,
        actor: &Actor,
        draft: ResourceServerDraft,
    ) -> Result<ResourceServer, AdminError> {
        let mut server = ResourceServer {
            id: ResourceServerId::random(self.entropy.as_ref()),
            identifier: draft.identifier,
            name: None,
            scopes: Vec::new(),
            allow_offline_access: false,
            token_lifetime: 86_400,
            token_lifetime_for_web: 7_200,
            enforce_policies: false,
            token_dialect: "access_token".to_owned(),
            is_system: false,
            extra: Map::new(),
            created_at: self.clock.now(),
        };
        apply(&mut server, draft.fields)?;
        let event = self.wrote(actor, "Create a resource server", About::resource(server.id.as_str()));
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.resource_servers().insert(&server).await?;
                Ok(server)
            })
        })
        .await
        .map_err(|error| {
            let text = "A resource server with the same identifier already exists.";
            error.taken("resource_servers_identifier_key", "resource_server_conflict", text)
        })
    }

    /// Change one; the Management API itself cannot be.
    pub async fn update_resource_server(
        &self,
        actor: &Actor,
        key: &str,
        change: ResourceServerChange,
    ) -> Result<ResourceServer, AdminError> {
        let event = self.wrote(actor, "Update a resource server", About::resource(key));
        let key = key.to_owned();
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut server = found(unit, &key).await?;
                if server.is_system {
                    return Err(system("System resource servers cannot be patched."));
                }
                apply(&mut server, change)?;
                unit.resource_servers().update(&server).await?;
                Ok(server)
            })
        })
        .await
    }

    /// Delete one, with its grants and permissions. Nothing happens if there is none.
    pub async fn delete_resource_server(&self, actor: &Actor, key: &str) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete a resource server", About::resource(key));
        let key = key.to_owned();
        self.write(event, move |unit| {
            Box::pin(async move {
                match find(unit, &key).await? {
                    Some(server) if server.is_system => {
                        Err(system("System resource servers cannot be deleted."))
                    }
                    Some(server) => {
                        unit.resource_servers().delete(&server.id).await?;
                        Ok(())
                    }
                    None => Ok(()),
                }
            })
        })
        .await
    }
}

async fn find(unit: &mut (dyn UnitOfWork + '_), key: &str) -> Result<Option<ResourceServer>, AdminError> {
    if let Ok(id) = ResourceServerId::parse(key)
        && let Some(server) = unit.resource_servers().find(&id).await?
    {
        return Ok(Some(server));
    }
    Ok(unit.resource_servers().find_by_identifier(key).await?)
}

async fn found(unit: &mut (dyn UnitOfWork + '_), key: &str) -> Result<ResourceServer, AdminError> {
    let missing = || AdminError::missing("inexistent_resource_server", "The resource server does not exist");
    find(unit, key).await?.ok_or_else(missing)
}

fn system(text: &str) -> AdminError {
    AdminError::Invalid { code: "operation_not_supported", message: text.to_owned() }
}

fn apply(server: &mut ResourceServer, change: ResourceServerChange) -> Result<(), AdminError> {
    change.name.apply(&mut server.name);
    if let Some(scopes) = change.scopes {
        check_scopes(&scopes)?;
        server.scopes = scopes;
    }
    server.allow_offline_access = change.allow_offline_access.unwrap_or(server.allow_offline_access);
    server.token_lifetime = change.token_lifetime.unwrap_or(server.token_lifetime);
    let web =
        change.token_lifetime_for_web.unwrap_or(server.token_lifetime_for_web.min(server.token_lifetime));
    if web > server.token_lifetime {
        return Err(AdminError::property(
            "Value is greater than token_lifetime",
            "token_lifetime_for_web",
            "Expiration value (in seconds) for access tokens of logins in a browser",
        ));
    }
    server.token_lifetime_for_web = web;
    server.enforce_policies = change.enforce_policies.unwrap_or(server.enforce_policies);
    if let Some(dialect) = change.token_dialect {
        server.token_dialect = dialect;
    }
    merge(&mut server.extra, change.extra);
    Ok(())
}

fn check_scopes(scopes: &[Scope]) -> Result<(), AdminError> {
    let what = "List of permissions (scopes) that this API uses";
    if scopes.len() > 1000 {
        let why = format!("Array is too long ({}), maximum 1000", scopes.len());
        return Err(AdminError::property(why, "scopes", what));
    }
    // RFC 6749 §3.3: visible ASCII but for the quotation mark and the backslash.
    let valid = |text: &str| {
        (1..=280).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
    };
    if let Some(bad) = scopes.iter().find(|scope| !valid(&scope.value)) {
        let why = format!("String is not a scope of 1 to 280 characters: {}", bad.value);
        return Err(AdminError::property(why, "scopes", what));
    }
    let mut values: Vec<_> = scopes.iter().map(|scope| scope.value.as_str()).collect();
    values.sort_unstable();
    if let Some([twice, ..]) = values.windows(2).find(|pair| pair[0] == pair[1]) {
        let why = format!("Array items are not unique: {twice}");
        return Err(AdminError::property(why, "scopes", what));
    }
    Ok(())
}
