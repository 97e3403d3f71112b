//! Owns the keys that connections trust, and ours to decrypt with: how they are read, and which are refused.
//! Never touches documents.

use openssl::{
    bn::BigNum,
    nid::Nid,
    pkey::{HasPublic, Id, PKey, PKeyRef, Private, Public},
    x509::X509,
};
use portico_core::{secret::Secret, time::Timestamp};
use sha2::{Digest, Sha256};
use std::fmt;
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// RSA keys of fewer bits are refused (security.md §3.1.4).
const MIN_RSA_BITS: u32 = 2048;
/// RSA keys of more bits take too long.
const MAX_RSA_BITS: u32 = 8192;
/// The usual exponent, and the least that is accepted.
const MIN_RSA_EXPONENT: u32 = 65537;
const MAX_RSA_EXPONENT_BITS: i32 = 64;
/// The most bytes a certificate may have, in whatever encoding.
const MAX_CERTIFICATE: usize = 16 << 10;

/// What a key signs with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Family {
    /// RSA with PKCS #1 v1.5 padding.
    Rsa,
    /// ECDSA on P-256 or P-384.
    Ecdsa,
}

/// A certificate whose key may sign for an identity provider. Trust is by key: who issued the certificate is no
/// matter.
#[derive(Clone)]
pub struct TrustedKey {
    der: Vec<u8>,
    public: PKey<Public>,
    family: Family,
    fingerprint: String,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate cannot be trusted with signatures.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is not a certificate in any of the encodings.
    #[error("is not one X.509 certificate in PEM, base64 of DER, or base64 of PEM")]
    Unreadable,
    /// It is an RSA key of fewer than 2048 bits.
    #[error("has an RSA key of {0} bits; 2048 to 8192 are accepted")]
    RsaSize(u32),
    /// It is an RSA key with an exponent nobody uses.
    #[error("has an RSA key with an unusual exponent; it has to be odd, and 65537 or more")]
    RsaExponent,
    /// It is a key on another curve than P-256 and P-384.
    #[error("has a key on another elliptic curve than P-256 and P-384")]
    Curve,
    /// It is a key of another kind (DSA, Ed25519).
    #[error("has a key that is neither RSA nor ECDSA")]
    Kind,
}

impl TrustedKey {
    /// Read a certificate: PEM, base64 of DER with or without line breaks (as in metadata), or base64 of PEM (as
    /// Auth0's `signingCert` is).
    pub fn read(text: &str) -> Result<Self, CertificateFault> {
        if text.len() > MAX_CERTIFICATE {
            return Err(CertificateFault::Unreadable);
        }
        if let Some(der) = from_pem(text) {
            return Self::from_der(&der?);
        }
        let bytes = unbase64(text).ok_or(CertificateFault::Unreadable)?;
        match std::str::from_utf8(&bytes).ok().and_then(from_pem) {
            Some(der) => Self::from_der(&der?),
            None => Self::from_der(&bytes),
        }
    }

    /// From DER.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateFault> {
        if der.len() > MAX_CERTIFICATE {
            return Err(CertificateFault::Unreadable);
        }
        let certificate = X509::from_der(der).map_err(|_unreadable| CertificateFault::Unreadable)?;
        let public = certificate.public_key().map_err(|_unknown| CertificateFault::Kind)?;
        let family = family(&public)?;
        // What follows the certificate in the bytes is not part of it.
        let der = certificate.to_der().map_err(|_unwritable| CertificateFault::Unreadable)?;
        let fingerprint = fingerprint(&der);
        let at = |instant| instant_of(instant).ok_or(CertificateFault::Unreadable);
        let (not_before, not_after) = (at(certificate.not_before())?, at(certificate.not_after())?);
        Ok(Self { der, public, family, fingerprint, not_before, not_after })
    }

    /// The certificate.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// What it signs with.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// When it begins to be valid.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// When it ends to be valid.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether it is valid now, by its own dates.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// The key itself, for signatures that are not in XML (the redirect binding's).
    pub fn public(&self) -> &PKeyRef<Public> {
        &self.public
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("TrustedKey").field(&self.fingerprint).finish()
    }
}

/// Two certificates are the same when their bytes are.
impl PartialEq for TrustedKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for TrustedKey {}

/// SHA-256 of a certificate, in lower-case hexadecimal.
pub(crate) fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Whether a key is good enough, and what it signs with (SAML-30).
fn family(key: &PKeyRef<impl HasPublic>) -> Result<Family, CertificateFault> {
    match key.id() {
        Id::RSA => {
            let rsa = key.rsa().map_err(|_not_rsa| CertificateFault::Kind)?;
            if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&key.bits()) {
                return Err(CertificateFault::RsaSize(key.bits()));
            }
            let least = BigNum::from_u32(MIN_RSA_EXPONENT).map_err(|_memory| CertificateFault::Unreadable)?;
            let exponent = rsa.e();
            let usual =
                *exponent >= *least && exponent.is_bit_set(0) && exponent.num_bits() <= MAX_RSA_EXPONENT_BITS;
            if usual { Ok(Family::Rsa) } else { Err(CertificateFault::RsaExponent) }
        }
        Id::EC => {
            let key = key.ec_key().map_err(|_not_ec| CertificateFault::Kind)?;
            match key.group().curve_name() {
                Some(Nid::X9_62_PRIME256V1 | Nid::SECP384R1) => Ok(Family::Ecdsa),
                _ => Err(CertificateFault::Curve),
            }
        }
        _ => Err(CertificateFault::Kind),
    }
}

/// The one certificate of a PEM text; none if it is no PEM.
fn from_pem(text: &str) -> Option<Result<Vec<u8>, CertificateFault>> {
    let body = text.trim().strip_prefix("-----BEGIN CERTIFICATE-----")?;
    let body = body.strip_suffix("-----END CERTIFICATE-----");
    Some(body.and_then(unbase64).ok_or(CertificateFault::Unreadable))
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty())
}

fn instant_of(instant: &openssl::asn1::Asn1TimeRef) -> Option<Timestamp> {
    let epoch = openssl::asn1::Asn1Time::from_unix(0).ok()?;
    let since = epoch.diff(instant).ok()?;
    let seconds = i64::from(since.days).checked_mul(86_400)?.checked_add(i64::from(since.secs))?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    Some(Timestamp::from_seconds(seconds))
}

/// A private RSA key of ours that identity providers encrypt for.
#[derive(Clone)]
pub struct DecryptionKey {
    private: PKey<Private>,
    rejection: [u8; 32],
}

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl DecryptionKey {
    /// Read one in PEM (PKCS #8 or PKCS #1). Refused like a certificate's key.
    pub fn read(pem: &Secret) -> Result<Self, CertificateFault> {
        let private = PKey::private_key_from_pem(pem.expose().as_bytes())
            .map_err(|_unreadable| CertificateFault::Unreadable)?;
        if family(&private)? != Family::Rsa {
            return Err(CertificateFault::Kind);
        }
        let der = private.private_key_to_der().map_err(|_unwritable| CertificateFault::Unreadable)?;
        let der = Zeroizing::new(der);
        let rejection = Sha256::new_with_prefix(b"rejection of a wrapped key").chain_update(&*der).finalize();
        Ok(Self { private, rejection: rejection.into() })
    }

    pub(crate) fn private(&self) -> &PKeyRef<Private> {
        &self.private
    }

    /// What stands in for a key that could not be decrypted, so that this takes as long as if it could.
    pub(crate) const fn rejection(&self) -> &[u8; 32] {
        &self.rejection
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};
    use openssl::{
        asn1::Asn1Time,
        dsa::Dsa,
        ec::{EcGroup, EcKey},
        hash::MessageDigest,
        rsa::Rsa,
        x509::X509Builder,
    };

    fn certificate(key: &PKey<Private>) -> X509 {
        let mut builder = X509Builder::new().unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(1_900_000_000).unwrap()).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.sign(key, MessageDigest::sha256()).unwrap();
        builder.build()
    }

    fn rsa(bits: u32, exponent: u32) -> PKey<Private> {
        let exponent = BigNum::from_u32(exponent).unwrap();
        PKey::from_rsa(Rsa::generate_with_e(bits, &exponent).unwrap()).unwrap()
    }

    fn ec(curve: Nid) -> PKey<Private> {
        PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_certificate_is_read_in_every_encoding() {
        let certificate = certificate(&ec(Nid::X9_62_PRIME256V1));
        let pem = String::from_utf8(certificate.to_pem().unwrap()).unwrap();
        let der = certificate.to_der().unwrap();
        let broken: String = STANDARD.encode(&der).chars().flat_map(|letter| [letter, '\n']).collect();
        for text in [pem.clone(), format!("\n{pem}\n"), STANDARD.encode(&der), broken, STANDARD.encode(&pem)]
        {
            let key = TrustedKey::read(&text).unwrap();
            assert_eq!(key.der(), der);
            assert_eq!(key.family(), Family::Ecdsa);
            assert_eq!(key.not_before(), Timestamp::from_seconds(1_700_000_000));
            assert_eq!(key.not_after(), Timestamp::from_seconds(1_900_000_000));
            assert!(key.is_valid_at(Timestamp::from_seconds(1_800_000_000)));
            assert!(!key.is_valid_at(Timestamp::from_seconds(1_900_000_001)));
            assert!(!key.is_valid_at(Timestamp::from_seconds(1_699_999_999)));
        }
        for text in
            ["", "x", "-----BEGIN CERTIFICATE-----", "AAAA", &format!("{pem}{pem}"), &"A".repeat(1 << 20)]
        {
            assert_eq!(TrustedKey::read(text).unwrap_err(), CertificateFault::Unreadable, "{text:.40}");
        }
    }

    #[test]
    fn weak_and_unusual_keys_are_refused() {
        let dsa = || PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap();
        for (key, verdict) in [
            (rsa(2048, 65537), Ok(Family::Rsa)),
            (ec(Nid::SECP384R1), Ok(Family::Ecdsa)),
            (rsa(1024, 65537), Err(CertificateFault::RsaSize(1024))),
            (rsa(512, 65537), Err(CertificateFault::RsaSize(512))),
            (rsa(2048, 3), Err(CertificateFault::RsaExponent)),
            (ec(Nid::SECP256K1), Err(CertificateFault::Curve)),
            (ec(Nid::SECP521R1), Err(CertificateFault::Curve)),
            (dsa(), Err(CertificateFault::Kind)),
        ] {
            let der = certificate(&key).to_der().unwrap();
            assert_eq!(TrustedKey::from_der(&der).map(|key| key.family()), verdict);
        }
        let edwards = PKey::generate_ed25519().unwrap();
        assert_eq!(family(&edwards), Err(CertificateFault::Kind));
    }

    #[test]
    fn only_good_rsa_keys_decrypt() {
        let pem = |key: &PKey<Private>| {
            Secret::new(String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap())
        };
        let key = DecryptionKey::read(&pem(&rsa(2048, 65537))).unwrap();
        assert_eq!(format!("{key:?}"), "[secret]");
        assert_eq!(
            DecryptionKey::read(&pem(&rsa(1024, 65537))).unwrap_err(),
            CertificateFault::RsaSize(1024)
        );
        assert_eq!(
            DecryptionKey::read(&pem(&ec(Nid::X9_62_PRIME256V1))).unwrap_err(),
            CertificateFault::Kind
        );
        assert_eq!(DecryptionKey::read(&Secret::new("x")).unwrap_err(), CertificateFault::Unreadable);
    }
}
