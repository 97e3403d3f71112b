//! Owns the first start: what an empty store needs before anybody can manage it, made exactly once.
//! Never touches how the secret is printed: the caller shows it, once.

use super::{AdminError, MANAGEMENT_SCOPES};
use crate::{
    entropy::Entropy,
    id::{ClientGrantId, ClientId, ResourceServerId},
    model::{
        AuditEvent, Client, ClientAuthentication, ClientGrant, EventKind, OrganizationUsage,
        RefreshTokenPolicy, RequireBehavior, ResourceServer, Scope,
    },
    port::store::{Store, StoreError, UnitOfWork},
    secret::Secret,
    time::{Clock, Timestamp},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use url::Url;

const CLIENT_MARK: &str = "bootstrap_client";
const CURSOR_MARK: &str = "cursor_key";

/// What the first start gives to whoever started it.
#[derive(Clone, Debug)]
pub struct Bootstrapped {
    /// The installation's issuer.
    pub issuer: Url,
    /// The audience of the Management API.
    pub audience: String,
    /// The application that may do everything.
    pub client_id: ClientId,
    /// Its secret, if this call made it: nobody is told twice.
    pub client_secret: Option<Secret>,
}

/// Whether the application gets a new secret, if it was made before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SecretRotation {
    /// Leave it as it is.
    Keep,
    /// Make a new one; the old one is void.
    Renew,
}

/// The audience of the Management API of this issuer.
pub fn management_audience(issuer: &Url) -> String {
    format!("{}/api/v2/", issuer.as_str().trim_end_matches('/'))
}

/// Make an empty store ready, or find it ready (`security.md` INF-18, K22).
///
/// However many nodes do this at once, one of them makes the system API, the global client, and one application with
/// every scope of the Management API; there are no default credentials. A store whose issuer has changed, or that an
/// earlier version made, is brought up to date.
pub async fn bootstrap(
    store: &dyn Store,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
    issuer: &Url,
    rotation: SecretRotation,
) -> Result<Bootstrapped, AdminError> {
    let at = clock.now();
    let audience = management_audience(issuer);
    let mut event = AuditEvent::new(EventKind::ApiWrite, at, entropy);
    event.description = Some("Bootstrap".to_owned());
    event.audience = Some(audience.clone());
    let manager = application("Management", at, entropy);
    let mut global = application("All Applications", at, entropy);
    global.is_global = true;
    global.app_type = None;
    global.grant_types = Vec::new();
    let api = ResourceServer {
        id: ResourceServerId::random(entropy),
        identifier: audience.clone(),
        // Deployment tools know the API that they must leave alone by this name (contract §2.7).
        name: Some("Auth0 Management API".to_owned()),
        scopes: scopes(),
        allow_offline_access: false,
        token_lifetime: 86_400,
        token_lifetime_for_web: 7_200,
        enforce_policies: false,
        token_dialect: "access_token".to_owned(),
        is_system: true,
        extra: Map::new(),
        created_at: at,
    };
    let grant = ClientGrant {
        id: ClientGrantId::random(entropy),
        client_id: manager.id.clone(),
        audience: audience.clone(),
        scope: MANAGEMENT_SCOPES.iter().map(|(value, _)| (*value).to_owned()).collect(),
        organization_usage: OrganizationUsage::Deny,
        allow_any_organization: false,
        organizations: Vec::new(),
        revision: 1,
        created_at: at,
    };
    let cursor_key = URL_SAFE_NO_PAD.encode(entropy.bytes::<32>());
    let (client_id, client_secret) = store
        .write::<_, AdminError, _>(move |unit| {
            Box::pin(async move {
                unit.tenant().set_mark(CURSOR_MARK, &cursor_key).await?;
                // The first to set the mark makes the rest; on PostgreSQL the others wait here until it has.
                let first = unit.tenant().set_mark(CLIENT_MARK, manager.id.as_str()).await?;
                let outcome = if first {
                    unit.clients().insert(&global).await?;
                    unit.clients().insert(&manager).await?;
                    (manager.id.clone(), Some(manager.secret.clone()))
                } else {
                    found(unit, rotation, manager.secret.clone(), at).await?
                };
                let changed =
                    keep_api(unit, api, ClientGrant { client_id: outcome.0.clone(), ..grant }).await?;
                if changed || outcome.1.is_some() {
                    event.client_id = Some(outcome.0.clone());
                    event.details.insert("resource_id".to_owned(), Value::from(outcome.0.as_str()));
                    unit.events().insert(&event).await?;
                }
                Ok(outcome)
            })
        })
        .await?;
    Ok(Bootstrapped { issuer: issuer.clone(), audience, client_id, client_secret })
}

/// The key that seals the cursors of lists: random, one an installation, made at the first start. It guards against
/// made-up cursors, nothing else.
pub async fn cursor_key(store: &dyn Store, entropy: &dyn Entropy) -> Result<[u8; 32], AdminError> {
    let fresh = URL_SAFE_NO_PAD.encode(entropy.bytes::<32>());
    let text = store
        .write::<_, AdminError, _>(move |unit| {
            Box::pin(async move {
                unit.tenant().set_mark(CURSOR_MARK, &fresh).await?;
                Ok(unit.tenant().mark(CURSOR_MARK).await?)
            })
        })
        .await?;
    let key = text.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).and_then(|key| key.try_into().ok());
    key.ok_or_else(|| StoreError::backend("the key of the cursors is unreadable").into())
}

/// A secret of an application: 64 characters out of 62.
pub(super) fn client_secret(entropy: &dyn Entropy) -> String {
    entropy.alphanumeric(64)
}

fn application(name: &str, at: Timestamp, entropy: &dyn Entropy) -> Client {
    Client {
        id: ClientId::random(entropy),
        secret: Secret::new(client_secret(entropy)),
        name: name.to_owned(),
        app_type: Some("non_interactive".to_owned()),
        authentication: ClientAuthentication::ClientSecretPost,
        callbacks: Vec::new(),
        allowed_logout_urls: Vec::new(),
        web_origins: Vec::new(),
        allowed_origins: Vec::new(),
        initiate_login_uri: None,
        grant_types: vec!["client_credentials".to_owned()],
        is_first_party: true,
        organization_usage: OrganizationUsage::Deny,
        organization_require_behavior: RequireBehavior::NoPrompt,
        id_token_lifetime: 36_000,
        refresh_token: RefreshTokenPolicy::default(),
        is_global: false,
        extra: Map::new(),
        created_at: at,
        updated_at: at,
    }
}

async fn found(
    unit: &mut dyn UnitOfWork,
    rotation: SecretRotation,
    secret: Secret,
    at: Timestamp,
) -> Result<(ClientId, Option<Secret>), AdminError> {
    let id = unit.tenant().mark(CLIENT_MARK).await?.unwrap_or_default();
    let id = ClientId::parse(id).map_err(|error| StoreError::backend(error.to_string()))?;
    if rotation == SecretRotation::Keep {
        return Ok((id, None));
    }
    let Some(mut client) = unit.clients().find(&id).await? else {
        return Err(AdminError::missing(
            "inexistent_client",
            "The application of the first start was deleted: there is nothing to give a new secret to.",
        ));
    };
    client.secret = secret.clone();
    client.updated_at = at;
    unit.clients().update(&client).await?;
    Ok((id, Some(secret)))
}

/// Have the system API with today's scopes, and the first application's grant for it; whether something was missing.
async fn keep_api(
    unit: &mut dyn UnitOfWork,
    api: ResourceServer,
    grant: ClientGrant,
) -> Result<bool, AdminError> {
    match unit.resource_servers().find_by_identifier(&api.identifier).await? {
        Some(mut known) if known.scopes != api.scopes || !known.is_system => {
            known.scopes = api.scopes;
            known.is_system = true;
            unit.resource_servers().update(&known).await?;
            return Ok(true);
        }
        Some(_) => return Ok(false),
        None => unit.resource_servers().insert(&api).await?,
    }
    if unit.clients().find(&grant.client_id).await?.is_some() {
        unit.client_grants().insert(&grant).await?;
    }
    Ok(true)
}

fn scopes() -> Vec<Scope> {
    MANAGEMENT_SCOPES
        .iter()
        .map(|(value, description)| Scope {
            value: (*value).to_owned(),
            description: Some((*description).to_owned()),
        })
        .collect()
}
