//! Owns signatures over compact tokens (RFC 7515 §3.1): composing with the key ring, verifying with published keys.
//! Never touches what a token says: that is [`super::jwt`]'s.

use super::{jwk::Jwk, jwt::TokenFault};
use crate::port::key_ring::{KeyError, KeyRing};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fmt};

/// Sign `claims` with the ring's current key. `typ` is `JWT` or `at+jwt` (RFC 9068 §2.1).
pub async fn compose(ring: &dyn KeyRing, typ: &str, claims: &Map<String, Value>) -> Result<String, KeyError> {
    let key = ring.current()?;
    let header = Header { alg: key.alg.to_owned(), typ: Some(typ.to_owned()), kid: key.kid.clone() };
    let encode = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
    let header = serde_json::to_vec(&header).map_err(|_unreachable| KeyError::Failed)?;
    let claims = serde_json::to_vec(claims).map_err(|_unreachable| KeyError::Failed)?;
    let mut token = encode(header) + "." + &encode(claims);
    let signature = ring.sign(&key, token.as_bytes()).await?;
    token.push('.');
    token.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(token)
}

/// Check shape, header and signature of a compact token; what it says is returned, unchecked.
///
/// The algorithm is the key's own, never the header's: `none`, HMAC and anything else fail by not being it (OP-31).
/// A header that holds more than `alg`, `typ` and `kid` is none of ours: `crit`, `zip`, `b64`, `jku` are refused unread.
pub fn verify(token: &str, keys: &KeySet) -> Result<Verified, TokenFault> {
    let parts = Parts::of(token)?;
    let key = keys.0.get(&parts.header.kid).ok_or(TokenFault::UnknownKey)?;
    if parts.header.alg != key.alg {
        return Err(TokenFault::Algorithm);
    }
    let signature = decode(parts.signature)?;
    key.public
        .verify_sig(parts.signed.as_bytes(), &signature)
        .map_err(|_unspecified| TokenFault::Signature)?;
    let claims = serde_json::from_slice(&decode(parts.claims)?).map_err(TokenFault::malformed)?;
    Ok(Verified { typ: parts.header.typ, claims })
}

/// The key id that a token names, before anything of it is believed: to look for a key that is not known yet.
pub fn named_key(token: &str) -> Option<String> {
    Parts::of(token).ok().map(|parts| parts.header.kid)
}

/// A token whose signature is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// Its `typ`.
    pub typ: Option<String>,
    /// Its claims, unchecked.
    pub claims: Map<String, Value>,
}

/// Public keys by their ids, parsed once.
#[derive(Default)]
pub struct KeySet(BTreeMap<String, VerifyingKey>);

struct VerifyingKey {
    alg: String,
    public: ParsedPublicKey,
}

impl KeySet {
    /// Of these keys. One that is no `RS256` key of 2,048 bits or more, and no `ES256` key, is left out: nothing can be
    /// verified with it.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k Jwk>) -> Self {
        let parsed = keys.into_iter().filter_map(|key| {
            let public = parse(key)?;
            Some((key.kid.clone(), VerifyingKey { alg: key.alg.clone(), public }))
        });
        Self(parsed.collect())
    }

    /// Whether there is a key of this id.
    pub fn contains(&self, kid: &str) -> bool {
        self.0.contains_key(kid)
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

fn parse(key: &Jwk) -> Option<ParsedPublicKey> {
    let bytes = |member: &Option<String>| URL_SAFE_NO_PAD.decode(member.as_deref()?).ok();
    match (key.kty.as_str(), key.alg.as_str(), key.crv.as_deref()) {
        ("RSA", "RS256", None) => {
            let (n, e) = (bytes(&key.n)?, bytes(&key.e)?);
            RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
        }
        ("EC", "ES256", Some("P-256")) => {
            let point = [vec![4], bytes(&key.x)?, bytes(&key.y)?].concat();
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok()
        }
        _ => None,
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    #[serde(default)]
    typ: Option<String>,
    kid: String,
}

struct Parts<'t> {
    header: Header,
    signed: &'t str,
    claims: &'t str,
    signature: &'t str,
}

impl<'t> Parts<'t> {
    fn of(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenFault::TooLarge);
        }
        let no_token = || TokenFault::malformed("not three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(no_token)?;
        let (header, claims) = signed.split_once('.').ok_or_else(no_token)?;
        if claims.contains('.') {
            return Err(no_token());
        }
        let header = serde_json::from_slice(&decode(header)?).map_err(TokenFault::malformed)?;
        Ok(Self { header, signed, claims, signature })
    }
}

/// Strict: no padding, no other alphabet, no loose bits at the end. So no token has a second spelling.
fn decode(text: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(TokenFault::malformed)
}

/// More than any token of ours, less than an attacker would like us to parse.
const MAX_TOKEN_BYTES: usize = 16 << 10;
