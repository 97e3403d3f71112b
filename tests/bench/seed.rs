//! Owns what the stores of the benchmark hold: written straight into them, in units of a thousand.
//! Never touches a running gateway.

use crate::gateway;
use anyhow::{Context, Error, Result, anyhow, ensure};
use portico_core::{
    connector::Subject,
    email::Email,
    entropy::{Entropy, SystemEntropy},
    id::{ClientId, ConnectionId, OrganizationId, ResourceServerId, UserId},
    model::{
        Client, Connection, Identity, Organization, OrganizationConnection, OrganizationName,
        PasswordCredential, ResourceServer, Scope, User, testing,
    },
    port::store::{Store, StoreError},
    secret::Secret,
    time::Timestamp,
};
use portico_database::{HashingPool, HashingSettings, Password};
use portico_fixtures::api::{Api, text};
use portico_store::{Kek, Keks, StoreOptions};
use serde_json::Map;
use std::{path::Path, process::Command, sync::Arc};
use url::Url;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    organizations: usize,
    users: usize,
}

/// A handful.
pub(crate) const SMALL: Size = Size { organizations: 10, users: 20 };
/// What one machine should start with at once.
pub(crate) const MIDDLE: Size = Size { organizations: 1_000, users: 1_000 };
/// Many.
pub(crate) const LARGE: Size = Size { organizations: 10_000, users: 100_000 };

/// Everybody's password.
pub(crate) const PASSWORD: &str = "Correct-Horse-7-Battery";
/// The application.
pub(crate) const APPLICATION: &str = "http://app.localhost:9";
/// An API of the application: its access tokens are signed.
pub(crate) const AUDIENCE: &str = "https://api.bench.example/";

/// What a store holds.
pub(crate) struct World {
    size: Size,
    organizations: Vec<OrganizationId>,
    connection: ConnectionId,
    /// The application's id.
    pub(crate) client: ClientId,
    /// Its secret.
    pub(crate) secret: String,
    management: (String, String),
}

impl World {
    /// How many users there are.
    pub(crate) const fn users(&self) -> usize {
        self.size.users
    }

    /// The address of a user.
    pub(crate) fn email(number: usize) -> String {
        format!("person{number}@bench.example")
    }

    /// The organization that this user is a member of.
    pub(crate) fn organization(&self, number: usize) -> &OrganizationId {
        &self.organizations[number % self.organizations.len()]
    }

    /// The Management API of a gateway on this store.
    pub(crate) async fn api(&self, issuer: &Url) -> Result<Api> {
        Ok(Api::connect(issuer, &self.management.0, &self.management.1).await?)
    }
}

/// Make a store in the folder's `data`, ready for a gateway with this issuer.
pub(crate) async fn plant(folder: &Path, issuer: &Url, size: Size) -> Result<World> {
    let data = folder.join("data");
    let made = Command::new(gateway::program()?)
        .args(["bootstrap", "--json", "--issuer", issuer.as_str(), "--data-dir"])
        .arg(&data)
        .output()?;
    ensure!(made.status.success(), "bootstrap: {}", String::from_utf8_lossy(&made.stderr));
    let made = serde_json::from_slice(&made.stdout)?;
    let kek = Kek::parse(&std::fs::read_to_string(data.join("kek"))?)?;
    let file = data.join("portico.db");
    let options = StoreOptions::new(Keks::new(kek, Vec::new()));
    let store = portico_store::open(file.to_str().context("a path is no text")?, &options).await?;
    let entropy: Arc<dyn Entropy> = Arc::new(SystemEntropy::default());
    let world = World {
        size,
        organizations: (0..size.organizations).map(|_| OrganizationId::random(&*entropy)).collect(),
        connection: ConnectionId::random(&*entropy),
        client: ClientId::random(&*entropy),
        secret: entropy.token(),
        management: (text(&made, "client_id")?, text(&made, "client_secret")?),
    };
    let settings = HashingSettings { threads: 1, ..HashingSettings::default() };
    let hashing = HashingPool::start(settings, Arc::clone(&entropy))?;
    let hash = hashing.hash(&Password::parse(PASSWORD).map_err(|fault| anyhow!("{fault:?}"))?).await?;
    plant_application(&*store, &world, &*entropy).await?;
    plant_organizations(&*store, &world).await?;
    plant_users(&*store, &world, &hash).await?;
    Ok(world)
}

async fn plant_application(store: &dyn Store, world: &World, entropy: &dyn Entropy) -> Result<()> {
    let client = Client {
        id: world.client.clone(),
        secret: Secret::new(world.secret.clone()),
        name: "Bench".to_owned(),
        callbacks: vec![format!("{APPLICATION}/callback")],
        initiate_login_uri: None,
        ..testing::client()
    };
    let connection = Connection {
        id: world.connection.clone(),
        name: "people".to_owned(),
        enabled_clients: vec![world.client.clone()],
        realms: vec!["people".to_owned()],
        ..testing::connection()
    };
    let server = ResourceServer {
        id: ResourceServerId::random(entropy),
        identifier: AUDIENCE.to_owned(),
        name: Some("Bench".to_owned()),
        scopes: vec![Scope { value: "read:all".to_owned(), description: None }],
        allow_offline_access: false,
        token_lifetime: 86_400,
        token_lifetime_for_web: 7_200,
        enforce_policies: false,
        token_dialect: "access_token".to_owned(),
        is_system: false,
        extra: Map::new(),
        created_at: Timestamp(1),
    };
    let done = store.write(move |unit| {
        Box::pin(async move {
            unit.clients().insert(&client).await?;
            unit.connections().insert(&connection).await?;
            unit.resource_servers().insert(&server).await
        })
    });
    Ok(done.await?)
}

async fn plant_organizations(store: &dyn Store, world: &World) -> Result<()> {
    let numbered: Vec<_> = world.organizations.iter().cloned().enumerate().collect();
    for some in numbered.chunks(UNIT) {
        let mut rows = Vec::new();
        for (number, id) in some {
            let name = OrganizationName::parse(&format!("customer-{number}")).map_err(Error::msg)?;
            let title = Some(format!("Customer {number}"));
            let organization =
                Organization { id: id.clone(), name, display_name: title, ..testing::organization() };
            let place = OrganizationConnection {
                organization_id: id.clone(),
                connection_id: world.connection.clone(),
                ..testing::organization_connection()
            };
            rows.push((organization, place));
        }
        let done = store.write(move |unit| {
            Box::pin(async move {
                for (organization, place) in &rows {
                    unit.organizations().insert(organization, Timestamp(0)).await?;
                    unit.organizations().insert_connection(place).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        done.await?;
    }
    Ok(())
}

async fn plant_users(store: &dyn Store, world: &World, hash: &Secret) -> Result<()> {
    let all: Vec<_> = (0..world.size.users).collect();
    for some in all.chunks(UNIT) {
        let mut rows = Vec::new();
        for number in some {
            let (user, credential) = user(world, *number, hash)?;
            rows.push((world.organization(*number).clone(), user, credential));
        }
        let done = store.write(move |unit| {
            Box::pin(async move {
                for (organization, user, credential) in &rows {
                    unit.users().insert(user).await?;
                    unit.credentials().insert(credential).await?;
                    unit.members().insert(organization, &user.id, Timestamp(1)).await?;
                }
                Ok::<_, StoreError>(())
            })
        });
        done.await?;
    }
    Ok(())
}

fn user(world: &World, number: usize, hash: &Secret) -> Result<(User, PasswordCredential)> {
    let subject = Subject(format!("{number:024x}"));
    let email = Email::parse(&World::email(number))?;
    let id = UserId::parse(format!("auth0|{}", subject.0))?;
    let credential = PasswordCredential {
        connection_id: world.connection.clone(),
        user_id: id.clone(),
        subject: subject.clone(),
        email_normalized: Some(email.canonical().to_owned()),
        username_normalized: None,
        password_hash: Some(hash.clone()),
        history: Vec::new(),
        changed_at: Timestamp(1),
        awaits_verification: false,
    };
    let identity = Identity {
        connection_id: world.connection.clone(),
        connection: "people".to_owned(),
        provider: "auth0".to_owned(),
        subject,
    };
    Ok((User { id, identities: vec![identity], email: Some(email), ..testing::user() }, credential))
}

/// Rows of a kind in a unit of work.
const UNIT: usize = 1_000;
