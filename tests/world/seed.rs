//! Owns what a world begins with: the seed's story, written straight into the store.
//! Never touches the Management API; `management` tests that.

use super::{HOEKSTRA, ISSUER, METAHEXA};
use portico_core::{
    connector::Subject,
    email::Email,
    entropy::{Entropy, SystemEntropy},
    id::{ClientId, ConnectionId, InvitationId, OrganizationId, UserId},
    model::{
        Branding, Client, Color, Connection, Identity, Invitation, Organization, OrganizationConnection,
        OrganizationName, PasswordCredential, Rule, User, testing,
    },
    port::store::{Store, StoreError},
    secret::Secret,
    time::Timestamp,
};
use portico_database::{HashingPool, Password};
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

/// The seed's organizations, applications, connections and members.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    /// Hoekstra & Associates.
    pub(crate) hoekstra: OrganizationId,
    /// MetaHexa Bank.
    pub(crate) metahexa: OrganizationId,
    /// Hoekstra's database.
    pub(crate) database: ConnectionId,
    /// MetaHexa's identity provider.
    pub(crate) idp: ConnectionId,
    /// The application's instance for Hoekstra: an organization is required.
    pub(crate) booking: ClientId,
    /// Another application of Hoekstra's.
    pub(crate) expenses: ClientId,
    /// The application's instance for MetaHexa.
    pub(crate) metahexa_booking: ClientId,
    /// An application without organizations.
    pub(crate) plain: ClientId,
    /// A member of Hoekstra.
    pub(crate) piet: UserId,
    /// Somebody in Hoekstra's database who is no member.
    pub(crate) eve: UserId,
}

/// Everybody's password.
pub(crate) const PASSWORD: &str = "Correct-Horse-7-Battery";

impl Seed {
    pub(super) async fn plant(
        store: &dyn Store,
        hashing: &HashingPool,
        now: Timestamp,
        idp: Option<&Url>,
    ) -> Self {
        let entropy = SystemEntropy::default();
        let seed = Self {
            hoekstra: OrganizationId::random(&entropy),
            metahexa: OrganizationId::random(&entropy),
            database: ConnectionId::random(&entropy),
            idp: ConnectionId::random(&entropy),
            booking: ClientId::random(&entropy),
            expenses: ClientId::random(&entropy),
            metahexa_booking: ClientId::random(&entropy),
            plain: ClientId::random(&entropy),
            piet: user_id("piet"),
            eve: user_id("eve"),
        };
        let hash = hashing.hash(&Password::parse(PASSWORD).expect("a password")).await.expect("a hash");
        let rows = seed.rows(now, &hash, idp);
        store
            .write(move |unit| {
                Box::pin(async move {
                    for organization in &rows.organizations {
                        unit.organizations().insert(organization, Timestamp(0)).await?;
                    }
                    for client in &rows.clients {
                        unit.clients().insert(client).await?;
                    }
                    for connection in &rows.connections {
                        unit.connections().insert(connection).await?;
                    }
                    for place in &rows.places {
                        unit.organizations().insert_connection(place).await?;
                    }
                    for (user, credential) in &rows.users {
                        unit.users().insert(user).await?;
                        unit.credentials().insert(credential).await?;
                    }
                    unit.members().insert(&rows.organizations[0].id, &rows.users[0].0.id, now).await?;
                    Ok::<_, StoreError>(())
                })
            })
            .await
            .expect("the seed is stored");
        seed
    }

    fn rows(&self, now: Timestamp, hash: &Secret, idp: Option<&Url>) -> Rows {
        let organization = |id: &OrganizationId, name: &str, title: &str, colour: &str| Organization {
            id: id.clone(),
            name: OrganizationName::parse(name).expect("a name"),
            display_name: Some(title.to_owned()),
            branding: Some(Branding { primary: Color::parse(colour).ok(), ..Branding::default() }),
            created_at: now,
            ..testing::organization()
        };
        let client = |id: &ClientId, name: &str, base: &str| Client {
            id: id.clone(),
            secret: Secret::new(format!("secret-of-{id}")),
            name: name.to_owned(),
            callbacks: vec![format!("{base}/callback")],
            allowed_logout_urls: vec![format!("{base}/")],
            initiate_login_uri: Some(format!("{base}/login")),
            created_at: now,
            updated_at: now,
            ..testing::client()
        };
        let connection =
            |id: &ConnectionId, name: &str, strategy: &str, options: Value, clients: &[&ClientId]| {
                Connection {
                    id: id.clone(),
                    name: name.to_owned(),
                    strategy: strategy.to_owned(),
                    options,
                    enabled_clients: clients.iter().copied().cloned().collect(),
                    created_at: now,
                    updated_at: now,
                    ..testing::connection()
                }
            };
        let place = |organization: &OrganizationId, connection: &ConnectionId| OrganizationConnection {
            organization_id: organization.clone(),
            connection_id: connection.clone(),
            created_at: now,
            ..testing::organization_connection()
        };
        let plain = Client {
            organization_usage: portico_core::model::OrganizationUsage::Deny,
            ..client(&self.plain, "Plain", HOEKSTRA)
        };
        let issuer = idp.map_or_else(
            || "http://localhost:1".to_owned(),
            |idp| idp.as_str().trim_end_matches('/').to_owned(),
        );
        let upstream = json!({
            "type": "back_channel",
            "discovery_url": format!("{issuer}/.well-known/openid-configuration"),
            "client_id": IDP_CLIENT,
            "client_secret": IDP_SECRET,
            "scope": "openid profile email",
        });
        Rows {
            organizations: vec![
                organization(&self.hoekstra, "hoekstra", "Hoekstra & Associates", "#0a5c36"),
                organization(&self.metahexa, "metahexa", "MetaHexa Bank", "#123a63"),
            ],
            clients: vec![
                client(&self.booking, "Travel0 Corporate Booking", HOEKSTRA),
                client(&self.expenses, "Travel0 Expenses", HOEKSTRA),
                client(&self.metahexa_booking, "Travel0 Corporate Booking", METAHEXA),
                plain,
            ],
            connections: vec![
                connection(&self.database, "hoekstra-db", "auth0", json!({}), &[&self.booking, &self.plain]),
                connection(&self.idp, "metahexa-idp", "oidc", upstream, &[&self.metahexa_booking]),
            ],
            places: vec![place(&self.hoekstra, &self.database), place(&self.metahexa, &self.idp)],
            users: vec![
                self.user(&self.piet, "piet@hoekstra.test", now, hash),
                self.user(&self.eve, "eve@hoekstra.test", now, hash),
            ],
        }
    }

    fn user(&self, id: &UserId, email: &str, now: Timestamp, hash: &Secret) -> (User, PasswordCredential) {
        let subject = Subject(id.as_str().trim_start_matches("auth0|").to_owned());
        let email = Email::parse(email).expect("an address");
        let user = User {
            id: id.clone(),
            identities: vec![Identity {
                connection_id: self.database.clone(),
                connection: "hoekstra-db".to_owned(),
                provider: "auth0".to_owned(),
                subject: subject.clone(),
            }],
            email: Some(email.clone()),
            profile: Map::from_iter([("name".to_owned(), json!(email.canonical()))]),
            created_at: now,
            updated_at: now,
            ..testing::user()
        };
        let credential = PasswordCredential {
            connection_id: self.database.clone(),
            user_id: id.clone(),
            subject,
            email_normalized: Some(email.canonical().to_owned()),
            username_normalized: None,
            password_hash: Some(hash.clone()),
            history: Vec::new(),
            changed_at: now,
            awaits_verification: false,
        };
        (user, credential)
    }

    /// An authorization request of this application for this organization, with PKCE, state and nonce.
    pub(crate) fn authorize(
        &self,
        client: &ClientId,
        organization: Option<&OrganizationId>,
        more: &[(&str, &str)],
    ) -> String {
        let base = if *client == self.metahexa_booking { METAHEXA } else { HOEKSTRA };
        let mut url = Url::parse(ISSUER).and_then(|issuer| issuer.join("authorize")).expect("a URL");
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", client.as_str())
                .append_pair("redirect_uri", &format!("{base}/callback"))
                .append_pair("scope", "openid profile email offline_access")
                .append_pair("state", "app-state")
                .append_pair("nonce", "app-nonce")
                .append_pair("code_challenge", CHALLENGE)
                .append_pair("code_challenge_method", "S256");
            if let Some(organization) = organization {
                query.append_pair("organization", organization.as_str());
            }
            query.extend_pairs(more);
        }
        url.into()
    }

    /// Invite somebody to an organization, through this application; the tickets of the API and of the e-mail.
    pub(crate) async fn invite(
        &self,
        store: &dyn Store,
        email: &str,
        invited: Invited<'_>,
    ) -> (String, String) {
        let entropy: &dyn Entropy = &SystemEntropy::default();
        let (api, mail) = (entropy.alphanumeric(32), entropy.alphanumeric(32));
        let invitation = Invitation {
            id: InvitationId::random(entropy),
            organization_id: invited.organization.clone(),
            inviter_name: "Piet Hoekstra".to_owned(),
            invitee_email: Email::parse(email).expect("an address"),
            client_id: invited.client.clone(),
            connection_id: invited.connection.cloned(),
            roles: Vec::new(),
            app_metadata: Map::new(),
            user_metadata: Map::new(),
            api_ticket: Secret::new(api.clone()),
            mail_ticket: Some(Secret::new(mail.clone())),
            created_at: invited.now,
            expires_at: invited.now.plus(Duration::from_hours(24 * 7)),
            consumed_at: None,
            accepted_by: None,
        };
        store
            .write(move |unit| Box::pin(async move { unit.invitations().insert(&invitation).await }))
            .await
            .expect("the invitation is stored");
        (api, mail)
    }

    /// Add a rule at this place.
    pub(crate) async fn rule(&self, store: &dyn Store, name: &str, order: i64) {
        let rule = Rule {
            id: portico_core::id::RuleId::random(&SystemEntropy::default()),
            name: name.to_owned(),
            script: "function (user, context, callback) { callback(null, user, context); }".to_owned(),
            order,
            enabled: true,
            revision: 1,
            created_at: Timestamp(1),
        };
        store
            .write(move |unit| Box::pin(async move { unit.rules().insert(&rule).await }))
            .await
            .expect("the rule is stored");
    }
}

/// To what somebody is invited.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Invited<'a> {
    /// The organization.
    pub(crate) organization: &'a OrganizationId,
    /// The application.
    pub(crate) client: &'a ClientId,
    /// The one connection, or any.
    pub(crate) connection: Option<&'a ConnectionId>,
    /// When.
    pub(crate) now: Timestamp,
}

/// The gateway's name at MetaHexa's identity provider.
pub(crate) const IDP_CLIENT: &str = "portico-at-metahexa";
/// Its secret there.
pub(crate) const IDP_SECRET: &str = "portico-secret-at-metahexa-0123456789";
/// The verifier of every authorization request here.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// Its challenge (RFC 7636 appendix B).
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Rows {
    organizations: Vec<Organization>,
    clients: Vec<Client>,
    connections: Vec<Connection>,
    places: Vec<OrganizationConnection>,
    users: Vec<(User, PasswordCredential)>,
}

fn user_id(name: &str) -> UserId {
    // 24 hexadecimal digits that are told apart by eye.
    let mut bytes = [0; 12];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    let hex = format!("{:024x}", bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte)));
    UserId::parse(format!("auth0|{hex}")).expect("a user id")
}
