//! Owns what is on the stage: Hoekstra, its member Jennifer, applications, an API.
//! Never touches what is done with them.

use super::{API, CALLBACK, SECRET, Stage};
use portico_core::{
    connector::Subject,
    email::Email,
    id::{ClientId, ConnectionId, OrganizationId, ResourceServerId, RoleId, UserId},
    model::{
        Client, ClientAuthentication, Connection, Identity, Organization, OrganizationConnection,
        OrganizationName, OrganizationUsage, Permission, ResourceServer, Role, Scope, User,
    },
    testing::sample_client,
    time::{Clock, Timestamp},
};
use serde_json::{Map, Value};

/// A confidential application whose logins are for organizations.
pub(crate) fn web(id: &str) -> Client {
    let grants = ["authorization_code", "refresh_token"];
    Client {
        callbacks: vec![CALLBACK.to_owned()],
        allowed_logout_urls: vec![format!("https://{id}.travel0.test/bye")],
        web_origins: vec![format!("https://{id}.travel0.test")],
        organization_usage: OrganizationUsage::Allow,
        grant_types: grants.map(str::to_owned).to_vec(),
        ..sample_client(id, SECRET)
    }
}

pub(crate) fn public(id: &str) -> Client {
    Client { authentication: ClientAuthentication::None, app_type: Some("spa".to_owned()), ..web(id) }
}

pub(crate) fn machine(id: &str) -> Client {
    Client { grant_types: vec!["client_credentials".to_owned()], ..sample_client(id, SECRET) }
}

pub(crate) fn connection(at: Timestamp) -> Connection {
    Connection {
        id: ConnectionId::parse("con_database").expect("an id"),
        name: "hoekstra-database".to_owned(),
        strategy: "auth0".to_owned(),
        display_name: None,
        options: Value::Object(Map::new()),
        enabled_clients: ["hoekstra", "spa"].map(|id| ClientId::parse(id).expect("an id")).to_vec(),
        realms: Vec::new(),
        extra: Map::new(),
        revision: 1,
        created_at: at,
        updated_at: at,
    }
}

pub(crate) fn organization(at: Timestamp) -> Organization {
    Organization {
        id: OrganizationId::parse("org_hoekstra").expect("an id"),
        name: OrganizationName::parse("hoekstra").expect("a name"),
        display_name: Some("Hoekstra & Associates".to_owned()),
        branding: None,
        metadata: None,
        extra: Map::new(),
        created_at: at,
    }
}

pub(crate) fn organization_connection(at: Timestamp) -> OrganizationConnection {
    OrganizationConnection {
        organization_id: organization(at).id,
        connection_id: connection(at).id,
        assign_membership_on_login: false,
        show_as_button: true,
        is_signup_enabled: false,
        organization_connection_name: None,
        organization_access_level: None,
        is_enabled: true,
        created_at: at,
    }
}

pub(crate) fn jennifer(at: Timestamp) -> User {
    User {
        id: UserId::parse("auth0|jennifer").expect("an id"),
        identities: vec![Identity {
            connection_id: connection(at).id,
            connection: connection(at).name,
            provider: "auth0".to_owned(),
            subject: Subject("jennifer".to_owned()),
        }],
        email: Some(Email::parse("Jennifer@hoekstra.test").expect("an address")),
        email_verified: true,
        username: None,
        profile: Map::from_iter([("given_name".to_owned(), Value::from("Jennifer"))]),
        user_metadata: Map::new(),
        app_metadata: Map::new(),
        blocked: false,
        logins_count: 1,
        last_login: None,
        last_ip: None,
        last_password_reset: None,
        session_epoch: 0,
        created_at: at,
        updated_at: at,
    }
}

pub(crate) fn api(at: Timestamp) -> ResourceServer {
    let scope = |value: &str| Scope { value: value.to_owned(), description: None };
    ResourceServer {
        id: ResourceServerId::parse("0123456789abcdef01234567").expect("an id"),
        identifier: API.to_owned(),
        name: Some("Travel0".to_owned()),
        scopes: vec![scope("read:trips"), scope("book:trips")],
        allow_offline_access: true,
        token_lifetime: 3600,
        token_lifetime_for_web: 3600,
        enforce_policies: true,
        token_dialect: "access_token_authz".to_owned(),
        is_system: false,
        extra: Map::new(),
        created_at: at,
    }
}

/// A role that permits this at the API; given by whoever uses it.
pub(crate) async fn role(stage: &Stage, id: &str, scope: &str) -> RoleId {
    let role = Role {
        id: RoleId::parse(id).expect("an id"),
        name: id.to_owned(),
        description: None,
        created_at: stage.clock.now(),
    };
    let permission =
        Permission { resource_server_identifier: API.to_owned(), permission_name: scope.to_owned() };
    let id = role.id.clone();
    stage
        .write(move |unit| {
            Box::pin(async move {
                unit.roles().insert(&role).await?;
                unit.roles().add_permissions(&role.id, &[permission]).await
            })
        })
        .await;
    id
}
