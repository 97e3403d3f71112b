//! Owns what a password may not contain because it is close at hand: the person's profile, and where they sign in.
//! Never touches policies: they decide whether it matters.

use portico_core::{connector::NewAccount, email::Email};
use serde_json::{Map, Value};

/// Words that an attacker who knows the person and the place would try first.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Names of the organization and the connection.
    pub place: Vec<String>,
    /// The person's profile, by field.
    pub person: Vec<(String, String)>,
}

impl Context {
    /// Of a profile, in the shape of our users: OIDC's claim names, and `user_metadata` below.
    pub fn of_profile(profile: &Map<String, Value>) -> Self {
        let mut context = Self::default();
        for field in ["name", "given_name", "family_name", "nickname", "username", "preferred_username"] {
            context.field(field, profile.get(field));
        }
        if let Some(email) = profile.get("email").and_then(Value::as_str) {
            context.email(email);
        }
        if let Some(metadata) = profile.get("user_metadata").and_then(Value::as_object) {
            for field in ["name", "first", "last", "first_name", "last_name"] {
                context.field(field, metadata.get(field));
            }
        }
        context
    }

    /// Of an account to be.
    pub fn of_account(account: &NewAccount) -> Self {
        let mut context = Self::of_profile(&account.profile);
        if let Some(email) = &account.email {
            context.address(email);
        }
        if let Some(username) = &account.username {
            context.person.push(("username".to_owned(), username.clone()));
        }
        context
    }

    /// With an address: its local part, and its domain but for the last label.
    pub fn address(&mut self, email: &Email) {
        self.person.push(("email".to_owned(), email.local_part().to_owned()));
        if let Some((domain, _)) = email.domain().rsplit_once('.') {
            self.place.push(domain.to_owned());
        }
    }

    fn email(&mut self, text: &str) {
        if let Ok(email) = Email::parse(text) {
            self.address(&email);
        }
    }

    fn field(&mut self, name: &str, value: Option<&Value>) {
        if let Some(text) = value.and_then(Value::as_str) {
            self.person.push((name.to_owned(), text.to_owned()));
        }
    }
}
