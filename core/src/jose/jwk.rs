//! Owns public keys as JWKS publishes them (RFC 7517, contract §1.7).
//! Never touches private keys: this type has no field for one (OP-30).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

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

impl Jwk {
    /// Of an RSA public key in PKCS#1 DER (RFC 8017 §A.1.1), for `RS256`; none when that is not what it is.
    pub fn rsa(pkcs1: &[u8]) -> Option<Self> {
        let (sequence, rest) = der_element(pkcs1, DER_SEQUENCE)?;
        let (modulus, sequence) = der_element(sequence, DER_INTEGER)?;
        let (exponent, after) = der_element(sequence, DER_INTEGER)?;
        if !rest.is_empty() || !after.is_empty() {
            return None;
        }
        // RFC 7518 §6.3.1: without the octet that keeps a DER integer positive.
        let unsigned = |integer: &[u8]| URL_SAFE_NO_PAD.encode(integer.strip_prefix(&[0]).unwrap_or(integer));
        Some(Self::named(Self {
            n: Some(unsigned(modulus)),
            e: Some(unsigned(exponent)),
            ..Self::bare("RSA", "RS256")
        }))
    }

    /// Of a point of P-256 in its uncompressed form (SEC 1 §2.3.3), for `ES256`; none when that is not what it is.
    pub fn p256(point: &[u8]) -> Option<Self> {
        let coordinates = point.strip_prefix(&[4]).filter(|rest| rest.len() == 64)?;
        let (x, y) = coordinates.split_at(32);
        Some(Self::named(Self {
            crv: Some("P-256".to_owned()),
            x: Some(URL_SAFE_NO_PAD.encode(x)),
            y: Some(URL_SAFE_NO_PAD.encode(y)),
            ..Self::bare("EC", "ES256")
        }))
    }

    /// SHA-256 over its required members in their order (RFC 7638 §3).
    pub fn thumbprint(&self) -> String {
        let text = |member: &Option<String>| Value::from(member.as_deref().unwrap_or_default());
        let members = match self.kty.as_str() {
            "RSA" => format!(r#"{{"e":{},"kty":"RSA","n":{}}}"#, text(&self.e), text(&self.n)),
            kty => format!(
                r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
                text(&self.crv),
                Value::from(kty),
                text(&self.x),
                text(&self.y)
            ),
        };
        URL_SAFE_NO_PAD.encode(Sha256::digest(members))
    }

    fn bare(kty: &str, alg: &str) -> Self {
        Self {
            kty: kty.to_owned(),
            usage: "sig".to_owned(),
            alg: alg.to_owned(),
            kid: String::new(),
            n: None,
            e: None,
            crv: None,
            x: None,
            y: None,
            x5c: None,
            x5t: None,
        }
    }

    fn named(mut self) -> Self {
        self.kid = self.thumbprint();
        self
    }
}

/// The contents of the DER element at the start, and what follows it. Lengths up to 65,535.
fn der_element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der.strip_prefix(&[tag])? {
        [short @ 0..=0x7f, rest @ ..] => (usize::from(*short), rest),
        [0x81, one, rest @ ..] => (usize::from(*one), rest),
        [0x82, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    rest.split_at_checked(length)
}

const DER_INTEGER: u8 = 0x02;
const DER_SEQUENCE: u8 = 0x30;

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rsa::{KeyPair as RsaKeyPair, KeySize},
        signature::KeyPair,
    };

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV\
                 4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d\
                 0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-\
                 csFCur-kEgU8awapJzKnqDKgw";
        let key = Jwk { n: Some(n.to_owned()), e: Some("AQAB".to_owned()), ..Jwk::bare("RSA", "RS256") };
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn an_rsa_key_keeps_its_parts() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let key = Jwk::rsa(pair.public_key().as_ref()).unwrap();
        assert_eq!(key.e.as_deref(), Some("AQAB"));
        assert_eq!(URL_SAFE_NO_PAD.decode(key.n.as_deref().unwrap()).unwrap().len(), 256);
        assert_eq!(key.kid, key.thumbprint());
        assert_eq!(Jwk::rsa(&pair.public_key().as_ref()[1..]), None);
    }

    #[test]
    fn only_whole_points_are_keys() {
        assert!(Jwk::p256(&[4; 65]).is_some());
        assert_eq!(Jwk::p256(&[4; 64]), None);
        assert_eq!(Jwk::p256(&[2; 33]), None, "compressed points are not what JWK holds");
    }
}
