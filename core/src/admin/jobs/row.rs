//! Owns one row of an import: what it may hold, and what is wrong with it (contract §2.10).
//! Never touches the store: whether somebody exists is looked up for many rows at once.

use crate::{
    connector::{AdoptionFault, GivenHash},
    email::Email,
};
use serde_json::{Map, Value};

/// A row, checked by itself.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) email: Email,
    pub(super) email_verified: bool,
    pub(super) username: Option<String>,
    pub(super) subject: Option<String>,
    /// `name`, `nickname`, `picture`, `given_name`, `family_name`, `phone_number`, `phone_verified`.
    pub(super) profile: Map<String, Value>,
    pub(super) user_metadata: Option<Map<String, Value>>,
    pub(super) app_metadata: Option<Map<String, Value>>,
    pub(super) blocked: Option<bool>,
    pub(super) hash: Option<GivenHash>,
}

/// Texts of the profile, and how many characters they may have.
const TEXTS: [(&str, usize); 6] = [
    ("name", 300),
    ("nickname", 300),
    ("picture", 2048),
    ("given_name", 150),
    ("family_name", 150),
    ("phone_number", 32),
];

/// What administrators' metadata may not be called, so that it hides nothing of the user.
const ROOTS: [&str; 27] = [
    "__tenant",
    "_id",
    "blocked",
    "clientID",
    "created_at",
    "email",
    "email_verified",
    "family_name",
    "given_name",
    "globalClientID",
    "global_client_id",
    "identities",
    "lastIP",
    "lastLogin",
    "last_ip",
    "last_login",
    "loginsCount",
    "logins_count",
    "metadata",
    "multifactor",
    "multifactor_last_modified",
    "password_hash",
    "custom_password_hash",
    "phone_number",
    "updated_at",
    "user_id",
    "username",
];

/// The names of a row that identify somebody, as far as they can be read: for rows that were dealt with before.
pub(super) fn identifiers(row: &Value) -> impl Iterator<Item = (Kind, String)> {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    let email =
        text("email").and_then(|text| Email::parse(text).ok()).map(|email| email.canonical().to_owned());
    [
        email.map(|email| (Kind::Email, email)),
        text("username").map(|name| (Kind::Username, name.to_lowercase())),
        text("user_id").map(|id| (Kind::Subject, id.to_owned())),
    ]
    .into_iter()
    .flatten()
}

/// What a name identifies somebody by.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Kind {
    Email,
    Username,
    Subject,
}

impl Kind {
    /// The code of a row whose name is taken, and where the name is.
    pub(super) const fn conflict(self) -> (&'static str, &'static str) {
        match self {
            Self::Email => ("CONFLICT_EMAIL", "email"),
            Self::Username => ("CONFLICT_USERNAME", "username"),
            Self::Subject => ("CONFLICT", "user_id"),
        }
    }
}

pub(super) fn fault(code: &'static str, path: &str, message: impl Into<String>) -> AdoptionFault {
    AdoptionFault { code: code.into(), path: path.to_owned(), message: message.into() }
}

/// A row as errors show it: without what could be guessed at, or stands in for a second factor.
pub(super) fn shown(row: &Value) -> Map<String, Value> {
    let mut shown = row.as_object().cloned().unwrap_or_default();
    for secret in ["password_hash", "custom_password_hash", "mfa_factors"] {
        shown.shift_remove(secret);
    }
    shown
}

impl Row {
    /// The same names, of a row that was read.
    pub(super) fn identifiers(&self) -> impl Iterator<Item = (Kind, String)> {
        [
            Some((Kind::Email, self.email.canonical().to_owned())),
            self.username.as_ref().map(|name| (Kind::Username, name.to_lowercase())),
            self.subject.clone().map(|id| (Kind::Subject, id)),
        ]
        .into_iter()
        .flatten()
    }

    /// Read a row; all that is wrong with it, if anything is.
    pub(super) fn read(row: &Value) -> Result<Self, Vec<AdoptionFault>> {
        let Value::Object(map) = row else {
            return Err(vec![fault("INVALID_TYPE", "", "A row must be an object.")]);
        };
        let mut reader = Reader { left: map.clone(), faults: Vec::new() };
        let email = reader.email();
        let mut profile = Map::new();
        for (name, most) in TEXTS {
            if let Some(text) = reader.text(name, most) {
                profile.insert(name.to_owned(), text.into());
            }
        }
        if let Some(verified) = reader.boolean("phone_verified") {
            profile.insert("phone_verified".to_owned(), verified.into());
        }
        let email_verified = reader.boolean("email_verified").unwrap_or(false);
        let (username, subject) = (reader.text("username", 128), reader.text("user_id", 255));
        let (user_metadata, app_metadata) =
            (reader.metadata("user_metadata"), reader.metadata("app_metadata"));
        let (blocked, hash) = (reader.boolean("blocked"), reader.hash());
        reader.factors();
        let faults = reader.finish();
        match email {
            Some(email) if faults.is_empty() => Ok(Self {
                email,
                email_verified,
                username,
                subject,
                profile,
                user_metadata,
                app_metadata,
                blocked,
                hash,
            }),
            _ => Err(faults),
        }
    }
}

/// Takes a row apart, and notes what is wrong with it.
struct Reader {
    left: Map<String, Value>,
    faults: Vec<AdoptionFault>,
}

impl Reader {
    fn note(&mut self, code: &'static str, path: &str, message: impl Into<String>) {
        self.faults.push(fault(code, path, message));
    }

    fn email(&mut self) -> Option<Email> {
        let Some(text) = self.text("email", 320) else {
            if self.faults.is_empty() {
                self.note("OBJECT_REQUIRED", "email", "Missing required property: email");
            }
            return None;
        };
        let email = Email::parse(&text).ok();
        if email.is_none() {
            self.note("FORMAT", "email", "The value is not an email address.");
        }
        email
    }

    fn text(&mut self, name: &str, most: usize) -> Option<String> {
        let value = self.left.shift_remove(name)?;
        let Value::String(text) = value else {
            self.note("INVALID_TYPE", name, "It must be a text.");
            return None;
        };
        if text.is_empty() {
            self.note("MIN_LENGTH", name, "It must have one character at least.");
        } else if text.chars().count() > most {
            self.note("MAX_LENGTH", name, format!("It may have {most} characters at most."));
        } else if text.chars().any(char::is_control) {
            self.note("PATTERN", name, "It may not have control characters.");
        }
        Some(text)
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        let value = self.left.shift_remove(name)?;
        if value.as_bool().is_none() {
            self.note("INVALID_TYPE", name, "It must be true or false.");
        }
        value.as_bool()
    }

    fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        match self.left.shift_remove(name)? {
            Value::Object(object) => Some(object),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                self.note("INVALID_TYPE", name, "It must be an object.");
                None
            }
        }
    }

    fn metadata(&mut self, name: &str) -> Option<Map<String, Value>> {
        let metadata = self.object(name)?;
        let clash = metadata.keys().find(|key| ROOTS.contains(&key.as_str())).cloned();
        if let Some(key) = clash {
            let message = format!("`{key}` is a property of the user itself.");
            self.note("NOT_PASSED", &format!("{name}.{key}"), message);
        }
        Some(metadata)
    }

    fn hash(&mut self) -> Option<GivenHash> {
        let bcrypt = self.text("password_hash", 1024);
        let custom = self.object("custom_password_hash");
        match (bcrypt, custom) {
            (Some(_), Some(_)) => {
                let message = "Give password_hash or custom_password_hash, not both.";
                self.note("NOT_PASSED", "custom_password_hash", message);
                None
            }
            (Some(text), None) => Some(GivenHash::Bcrypt(text)),
            (None, custom) => custom.map(GivenHash::Custom),
        }
    }

    /// Second factors are not kept here: to drop them without a word would open accounts that had two.
    fn factors(&mut self) {
        match self.left.shift_remove("mfa_factors") {
            None => {}
            Some(Value::Array(factors)) if factors.is_empty() => {}
            Some(Value::Array(_)) => {
                self.note("MFA_FACTORS_FAILED", "mfa_factors", "Second factors cannot be imported.");
            }
            Some(_) => self.note("INVALID_TYPE", "mfa_factors", "It must be a list."),
        }
    }

    fn finish(mut self) -> Vec<AdoptionFault> {
        if !self.left.is_empty() {
            let names: Vec<_> = self.left.keys().map(String::as_str).collect();
            let message = format!("Additional properties not allowed: {}", names.join(","));
            self.note("NOT_PASSED", "", message);
        }
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(row: &Value) -> Vec<(String, String)> {
        let faults = Row::read(row).err().unwrap_or_default();
        faults.into_iter().map(|fault| (fault.code.into_owned(), fault.path)).collect()
    }

    #[test]
    fn api_09_all_that_is_wrong_with_a_row_is_told_with_its_place() {
        let good = json!({"email": "a@b.test", "name": "A", "blocked": true, "app_metadata": {"plan": 1}});
        assert_eq!(codes(&good), []);
        for (row, code, path) in [
            (json!([]), "INVALID_TYPE", ""),
            (json!({}), "OBJECT_REQUIRED", "email"),
            (json!({"email": 1}), "INVALID_TYPE", "email"),
            (json!({"email": "nobody"}), "FORMAT", "email"),
            (json!({"email": "a@b.test", "blocked": "yes"}), "INVALID_TYPE", "blocked"),
            (json!({"email": "a@b.test", "name": ""}), "MIN_LENGTH", "name"),
            (json!({"email": "a@b.test", "nickname": "n".repeat(301)}), "MAX_LENGTH", "nickname"),
            (json!({"email": "a@b.test", "name": "a\u{0}b"}), "PATTERN", "name"),
            (json!({"email": "a@b.test", "user_metadata": []}), "INVALID_TYPE", "user_metadata"),
            (
                json!({"email": "a@b.test", "app_metadata": {"user_id": 1}}),
                "NOT_PASSED",
                "app_metadata.user_id",
            ),
            (json!({"email": "a@b.test", "roles": ["admin"]}), "NOT_PASSED", ""),
            (json!({"email": "a@b.test", "password": "in the clear"}), "NOT_PASSED", ""),
            (
                json!({"email": "a@b.test", "password_hash": "$2b$", "custom_password_hash": {}}),
                "NOT_PASSED",
                "custom_password_hash",
            ),
            (
                json!({"email": "a@b.test", "mfa_factors": [{"totp": {"secret": "A"}}]}),
                "MFA_FACTORS_FAILED",
                "mfa_factors",
            ),
        ] {
            assert_eq!(codes(&row), [(code.to_owned(), path.to_owned())], "{row}");
        }
        assert_eq!(codes(&json!({"email": "x", "blocked": 1, "more": 1})).len(), 3, "all at once");
    }

    #[test]
    fn what_errors_show_holds_no_hash() {
        let row =
            json!({"email": "a@b.test", "password_hash": "$2b$secret", "custom_password_hash": {"x": 1}});
        assert_eq!(Value::Object(shown(&row)), json!({"email": "a@b.test"}));
    }
}
