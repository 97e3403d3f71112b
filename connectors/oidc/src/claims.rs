//! Owns what the claims of an ID token must be like (OpenID Connect Core §3.1.3.7, `security.md` §3.2).
//! Never touches the signature, nor what the claims say of the person.

use crate::fault::Rejected;
use portico_core::{secret::Secret, time::Timestamp};
use serde_json::{Map, Value};

/// What is expected of the claims.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) client_id: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) now: Timestamp,
    /// The person was to be asked for credentials after this instant (`prompt=login`).
    pub(crate) signed_in_after: Option<Timestamp>,
}

/// How far two clocks may be apart, in seconds.
pub(crate) const LEEWAY: i64 = 60;
/// How old a token may be when it arrives, in seconds. It comes straight from the token endpoint.
const MAX_AGE: i64 = 600;
/// Ten years: no token lives longer, and calendars stay in their range.
const MAX_LIFE: i64 = 10 * 366 * 24 * 3600;

/// Check every claim that decides whether the token is for us, for this login and for now.
pub(crate) fn check(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Rejected> {
    // RFC 7519 §4.1.1, OpenID Connect Core §3.1.3.7 (2): exactly, without normalisation.
    if claims.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
        return Err(Rejected("iss"));
    }
    audience(claims, expected.client_id)?;
    if !claims.get("sub").and_then(Value::as_str).is_some_and(usable_subject) {
        return Err(Rejected("sub"));
    }
    times(claims, expected)?;
    let nonce = claims.get("nonce").and_then(Value::as_str).map(Secret::new);
    if !nonce.is_some_and(|nonce| nonce.matches(&Secret::new(expected.nonce))) {
        return Err(Rejected("nonce"));
    }
    // OpenID Connect Back-Channel Logout §2.4: only a logout token has events.
    if claims.contains_key("events") {
        return Err(Rejected("logout_token"));
    }
    Ok(())
}

/// OpenID Connect Core §3.1.3.7 (3-5): for us, and for nobody whom we do not know.
fn audience(claims: &Map<String, Value>, client_id: &str) -> Result<(), Rejected> {
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => matches!(&audiences[..], [Value::String(only)] if only == client_id),
        _ => false,
    };
    if !for_us {
        return Err(Rejected("aud"));
    }
    match claims.get("azp") {
        None => Ok(()),
        Some(Value::String(party)) if party == client_id => Ok(()),
        Some(_) => Err(Rejected("azp")),
    }
}

fn times(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<(), Rejected> {
    let now = expected.now.seconds();
    // Whole numbers alone: what is rounded can be argued about (RP-14).
    let time = |name| claims.get(name).map(|value| value.as_i64().ok_or(()));
    match time("exp") {
        Some(Ok(exp)) if now - LEEWAY < exp && exp < now + MAX_LIFE => {}
        _ => return Err(Rejected("exp")),
    }
    match time("iat") {
        Some(Ok(iat)) if now - MAX_AGE <= iat && iat <= now + LEEWAY => {}
        _ => return Err(Rejected("iat")),
    }
    match time("nbf") {
        None => {}
        Some(Ok(nbf)) if nbf <= now + LEEWAY => {}
        Some(_) => return Err(Rejected("nbf")),
    }
    match (time("auth_time"), expected.signed_in_after) {
        (None, _) | (Some(Ok(_)), None) => Ok(()),
        (Some(Ok(auth_time)), Some(after)) if after.seconds() - LEEWAY <= auth_time => Ok(()),
        _ => Err(Rejected("auth_time")),
    }
}

/// OpenID Connect Core §2: at most 255 ASCII characters.
fn usable_subject(subject: &str) -> bool {
    !subject.is_empty()
        && subject.len() <= 255
        && subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_795_521_600;

    fn good() -> Value {
        json!({
            "iss": "https://idp.example", "aud": "gateway", "sub": "person-1", "nonce": "n",
            "iat": NOW, "exp": NOW + 300, "auth_time": NOW - 3600,
        })
    }

    fn verdict(changes: &Value, signed_in_after: Option<i64>) -> Result<(), Rejected> {
        let mut claims = good().as_object().unwrap().clone();
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.shift_remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        let expected = Expected {
            issuer: "https://idp.example",
            client_id: "gateway",
            nonce: "n",
            now: Timestamp::from_seconds(NOW),
            signed_in_after: signed_in_after.map(Timestamp::from_seconds),
        };
        check(&claims, &expected)
    }

    #[test]
    fn a_good_token_passes_up_to_the_edges() {
        for changes in [
            json!({}),
            json!({"aud": ["gateway"]}),
            json!({"azp": "gateway"}),
            json!({"exp": NOW - 59}),
            json!({"iat": NOW + 60}),
            json!({"iat": NOW - 600}),
            json!({"nbf": NOW + 60}),
            json!({"auth_time": null}),
        ] {
            assert_eq!(verdict(&changes, None), Ok(()), "{changes}");
        }
    }

    #[test]
    fn every_bad_claim_is_refused_by_name() {
        for (changes, name) in [
            (json!({"iss": null}), "iss"),
            (json!({"iss": "https://idp.example/"}), "iss"),
            (json!({"iss": "https://IDP.example"}), "iss"),
            (json!({"iss": "http://idp.example"}), "iss"),
            (json!({"iss": "https://idp.example/{tenantid}/v2.0"}), "iss"),
            (json!({"iss": ["https://idp.example"]}), "iss"),
            (json!({"aud": null}), "aud"),
            (json!({"aud": "other"}), "aud"),
            (json!({"aud": "Gateway"}), "aud"),
            (json!({"aud": []}), "aud"),
            (json!({"aud": ["gateway", "other"]}), "aud"),
            (json!({"aud": ["gateway", "other"], "azp": "gateway"}), "aud"),
            (json!({"aud": [["gateway"]]}), "aud"),
            (json!({"azp": "other"}), "azp"),
            (json!({"azp": ["gateway"]}), "azp"),
            (json!({"sub": null}), "sub"),
            (json!({"sub": ""}), "sub"),
            (json!({"sub": 7}), "sub"),
            (json!({"sub": "x".repeat(256)}), "sub"),
            (json!({"sub": "a\nb"}), "sub"),
            (json!({"exp": null}), "exp"),
            (json!({"exp": NOW - 60}), "exp"),
            (json!({"exp": NOW - 61}), "exp"),
            (json!({"exp": (NOW + 300).to_string()}), "exp"),
            (json!({"exp": 1_795_521_900.5}), "exp"),
            (json!({"exp": 1e300}), "exp"),
            (json!({"exp": i64::MAX}), "exp"),
            (json!({"iat": null}), "iat"),
            (json!({"iat": NOW + 61}), "iat"),
            (json!({"iat": NOW - 660}), "iat"),
            (json!({"iat": NOW.to_string()}), "iat"),
            (json!({"iat": i64::MIN}), "iat"),
            (json!({"nbf": NOW + 61}), "nbf"),
            (json!({"nbf": "soon"}), "nbf"),
            (json!({"auth_time": "today"}), "auth_time"),
            (json!({"nonce": null}), "nonce"),
            (json!({"nonce": "N"}), "nonce"),
            (json!({"nonce": ""}), "nonce"),
            (json!({"events": {}}), "logout_token"),
        ] {
            assert_eq!(verdict(&changes, None), Err(Rejected(name)), "{changes}");
        }
    }

    #[test]
    fn who_was_to_sign_in_again_did() {
        assert_eq!(verdict(&json!({"auth_time": NOW - 5}), Some(NOW - 10)), Ok(()));
        assert_eq!(verdict(&json!({"auth_time": NOW - 60}), Some(NOW)), Ok(()), "within the leeway");
        assert_eq!(verdict(&json!({"auth_time": NOW - 3600}), Some(NOW - 10)), Err(Rejected("auth_time")));
    }
}
