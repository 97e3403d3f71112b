//! Owns the options of a custom database: its scripts, what they are told in confidence, and how its users come over.
//! Never touches the options that every database connection has, or whether a script compiles.

use portico_core::connector::Problem;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, sync::Arc};

/// A script of a custom database (contract §5.1).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Name {
    Login,
    GetUser,
    Create,
    Verify,
    ChangePassword,
    ChangeEmail,
    ChangeUsername,
    /// Kept as it is: this gateway has no telephone numbers to change.
    ChangePhoneNumber,
    Delete,
}

impl Name {
    pub(crate) const ALL: [Self; 9] = [
        Self::Login,
        Self::GetUser,
        Self::Create,
        Self::Verify,
        Self::ChangePassword,
        Self::ChangeEmail,
        Self::ChangeUsername,
        Self::ChangePhoneNumber,
        Self::Delete,
    ];

    /// As options name it.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::GetUser => "get_user",
            Self::Create => "create",
            Self::Verify => "verify",
            Self::ChangePassword => "change_password",
            Self::ChangeEmail => "change_email",
            Self::ChangeUsername => "change_username",
            Self::ChangePhoneNumber => "change_phone_number",
            Self::Delete => "delete",
        }
    }

    /// As people name it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Login => "Login",
            Self::GetUser => "Get User",
            Self::Create => "Create",
            Self::Verify => "Verify",
            Self::ChangePassword => "Change Password",
            Self::ChangeEmail => "Change Email",
            Self::ChangeUsername => "Change Username",
            Self::ChangePhoneNumber => "Change Phone Number",
            Self::Delete => "Delete",
        }
    }
}

/// What a custom database is configured to be (contract §2.5.1, §5.1).
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// `enabledDatabaseCustomization`.
    pub(crate) enabled: bool,
    /// `import_mode`.
    pub(crate) import: bool,
    /// `customScripts`, but for empty ones.
    pub(crate) scripts: BTreeMap<Name, Arc<str>>,
    /// `configuration`: texts that scripts find in the global of this name.
    pub(crate) configuration: Map<String, Value>,
    /// `enable_script_context`.
    pub(crate) with_context: bool,
    /// `trust_email_verified`: whether `email_verified` of a profile is believed. Ours; false as long as nothing is said
    /// (`security.md` JS-14).
    pub(crate) trusts_email_verified: bool,
    /// `non_persistent_attrs`: fields of a profile that are not stored.
    pub(crate) non_persistent: Vec<String>,
}

impl Options {
    /// The most bytes of a script (contract §2.5.1).
    pub(crate) const LONGEST_SCRIPT: usize = 100 << 10;

    /// Read the options; everything that is wrong with them, if anything is.
    pub(crate) fn parse(options: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        let flag = |problems: &mut Problems, name: &str| match options.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                problems.add(format!("/{name}"), "must be true or false");
                false
            }
        };
        let parsed = Self {
            enabled: flag(&mut problems, "enabledDatabaseCustomization"),
            import: flag(&mut problems, "import_mode"),
            with_context: flag(&mut problems, "enable_script_context"),
            trusts_email_verified: flag(&mut problems, "trust_email_verified"),
            scripts: scripts(options, &mut problems),
            configuration: configuration(options, &mut problems),
            non_persistent: texts(options, "non_persistent_attrs"),
        };
        if parsed.enabled && !parsed.scripts.contains_key(&Name::Login) {
            problems.add("/customScripts/login".to_owned(), "a custom database needs this script");
        }
        if parsed.import && !parsed.enabled {
            let message = "users come over from a custom database: enabledDatabaseCustomization must be true";
            problems.add("/import_mode".to_owned(), message);
        }
        if problems.0.is_empty() { Ok(parsed) } else { Err(problems.0) }
    }
}

#[derive(Default)]
struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, pointer: String, message: impl Into<String>) {
        self.0.push(Problem { pointer, message: message.into() });
    }

    /// A member that is an object, or none.
    fn object<'o>(&mut self, options: &'o Value, name: &str) -> Option<&'o Map<String, Value>> {
        let value = options.get(name).filter(|value| !value.is_null())?;
        if !value.is_object() {
            self.add(format!("/{name}"), "must be an object");
        }
        value.as_object()
    }
}

fn scripts(options: &Value, problems: &mut Problems) -> BTreeMap<Name, Arc<str>> {
    let mut scripts = BTreeMap::new();
    for (key, value) in problems.object(options, "customScripts").into_iter().flatten() {
        let pointer = format!("/customScripts/{key}");
        let Some(name) = Name::ALL.into_iter().find(|name| name.key() == key) else {
            let known = Name::ALL.map(Name::key).join(", ");
            problems.add(pointer, format!("there is no such script: they are {known}"));
            continue;
        };
        match value {
            Value::Null => {}
            Value::String(text) if text.len() > Options::LONGEST_SCRIPT => {
                let length = text.len();
                problems
                    .add(pointer, format!("{key}: a script has at most 102400 bytes, and this has {length}"));
            }
            Value::String(text) if text.trim().is_empty() => {}
            Value::String(text) => {
                scripts.insert(name, Arc::from(text.as_str()));
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                problems.add(pointer, "must be the text of a function");
            }
        }
    }
    scripts
}

fn configuration(options: &Value, problems: &mut Problems) -> Map<String, Value> {
    let given = problems.object(options, "configuration").cloned().unwrap_or_default();
    for (key, value) in &given {
        if !value.is_string() {
            problems.add(format!("/configuration/{key}"), "must be a text");
        }
    }
    given
}

fn texts(options: &Value, name: &str) -> Vec<String> {
    let list = options.get(name).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(options: &Value) -> Vec<String> {
        let problems = Options::parse(options).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.pointer).collect()
    }

    #[test]
    fn every_connection_without_scripts_is_none_of_ours() {
        for options in
            [json!({}), Value::Null, json!({"enabledDatabaseCustomization": false, "customScripts": {}})]
        {
            let parsed = Options::parse(&options).unwrap();
            assert!(!parsed.enabled && !parsed.import && !parsed.trusts_email_verified);
        }
    }

    #[test]
    fn scripts_that_are_off_are_kept_and_empty_ones_are_none() {
        let parsed = Options::parse(&json!({
            "enabledDatabaseCustomization": false,
            "customScripts": {"login": "function login() {}", "create": "", "delete": null},
        }));
        assert_eq!(parsed.unwrap().scripts.into_keys().collect::<Vec<_>>(), [Name::Login]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let login = "function login(email, password, callback) {}";
        for (options, place) in [
            (json!({"enabledDatabaseCustomization": true}), "/customScripts/login"),
            (json!({"import_mode": true}), "/import_mode"),
            (json!({"customScripts": {"logout": login}}), "/customScripts/logout"),
            (json!({"customScripts": {"login": 1}}), "/customScripts/login"),
            (json!({"customScripts": {"get_user": "x".repeat(102_401)}}), "/customScripts/get_user"),
            (json!({"customScripts": []}), "/customScripts"),
            (json!({"configuration": {"URL": 1}}), "/configuration/URL"),
            (json!({"configuration": "x"}), "/configuration"),
            (json!({"enable_script_context": "yes"}), "/enable_script_context"),
            (json!({"trust_email_verified": 1}), "/trust_email_verified"),
        ] {
            assert_eq!(pointers(&options), [place], "{options}");
        }
        let control = json!({
            "enabledDatabaseCustomization": true, "import_mode": true, "enable_script_context": true,
            "customScripts": {"login": "x".repeat(102_400), "change_phone_number": login},
            "configuration": {"URL": "postgres://"},
        });
        assert_eq!(pointers(&control), [""; 0]);
    }
}
