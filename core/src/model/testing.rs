//! Owns plain examples of the model for tests.
//! Never touches production: compiled for tests and with the feature `testing` alone.

use super::{
    Client, ClientAuthentication, Connection, Identity, Membership, Organization, OrganizationConnection,
    OrganizationName, OrganizationUsage, RefreshTokenPolicy, RequireBehavior, User,
};
use crate::{
    connector::Subject,
    email::Email,
    id::{ClientId, ConnectionId, OrganizationId, UserId},
    secret::Secret,
    time::Timestamp,
};
use serde_json::{Map, json};

fn id<T: TryFrom<String>>(text: &str) -> T
where
    T::Error: std::fmt::Debug,
{
    T::try_from(text.to_owned()).unwrap_or_else(|error| unreachable!("{text} is an id: {error:?}"))
}

/// A confidential web application that must name an organization.
pub fn client() -> Client {
    Client {
        id: id::<ClientId>("HoekstraBookingClient00000000000"),
        secret: Secret::new("hoekstra-booking-secret"),
        name: "Travel0 Corporate Booking".to_owned(),
        app_type: Some("regular_web".to_owned()),
        authentication: ClientAuthentication::ClientSecretPost,
        callbacks: vec!["https://hoekstra.test/callback".to_owned()],
        allowed_logout_urls: vec!["https://hoekstra.test/".to_owned()],
        web_origins: Vec::new(),
        allowed_origins: Vec::new(),
        initiate_login_uri: Some("https://hoekstra.test/login".to_owned()),
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        is_first_party: true,
        organization_usage: OrganizationUsage::Require,
        organization_require_behavior: RequireBehavior::NoPrompt,
        id_token_lifetime: 36_000,
        refresh_token: RefreshTokenPolicy::default(),
        is_global: false,
        extra: Map::new(),
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    }
}

/// Hoekstra & Associates.
pub fn organization() -> Organization {
    Organization {
        id: id::<OrganizationId>("org_hoekstra00000000"),
        name: id::<OrganizationName>("hoekstra"),
        display_name: Some("Hoekstra & Associates".to_owned()),
        branding: None,
        metadata: None,
        extra: Map::new(),
        created_at: Timestamp(1),
    }
}

/// A database connection that is enabled for [`client`].
pub fn connection() -> Connection {
    Connection {
        id: id::<ConnectionId>("con_hoekstraDb000000"),
        name: "hoekstra-db".to_owned(),
        strategy: "auth0".to_owned(),
        display_name: None,
        options: json!({}),
        enabled_clients: vec![client().id],
        realms: vec!["hoekstra-db".to_owned()],
        extra: Map::new(),
        revision: 1,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    }
}

/// [`connection`] in [`organization`].
pub fn organization_connection() -> OrganizationConnection {
    OrganizationConnection {
        organization_id: organization().id,
        connection_id: connection().id,
        assign_membership_on_login: false,
        show_as_button: true,
        is_signup_enabled: false,
        organization_connection_name: None,
        organization_access_level: None,
        is_enabled: true,
        created_at: Timestamp(1),
    }
}

/// A user of [`connection`].
pub fn user() -> User {
    let subject = "5f7c8ec7c33c6c004bbafe82";
    User {
        id: id::<UserId>(&format!("auth0|{subject}")),
        identities: vec![Identity {
            connection_id: connection().id,
            connection: "hoekstra-db".to_owned(),
            provider: "auth0".to_owned(),
            subject: Subject(subject.to_owned()),
        }],
        email: Email::parse("jennifer@hoekstra.test").ok(),
        email_verified: true,
        username: None,
        profile: Map::new(),
        user_metadata: Map::new(),
        app_metadata: Map::new(),
        blocked: false,
        logins_count: 0,
        last_login: None,
        last_ip: None,
        last_password_reset: None,
        session_epoch: 0,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    }
}

/// [`user`] in [`organization`].
pub fn membership() -> Membership {
    Membership {
        organization_id: organization().id,
        user_id: user().id,
        roles: Vec::new(),
        created_at: Timestamp(1),
    }
}
