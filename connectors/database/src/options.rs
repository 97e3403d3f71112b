//! Owns the options of a database connection: what is read of them, and what is wrong with them.
//! Never touches how they are stored: options nobody reads here are kept as they came.

use crate::{
    policy::{Policy, Strength},
    username::{Length, Usernames},
};
use portico_core::connector::Problem;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// What a database connection is configured to do (contract §2.5.1).
#[derive(Clone, Debug)]
pub struct Options {
    /// What new passwords must be like.
    pub policy: Policy,
    /// Whether accounts have user names.
    pub usernames: Usernames,
    /// Whether people may make accounts for themselves: not `disable_signup`.
    pub sign_up: bool,
    /// Whether they may reset their passwords: not `disable_self_service_change_password`.
    pub reset: bool,
    /// Whether new accounts are asked by mail to verify their address.
    pub verifies_addresses: bool,
    /// Whether guesses are counted by account (`brute_force_protection`).
    pub brute_force_protection: bool,
}

impl Options {
    /// Read the options; everything that is wrong with them, if anything is.
    pub fn parse(options: &Value) -> Result<Self, Vec<Problem>> {
        let empty = Map::new();
        let mut reader = Reader { problems: Vec::new() };
        let root = match options {
            Value::Object(root) => root,
            Value::Null => &empty,
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                reader.problem("", "must be an object");
                &empty
            }
        };
        reader.refuse_what_is_missing(root);
        let parsed = Self {
            policy: reader.policy(root),
            usernames: reader.usernames(root),
            sign_up: !reader.flag(root, "", "disable_signup", false),
            reset: !reader.flag(root, "", "disable_self_service_change_password", false),
            verifies_addresses: reader.verifies_addresses(root),
            brute_force_protection: reader.flag(root, "", "brute_force_protection", true),
        };
        if reader.problems.is_empty() { Ok(parsed) } else { Err(reader.problems) }
    }
}

/// Reads members of an object, and notes what is wrong with them.
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, pointer: &str, message: &str) {
        self.problems.push(Problem { pointer: pointer.to_owned(), message: message.to_owned() });
    }

    /// A member that is there and not null.
    fn member<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
        object.get(name).filter(|value| !value.is_null())
    }

    fn flag(&mut self, object: &Map<String, Value>, at: &str, name: &str, default: bool) -> bool {
        self.flag_if_any(object, at, name).unwrap_or(default)
    }

    fn flag_if_any(&mut self, object: &Map<String, Value>, at: &str, name: &str) -> Option<bool> {
        let value = Self::member(object, name)?;
        if value.as_bool().is_none() {
            self.problem(&format!("{at}/{name}"), "must be true or false");
        }
        value.as_bool()
    }

    fn number(
        &mut self,
        object: &Map<String, Value>,
        at: &str,
        name: &str,
        range: RangeInclusive<usize>,
    ) -> Option<usize> {
        let value = Self::member(object, name)?;
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("must be a whole number from {} to {}", range.start(), range.end());
            self.problem(&format!("{at}/{name}"), &message);
        }
        number
    }

    fn object<'o>(
        &mut self,
        object: &'o Map<String, Value>,
        at: &str,
        name: &str,
    ) -> Option<&'o Map<String, Value>> {
        let value = Self::member(object, name)?;
        if value.as_object().is_none() {
            self.problem(&format!("{at}/{name}"), "must be an object");
        }
        value.as_object()
    }

    /// One of these texts, by its place among them.
    fn choice(
        &mut self,
        object: &Map<String, Value>,
        at: &str,
        name: &str,
        choices: &[&str],
    ) -> Option<usize> {
        let value = Self::member(object, name)?;
        let place = value.as_str().and_then(|text| choices.iter().position(|choice| *choice == text));
        if place.is_none() {
            self.problem(&format!("{at}/{name}"), &format!("must be one of {}", choices.join(", ")));
        }
        place
    }

    fn texts(&mut self, object: &Map<String, Value>, at: &str, name: &str) -> Option<Vec<String>> {
        let value = Self::member(object, name)?;
        let texts = value.as_array().and_then(|items| {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            self.problem(&format!("{at}/{name}"), "must be a list of texts");
        }
        texts
    }

    /// Abilities that Auth0 has and this connector has not: saying so beats doing nothing.
    fn refuse_what_is_missing(&mut self, root: &Map<String, Value>) {
        if Self::member(root, "custom_password_hash").is_some() {
            self.problem("/custom_password_hash", "hashes of other systems are not available: remove this");
        }
        let methods = self.object(root, "", "authentication_methods");
        for (name, wanted) in
            [("password", true), ("passkey", false), ("email_otp", false), ("phone_otp", false)]
        {
            let at = "/authentication_methods";
            let Some(method) = methods.and_then(|methods| self.object(methods, at, name)) else { continue };
            let at = format!("{at}/{name}");
            if self.flag(method, &at, "enabled", wanted) != wanted {
                let message = "passwords are the only method of database connections";
                self.problem(&format!("{at}/enabled"), message);
            }
        }
    }

    fn usernames(&mut self, root: &Map<String, Value>) -> Usernames {
        let required = self.flag(root, "", "requires_username", false);
        let validation = self
            .object(root, "", "validation")
            .and_then(|validation| self.object(validation, "/validation", "username"));
        let length = validation.map(|username| self.length(username, "/validation/username", ["min", "max"]));
        let Some(attributes) = self.object(root, "", "attributes") else {
            let length = length.unwrap_or_default();
            return if required { Usernames::Required(length) } else { Usernames::Off };
        };
        if required || length.is_some() {
            let message = "cannot be given together with requires_username or validation";
            self.problem("/attributes", message);
        }
        self.attributes(attributes)
    }

    /// Flexible identifiers: an address always, user names perhaps, telephone numbers never.
    fn attributes(&mut self, attributes: &Map<String, Value>) -> Usernames {
        let active = |reader: &mut Self, name: &str, default: bool| {
            let at = format!("/attributes/{name}");
            let attribute = reader.object(attributes, "/attributes", name)?;
            let identifier = reader.object(attribute, &at, "identifier");
            let at_identifier = format!("{at}/identifier");
            let active = identifier
                .map_or(default, |identifier| reader.flag(identifier, &at_identifier, "active", default));
            Some((attribute, active))
        };
        if let Some((_, true)) = active(self, "phone_number", false) {
            let message = "telephone numbers cannot be identifiers";
            self.problem("/attributes/phone_number/identifier/active", message);
        }
        if let Some((_, false)) = active(self, "email", true) {
            let message = "an e-mail address is always an identifier";
            self.problem("/attributes/email/identifier/active", message);
        }
        let Some((username, true)) = active(self, "username", false) else { return Usernames::Off };
        let at = "/attributes/username";
        let length = self.object(username, at, "validation").map_or_else(Length::default, |validation| {
            self.length(validation, "/attributes/username/validation", ["min_length", "max_length"])
        });
        let status = self.object(username, at, "signup").and_then(|signup| {
            self.choice(
                signup,
                "/attributes/username/signup",
                "status",
                &["required", "optional", "inactive"],
            )
        });
        if status == Some(0) { Usernames::Required(length) } else { Usernames::Optional(length) }
    }

    /// `attributes.email.signup.verification.active`; as long as nothing is said, addresses are verified.
    fn verifies_addresses(&mut self, root: &Map<String, Value>) -> bool {
        let (mut object, mut at) = (Some(root), String::new());
        for name in ["attributes", "email", "signup", "verification"] {
            object = object.and_then(|object| self.object(object, &at, name));
            at = format!("{at}/{name}");
        }
        object.is_none_or(|object| self.flag(object, &at, "active", true))
    }

    fn length(&mut self, object: &Map<String, Value>, at: &str, [min, max]: [&str; 2]) -> Length {
        let default = Length::default();
        let length = Length {
            min: self.number(object, at, min, 1..=128).unwrap_or(default.min),
            max: self.number(object, at, max, 1..=128).unwrap_or(default.max),
        };
        if length.min > length.max {
            self.problem(&format!("{at}/{max}"), &format!("must not be less than {min}"));
        }
        length
    }

    fn policy(&mut self, root: &Map<String, Value>) -> Policy {
        let levels = ["none", "low", "fair", "good", "excellent"];
        let strength = match self.choice(root, "", "passwordPolicy", &levels) {
            Some(0) => Strength::None,
            Some(1) => Strength::Low,
            Some(2) => Strength::Fair,
            Some(4) => Strength::Excellent,
            _ => Strength::Good,
        };
        let mut policy = Policy::of(strength);
        if let Some(complexity) = self.object(root, "", "password_complexity_options")
            && let Some(min) = self.number(complexity, "/password_complexity_options", "min_length", 1..=128)
        {
            policy.min_length = policy.min_length.max(min);
        }
        if let Some(history) = self.object(root, "", "password_history") {
            let size = self.number(history, "/password_history", "size", 0..=24).unwrap_or(5);
            policy.history = if self.flag(history, "/password_history", "enable", false) { size } else { 0 };
        }
        if let Some(personal) = self.object(root, "", "password_no_personal_info")
            && let Some(enable) = self.flag_if_any(personal, "/password_no_personal_info", "enable")
        {
            policy.personal = enable;
        }
        if let Some(dictionary) = self.object(root, "", "password_dictionary") {
            let at = "/password_dictionary";
            if let Some(enable) = self.flag_if_any(dictionary, at, "enable") {
                policy.dictionary = enable;
            }
            let words = self.dictionary(dictionary, at, "dictionary");
            policy.words = words;
        }
        if let Some(newer) = self.object(root, "", "password_options") {
            self.newer_policy(newer, &mut policy);
        }
        policy
    }

    fn dictionary(&mut self, object: &Map<String, Value>, at: &str, name: &str) -> Vec<String> {
        let words = self.texts(object, at, name).unwrap_or_default();
        if words.len() > 200 || words.iter().any(|word| word.chars().count() > 50) {
            self.problem(&format!("{at}/{name}"), "must be at most 200 words of at most 50 characters");
        }
        words.into_iter().map(|word| word.to_lowercase()).collect()
    }

    /// `password_options`, which replaces the four others part by part.
    fn newer_policy(&mut self, newer: &Map<String, Value>, policy: &mut Policy) {
        if let Some(complexity) = self.object(newer, "/password_options", "complexity") {
            self.complexity(complexity, policy);
        }
        if let Some(history) = self.object(newer, "/password_options", "history") {
            let at = "/password_options/history";
            let size = self.number(history, at, "size", 1..=24).unwrap_or(5);
            policy.history = if self.flag(history, at, "active", false) { size } else { 0 };
        }
        if let Some(dictionary) = self.object(newer, "/password_options", "dictionary") {
            let at = "/password_options/dictionary";
            policy.dictionary = self.flag(dictionary, at, "active", false);
            policy.words = self.dictionary(dictionary, at, "custom");
            if self.choice(dictionary, at, "default", &["en_10k", "en_100k"]) == Some(1) {
                self.problem(&format!("{at}/default"), "the list that is built in is en_10k");
            }
        }
        if let Some(personal) = self.object(newer, "/password_options", "profile_data") {
            let at = "/password_options/profile_data";
            policy.personal = self.flag(personal, at, "active", false);
            policy.blocked_fields = self.texts(personal, at, "blocked_fields").unwrap_or_default();
        }
    }

    fn complexity(&mut self, complexity: &Map<String, Value>, policy: &mut Policy) {
        let at = "/password_options/complexity";
        let mut strict = Policy::of(Strength::None);
        strict.min_length = self.number(complexity, at, "min_length", 1..=128).unwrap_or(strict.min_length);
        let types = self.texts(complexity, at, "character_types").unwrap_or_default();
        for kind in &types {
            match kind.as_str() {
                "lowercase" => strict.classes.lower = true,
                "uppercase" => strict.classes.upper = true,
                "number" => strict.classes.digit = true,
                "special" => strict.classes.special = true,
                _ => self.problem(
                    &format!("{at}/character_types"),
                    "must be some of uppercase, lowercase, number, special",
                ),
            }
        }
        let rules = ["all", "three_of_four"];
        strict.classes.three_will_do = self.choice(complexity, at, "character_type_rule", &rules) == Some(1);
        let choices = ["allow", "block"];
        strict.identical = self.choice(complexity, at, "identical_characters", &choices) != Some(1);
        strict.sequential = self.choice(complexity, at, "sequential_characters", &choices) != Some(1);
        if self.choice(complexity, at, "max_length_exceeded", &["truncate", "error"]) == Some(0) {
            // security.md DB-10: a password is never cut.
            self.problem(&format!("{at}/max_length_exceeded"), "passwords are not cut: must be error");
        }
        policy.min_length = strict.min_length;
        policy.classes = strict.classes;
        policy.identical = strict.identical;
        policy.sequential = strict.sequential;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(options: &Value) -> Vec<String> {
        Options::parse(options)
            .map_err(|problems| problems.into_iter().map(|problem| problem.pointer).collect::<Vec<_>>())
            .err()
            .unwrap_or_default()
    }

    #[test]
    fn no_options_are_the_defaults() {
        let options = Options::parse(&json!({})).unwrap();
        assert!(options.sign_up && options.reset && options.brute_force_protection);
        assert!(options.verifies_addresses);
        assert_eq!(options.usernames, Usernames::Off);
        assert_eq!(options.policy, Policy::of(Strength::Good));
        assert!(Options::parse(&Value::Null).is_ok());
    }

    #[test]
    fn the_older_shape_is_read() {
        let options = Options::parse(&json!({
            "passwordPolicy": "excellent",
            "password_complexity_options": {"min_length": 12},
            "password_history": {"enable": true, "size": 3},
            "password_no_personal_info": {"enable": false},
            "password_dictionary": {"enable": true, "dictionary": ["Travel0"]},
            "requires_username": true,
            "validation": {"username": {"min": 3, "max": 20}},
            "disable_signup": true,
            "disable_self_service_change_password": true,
            "brute_force_protection": false,
            "mfa": {"active": true},
        }))
        .unwrap();
        assert_eq!(options.policy.min_length, 12);
        assert_eq!(options.policy.history, 3);
        assert!(!options.policy.personal);
        assert_eq!(options.policy.words, ["travel0"]);
        assert_eq!(options.usernames, Usernames::Required(Length { min: 3, max: 20 }));
        assert!(!options.sign_up && !options.reset && !options.brute_force_protection);
    }

    #[test]
    fn the_newer_shape_replaces_the_older_one() {
        let options = Options::parse(&json!({
            "passwordPolicy": "excellent",
            "password_options": {
                "complexity": {
                    "min_length": 15, "character_types": ["number"], "character_type_rule": "all",
                    "sequential_characters": "block", "max_length_exceeded": "error",
                },
                "history": {"active": true, "size": 2},
                "dictionary": {"active": true, "custom": ["A"], "default": "en_10k"},
                "profile_data": {"active": true, "blocked_fields": ["name"]},
            },
        }))
        .unwrap();
        let policy = options.policy;
        assert_eq!(policy.min_length, 15);
        assert!(policy.classes.digit && !policy.classes.upper && !policy.classes.three_will_do);
        assert!(policy.identical && !policy.sequential);
        assert_eq!((policy.history, policy.words), (2, vec!["a".to_owned()]));
        assert_eq!(policy.blocked_fields, ["name"]);
    }

    #[test]
    fn addresses_are_verified_unless_the_connection_says_otherwise() {
        let verifies = |verification: Value| {
            let options = json!({"attributes": {"email": {"signup": {"verification": verification}}}});
            Options::parse(&options).unwrap().verifies_addresses
        };
        assert!(verifies(json!({})) && verifies(Value::Null) && verifies(json!({"active": true})));
        assert!(!verifies(json!({"active": false})));
        let wrong = json!({"attributes": {"email": {"signup": {"verification": {"active": "no"}}}}});
        assert_eq!(pointers(&wrong), ["/attributes/email/signup/verification/active"]);
    }

    #[test]
    fn db_13_wrong_types_are_problems_with_their_place() {
        assert_eq!(pointers(&json!([])), [""]);
        assert_eq!(
            pointers(&json!({
                "passwordPolicy": {"$ne": 1},
                "password_complexity_options": {"min_length": "12"},
                "password_history": {"enable": true, "size": 25},
                "password_dictionary": {"enable": 1, "dictionary": [1]},
                "disable_signup": "yes",
                "brute_force_protection": 0,
            })),
            [
                "/passwordPolicy",
                "/password_complexity_options/min_length",
                "/password_history/size",
                "/password_dictionary/enable",
                "/password_dictionary/dictionary",
                "/disable_signup",
                "/brute_force_protection",
            ]
        );
    }

    #[test]
    fn what_is_not_available_is_refused_and_not_ignored() {
        for (options, pointer) in [
            (json!({"custom_password_hash": {"action_id": "a"}}), "/custom_password_hash"),
            (
                json!({"authentication_methods": {"passkey": {"enabled": true}}}),
                "/authentication_methods/passkey/enabled",
            ),
            (
                json!({"password_options": {"complexity": {"max_length_exceeded": "truncate"}}}),
                "/password_options/complexity/max_length_exceeded",
            ),
            (
                json!({"attributes": {"phone_number": {"identifier": {"active": true}}}}),
                "/attributes/phone_number/identifier/active",
            ),
            (json!({"requires_username": true, "attributes": {}}), "/attributes"),
        ] {
            assert_eq!(pointers(&options), [pointer], "{options}");
        }
        let control = json!({
            "authentication_methods": {"password": {"enabled": true}, "passkey": {"enabled": false}},
            "something_of_next_year": [1],
        });
        assert!(Options::parse(&control).is_ok());
    }

    #[test]
    fn attributes_may_bring_user_names() {
        let options = |status: &str| {
            json!({"attributes": {"email": {"identifier": {"active": true}}, "username": {
                "identifier": {"active": true}, "signup": {"status": status},
                "validation": {"min_length": 2, "max_length": 9},
            }}})
        };
        let length = Length { min: 2, max: 9 };
        assert_eq!(Options::parse(&options("required")).unwrap().usernames, Usernames::Required(length));
        assert_eq!(Options::parse(&options("optional")).unwrap().usernames, Usernames::Optional(length));
    }
}
