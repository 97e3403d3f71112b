//! Owns what a rule is told: its `user` and its `context` (contract §4.1).
//! Never touches what it gives back.

use crate::{
    id::{ClientId, SessionId, TransactionId},
    model::{Client, Connection, Organization, User},
    oauth::AuthorizeRequest,
    time::Timestamp,
};
use serde_json::{Map, Value, json};

/// Everything about one login that rules are told.
#[derive(Clone, Debug)]
pub struct RuleInput<'a> {
    /// The installation's name.
    pub tenant: &'a str,
    /// Who signs in.
    pub user: &'a User,
    /// How often they have, counting this login.
    pub logins_count: i64,
    /// The application.
    pub client: &'a Client,
    /// The connection they came through.
    pub connection: &'a Connection,
    /// The organization, if the login is for one.
    pub organization: Option<&'a Organization>,
    /// The names of the user's roles: the member's, when the login is for an organization.
    pub roles: &'a [String],
    /// What the application asks for. Rules may change the scope of the access token.
    pub scope: &'a [String],
    /// How it asks.
    pub protocol: Protocol,
    /// The session, as tokens name it.
    pub session: Option<&'a SessionId>,
    /// The applications that have had a code from the session before.
    pub session_clients: &'a [ClientId],
    /// How the user showed who they are.
    pub methods: &'a [Method],
    /// The request that the login answers; absent where there is no browser.
    pub request: Option<RuleRequest>,
    /// What actions are told of it besides.
    pub asked: Asked<'a>,
}

/// What actions are told of a login besides what rules are told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// Our issuer.
    pub issuer: &'a str,
    /// The login in progress, if there is one.
    pub transaction: Option<&'a TransactionId>,
    /// What the application asked for, if it asked through a browser.
    pub request: Option<&'a AuthorizeRequest>,
    /// The API that the access token is for.
    pub audience: Option<&'a str>,
    /// When the session began, if there is one.
    pub authenticated_at: Option<Timestamp>,
}

/// `context.protocol`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// The authorization code flow.
    OidcBasicProfile,
    /// A refresh token.
    RefreshToken,
    /// The browser has come back from where a rule sent it (contract §4.1).
    RedirectCallback,
}

impl Protocol {
    /// As rules know it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OidcBasicProfile => "oidc-basic-profile",
            Self::RefreshToken => "oauth2-refresh-token",
            Self::RedirectCallback => "redirect-callback",
        }
    }
}

/// An entry of `context.authentication.methods`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Method {
    /// `pwd`, `federated`, ….
    pub name: String,
    /// When it was done.
    pub at: Timestamp,
}

/// `context.request`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleRequest {
    /// The address it came from.
    pub ip: Option<String>,
    /// The browser's name for itself.
    pub user_agent: Option<String>,
    /// The host it was for.
    pub hostname: Option<String>,
    /// `GET` or `POST`, where it is known.
    pub method: Option<&'static str>,
    /// Its query; a parameter that is there several times is an array.
    pub query: Map<String, Value>,
    /// Its form, with secrets left out by the caller.
    pub body: Map<String, Value>,
}

impl RuleInput<'_> {
    /// The argument `user`: the profile at its root, and what Auth0 puts beside it.
    pub(super) fn user_argument(&self) -> Map<String, Value> {
        let user = self.user;
        let mut object = user.profile.clone();
        object.insert("user_id".to_owned(), Value::from(user.id.as_str()));
        for fixed in ["email", "email_verified", "username"] {
            object.remove(fixed);
        }
        if let Some(email) = &user.email {
            object.insert("email".to_owned(), Value::from(email.canonical()));
            object.insert("email_verified".to_owned(), Value::from(user.email_verified));
        }
        let identities = user.identities.iter().map(|identity| {
            json!({
                "provider": identity.provider,
                "user_id": identity.subject.0,
                "connection": identity.connection,
                "isSocial": false,
            })
        });
        let instant = |at: Option<Timestamp>| at.map(|at| Value::from(at.iso()));
        let optional = [
            ("username", user.username.clone().map(Value::from)),
            ("last_ip", user.last_ip.clone().map(Value::from)),
            ("last_login", instant(user.last_login)),
            ("last_password_reset", instant(user.last_password_reset)),
            ("created_at", instant(Some(user.created_at))),
            ("updated_at", instant(Some(user.updated_at))),
            ("blocked", user.blocked.then_some(Value::Bool(true))),
            ("identities", Some(identities.collect())),
            ("user_metadata", Some(Value::Object(user.user_metadata.clone()))),
            ("app_metadata", Some(Value::Object(user.app_metadata.clone()))),
        ];
        object.extend(present(optional));
        object
    }

    /// The part of the argument `context` that rules read and cannot change.
    pub(super) fn context_argument(&self) -> Map<String, Value> {
        let methods =
            self.methods.iter().map(|method| json!({"name": method.name, "timestamp": method.at.0}));
        let optional = [
            ("tenant", Some(Value::from(self.tenant))),
            ("clientID", Some(Value::from(self.client.id.as_str()))),
            ("clientName", Some(Value::from(self.client.name.as_str()))),
            ("clientMetadata", Some(object_of(self.client.extra.get("client_metadata")))),
            ("connectionID", Some(Value::from(self.connection.id.as_str()))),
            ("connection", Some(Value::from(self.connection.name.as_str()))),
            ("connectionStrategy", Some(Value::from(self.connection.strategy.as_str()))),
            ("connectionOptions", Some(self.connection_options())),
            ("connectionMetadata", Some(object_of(self.connection.extra.get("metadata")))),
            ("protocol", Some(Value::from(self.protocol.as_str()))),
            ("request", self.request.as_ref().map(RuleRequest::argument)),
            ("organization", self.organization.map(organization_argument)),
            ("stats", Some(json!({"loginsCount": self.logins_count}))),
            ("sso", self.session.map(|_| self.sso())),
            ("authentication", Some(json!({"methods": methods.collect::<Vec<_>>()}))),
            ("authorization", Some(json!({"roles": self.roles}))),
            ("sessionID", self.session.map(|session| Value::from(session.as_str()))),
        ];
        present(optional).collect()
    }

    /// Two options that say nothing secret; the rest of a connection's options are no rule's business.
    fn connection_options(&self) -> Value {
        let optional = ["tenant_domain", "domain_aliases"]
            .map(|option| (option, self.connection.options.get(option).cloned()));
        Value::Object(present(optional).collect())
    }

    fn sso(&self) -> Value {
        json!({
            "with_auth0": true,
            "with_dbconn": self.connection.strategy == "auth0",
            "current_clients": self.session_clients.iter().map(ClientId::as_str).collect::<Vec<_>>(),
        })
    }
}

impl RuleRequest {
    fn argument(&self) -> Value {
        let optional = [
            ("ip", self.ip.clone().map(Value::from)),
            ("userAgent", self.user_agent.clone().map(Value::from)),
            ("hostname", self.hostname.clone().map(Value::from)),
            ("query", Some(Value::Object(self.query.clone()))),
            ("body", Some(Value::Object(self.body.clone()))),
        ];
        Value::Object(present(optional).collect())
    }
}

fn organization_argument(organization: &Organization) -> Value {
    let branding = organization.branding.as_ref().map(|branding| {
        let colors = [
            ("primary", branding.primary.as_ref().map(|color| Value::from(color.as_str()))),
            ("page_background", branding.page_background.as_ref().map(|color| Value::from(color.as_str()))),
        ];
        let optional = [
            ("logo_url", branding.logo_url.clone().map(Value::from)),
            ("colors", Some(Value::Object(present(colors).collect()))),
        ];
        Value::Object(present(optional).collect())
    });
    let optional = [
        ("id", Some(Value::from(organization.id.as_str()))),
        ("name", Some(Value::from(organization.name.as_str()))),
        ("display_name", Some(Value::from(organization.title()))),
        ("metadata", Some(Value::Object(organization.metadata.clone().unwrap_or_default()))),
        ("branding", branding),
    ];
    Value::Object(present(optional).collect())
}

pub(super) fn object_of(value: Option<&Value>) -> Value {
    value.filter(|value| value.is_object()).cloned().unwrap_or_else(|| Value::Object(Map::new()))
}

pub(super) fn present<'a>(
    optional: impl IntoIterator<Item = (&'a str, Option<Value>)>,
) -> impl Iterator<Item = (String, Value)> {
    optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)))
}
