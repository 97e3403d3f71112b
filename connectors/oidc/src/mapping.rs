//! Owns how an identity provider's claims become a profile (`attribute_map`, contract §2.5.3).
//! Never touches whether they are true: what `email_verified` is worth is decided at admission.

use serde_json::{Map, Value};

/// How claims become attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Mapping {
    mode: Mode,
    attributes: Vec<(String, Template)>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Mode {
    /// Every claim becomes the attribute of its name.
    #[default]
    BindAll,
    /// OpenID Connect's standard claims do.
    BasicProfile,
    /// Only what the map says.
    UseMap,
}

/// What an attribute is made of.
#[derive(Clone, Debug, PartialEq)]
enum Template {
    /// One claim, whatever its type is.
    Claim(Source, String),
    /// A text with claims in it.
    Text(Vec<Piece>),
    /// This value.
    Constant(Value),
}

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(String),
    Claim(Source, String),
}

/// Where a claim comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Source {
    /// `${context.tokenset.NAME}`: the ID token.
    Token,
    /// `${context.userinfo.NAME}`: the UserInfo endpoint.
    UserInfo,
}

/// Claims about the token, the session or the protocol: nothing of a person.
const PROTOCOL: [&str; 19] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "nbf",
    "nonce",
    "jti",
    "azp",
    "amr",
    "acr",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
    "typ",
    "cnf",
];

/// OpenID Connect Core §5.1.
const STANDARD: [&str; 19] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
];

impl Mapping {
    /// Read an `attribute_map`; the error says what it must be like.
    pub(crate) fn read(map: &Value) -> Result<Self, &'static str> {
        let Value::Object(map) = map else { return Err("must be an object") };
        let mode = match map.get("mapping_mode") {
            None | Some(Value::Null) => Mode::BindAll,
            Some(Value::String(mode)) if mode == "bind_all" => Mode::BindAll,
            Some(Value::String(mode)) if mode == "basic_profile" => Mode::BasicProfile,
            Some(Value::String(mode)) if mode == "use_map" => Mode::UseMap,
            Some(_) => return Err("must have a `mapping_mode` of `bind_all`, `use_map` or `basic_profile`"),
        };
        let attributes = match map.get("attributes") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(attributes)) => {
                attributes.iter().map(|(name, value)| (name.clone(), Template::read(value))).collect()
            }
            Some(_) => return Err("must have `attributes` as an object"),
        };
        Ok(Self { mode, attributes })
    }

    /// The profile that these claims make. What the ID token says wins over UserInfo.
    pub(crate) fn profile(
        &self,
        token: &Map<String, Value>,
        userinfo: &Map<String, Value>,
    ) -> Map<String, Value> {
        let both = merged(token, userinfo);
        let mut profile: Map<String, Value> = match self.mode {
            Mode::BindAll => kept(&both, |name| !PROTOCOL.contains(&name)),
            Mode::BasicProfile => kept(&both, |name| STANDARD.contains(&name)),
            Mode::UseMap => Map::new(),
        };
        let from = |source| match source {
            Source::Token => token,
            Source::UserInfo => userinfo,
        };
        for (name, template) in &self.attributes {
            if let Some(value) = template.fill(|source, claim| from(source).get(claim)) {
                profile.insert(name.clone(), value);
            }
        }
        if profile.get("email").is_some_and(|email| !email.is_string()) {
            profile.shift_remove("email");
        }
        // RP-17: nothing but the boolean `true` says that an address was verified.
        if let Some(verified) = profile.get_mut("email_verified") {
            *verified = Value::Bool(*verified == Value::Bool(true));
        }
        profile
    }
}

/// Both sets of claims. An address and whether it is verified always come from the same place: a "verified" that was said
/// of another address counts for nothing.
fn merged(token: &Map<String, Value>, userinfo: &Map<String, Value>) -> Map<String, Value> {
    let mut both = token.clone();
    let same_email = !token.contains_key("email") || token.get("email") == userinfo.get("email");
    for (name, value) in userinfo {
        if !both.contains_key(name) && (name != "email_verified" || same_email) {
            both.insert(name.clone(), value.clone());
        }
    }
    if !token.contains_key("email") && userinfo.contains_key("email") {
        match userinfo.get("email_verified") {
            Some(verified) => both.insert("email_verified".to_owned(), verified.clone()),
            None => both.shift_remove("email_verified"),
        };
    }
    both
}

fn kept(claims: &Map<String, Value>, keep: impl Fn(&str) -> bool) -> Map<String, Value> {
    claims.iter().filter(|(name, _)| keep(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

impl Template {
    fn read(value: &Value) -> Self {
        let Value::String(text) = value else { return Self::Constant(value.clone()) };
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { break };
            let claim = [("context.tokenset.", Source::Token), ("context.userinfo.", Source::UserInfo)]
                .into_iter()
                .find_map(|(prefix, source)| {
                    Some(Piece::Claim(source, name.strip_prefix(prefix)?.to_owned()))
                });
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(claim.unwrap_or_else(|| Piece::Literal(format!("${{{name}}}"))));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        match &pieces[..] {
            [Piece::Claim(source, name)] => Self::Claim(*source, name.clone()),
            _ if pieces.iter().any(|piece| matches!(piece, Piece::Claim(..))) => Self::Text(pieces),
            _ => Self::Constant(value.clone()),
        }
    }

    fn fill<'c>(&self, claim: impl Fn(Source, &str) -> Option<&'c Value>) -> Option<Value> {
        match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Claim(source, name) => claim(*source, name).cloned(),
            Self::Text(pieces) => {
                let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let filled: Option<String> = pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Literal(literal) => Some(literal.clone()),
                        Piece::Claim(source, name) => claim(*source, name).map(text),
                    })
                    .collect();
                filled.map(Value::String)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profile(map: &Value, token: &Value, userinfo: &Value) -> Value {
        let fields = |value: &Value| value.as_object().unwrap().clone();
        Mapping::read(map).unwrap().profile(&fields(token), &fields(userinfo)).into()
    }

    #[test]
    fn all_claims_of_the_person_are_bound_and_none_of_the_protocol() {
        let token = json!({"iss": "i", "sub": "s", "aud": "a", "nonce": "n", "email": "a@b.example", "department": "IT"});
        let userinfo = json!({"sub": "s", "name": "Amintha", "department": "other"});
        assert_eq!(
            profile(&json!({}), &token, &userinfo),
            json!({"email": "a@b.example", "department": "IT", "name": "Amintha"})
        );
        assert_eq!(
            profile(&json!({"mapping_mode": "basic_profile"}), &token, &userinfo),
            json!({"email": "a@b.example", "name": "Amintha"})
        );
    }

    #[test]
    fn a_map_takes_claims_texts_and_constants() {
        let map = json!({"mapping_mode": "use_map", "attributes": {
            "email": "${context.tokenset.mail}",
            "name": "${context.tokenset.first} ${context.userinfo.last}",
            "groups": "${context.userinfo.groups}",
            "source": "MetaHexa",
            "odd": "${context.env.SECRET}",
            "nickname": "${context.tokenset.absent}",
            "greeting": "hello ${context.tokenset.absent}",
        }});
        let token = json!({"sub": "s", "mail": "a@b.example", "first": "Amintha", "given_name": "ignored"});
        let userinfo = json!({"last": "Lee", "groups": ["a", "b"]});
        assert_eq!(
            profile(&map, &token, &userinfo),
            json!({
                "email": "a@b.example", "name": "Amintha Lee", "groups": ["a", "b"], "source": "MetaHexa",
                "odd": "${context.env.SECRET}",
            })
        );
    }

    #[test]
    fn only_the_boolean_true_says_verified() {
        for (claim, expected) in [
            (json!(true), true),
            (json!(false), false),
            (json!("true"), false),
            (json!(1), false),
            (json!([true]), false),
        ] {
            let token = json!({"email": "a@b.example", "email_verified": claim});
            assert_eq!(profile(&json!({}), &token, &json!({}))["email_verified"], json!(expected), "{claim}");
        }
    }

    #[test]
    fn verified_belongs_to_the_address_it_was_said_of() {
        let mixed = profile(
            &json!({}),
            &json!({"email": "ceo@b.example"}),
            &json!({"email": "me@b.example", "email_verified": true}),
        );
        assert_eq!(mixed, json!({"email": "ceo@b.example"}));
        let other_way =
            profile(&json!({}), &json!({"email_verified": true}), &json!({"email": "me@b.example"}));
        assert_eq!(other_way, json!({"email": "me@b.example"}));
        let same = profile(
            &json!({}),
            &json!({"email": "me@b.example"}),
            &json!({"email": "me@b.example", "email_verified": true}),
        );
        assert_eq!(same["email_verified"], json!(true));
    }

    #[test]
    fn an_address_that_is_no_text_is_none() {
        assert_eq!(
            profile(&json!({}), &json!({"email": ["a@b.example", "c@d.example"]}), &json!({})),
            json!({})
        );
    }
}
