//! Owns what the commands of an action's `api` do (contract §4.2): which have an effect, and which are put back.
//! Never touches JavaScript: commands come as plain data, and are trusted no further than a rule's edits.

use super::{
    changes::{Changes, IgnoredEdit, is_our_word, is_profile, is_scope, may_grant},
    metadata::{MOST_BYTES, MetadataUpdates},
};
use serde_json::{Map, Value};
use url::Url;

/// What an action says in the end.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// Go on.
    GoOn,
    /// `api.access.deny`.
    Deny(String),
    /// `api.validation.error`.
    Invalid(String),
    /// `api.redirect.sendUserTo`.
    SendTo(String),
    /// It called a method that is not supported, whatever it made of the error.
    NotSupported(String),
}

/// What the actions of one login have changed so far.
pub(super) struct Ledger<'l> {
    /// The action that speaks.
    pub(super) action: &'l str,
    /// The scope that the application asked for.
    pub(super) asked: &'l [String],
    /// What is to become of tokens.
    pub(super) changes: &'l mut Changes,
    /// What is to become of the user's metadata, when the trigger is over.
    pub(super) metadata: &'l mut MetadataUpdates,
}

impl Ledger<'_> {
    /// Carry the commands out, in their order. A denial counts for more than a redirect, whichever came first.
    pub(super) fn carry_out(&mut self, commands: &Value) -> Result<Said, String> {
        let malformed = || "an action's commands are malformed".to_owned();
        let (mut said, mut away) = (Said::GoOn, None);
        for command in commands.as_array().ok_or_else(malformed)? {
            let [name, rest @ ..] = command.as_array().ok_or_else(malformed)?.as_slice() else {
                return Err(malformed());
            };
            let text = rest.first().and_then(Value::as_str).ok_or_else(malformed)?;
            let value = rest.get(1).cloned().unwrap_or_default();
            let is_over = said != Said::GoOn;
            match name.as_str().unwrap_or_default() {
                "unsupported" => return Ok(Said::NotSupported(text.to_owned())),
                "deny" if !is_over => said = Said::Deny(text.to_owned()),
                "invalid" if !is_over => {
                    said = Said::Invalid(value.as_str().unwrap_or_default().to_owned());
                }
                "deny" | "invalid" => {}
                "sendUserTo" => away = Some(address(text, &value)),
                "idToken" => self.set_id_token(text, value),
                "accessToken" => self.set_access_token(text, value),
                "addScope" => self.add_scope(text)?,
                "removeScope" => self.remove_scope(text),
                "app_metadata" => set(&mut self.metadata.app_metadata, text, value)?,
                "user_metadata" => set(&mut self.metadata.user_metadata, text, value)?,
                _ => return Err(malformed()),
            }
        }
        Ok(match (said, away) {
            (Said::GoOn, Some(address)) => Said::SendTo(address),
            (said, _) => said,
        })
    }

    /// A claim of the ID token. Those of the profile stand for what rules do to `user`.
    fn set_id_token(&mut self, claim: &str, value: Value) {
        if is_our_word(claim) {
            self.ignore(format!("api.idToken.{claim}"));
        } else if is_profile(claim) {
            self.changes.profile.insert(claim.to_owned(), value);
        } else {
            self.changes.id_token.insert(claim.to_owned(), value);
        }
    }

    fn set_access_token(&mut self, claim: &str, value: Value) {
        if is_our_word(claim) || is_profile(claim) {
            self.ignore(format!("api.accessToken.{claim}"));
        } else {
            self.changes.access_token.insert(claim.to_owned(), value);
        }
    }

    fn add_scope(&mut self, scope: &str) -> Result<(), String> {
        if !is_scope(scope) {
            return Err(format!("api.accessToken.addScope: `{scope}` is not a scope"));
        }
        if !may_grant(scope, self.asked) {
            self.ignore(format!("api.accessToken.scope.{scope}"));
            return Ok(());
        }
        let known = self.scope();
        if !known.iter().any(|known| known == scope) {
            known.push(scope.to_owned());
        }
        Ok(())
    }

    fn remove_scope(&mut self, scope: &str) {
        // Without it there would be no ID token, and the application asked for one.
        if scope == "openid" {
            self.ignore("api.accessToken.scope.openid".to_owned());
        } else {
            self.scope().retain(|known| known != scope);
        }
    }

    fn scope(&mut self) -> &mut Vec<String> {
        self.changes.scope.get_or_insert_with(|| self.asked.to_vec())
    }

    fn ignore(&mut self, path: String) {
        self.changes.ignored.push(IgnoredEdit { rule: self.action.to_owned(), path });
    }
}

fn set(metadata: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), String> {
    metadata.insert(key.to_owned(), value);
    if Value::Object(metadata.clone()).to_string().len() > MOST_BYTES {
        return Err(format!("the metadata would be larger than {MOST_BYTES} bytes"));
    }
    Ok(())
}

/// The address with these parameters. One that is none stays as it is: it will be refused as what it is.
fn address(text: &str, query: &Value) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if let Some(query) = query.as_object().filter(|query| !query.is_empty()) {
        let pairs = query.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| {
            (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        url.query_pairs_mut().extend_pairs(pairs);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn carried_out(commands: &Value) -> (Result<Said, String>, Changes, MetadataUpdates) {
        let (mut changes, mut metadata) = (Changes::default(), MetadataUpdates::default());
        let asked = ["openid".to_owned(), "read:trips".to_owned()];
        let mut ledger =
            Ledger { action: "a", asked: &asked, changes: &mut changes, metadata: &mut metadata };
        let said = ledger.carry_out(commands);
        (said, changes, metadata)
    }

    #[test]
    fn op_36_an_action_changes_no_claim_that_is_our_word() {
        let (said, changes, _) = carried_out(&json!([
            ["idToken", "sub", "auth0|admin"],
            ["idToken", "email_verified", true],
            ["accessToken", "org_id", "org_other"],
            ["accessToken", "permissions", ["admin"]],
            ["accessToken", "name", "Admin"],
            ["accessToken", "__proto__", {}],
            ["idToken", "nickname", "Jen"],
            ["idToken", "https://t/x", 1],
            ["accessToken", "plan", null],
        ]));
        assert_eq!(said, Ok(Said::GoOn));
        assert_eq!(Value::Object(changes.id_token), json!({"https://t/x": 1}));
        assert_eq!(Value::Object(changes.access_token), json!({"plan": null}));
        assert_eq!(Value::Object(changes.profile), json!({"nickname": "Jen"}));
        let paths: Vec<_> = changes.ignored.iter().map(|edit| edit.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "api.idToken.sub",
                "api.idToken.email_verified",
                "api.accessToken.org_id",
                "api.accessToken.permissions",
                "api.accessToken.name",
                "api.accessToken.__proto__",
            ]
        );
    }

    #[test]
    fn scopes_are_added_and_removed_but_not_to_openid_or_offline_access() {
        let (said, changes, _) = carried_out(&json!([
            ["addScope", "book:trips"],
            ["addScope", "offline_access"],
            ["addScope", "book:trips"],
            ["removeScope", "read:trips"],
            ["removeScope", "openid"],
        ]));
        assert_eq!(said, Ok(Said::GoOn));
        assert_eq!(changes.scope, Some(vec!["openid".to_owned(), "book:trips".to_owned()]));
        assert_eq!(changes.ignored.len(), 2);
        assert!(carried_out(&json!([["addScope", "a b"]])).0.is_err());
    }

    #[test]
    fn js_17_a_denial_wins_and_what_is_not_supported_is_never_passed_over() {
        let denied =
            carried_out(&json!([["sendUserTo", "https://x/", {}], ["deny", "no"], ["deny", "again"]]));
        assert_eq!(denied.0, Ok(Said::Deny("no".to_owned())));
        let invalid = carried_out(&json!([["invalid", "code", "sorry"], ["sendUserTo", "https://x/", {}]]));
        assert_eq!(invalid.0, Ok(Said::Invalid("sorry".to_owned())));
        let mfa = carried_out(&json!([["unsupported", "api.multifactor.enable"], ["deny", "no"]]));
        assert_eq!(mfa.0, Ok(Said::NotSupported("api.multifactor.enable".to_owned())));
        let away = carried_out(&json!([["sendUserTo", "https://x/?a=1", {"b": "é", "c": 2, "d": null}]]));
        assert_eq!(away.0, Ok(Said::SendTo("https://x/?a=1&b=%C3%A9&c=2".to_owned())));
        for odd in [json!({}), json!([1]), json!([[]]), json!([["deny"]]), json!([["grant", "all"]])] {
            assert!(carried_out(&odd).0.is_err(), "{odd}");
        }
    }

    #[test]
    fn metadata_is_collected_and_bounded() {
        let (_, _, metadata) = carried_out(&json!([
            ["app_metadata", "plan", "gold"],
            ["app_metadata", "plan", null],
            ["user_metadata", "colour", "red"],
        ]));
        assert_eq!(Value::Object(metadata.app_metadata), json!({"plan": null}));
        assert_eq!(Value::Object(metadata.user_metadata), json!({"colour": "red"}));
        let large = "x".repeat(MOST_BYTES);
        assert!(carried_out(&json!([["app_metadata", "x", large]])).0.is_err());
    }
}
