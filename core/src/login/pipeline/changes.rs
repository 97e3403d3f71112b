//! Owns what rules may change: which edits count, and which are put back as they were; actions are held to the same.
//! Never touches what rules are told.

use super::{Protocol, RuleInput};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What the rules and actions of one login changed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Changes {
    /// Further claims of the ID token. No name in it is reserved (OP-36).
    pub id_token: Map<String, Value>,
    /// Further claims of the access token. No name in it is reserved (OP-36).
    pub access_token: Map<String, Value>,
    /// The scope of the access token, if a rule set it. `openid` and `offline_access` are in it only as they were asked for.
    pub scope: Option<Vec<String>>,
    /// Claims of the profile (`name`, `picture`, …) that are different in the tokens of this login, `null` for those
    /// that a rule took away. Nothing is stored (contract §4.1).
    pub profile: Map<String, Value>,
    /// Edits that had no effect: for the log.
    pub ignored: Vec<IgnoredEdit>,
    /// What rules wrote to `console`: for the log.
    pub console: Vec<Console>,
}

/// An edit that had no effect.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct IgnoredEdit {
    /// The rule or action that tried.
    pub rule: String,
    /// What it tried to change: `context.idToken.sub`, `context.organization`, `user.email_verified`.
    pub path: String,
}

/// What one rule or action wrote to `console`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Console {
    /// The rule or action.
    pub rule: String,
    /// Its lines.
    pub lines: Vec<String>,
}

/// Why a rule's result cannot be taken.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Unacceptable {
    /// It asks for something that does not exist here.
    NotSupported(&'static str),
    /// It has the wrong shape.
    Malformed(String),
}

/// User and context between two rules.
pub(super) struct Draft {
    /// What the first rule saw.
    original_user: Map<String, Value>,
    /// What every rule sees, whatever others did.
    fixed_context: Map<String, Value>,
    asked_scope: Vec<String>,
    user: Map<String, Value>,
    context: Map<String, Value>,
    changes: Changes,
    /// Whether this run may send the browser away: a run that follows on such a journey may not (contract §4.1).
    may_redirect: bool,
    /// The rule that set `context.redirect` as it is now.
    redirects: String,
}

impl Draft {
    pub(super) fn new(input: &RuleInput<'_>) -> Self {
        let user = input.user_argument();
        let fixed_context = input.context_argument();
        let mut context = fixed_context.clone();
        context.insert("accessToken".to_owned(), Value::Object(Map::new()));
        context.insert("idToken".to_owned(), Value::Object(Map::new()));
        Self {
            original_user: user.clone(),
            fixed_context,
            asked_scope: input.scope.to_vec(),
            user,
            context,
            changes: Changes::default(),
            may_redirect: input.protocol != Protocol::RedirectCallback,
            redirects: String::new(),
        }
    }

    /// The arguments of the next rule.
    pub(super) fn arguments(&self) -> Vec<Value> {
        vec![Value::Object(self.user.clone()), Value::Object(self.context.clone())]
    }

    /// Take what a rule gave back.
    pub(super) fn take(
        &mut self,
        rule: &str,
        user: Map<String, Value>,
        context: Map<String, Value>,
        console: Vec<String>,
    ) -> Result<(), Unacceptable> {
        if !console.is_empty() {
            self.changes.console.push(Console { rule: rule.to_owned(), lines: console });
        }
        if let Some(what) = UNSUPPORTED.into_iter().find(|what| context.get(*what).is_some_and(is_set)) {
            return Err(Unacceptable::NotSupported(match what {
                "multifactor" => "context.multifactor",
                _ => "context.primaryUser",
            }));
        }
        self.take_user(rule, user);
        self.take_context(rule, context)
    }

    /// What says where the browser is to go, and which rule it is of. A later rule sees it, and may take it back.
    fn take_redirect(&mut self, rule: &str, context: &mut Map<String, Value>) -> Result<(), Unacceptable> {
        let Some(redirect) = context.get("redirect").filter(|redirect| is_set(redirect)) else {
            context.remove("redirect");
            return Ok(());
        };
        if !self.may_redirect {
            context.remove("redirect");
            self.ignore(rule, "context.redirect".to_owned());
            return Ok(());
        }
        if redirect.get("url").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(Unacceptable::Malformed("context.redirect has no url".to_owned()));
        }
        if !same_option(self.context.get("redirect"), Some(redirect)) {
            rule.clone_into(&mut self.redirects);
        }
        Ok(())
    }

    /// Where the browser is to go before the login goes on, and the rule that says so.
    pub(super) fn redirect(&self) -> Option<(String, String)> {
        let url = self.context.get("redirect")?.get("url")?.as_str()?;
        Some((self.redirects.clone(), url.to_owned()))
    }

    fn take_user(&mut self, rule: &str, mut user: Map<String, Value>) {
        for name in FIXED_OF_USER {
            if put_back(&mut user, name, self.original_user.get(name)) {
                self.ignore(rule, format!("user.{name}"));
            }
        }
        self.user = user;
    }

    fn take_context(&mut self, rule: &str, mut context: Map<String, Value>) -> Result<(), Unacceptable> {
        for name in FIXED_OF_CONTEXT {
            if put_back(&mut context, name, self.fixed_context.get(name)) {
                self.ignore(rule, format!("context.{name}"));
            }
        }
        self.take_redirect(rule, &mut context)?;
        let mut access_token = bag(&mut context, "accessToken")?;
        if let Some(scope) = access_token.get("scope").filter(|scope| !scope.is_null()) {
            let scope = self.take_scope(rule, scope)?;
            access_token.insert("scope".to_owned(), Value::from(scope.clone()));
            self.changes.scope = Some(scope);
        } else {
            access_token.remove("scope");
            self.changes.scope = None;
        }
        let mut id_token = bag(&mut context, "idToken")?;
        // OP-36: rules never change what tokens say on our word.
        for (name, claims) in [("accessToken", &mut access_token), ("idToken", &mut id_token)] {
            let tried: Vec<String> = claims
                .keys()
                .filter(|claim| is_reserved(claim) && !(name == "accessToken" && claim.as_str() == "scope"))
                .cloned()
                .collect();
            for claim in tried {
                claims.remove(&claim);
                self.ignore(rule, format!("context.{name}.{claim}"));
            }
        }
        context.insert("accessToken".to_owned(), Value::Object(access_token));
        context.insert("idToken".to_owned(), Value::Object(id_token));
        self.context = context;
        Ok(())
    }

    /// An array of scopes, or a text of them with spaces between (RFC 6749 §3.3).
    fn take_scope(&mut self, rule: &str, scope: &Value) -> Result<Vec<String>, Unacceptable> {
        let malformed =
            || Unacceptable::Malformed("context.accessToken.scope is not an array of scopes".to_owned());
        let listed: Vec<&str> = match scope {
            Value::String(text) => text.split_ascii_whitespace().collect(),
            Value::Array(items) => {
                items.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(malformed)?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(malformed()),
        };
        let mut scope: Vec<String> = Vec::new();
        for item in listed {
            if !is_scope(item) {
                return Err(malformed());
            }
            if !may_grant(item, &self.asked_scope) {
                self.ignore(rule, format!("context.accessToken.scope.{item}"));
            } else if !scope.iter().any(|known| known == item) {
                scope.push(item.to_owned());
            }
        }
        if self.asked_scope.iter().any(|asked| asked == "openid")
            && !scope.iter().any(|item| item == "openid")
        {
            scope.insert(0, "openid".to_owned());
        }
        Ok(scope)
    }

    fn ignore(&mut self, rule: &str, path: String) {
        self.changes.ignored.push(IgnoredEdit { rule: rule.to_owned(), path });
    }

    /// What they changed together.
    pub(super) fn finish(mut self) -> Changes {
        let mut claims = |name: &str| match self.context.remove(name) {
            Some(Value::Object(claims)) => claims,
            _ => Map::new(),
        };
        self.changes.id_token = claims("idToken");
        self.changes.access_token = claims("accessToken");
        self.changes.access_token.remove("scope");
        for claim in PROFILE {
            let (before, after) = (self.original_user.get(claim), self.user.get(claim));
            if !same_option(before, after) {
                self.changes.profile.insert(claim.to_owned(), after.cloned().unwrap_or(Value::Null));
            }
        }
        self.changes
    }
}

/// Whether a text is one scope (RFC 6749 §3.3).
pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Whether a script may put this scope into an access token: two mean something to us beyond the API, and are there only
/// as they were asked for.
pub(super) fn may_grant(scope: &str, asked: &[String]) -> bool {
    !OUR_SCOPES.contains(&scope) || asked.iter().any(|asked| asked == scope)
}

/// Put a field back as it was; whether it was different.
fn put_back(object: &mut Map<String, Value>, name: &str, original: Option<&Value>) -> bool {
    let edited = !same_option(object.get(name), original);
    match original {
        Some(original) => object.insert(name.to_owned(), original.clone()),
        None => object.remove(name),
    };
    edited
}

fn bag(context: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Unacceptable> {
    match context.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(claims)) => Ok(claims),
        Some(_) => Err(Unacceptable::Malformed(format!("context.{name} is not an object"))),
    }
}

fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false))
}

fn is_reserved(claim: &str) -> bool {
    // Of the profile, `user` is what a rule changes, not a claim of the same name.
    is_our_word(claim) || is_profile(claim)
}

/// Whether a claim of this name says something on our word: no rule and no profile ever sets it (OP-36).
pub fn is_our_word(claim: &str) -> bool {
    RESERVED.contains(&claim) || CONTACT.contains(&claim)
}

/// Whether a claim of this name comes from the user's profile (OIDC Core §5.1).
pub fn is_profile(claim: &str) -> bool {
    PROFILE.contains(&claim)
}

fn same_option(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => same(left, right),
        (None | Some(Value::Null), None | Some(Value::Null)) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Whether two values are the same to JavaScript, which has one kind of number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

/// What would need a further step of the login; never ignored silently.
const UNSUPPORTED: [&str; 2] = ["multifactor", "primaryUser"];

/// Who somebody is: our word, not a rule's (CVE-2024-29892).
const FIXED_OF_USER: [&str; 5] = ["user_id", "email", "email_verified", "identities", "blocked"];

/// What the login is about (JS-17).
const FIXED_OF_CONTEXT: [&str; 17] = [
    "tenant",
    "clientID",
    "clientName",
    "clientMetadata",
    "connectionID",
    "connection",
    "connectionStrategy",
    "connectionOptions",
    "connectionMetadata",
    "protocol",
    "request",
    "organization",
    "stats",
    "sso",
    "authentication",
    "authorization",
    "sessionID",
];

const OUR_SCOPES: [&str; 2] = ["openid", "offline_access"];

/// Claims that applications read from a user's profile and that a rule may show differently.
const PROFILE: [&str; 14] = [
    "name",
    "nickname",
    "picture",
    "given_name",
    "family_name",
    "middle_name",
    "preferred_username",
    "profile",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "address",
];

/// The rest of OIDC Core §5.1: how to reach somebody, and whether that is proven.
const CONTACT: [&str; 5] = ["email", "email_verified", "phone_number", "phone_number_verified", "updated_at"];

/// Claims that say something on our word, or that somebody might take for that (OP-36; RFC 7519 §4.1, RFC 8176,
/// RFC 8693, RFC 9068, RFC 9449, OIDC Core §2).
const RESERVED: [&str; 48] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "jti",
    "typ",
    "nonce",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "org_id",
    "org_name",
    "scope",
    "permissions",
    "roles",
    "groups",
    "entitlements",
    "client_id",
    "gty",
    "cnf",
    "act",
    "may_act",
    "active",
    "authorization_details",
    "session_expiry",
    "sub_jwk",
    "sub_id",
    "events",
    "toe",
    "txn",
    "vot",
    "vtm",
    "htm",
    "htu",
    "ath",
    "attest",
    "jwk",
    "jku",
    "kid",
    "x5c",
    "__proto__",
];
