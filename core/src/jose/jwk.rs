//! Owns public keys as JWKS publishes them (RFC 7517, contract §1.7).
//! Never touches private keys: this type has no field for one (OP-30).

use serde::{Deserialize, Serialize};

/// A public signing key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Jwk {
    /// `RSA` or `EC`.
    pub kty: String,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// `RS256` or `ES256`.
    pub alg: String,
    /// Its id.
    pub kid: String,
    /// RSA: the modulus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA: the exponent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// EC: the curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// EC: a coordinate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// EC: the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// A self-signed certificate of it, base64 DER, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
    /// The certificate's SHA-1 thumbprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub x5t: Option<String>,
}
