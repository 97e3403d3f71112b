//! Owns the checks of a token's claims (RFC 7519 §4.1, RFC 8725).
//! Never touches who may do what: it says what a token states and that it is ours.

use super::jws::{self, KeySet};
use crate::{
    id::{ClientId, OrganizationId},
    time::Timestamp,
};
use serde_json::{Map, Value};
use std::{fmt, time::Duration};

/// Verify a bearer token of ours for one API: signature, type, issuer, audience, times (`security.md` OP-31).
///
/// An ID token never passes: it has no `azp` and another audience.
pub fn verify_access_token(
    token: &str,
    keys: &KeySet,
    issuer: &str,
    audience: &str,
    now: Timestamp,
) -> Result<AccessClaims, TokenFault> {
    let verified = jws::verify(token, keys)?;
    if !matches!(verified.typ.as_deref(), Some("JWT" | "at+jwt")) {
        return Err(TokenFault::Type);
    }
    let claims = Claims(verified.claims);
    claims.issued_by(issuer)?;
    claims.meant_for(audience)?;
    claims.valid_at(now)?;
    AccessClaims::read(claims)
}

/// Verify an ID token of ours that comes back as a hint (RP-Initiated Logout §2): its end may have passed, all else holds.
pub fn verify_id_token_hint(token: &str, keys: &KeySet, issuer: &str) -> Result<IdTokenHint, TokenFault> {
    let verified = jws::verify(token, keys)?;
    if verified.typ.as_deref() != Some("JWT") {
        return Err(TokenFault::Type);
    }
    let claims = Claims(verified.claims);
    claims.issued_by(issuer)?;
    // An access token of ours has an `azp`, an ID token has none: one is no stand-in for the other.
    if claims.0.contains_key("azp") {
        return Err(TokenFault::Type);
    }
    let client_id = ClientId::parse(claims.text("aud")?).map_err(|_not_one| TokenFault::Claim("aud"))?;
    let session_id = claims.optional_text("sid")?.map(str::to_owned);
    Ok(IdTokenHint { client_id, subject: claims.text("sub")?.to_owned(), session_id })
}

/// What a verified access token states.
#[derive(Clone, Debug, PartialEq)]
pub struct AccessClaims {
    /// Whom it is about: a user id, or `CLIENT@clients`.
    pub subject: String,
    /// The application it was given to.
    pub client_id: ClientId,
    /// Its scopes.
    pub scope: Vec<String>,
    /// The user's permissions, where the API has them.
    pub permissions: Vec<String>,
    /// The organization it is for.
    pub organization_id: Option<OrganizationId>,
    /// `client-credentials` for a token of an application in its own name.
    pub grant: Option<String>,
    /// When it was made.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// All its claims.
    pub all: Map<String, Value>,
}

impl AccessClaims {
    /// Whether it has this scope.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|held| held == scope)
    }

    fn read(claims: Claims) -> Result<Self, TokenFault> {
        let client_id = claims.optional_text("azp")?.or(claims.optional_text("client_id")?);
        let client_id = client_id.ok_or(TokenFault::Claim("azp"))?;
        let organization_id = match claims.optional_text("org_id")? {
            Some(id) => Some(OrganizationId::parse(id).map_err(|_not_one| TokenFault::Claim("org_id"))?),
            None => None,
        };
        let scope = claims.optional_text("scope")?.unwrap_or_default();
        let permissions = claims.0.get("permissions").and_then(Value::as_array);
        let permissions = permissions.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
        Ok(Self {
            subject: claims.text("sub")?.to_owned(),
            client_id: ClientId::parse(client_id).map_err(|_not_one| TokenFault::Claim("azp"))?,
            scope: scope.split(' ').filter(|one| !one.is_empty()).map(str::to_owned).collect(),
            permissions: permissions.collect(),
            organization_id,
            grant: claims.optional_text("gty")?.map(str::to_owned),
            issued_at: claims.instant("iat")?,
            expires_at: claims.instant("exp")?,
            all: claims.0,
        })
    }
}

/// What a verified ID token states, as far as a hint may.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdTokenHint {
    /// The application it was made for.
    pub client_id: ClientId,
    /// Whom it is about.
    pub subject: String,
    /// The session it was made in.
    pub session_id: Option<String>,
}

struct Claims(Map<String, Value>);

impl Claims {
    fn issued_by(&self, issuer: &str) -> Result<(), TokenFault> {
        if self.text("iss")? == issuer { Ok(()) } else { Err(TokenFault::Issuer) }
    }

    /// RFC 7519 §4.1.3: one text, or a list of texts.
    fn meant_for(&self, audience: &str) -> Result<(), TokenFault> {
        let named = match self.0.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(many)) => many.iter().any(|one| one.as_str() == Some(audience)),
            _ => return Err(TokenFault::Claim("aud")),
        };
        if named { Ok(()) } else { Err(TokenFault::Audience) }
    }

    /// The end is exact. Beginnings may lie a little ahead: nodes' clocks differ.
    fn valid_at(&self, now: Timestamp) -> Result<(), TokenFault> {
        if self.instant("exp")? <= now {
            return Err(TokenFault::Expired);
        }
        let latest = now.plus(CLOCK_SKEW);
        let not_before = if self.0.contains_key("nbf") { self.instant("nbf")? } else { latest };
        if self.instant("iat")? > latest || not_before > latest {
            return Err(TokenFault::NotYetValid);
        }
        Ok(())
    }

    fn text(&self, name: &'static str) -> Result<&str, TokenFault> {
        self.optional_text(name)?.ok_or(TokenFault::Claim(name))
    }

    fn optional_text(&self, name: &'static str) -> Result<Option<&str>, TokenFault> {
        self.0.get(name).map(|value| value.as_str().ok_or(TokenFault::Claim(name))).transpose()
    }

    fn instant(&self, name: &'static str) -> Result<Timestamp, TokenFault> {
        let seconds = self.0.get(name).and_then(Value::as_i64).ok_or(TokenFault::Claim(name))?;
        Ok(Timestamp::from_seconds(seconds))
    }
}

/// Why a token is not believed. The texts are for the log: who sent it learns that it is invalid.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// It is larger than any token of ours.
    #[error("the token is too large")]
    TooLarge,
    /// It is no compact JWS with a header that we write.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Its header names another algorithm than its key has.
    #[error("the token's algorithm is not its key's")]
    Algorithm,
    /// It names a key that is not ours, or no longer.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// It is another kind of token.
    #[error("the token is of another type")]
    Type,
    /// Somebody else issued it.
    #[error("the token has another issuer")]
    Issuer,
    /// It is meant for others.
    #[error("the token has another audience")]
    Audience,
    /// Its end has passed.
    #[error("the token has expired")]
    Expired,
    /// It begins in the future.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A claim is missing, or is not what it should be.
    #[error("the token's claim `{0}` is missing or cannot be read")]
    Claim(&'static str),
}

impl TokenFault {
    pub(super) fn malformed(cause: impl fmt::Display) -> Self {
        Self::Malformed(cause.to_string())
    }
}

const CLOCK_SKEW: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{port::key_ring::KeyRing, testing::MemoryKeyRing};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    const ISSUER: &str = "https://login.example.test/";
    const AUDIENCE: &str = "https://login.example.test/api/v2/";
    const NOW: Timestamp = Timestamp(1_795_521_600_000);

    fn claims() -> Value {
        json!({
            "iss": ISSUER, "sub": "machine@clients", "aud": AUDIENCE, "azp": "machine", "scope": "read:users read:clients",
            "iat": NOW.seconds(), "exp": NOW.seconds() + 60, "gty": "client-credentials", "org_id": "org_abcdefghijklmnop",
        })
    }

    async fn token(ring: &MemoryKeyRing, typ: &str, claims: Value) -> String {
        jws::compose(ring, typ, claims.as_object().unwrap()).await.unwrap()
    }

    fn check(ring: &MemoryKeyRing, token: &str) -> Result<AccessClaims, TokenFault> {
        verify_access_token(token, &KeySet::new(&ring.published()), ISSUER, AUDIENCE, NOW)
    }

    async fn changed(ring: &MemoryKeyRing, name: &str, value: Value) -> Result<AccessClaims, TokenFault> {
        let mut claims = claims();
        claims[name] = value;
        check(ring, &token(ring, "JWT", claims).await)
    }

    #[tokio::test]
    async fn a_token_of_ours_says_what_it_says() {
        let ring = MemoryKeyRing::default();
        for typ in ["JWT", "at+jwt"] {
            let claims = check(&ring, &token(&ring, typ, claims()).await).unwrap();
            assert!(claims.has_scope("read:clients") && !claims.has_scope("read"));
            assert_eq!(claims.client_id.as_str(), "machine");
            assert_eq!(claims.organization_id.unwrap().as_str(), "org_abcdefghijklmnop");
            assert_eq!(claims.grant.as_deref(), Some("client-credentials"));
        }
    }

    #[tokio::test]
    async fn op_31_each_claim_is_checked() {
        let ring = MemoryKeyRing::default();
        let past = json!(NOW.seconds());
        let ahead = json!(NOW.seconds() + 61);
        assert_eq!(changed(&ring, "iss", json!("https://login.example.test")).await, Err(TokenFault::Issuer));
        assert_eq!(changed(&ring, "aud", json!("https://api.example.test")).await, Err(TokenFault::Audience));
        assert_eq!(
            changed(&ring, "aud", json!(["https://api.example.test"])).await,
            Err(TokenFault::Audience)
        );
        assert!(changed(&ring, "aud", json!(["https://api.example.test", AUDIENCE])).await.is_ok());
        assert_eq!(changed(&ring, "exp", past).await, Err(TokenFault::Expired));
        assert_eq!(changed(&ring, "exp", json!("2099")).await, Err(TokenFault::Claim("exp")));
        assert_eq!(changed(&ring, "iat", ahead.clone()).await, Err(TokenFault::NotYetValid));
        assert_eq!(changed(&ring, "nbf", ahead).await, Err(TokenFault::NotYetValid));
        assert_eq!(changed(&ring, "azp", Value::Null).await, Err(TokenFault::Claim("azp")));
        assert_eq!(changed(&ring, "org_id", json!(7)).await, Err(TokenFault::Claim("org_id")));
        let other_kind = token(&ring, "logout+jwt", claims()).await;
        assert_eq!(check(&ring, &other_kind), Err(TokenFault::Type));
    }

    #[tokio::test]
    async fn op_31_headers_cannot_choose_the_algorithm() {
        let ring = MemoryKeyRing::default();
        let good = token(&ring, "JWT", claims()).await;
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (_, body) = signed.split_once('.').unwrap();
        let kid = ring.current().unwrap().kid;
        let with =
            |header: Value| format!("{}.{body}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()));
        for alg in ["none", "None", "HS256", "RS256", "ES384", ""] {
            let forged = with(json!({ "alg": alg, "typ": "JWT", "kid": kid }));
            assert_eq!(check(&ring, &forged), Err(TokenFault::Algorithm), "{alg}");
        }
        let unknown = with(json!({ "alg": "ES256", "typ": "JWT", "kid": "other" }));
        assert_eq!(check(&ring, &unknown), Err(TokenFault::UnknownKey));
        for (name, value) in
            [("crit", json!(["b64"])), ("zip", json!("DEF")), ("jku", json!("https://evil.test"))]
        {
            let mut header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid });
            header[name] = value;
            assert!(matches!(check(&ring, &with(header)), Err(TokenFault::Malformed(_))), "{name}");
        }
        let none = format!("{}.{body}.", URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string()));
        assert!(matches!(check(&ring, &none), Err(TokenFault::Malformed(_))));
    }

    #[tokio::test]
    async fn op_31_a_changed_token_is_no_token() {
        let ring = MemoryKeyRing::default();
        let good = token(&ring, "JWT", claims()).await;
        assert!(check(&ring, &good).is_ok());
        let (header, rest) = good.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        let mut forged = claims();
        forged["org_id"] = json!("org_ponmlkjihgfedcba");
        let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(forged.to_string()));
        assert_eq!(check(&ring, &forged), Err(TokenFault::Signature));
        assert_eq!(check(&MemoryKeyRing::default(), &good), Err(TokenFault::UnknownKey));
        for spelling in [format!("{good}="), format!("{good}."), format!(" {good}"), good.replace('.', "")] {
            assert!(matches!(check(&ring, &spelling), Err(TokenFault::Malformed(_))), "{spelling}");
        }
        assert_eq!(check(&ring, &"a".repeat(16_385)), Err(TokenFault::TooLarge));
    }

    #[tokio::test]
    async fn only_id_tokens_are_hints_and_old_ones_are_too() {
        let ring = MemoryKeyRing::default();
        let keys = KeySet::new(&ring.published());
        let id_token = json!({
            "iss": ISSUER, "sub": "auth0|1", "aud": "app", "iat": 1, "exp": 2, "sid": "ses_abc",
        });
        let hint = verify_id_token_hint(&token(&ring, "JWT", id_token).await, &keys, ISSUER).unwrap();
        assert_eq!((hint.client_id.as_str(), hint.session_id.as_deref()), ("app", Some("ses_abc")));
        let access = token(&ring, "JWT", claims()).await;
        assert_eq!(verify_id_token_hint(&access, &keys, ISSUER), Err(TokenFault::Type));
    }
}
