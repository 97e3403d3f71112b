//! Owns the first look at an ID token: its size, its shape and its header, before anything is verified.
//! Never touches keys: whatever a header says of keys is not followed (RP-10).

use crate::fault::Rejected;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// What passed the gate. Its claims are not verified yet.
#[derive(Debug)]
pub(crate) struct Unverified {
    pub(crate) kid: Option<String>,
    pub(crate) claims: Map<String, Value>,
}

/// The most characters an ID token may have.
const MAX_TOKEN: usize = 32 << 10;
const MAX_HEADER: usize = 4 << 10;
const MAX_KID: usize = 256;

/// Header fields that change what a token means, and what each is called when it is refused.
const FORBIDDEN: [(&str, Rejected); 8] = [
    // RFC 7515 §4.1.11: extensions that must be understood; none is.
    ("crit", Rejected("crit")),
    ("b64", Rejected("b64")),
    // RFC 7516 §4.1: an encrypted token.
    ("enc", Rejected("jwe")),
    ("zip", Rejected("zip")),
    // RFC 7519 §5.2: a token in a token.
    ("cty", Rejected("nested")),
    // OpenID Connect Core §2: keys do not come with the token.
    ("jku", Rejected("header_key")),
    ("jwk", Rejected("header_key")),
    ("x5u", Rejected("header_key")),
];

/// Look at a token. `algs` are the signature algorithms that the connection allows.
pub(crate) fn open(token: &str, algs: &[&str]) -> Result<Unverified, Rejected> {
    if token.len() > MAX_TOKEN {
        return Err(Rejected("size"));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err(Rejected("parts")) };
    if header.len() > MAX_HEADER {
        return Err(Rejected("header"));
    }
    let header = object(header).ok_or(Rejected("header"))?;
    if let Some((_name, rejected)) = FORBIDDEN.iter().find(|(name, _)| header.contains_key(*name)) {
        return Err(*rejected);
    }
    if !header.get("alg").and_then(Value::as_str).is_some_and(|alg| algs.contains(&alg)) {
        return Err(Rejected("alg"));
    }
    // RFC 8725 §3.11: a token of another kind says so.
    let typ = header.get("typ").map(|typ| typ.as_str().unwrap_or_default());
    if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT") && !typ.eq_ignore_ascii_case("application/jwt"))
    {
        return Err(Rejected("typ"));
    }
    let kid = match header.get("kid") {
        None => None,
        Some(Value::String(kid)) if kid.len() <= MAX_KID => Some(kid.clone()),
        Some(_) => return Err(Rejected("kid")),
    };
    if signature.is_empty() {
        return Err(Rejected("signature"));
    }
    let claims = object(payload).ok_or(Rejected("claims"))?;
    Ok(Unverified { kid, claims })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn token(header: &Value, payload: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", part(header), part(payload))
    }

    #[test]
    fn an_ordinary_token_passes() {
        for header in [
            json!({"alg": "RS256"}),
            json!({"alg": "RS256", "typ": "JWT", "kid": "1", "x5t": "abc"}),
            json!({"alg": "RS256", "typ": "jwt"}),
        ] {
            let opened = open(&token(&header, &json!({"sub": "x"})), &["RS256"]).unwrap();
            assert_eq!(opened.claims["sub"], "x");
        }
    }

    #[test]
    fn every_bad_header_is_refused_by_name() {
        for (header, name) in [
            (json!({}), "alg"),
            (json!({"alg": "none"}), "alg"),
            (json!({"alg": "NONE"}), "alg"),
            (json!({"alg": "rs256"}), "alg"),
            (json!({"alg": "HS256"}), "alg"),
            (json!({"alg": ["RS256"]}), "alg"),
            (json!({"alg": "RS256", "crit": ["exp"]}), "crit"),
            (json!({"alg": "RS256", "crit": []}), "crit"),
            (json!({"alg": "RS256", "b64": false}), "b64"),
            (json!({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 1_000_000_000}), "jwe"),
            (json!({"alg": "RS256", "zip": "DEF"}), "zip"),
            (json!({"alg": "RS256", "cty": "JWT"}), "nested"),
            (json!({"alg": "RS256", "jku": "https://evil.example/"}), "header_key"),
            (json!({"alg": "RS256", "jwk": {}}), "header_key"),
            (json!({"alg": "RS256", "x5u": "https://evil.example/"}), "header_key"),
            (json!({"alg": "RS256", "typ": "at+jwt"}), "typ"),
            (json!({"alg": "RS256", "typ": "logout+jwt"}), "typ"),
            (json!({"alg": "RS256", "typ": 1}), "typ"),
            (json!({"alg": "RS256", "kid": 1}), "kid"),
            (json!({"alg": "RS256", "kid": "k".repeat(257)}), "kid"),
            (json!({"alg": "RS256", "kid": "k".repeat(5000)}), "header"),
            (json!(["RS256"]), "header"),
        ] {
            assert_eq!(
                open(&token(&header, &json!({})), &["RS256"]).unwrap_err(),
                Rejected(name),
                "{header}"
            );
        }
    }

    #[test]
    fn every_bad_shape_is_refused_by_name() {
        let good = token(&json!({"alg": "RS256"}), &json!({}));
        for (text, name) in [
            (String::new(), "parts"),
            ("a.b".to_owned(), "parts"),
            (format!("{good}.x"), "parts"),
            (format!("{good}.x.y"), "parts"),
            (".".repeat(1000), "parts"),
            ("x".repeat(1 << 20), "size"),
            ("..".to_owned(), "header"),
            ("bm90IGpzb24.e30.c2ln".to_owned(), "header"),
            (good.replace(".c2ln", "."), "signature"),
            (token(&json!({"alg": "RS256"}), &json!([])), "claims"),
        ] {
            assert_eq!(open(&text, &["RS256"]).unwrap_err(), Rejected(name), "{text:.40}");
        }
    }
}
