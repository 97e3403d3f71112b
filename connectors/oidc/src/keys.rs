//! Owns a provider's public keys: which of them count, and which signature algorithms there are.
//! Never touches how they are fetched.

use crate::fault::Rejected;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::{Map, Value};

/// The most keys a provider may publish (RP-24).
const MAX_KEYS: usize = 100;
/// RSA keys of fewer bytes do not count (2048 bits, RFC 7518 §3.3).
const MIN_MODULUS: usize = 256;

/// The keys of a JWK set that can verify signatures. Keys of unknown kinds and weak ones are left out.
pub(crate) fn usable(mut document: Map<String, Value>) -> Result<CoreJsonWebKeySet, Rejected> {
    let Some(Value::Array(mut keys)) = document.remove("keys") else { return Err(Rejected("jwks_document")) };
    if keys.len() > MAX_KEYS {
        return Err(Rejected("jwks_keys"));
    }
    keys.retain(|key| !is_weak(key));
    let document = Value::Object(Map::from_iter([("keys".to_owned(), Value::Array(keys))]));
    serde_json::from_value(document).map_err(|_unreadable| Rejected("jwks_document"))
}

fn is_weak(key: &Value) -> bool {
    let modulus = || URL_SAFE_NO_PAD.decode(key.get("n").and_then(Value::as_str)?).ok();
    let bytes = |modulus: Vec<u8>| modulus.into_iter().skip_while(|byte| *byte == 0).count();
    key.get("kty").and_then(Value::as_str) == Some("RSA")
        && modulus().is_none_or(|modulus| bytes(modulus) < MIN_MODULUS)
}

/// A signature algorithm that a connection can allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Algorithm {
    /// Its name (RFC 7518 §3.1, RFC 8037 §3.1).
    pub(crate) name: &'static str,
    /// Whether the client's secret is the key.
    pub(crate) symmetric: bool,
}

/// All of them.
const ALGORITHMS: [(Algorithm, CoreJwsSigningAlgorithm); 12] = {
    const fn public(name: &'static str) -> Algorithm {
        Algorithm { name, symmetric: false }
    }
    const fn secret(name: &'static str) -> Algorithm {
        Algorithm { name, symmetric: true }
    }
    [
        (public("RS256"), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256),
        (public("RS384"), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384),
        (public("RS512"), CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512),
        (public("PS256"), CoreJwsSigningAlgorithm::RsaSsaPssSha256),
        (public("PS384"), CoreJwsSigningAlgorithm::RsaSsaPssSha384),
        (public("PS512"), CoreJwsSigningAlgorithm::RsaSsaPssSha512),
        (public("ES256"), CoreJwsSigningAlgorithm::EcdsaP256Sha256),
        (public("ES384"), CoreJwsSigningAlgorithm::EcdsaP384Sha384),
        (public("EdDSA"), CoreJwsSigningAlgorithm::EdDsa),
        (secret("HS256"), CoreJwsSigningAlgorithm::HmacSha256),
        (secret("HS384"), CoreJwsSigningAlgorithm::HmacSha384),
        (secret("HS512"), CoreJwsSigningAlgorithm::HmacSha512),
    ]
};

impl Algorithm {
    /// By its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALGORITHMS.iter().map(|(algorithm, _)| *algorithm).find(|algorithm| algorithm.name == name)
    }

    /// As the library names it.
    pub(crate) fn library(self) -> Option<CoreJwsSigningAlgorithm> {
        ALGORITHMS.iter().find(|(algorithm, _)| *algorithm == self).map(|(_, library)| library.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn count(document: &Value) -> Result<usize, Rejected> {
        usable(document.as_object().unwrap().clone()).map(|set| set.keys().len())
    }

    fn rsa(bytes: usize) -> Value {
        json!({"kty": "RSA", "use": "sig", "kid": "k", "n": URL_SAFE_NO_PAD.encode(vec![0x81; bytes]), "e": "AQAB"})
    }

    #[test]
    fn weak_and_unknown_keys_do_not_count() {
        assert_eq!(count(&json!({"keys": [rsa(256)]})), Ok(1));
        assert_eq!(count(&json!({"keys": [rsa(128), rsa(255), {"kty": "RSA"}, {"kty": "MAGIC"}, 7]})), Ok(0));
    }

    #[test]
    fn a_document_without_keys_or_with_too_many_is_refused() {
        assert_eq!(count(&json!({})), Err(Rejected("jwks_document")));
        assert_eq!(count(&json!({"keys": {}})), Err(Rejected("jwks_document")));
        assert_eq!(count(&json!({"keys": vec![rsa(256); 101]})), Err(Rejected("jwks_keys")));
    }

    #[test]
    fn algorithms_are_known_by_their_exact_names() {
        assert!(!Algorithm::named("RS256").unwrap().symmetric);
        assert!(Algorithm::named("HS256").unwrap().symmetric);
        for name in ["none", "rs256", "", "RS1", "HS1"] {
            assert_eq!(Algorithm::named(name), None);
        }
    }
}
