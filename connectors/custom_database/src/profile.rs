//! Owns what a script may say of a user: which fields, of which type, how long (`security.md` JS-13, JS-14).
//! Never touches what becomes of it: admission makes a user of it.

use crate::options::Options;
use portico_core::{
    connector::{Assertion, Subject, Vouched, identified},
    email::Email,
};
use serde_json::{Map, Value};

/// Texts that a profile may have, and the most characters of each (contract §2.8).
const TEXTS: &[(&str, usize)] = &[
    ("name", 300),
    ("nickname", 300),
    ("given_name", 150),
    ("family_name", 150),
    ("picture", 2048),
    ("phone_number", 32),
];

/// Who a profile is about. The identity is `(connection, user_id)`: whatever the text is, it names nobody of another
/// connection. Fields that are not named here are dropped, whatever they say.
///
/// `identifier` is what was looked for; it stands in for an address that the profile leaves out. The error is a reason in
/// words that holds nothing of the profile.
pub(crate) fn read(profile: &Value, identifier: &str, options: &Options) -> Result<Assertion, String> {
    let Value::Object(profile) = profile else { return Err("the profile is no object".to_owned()) };
    let subject = subject(profile)?;
    let email = match text(profile, "email", 320)? {
        Some(text) => Some(Email::parse(text).map_err(|_no_address| "`email` is no e-mail address")?),
        None => Email::parse(identifier).ok(),
    };
    let mut kept = Map::new();
    for (name, longest) in TEXTS {
        if let Some(text) = text(profile, name, *longest)? {
            kept.insert((*name).to_owned(), text.into());
        }
    }
    let metadata = |name: &str| match profile.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(metadata)) => Ok(metadata.clone()),
        Some(_) => Err(format!("`{name}` is no object")),
    };
    let mut vouched = Vouched {
        username: text(profile, "username", 128)?.map(str::to_lowercase),
        email_verified: flag(profile, "email_verified")? && options.trusts_email_verified,
        user_metadata: metadata("user_metadata")?,
        app_metadata: metadata("app_metadata")?,
    };
    for name in &options.non_persistent {
        kept.shift_remove(name);
        vouched.user_metadata.shift_remove(name.strip_prefix("user_metadata.").unwrap_or(""));
        vouched.app_metadata.shift_remove(name.strip_prefix("app_metadata.").unwrap_or(""));
    }
    if let Some(email) = email {
        kept.insert("email".to_owned(), email.as_given().into());
    }
    Ok(Assertion { vouched: Some(Box::new(vouched)), ..identified(subject, kept, None) })
}

/// `user_id`: a text without white space, or a whole number (contract §5.1).
fn subject(profile: &Map<String, Value>) -> Result<Subject, String> {
    let text = match profile.get("user_id") {
        None | Some(Value::Null) => return Err("the profile has no `user_id`".to_owned()),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(_) => return Err("`user_id` is neither a text nor a whole number".to_owned()),
    };
    let fits = !text.is_empty() && text.chars().count() <= 255;
    if fits && !text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Ok(Subject(text));
    }
    Err("`user_id` is empty, longer than 255 characters, or has white space".to_owned())
}

/// A text that is there; `null` and an empty one are none.
fn text<'p>(profile: &'p Map<String, Value>, name: &str, longest: usize) -> Result<Option<&'p str>, String> {
    match profile.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() > longest => {
            Err(format!("`{name}` is longer than {longest} characters"))
        }
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` is no text")),
    }
}

/// A flag as JavaScript or SQL writes it: `true`, `false`, 1 or 0.
fn flag(profile: &Map<String, Value>, name: &str) -> Result<bool, String> {
    match profile.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::Number(number)) if number.as_u64().is_some_and(|number| number < 2) => {
            Ok(number.as_u64() == Some(1))
        }
        Some(_) => Err(format!("`{name}` is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(profile: &Value) -> Result<Assertion, String> {
        read(profile, "jen@legacy.test", &Options::default())
    }

    #[test]
    fn js_13_a_profile_is_refused_for_its_reason() {
        for (profile, reason) in [
            (json!(null), "the profile is no object"),
            (json!([{"user_id": "1"}]), "the profile is no object"),
            (json!("1"), "the profile is no object"),
            (json!({"email": "jen@legacy.test"}), "the profile has no `user_id`"),
            (json!({"user_id": null}), "the profile has no `user_id`"),
            (json!({"user_id": ["1"]}), "`user_id` is neither a text nor a whole number"),
            (json!({"user_id": 1.5}), "`user_id` is neither a text nor a whole number"),
            (json!({"user_id": ""}), "`user_id` is empty, longer than 255 characters, or has white space"),
            (json!({"user_id": "a b"}), "`user_id` is empty, longer than 255 characters, or has white space"),
            (
                json!({"user_id": "a\u{0}"}),
                "`user_id` is empty, longer than 255 characters, or has white space",
            ),
            (
                json!({"user_id": "x".repeat(256)}),
                "`user_id` is empty, longer than 255 characters, or has white space",
            ),
            (json!({"user_id": "1", "email": "jen"}), "`email` is no e-mail address"),
            (json!({"user_id": "1", "email": ["jen@legacy.test"]}), "`email` is no text"),
            (json!({"user_id": "1", "name": {"$ne": 1}}), "`name` is no text"),
            (
                json!({"user_id": "1", "nickname": "x".repeat(301)}),
                "`nickname` is longer than 300 characters",
            ),
            (json!({"user_id": "1", "email_verified": "yes"}), "`email_verified` is neither true nor false"),
            (json!({"user_id": "1", "app_metadata": []}), "`app_metadata` is no object"),
        ] {
            assert_eq!(of(&profile).unwrap_err(), reason, "{profile}");
        }
        let control = of(&json!({"user_id": 17, "nickname": null, "picture": ""})).unwrap();
        assert_eq!(control.subject.0, "17");
        assert_eq!(Value::Object(control.profile), json!({"email": "jen@legacy.test"}));
    }

    #[test]
    fn js_14_a_profile_says_only_what_it_may() {
        let said = json!({
            "user_id": "auth0|admin", "email": "jen@legacy.test", "email_verified": true, "blocked": false,
            "identities": [{"user_id": "admin"}], "org_id": "org_other", "roles": ["admin"], "permissions": ["all"],
            "app_metadata": {"plan": "gold"}, "user_metadata": {"seat": "aisle"}, "mfa_factors": [], "sub": "admin",
            "__proto__": {"email": "x"}, "name": "Jen", "username": "JEN",
        });
        let assertion = of(&said).unwrap();
        assert_eq!(Value::Object(assertion.profile), json!({"name": "Jen", "email": "jen@legacy.test"}));
        assert_eq!(
            assertion.subject.0, "auth0|admin",
            "somebody of this connection, whatever they are called"
        );
        let vouched = assertion.vouched.unwrap();
        assert!(!vouched.email_verified, "not believed");
        assert_eq!(vouched.username.as_deref(), Some("jen"));
        assert_eq!(Value::Object(vouched.app_metadata), json!({"plan": "gold"}));
        let trusting = Options { trusts_email_verified: true, ..Options::default() };
        assert!(read(&said, "", &trusting).unwrap().vouched.unwrap().email_verified, "believed");
        let of_mysql = json!({"user_id": 1, "email_verified": 1});
        assert!(read(&of_mysql, "", &trusting).unwrap().vouched.unwrap().email_verified);
    }

    #[test]
    fn fields_that_are_not_to_be_kept_are_not() {
        let options = Options {
            non_persistent: vec!["given_name".to_owned(), "user_metadata.seat".to_owned()],
            ..Options::default()
        };
        let said =
            json!({"user_id": 1, "given_name": "Jen", "name": "J", "user_metadata": {"seat": 1, "meal": 2}});
        let assertion = read(&said, "", &options).unwrap();
        assert_eq!(Value::Object(assertion.profile), json!({"name": "J"}));
        assert_eq!(Value::Object(assertion.vouched.unwrap().user_metadata), json!({"meal": 2}));
    }

    proptest! {
        #[test]
        fn whatever_a_profile_is_nothing_comes_through_that_is_not_named(
            names in proptest::collection::vec("[a-z_]{1,12}", 0..8), text in "\\PC{0,40}",
        ) {
            let mut said = Map::from_iter([("user_id".to_owned(), json!(1))]);
            said.extend(names.into_iter().map(|name| (name, json!(text))));
            if let Ok(assertion) = of(&Value::Object(said)) {
                let known = |name: &str| name == "email" || TEXTS.iter().any(|(known, _)| *known == name);
                prop_assert!(assertion.profile.keys().all(|name| known(name)));
            }
        }
    }
}
