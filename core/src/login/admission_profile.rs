//! Owns the way from an assertion's profile to a user's.
//! Never touches invitations beyond the metadata that they carry.

use crate::{
    connector::{Accounts, Assertion},
    email::Email,
    id::UserId,
    model::{Connection, Invitation, User},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// Names in an upstream profile that never become part of a user's: they are ours to say (JS-14, OP-36).
const RESERVED: &[&str] = &[
    "_id",
    "acr",
    "amr",
    "app_metadata",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "blocked",
    "c_hash",
    "created_at",
    "email",
    "email_verified",
    "exp",
    "iat",
    "identities",
    "iss",
    "jti",
    "last_ip",
    "last_login",
    "logins_count",
    "multifactor",
    "nonce",
    "org_id",
    "org_name",
    "permissions",
    "roles",
    "s_hash",
    "scope",
    "sid",
    "sub",
    "updated_at",
    "user_id",
    "user_metadata",
    "username",
];

/// Who keeps the list of accounts that an assertion comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keeper {
    /// We, or a customer's database that we speak for: accounts are known as `auth0|key`.
    Us,
    /// An identity provider.
    Them,
}

impl Keeper {
    /// Of a connector that has these accounts, or none.
    pub(crate) const fn of(accounts: Option<&dyn Accounts>) -> Self {
        if accounts.is_some() { Self::Us } else { Self::Them }
    }
}

/// A user for an identity that is new (contract §2.8: defaults on create).
pub(crate) fn fresh_user(
    (connection, keeper): (&Connection, Keeper),
    assertion: &Assertion,
    invitation: Option<&Invitation>,
    now: Timestamp,
) -> User {
    let stated =
        assertion.profile.get("email").and_then(Value::as_str).and_then(|text| Email::parse(text).ok());
    let email =
        stated.or_else(|| assertion.credential.as_ref().and_then(|credential| credential.email.clone()));
    let mut profile = kept(&assertion.profile);
    let shown = email.as_ref().map(|email| email.canonical().to_owned());
    if let Some(shown) = shown {
        profile.entry("name").or_insert_with(|| shown.clone().into());
        let nickname = shown.split('@').next().unwrap_or_default().to_owned();
        profile.entry("nickname").or_insert_with(|| nickname.into());
    }
    let vouched = assertion.vouched.as_deref().cloned().unwrap_or_default();
    let username = assertion.credential.as_ref().and_then(|credential| credential.username.clone());
    let (mut user_metadata, mut app_metadata) = (vouched.user_metadata, vouched.app_metadata);
    if let Some(invitation) = invitation {
        user_metadata.extend(invitation.user_metadata.clone());
        app_metadata.extend(invitation.app_metadata.clone());
    }
    User {
        email_verified: vouched.email_verified && email.is_some(),
        email,
        username: username.or(vouched.username),
        profile,
        user_metadata,
        app_metadata,
        ..User::new(user_id(connection, keeper, assertion), connection, assertion.subject.clone(), now)
    }
}

/// The user with what the connection says of them now. A database account's profile is ours: its assertion says nothing.
pub(super) fn refreshed_user(user: User, assertion: &Assertion, now: Timestamp) -> User {
    if assertion.profile.is_empty() {
        return user;
    }
    let mut next = user.clone();
    if let Some(stated) = assertion.profile.get("email") {
        next.email = stated.as_str().and_then(|text| Email::parse(text).ok());
        // Another address is another mailbox: nobody has shown that it is theirs.
        next.email_verified &= next.email == user.email;
    }
    if let Some(vouched) = &assertion.vouched {
        next.email_verified |= vouched.email_verified && next.email.is_some();
        next.username = vouched.username.clone().or(next.username);
    }
    next.profile.extend(kept(&assertion.profile));
    if next != user {
        next.updated_at = now;
    }
    next
}

fn kept(profile: &Map<String, Value>) -> Map<String, Value> {
    profile
        .iter()
        .filter(|(name, _)| !RESERVED.contains(&name.as_str()))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

/// `auth0|key` for accounts that we keep, `strategy|connection|subject` for others (contract §1.5).
fn user_id(connection: &Connection, keeper: Keeper, assertion: &Assertion) -> UserId {
    let subject = &assertion.subject.0;
    let text = match keeper {
        Keeper::Us => format!("{}|{subject}", connection.strategy),
        Keeper::Them => format!("{}|{}|{subject}", connection.strategy, connection.name),
    };
    UserId::parse(text).unwrap_or_else(|_unusable| {
        // A subject that is too long or has control characters still names one person: by its hash.
        let hash = crate::secret::TokenHash::of(subject);
        UserId::parse(format!("{}|{}|{}", connection.strategy, connection.id, hash.as_str()))
            .unwrap_or_else(|error| unreachable!("a strategy, an id and a hash make a user id: {error}"))
    })
}
