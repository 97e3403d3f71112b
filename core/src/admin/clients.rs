//! Owns what administrators do with applications.
//! Never touches their grants or the tokens they get.

use super::{
    Actor, Admin, AdminError, Change, actor::About, bootstrap::client_secret, change::merge,
    client_checks::check,
};
use crate::{
    id::ClientId,
    model::{
        Client, ClientAuthentication, EventKind, OrganizationUsage, RefreshTokenPolicy, RequireBehavior,
    },
    port::store::{ClientFilter, Page, UnitOfWork},
    secret::Secret,
};
use serde_json::{Map, Value};

/// What an application is to be, or to become. What is not mentioned keeps its value, or its default.
#[derive(Clone, Debug, Default)]
pub struct ClientChange {
    /// Its name for people.
    pub name: Option<String>,
    /// `regular_web`, `spa`, `native`, `non_interactive`, …
    pub app_type: Change<String>,
    /// How it shows who it is.
    pub authentication: Change<ClientAuthentication>,
    /// Where codes may go.
    pub callbacks: Change<Vec<String>>,
    /// Where browsers may go after logout.
    pub allowed_logout_urls: Change<Vec<String>>,
    /// Origins that may call the token endpoint from a browser.
    pub web_origins: Change<Vec<String>>,
    /// Further origins.
    pub allowed_origins: Change<Vec<String>>,
    /// Where invitation links go.
    pub initiate_login_uri: Change<String>,
    /// The grants it may use.
    pub grant_types: Change<Vec<String>>,
    /// Ours, or somebody else's.
    pub is_first_party: Option<bool>,
    /// Whether its logins may, must, or must not be for an organization.
    pub organization_usage: Change<OrganizationUsage>,
    /// What to do when they must be, and it did not say for which.
    pub organization_require_behavior: Change<RequireBehavior>,
    /// Seconds that its ID tokens are valid.
    pub id_token_lifetime: Change<i64>,
    /// How its refresh tokens live.
    pub refresh_token: Change<RefreshTokenPolicy>,
    /// Fields that are kept and given back; `null` removes one.
    pub extra: Map<String, Value>,
}

/// The grant types an application may be given (contract §2.6).
pub const GRANT_TYPES: &[&str] = &[
    "authorization_code",
    "implicit",
    "refresh_token",
    "client_credentials",
    "password",
    "http://auth0.com/oauth/grant-type/password-realm",
    "http://auth0.com/oauth/grant-type/mfa-oob",
    "http://auth0.com/oauth/grant-type/mfa-otp",
    "http://auth0.com/oauth/grant-type/mfa-recovery-code",
    "http://auth0.com/oauth/grant-type/passwordless/otp",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
];

impl Admin {
    /// A page of the applications that fit, and how many do.
    pub async fn clients(&self, filter: ClientFilter, page: Page) -> Result<(Vec<Client>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.clients().list(&filter, &page).await?;
                    Ok((rows, unit.clients().count(&filter).await?))
                })
            })
            .await
    }

    /// One application.
    pub async fn client(&self, id: &ClientId) -> Result<Client, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// Note in the log that secrets were shown (API-05).
    pub async fn note_secrets_read(
        &self,
        actor: &Actor,
        what: &str,
        resource: &str,
    ) -> Result<(), AdminError> {
        let event = self.event(actor, EventKind::ApiRead, what, About::resource(resource));
        self.write(event, |_unit| Box::pin(async { Ok(()) })).await
    }

    /// Make one; the only answer besides that of [`rotate_client_secret`](Self::rotate_client_secret) that shows its
    /// secret without being asked to.
    pub async fn create_client(&self, actor: &Actor, change: ClientChange) -> Result<Client, AdminError> {
        let at = self.clock.now();
        let mut client = Client {
            id: ClientId::random(self.entropy.as_ref()),
            secret: Secret::new(client_secret(self.entropy.as_ref())),
            name: String::new(),
            app_type: None,
            authentication: ClientAuthentication::ClientSecretPost,
            callbacks: Vec::new(),
            allowed_logout_urls: Vec::new(),
            web_origins: Vec::new(),
            allowed_origins: Vec::new(),
            initiate_login_uri: None,
            grant_types: Vec::new(),
            is_first_party: true,
            organization_usage: OrganizationUsage::Deny,
            organization_require_behavior: RequireBehavior::NoPrompt,
            id_token_lifetime: 36_000,
            refresh_token: RefreshTokenPolicy::default(),
            is_global: false,
            extra: Map::new(),
            created_at: at,
            updated_at: at,
        };
        let app_type = change.app_type.value().map(String::as_str);
        client.authentication = default_authentication(app_type);
        client.grant_types = default_grants(app_type);
        apply(&mut client, change);
        check(&client)?;
        let event = self.wrote(actor, "Create a client", About::resource(client.id.as_str()));
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.clients().insert(&client).await?;
                Ok(client)
            })
        })
        .await
    }

    /// Change one.
    pub async fn update_client(
        &self,
        actor: &Actor,
        id: &ClientId,
        change: ClientChange,
    ) -> Result<Client, AdminError> {
        let at = self.clock.now();
        let event = self.wrote(actor, "Update a client", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut client = found(unit, &id).await?;
                apply(&mut client, change);
                client.updated_at = at;
                check(&client)?;
                unit.clients().update(&client).await?;
                Ok(client)
            })
        })
        .await
    }

    /// Give one a new secret; the old one is void at once.
    pub async fn rotate_client_secret(&self, actor: &Actor, id: &ClientId) -> Result<Client, AdminError> {
        let at = self.clock.now();
        let secret = Secret::new(client_secret(self.entropy.as_ref()));
        let event = self.wrote(actor, "Rotate a client secret", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut client = found(unit, &id).await?;
                client.secret = secret;
                client.updated_at = at;
                unit.clients().update(&client).await?;
                Ok(client)
            })
        })
        .await
    }

    /// Delete one, with its grants. Nothing happens if there is none; the global one stays.
    pub async fn delete_client(&self, actor: &Actor, id: &ClientId) -> Result<(), AdminError> {
        let event = self.wrote(actor, "Delete a client", About::resource(id.as_str()));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                if unit.clients().find(&id).await?.is_some_and(|client| client.is_global) {
                    return Err(AdminError::Invalid {
                        code: "operation_not_supported",
                        message: "Global client cannot be deleted.".to_owned(),
                    });
                }
                unit.clients().delete(&id).await?;
                Ok(())
            })
        })
        .await
    }
}

async fn found(unit: &mut (dyn UnitOfWork + '_), id: &ClientId) -> Result<Client, AdminError> {
    let missing = || AdminError::missing("inexistent_client", "The client does not exist");
    unit.clients().find(id).await?.ok_or_else(missing)
}

fn apply(client: &mut Client, change: ClientChange) {
    let app_type = change.app_type.value().cloned();
    let kind = app_type.as_deref().or(client.app_type.as_deref());
    change.authentication.apply_or(&mut client.authentication, default_authentication(kind));
    change.grant_types.apply_or(&mut client.grant_types, default_grants(kind));
    change.app_type.apply(&mut client.app_type);
    if let Some(name) = change.name {
        client.name = name;
    }
    change.callbacks.apply_or(&mut client.callbacks, Vec::new());
    change.allowed_logout_urls.apply_or(&mut client.allowed_logout_urls, Vec::new());
    change.web_origins.apply_or(&mut client.web_origins, Vec::new());
    change.allowed_origins.apply_or(&mut client.allowed_origins, Vec::new());
    change.initiate_login_uri.apply(&mut client.initiate_login_uri);
    // An empty text is how clients say "none" (contract §2.6).
    client.initiate_login_uri = client.initiate_login_uri.take().filter(|uri| !uri.is_empty());
    if let Some(is_first_party) = change.is_first_party {
        client.is_first_party = is_first_party;
    }
    change.organization_usage.apply_or(&mut client.organization_usage, OrganizationUsage::Deny);
    let behavior = &mut client.organization_require_behavior;
    change.organization_require_behavior.apply_or(behavior, RequireBehavior::NoPrompt);
    change.id_token_lifetime.apply_or(&mut client.id_token_lifetime, 36_000);
    change.refresh_token.apply_or(&mut client.refresh_token, RefreshTokenPolicy::default());
    merge(&mut client.extra, change.extra);
}

/// Applications on people's own machines cannot keep a secret.
fn default_authentication(app_type: Option<&str>) -> ClientAuthentication {
    match app_type {
        Some("spa" | "native") => ClientAuthentication::None,
        _ => ClientAuthentication::ClientSecretPost,
    }
}

fn default_grants(app_type: Option<&str>) -> Vec<String> {
    let grants: &[&str] = match app_type {
        Some("spa" | "native") => &["authorization_code", "implicit", "refresh_token"],
        Some("non_interactive") => &["client_credentials"],
        _ => &["authorization_code", "implicit", "refresh_token", "client_credentials"],
    };
    grants.iter().map(|grant| (*grant).to_owned()).collect()
}
