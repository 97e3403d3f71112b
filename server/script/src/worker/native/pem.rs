//! Owns how keys are read: PEM, of the kinds that scripts and `jsonwebtoken` use.
//! Never touches what is done with them.

use super::{Outcome, text};

/// A key, as DER.
pub(super) enum Key {
    /// PKCS #8: RSA or an elliptic curve.
    Private(Vec<u8>),
    /// PKCS #1.
    RsaPrivate(Vec<u8>),
    /// RFC 5915.
    EcPrivate(Vec<u8>),
    /// A SubjectPublicKeyInfo, or PKCS #1.
    Public(Vec<u8>),
}

impl Key {
    /// The first key or certificate of a text.
    pub(super) fn read(pem: &str) -> Outcome<Self> {
        let not_a_key = || "this is no key in PEM".to_owned();
        let (_, rest) = pem.split_once("-----BEGIN ").ok_or_else(not_a_key)?;
        let (label, rest) = rest.split_once("-----").ok_or_else(not_a_key)?;
        let (body, _) = rest.split_once("-----END ").ok_or_else(not_a_key)?;
        let der = text::from_base64(body);
        match label {
            "PRIVATE KEY" => Ok(Self::Private(der)),
            "RSA PRIVATE KEY" => Ok(Self::RsaPrivate(der)),
            "EC PRIVATE KEY" => Ok(Self::EcPrivate(der)),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(Self::Public(der)),
            "CERTIFICATE" => public_key_of(&der).map(|key| Self::Public(key.to_vec())).ok_or_else(not_a_key),
            "ENCRYPTED PRIVATE KEY" => Err("keys that are encrypted are not read".to_owned()),
            _ => Err(format!("`{label}` is no kind of key that is read")),
        }
    }

    /// What `KeyObject` says: its type, its algorithm, its curve.
    pub(super) fn described(&self) -> (String, String, String) {
        let kind = match self {
            Self::Private(_) | Self::RsaPrivate(_) | Self::EcPrivate(_) => "private",
            Self::Public(_) => "public",
        };
        let algorithm = if self.is_of_a_curve() { "ec" } else { "rsa" };
        let curve = CURVES.iter().find(|(_, id)| self.names(id)).map_or("", |(name, _)| name);
        (kind.to_owned(), algorithm.to_owned(), curve.to_owned())
    }

    /// Whether it is of an elliptic curve (`id-ecPublicKey`, RFC 5480 §2.1.1).
    pub(super) fn is_of_a_curve(&self) -> bool {
        const ID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
        matches!(self, Self::EcPrivate(_)) || self.names(ID)
    }

    /// Whether this identifier is in its DER, in front of the key.
    fn names(&self, id: &[u8]) -> bool {
        match self {
            Self::RsaPrivate(_) => false,
            // Here the curve is behind the key.
            Self::EcPrivate(der) => der.windows(id.len()).any(|part| part == id),
            Self::Private(der) | Self::Public(der) => {
                der.get(..der.len().min(64)).is_some_and(|head| head.windows(id.len()).any(|part| part == id))
            }
        }
    }
}

/// Curves as OpenSSL names them, and their identifiers (RFC 5480 §2.1.1.1).
const CURVES: [(&str, &[u8]); 3] = [
    ("prime256v1", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]),
    ("secp384r1", &[0x2b, 0x81, 0x04, 0x00, 0x22]),
    ("secp521r1", &[0x2b, 0x81, 0x04, 0x00, 0x23]),
];

/// The SubjectPublicKeyInfo of a certificate (RFC 5280 §4.1): the first sequence of its body with five parts before it.
fn public_key_of(certificate: &[u8]) -> Option<&[u8]> {
    let (_, content, _) = element(certificate)?;
    let (_, mut body, _) = element(content)?;
    if body.first() == Some(&0xa0) {
        body = element(body)?.2;
    }
    for _ in 0..5 {
        body = element(body)?.2;
    }
    let (whole, _, _) = element(body)?;
    Some(whole)
}

/// The first element of some DER: all of it, its content, and what comes behind it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let first = usize::from(*der.get(1)?);
    let (header, length) = if first < 0x80 {
        (2, first)
    } else {
        let count = first & 0x7f;
        let digits = der.get(2..2 + count).filter(|_| (1..=4).contains(&count))?;
        (2 + count, digits.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
    };
    let end = header.checked_add(length)?;
    Some((der.get(..end)?, der.get(header..end)?, der.get(end..)?))
}
