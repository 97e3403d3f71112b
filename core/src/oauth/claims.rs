//! Owns what tokens and `/userinfo` say about a user (contract §1.5, OIDC Core §2 and §5.1).
//! Never touches signing, and never touches who may have a token.
//!
//! What rules set goes in first and our own claims last, so that nothing of ours can be replaced (OP-36).

use super::api::Access;
use crate::{
    email::Email,
    login::{
        authorize_org::Granted,
        pipeline::{is_our_word, is_profile},
    },
    model::{Client, Organization, TenantSettings, TokenFamily, User},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// What the tokens of one exchange are made of.
#[derive(Clone, Copy)]
pub(super) struct Basis<'f> {
    /// Our issuer, with its slash.
    pub(super) issuer: &'f str,
    /// What they belong to.
    pub(super) family: &'f TokenFamily,
    /// Whom and what they are about, as `authorize_org` gave it.
    pub(super) granted: &'f Granted,
    /// The installation's settings.
    pub(super) settings: &'f TenantSettings,
    /// Now.
    pub(super) now: Timestamp,
}

/// The claims of an ID token. `nonce` is the request's, and none when a token is refreshed (contract §1.4.1).
pub(super) fn id_token(
    basis: &Basis<'_>,
    nonce: Option<&str>,
    custom: &Map<String, Value>,
) -> Map<String, Value> {
    let Basis { family, granted, now, .. } = basis;
    let mut claims = of_user(&granted.user, &family.scope, custom);
    set(&mut claims, "iss", basis.issuer);
    set(&mut claims, "sub", granted.user.id.as_str());
    set(&mut claims, "aud", granted.client.id.as_str());
    set(&mut claims, "iat", now.seconds());
    set(&mut claims, "exp", now.seconds().saturating_add(granted.client.id_token_lifetime));
    set(&mut claims, "auth_time", family.auth_time.seconds());
    if let Some(nonce) = nonce {
        set(&mut claims, "nonce", nonce);
    }
    if let Some(session) = &family.session_id {
        set(&mut claims, "sid", session.as_str());
    }
    if !family.amr.is_empty() {
        set(&mut claims, "amr", family.amr.clone());
    }
    set_organization(&mut claims, basis.organization(), basis.settings);
    claims
}

/// The claims of an access token for an API. `name` is its `jti`.
pub(super) fn access_token(
    basis: &Basis<'_>,
    access: &Access,
    name: &str,
    custom: &Map<String, Value>,
) -> Map<String, Value> {
    let mut claims = of_rules(custom);
    set(&mut claims, "sub", basis.granted.user.id.as_str());
    let userinfo = access.has_scope("openid").then(|| userinfo_audience(basis.issuer));
    match userinfo {
        Some(userinfo) => set(&mut claims, "aud", vec![access.audience.clone(), userinfo]),
        None => set(&mut claims, "aud", access.audience.as_str()),
    }
    set(&mut claims, "auth_time", basis.family.auth_time.seconds());
    set_access(&mut claims, basis.issuer, &basis.granted.client, access, basis.now, name);
    set_organization(&mut claims, basis.organization(), basis.settings);
    claims
}

/// The claims of an access token that a client gets in its own name (contract §1.4.3).
pub(super) fn machine_token(
    (issuer, settings, now): (&str, &TenantSettings, Timestamp),
    client: &Client,
    organization: Option<&Organization>,
    access: &Access,
    name: &str,
) -> Map<String, Value> {
    let mut claims = Map::new();
    set(&mut claims, "sub", format!("{}@clients", client.id));
    set(&mut claims, "aud", access.audience.as_str());
    set(&mut claims, "gty", "client-credentials");
    set_access(&mut claims, issuer, client, access, now, name);
    set_organization(&mut claims, organization, settings);
    claims
}

/// What `/userinfo` says (OIDC Core §5.3.2).
pub(super) fn userinfo(basis: &Basis<'_>) -> Map<String, Value> {
    let mut claims = of_user(&basis.granted.user, &basis.family.scope, &Map::new());
    set(&mut claims, "sub", basis.granted.user.id.as_str());
    set_organization(&mut claims, basis.organization(), basis.settings);
    claims
}

/// The audience by which signed access tokens are good at `/userinfo`.
pub(super) fn userinfo_audience(issuer: &str) -> String {
    format!("{}/userinfo", issuer.trim_end_matches('/'))
}

impl Basis<'_> {
    fn organization(&self) -> Option<&Organization> {
        self.granted.organization.as_ref().map(|(organization, _)| organization)
    }
}

/// What every access token says. RFC 9068 dialects name the client twice: other APIs read `azp`.
fn set_access(
    claims: &mut Map<String, Value>,
    issuer: &str,
    client: &Client,
    access: &Access,
    now: Timestamp,
    name: &str,
) {
    set(claims, "iss", issuer);
    set(claims, "iat", now.seconds());
    set(claims, "exp", now.seconds().saturating_add(access.lifetime));
    set(claims, "azp", client.id.as_str());
    set(claims, "scope", access.scope.join(" "));
    set(claims, "jti", name);
    if access.is_rfc9068() {
        set(claims, "client_id", client.id.as_str());
    }
    if let Some(permissions) = &access.permissions {
        set(claims, "permissions", permissions.clone());
    }
}

/// `org_id` always, `org_name` where the installation lets applications use names. Names are lower case already.
fn set_organization(
    claims: &mut Map<String, Value>,
    organization: Option<&Organization>,
    settings: &TenantSettings,
) {
    let Some(organization) = organization else { return };
    set(claims, "org_id", organization.id.as_str());
    if settings.allow_organization_name_in_authentication_api {
        set(claims, "org_name", organization.name.as_str());
    }
}

/// The claims of these scopes (OIDC Core §5.4), as rules show them.
fn of_user(user: &User, scope: &[String], custom: &Map<String, Value>) -> Map<String, Value> {
    let has = |wanted: &str| scope.iter().any(|held| held == wanted);
    let mut claims = Map::new();
    for (name, value) in known(user).iter().chain(custom.iter().filter(|(name, _)| is_profile(name))) {
        if !has(if name == "address" { "address" } else { "profile" }) {
            continue;
        }
        if value.is_null() {
            claims.shift_remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    if has("profile") {
        set(&mut claims, "updated_at", user.updated_at.iso());
    }
    if let (true, Some(email)) = (has("email"), &user.email) {
        set(&mut claims, "email", email.canonical());
        set(&mut claims, "email_verified", user.email_verified);
    }
    if has("phone") {
        let phone = ["phone_number", "phone_number_verified"];
        claims.extend(
            phone
                .iter()
                .filter_map(|name| user.profile.get(*name).map(|value| ((*name).to_owned(), value.clone()))),
        );
    }
    claims.extend(of_rules(custom).into_iter().filter(|(name, _)| !is_profile(name)));
    claims
}

/// The user's own profile; a name there is always, made of what else is known.
fn known(user: &User) -> Map<String, Value> {
    let mut known: Map<String, Value> = Map::new();
    let email = user.email.as_ref();
    let name = email.map(Email::canonical).or(user.username.as_deref());
    let nickname = user.username.as_deref().or(email.map(Email::local_part));
    for (claim, fallback) in
        [("nickname", nickname), ("name", name), ("preferred_username", user.username.as_deref())]
    {
        if let Some(fallback) = fallback {
            set(&mut known, claim, fallback);
        }
    }
    known.extend(
        user.profile
            .iter()
            .filter(|(name, value)| is_profile(name) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    known
}

/// A second look at what rules may not say: the first is where their results are taken.
fn of_rules(custom: &Map<String, Value>) -> Map<String, Value> {
    let allowed = custom.iter().filter(|(name, value)| !is_our_word(name) && !value.is_null());
    allowed.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn set(claims: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    claims.insert(name.to_owned(), value.into());
}
