//! Owns verifying an ID token: first by our own checks, then by the library's, signature included.
//! Never touches how the token or the keys were fetched.

use crate::{
    claims::{self, Expected, LEEWAY},
    fault::Rejected,
    gate,
    keys::Algorithm,
};
use chrono::DateTime;
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, ClientSecret, IssuerUrl,
    JsonWebKey as _, JwsSigningAlgorithm as _, Nonce, SignatureVerificationError,
    core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet},
};
use portico_core::secret::Secret;
use serde_json::{Map, Value};

/// How the ID tokens of a connection are verified.
#[derive(Debug)]
pub(crate) struct Rules<'a> {
    pub(crate) algs: &'a [Algorithm],
    pub(crate) client_secret: &'a Secret,
    pub(crate) expected: Expected<'a>,
}

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unaccepted {
    /// It is wrong whatever the keys are.
    Rejected(Rejected),
    /// No key that we know fits; the provider may have new ones.
    UnknownKey,
}

impl From<Rejected> for Unaccepted {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

/// Verify a token that came with this access token, and give its claims.
pub(crate) fn verify(
    token: &str,
    access_token: &str,
    keys: &CoreJsonWebKeySet,
    rules: &Rules<'_>,
) -> Result<Map<String, Value>, Unaccepted> {
    let names: Vec<&str> = rules.algs.iter().map(|algorithm| algorithm.name).collect();
    let opened = gate::open(token, &names)?;
    claims::check(&opened.claims, &rules.expected)?;
    let verdict = signature(token, access_token, keys, rules);
    // Without a `kid` a changed key looks like a wrong signature.
    if opened.kid.is_none() && verdict == Err(Rejected("signature").into()) {
        return Err(Unaccepted::UnknownKey);
    }
    verdict?;
    Ok(opened.claims)
}

fn signature(
    token: &str,
    access_token: &str,
    keys: &CoreJsonWebKeySet,
    rules: &Rules<'_>,
) -> Result<(), Unaccepted> {
    let token: CoreIdToken = token.parse().map_err(|_unreadable| Rejected("claims"))?;
    let client_id = ClientId::new(rules.expected.client_id.to_owned());
    let issuer = IssuerUrl::new(rules.expected.issuer.to_owned()).map_err(|_no_url| Rejected("iss"))?;
    let symmetric = rules.algs.iter().any(|algorithm| algorithm.symmetric);
    let verifier = if symmetric {
        let secret = ClientSecret::new(rules.client_secret.expose().to_owned());
        CoreIdTokenVerifier::new_confidential_client(client_id, secret, issuer, keys.clone())
    } else {
        // Without the secret the library refuses every HMAC, whatever the token says (RP-08).
        CoreIdTokenVerifier::new_public_client(client_id, issuer, keys.clone())
    };
    let seconds = rules.expected.now.seconds().saturating_sub(LEEWAY);
    let now = DateTime::from_timestamp(seconds, 0).ok_or(Rejected("exp"))?;
    let verifier = verifier
        .set_allowed_algs(rules.algs.iter().filter_map(|algorithm| algorithm.library()))
        .set_time_fn(move || now);
    let claims = token
        .claims(&verifier, &Nonce::new(rules.expected.nonce.to_owned()))
        .map_err(|error| unaccepted(&error))?;
    let Some(claimed) = claims.access_token_hash() else { return Ok(()) };
    // OpenID Connect Core §3.1.3.8.
    let alg = token.signing_alg().map_err(|_unsigned| Rejected("alg"))?;
    let hash = if alg.uses_shared_secret() {
        let key = CoreJsonWebKey::new_symmetric(Vec::new());
        AccessTokenHash::from_token(&AccessToken::new(access_token.to_owned()), alg, &key)
    } else {
        let key = token.signing_key(&verifier).map_err(|_unknown| Unaccepted::UnknownKey)?;
        AccessTokenHash::from_token(&AccessToken::new(access_token.to_owned()), alg, key)
    };
    if hash.is_ok_and(|hash| hash == *claimed) { Ok(()) } else { Err(Rejected("at_hash").into()) }
}

fn unaccepted(error: &ClaimsVerificationError) -> Unaccepted {
    Unaccepted::Rejected(Rejected(match error {
        ClaimsVerificationError::SignatureVerification(error) => match error {
            SignatureVerificationError::NoMatchingKey => return Unaccepted::UnknownKey,
            SignatureVerificationError::AmbiguousKeyId(_) => "ambiguous_key",
            SignatureVerificationError::DisallowedAlg(_)
            | SignatureVerificationError::UnsupportedAlg(_)
            | SignatureVerificationError::NoSignature => "alg",
            SignatureVerificationError::InvalidKey(_) => "key",
            SignatureVerificationError::CryptoError(_) | SignatureVerificationError::Other(_) | _ => {
                "signature"
            }
        },
        ClaimsVerificationError::Expired(_) => "exp",
        ClaimsVerificationError::InvalidAudience(_) => "aud",
        ClaimsVerificationError::InvalidIssuer(_) => "iss",
        ClaimsVerificationError::InvalidNonce(_) => "nonce",
        ClaimsVerificationError::InvalidSubject(_) => "sub",
        ClaimsVerificationError::InvalidAuthContext(_)
        | ClaimsVerificationError::InvalidAuthTime(_)
        | ClaimsVerificationError::Other(_)
        | ClaimsVerificationError::Unsupported(_)
        | _ => "claims",
    }))
}
