//! Owns the keys and certificates of this crate's own tests.
//! Never touches production: it is compiled for tests alone.

use crate::signing::SigningKey;
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509Builder},
};

/// A fresh RSA key.
pub(crate) fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate_with_e(bits, &BigNum::from_u32(65537).unwrap()).unwrap()).unwrap()
}

/// A certificate of this key, good from 2023-11-14 to 2030-03-17.
pub(crate) fn certificate(key: &PKey<Private>) -> X509 {
    let mut builder = X509Builder::new().unwrap();
    builder.set_not_before(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(1_900_000_000).unwrap()).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.sign(key, MessageDigest::sha256()).unwrap();
    builder.build()
}

/// A certificate in PEM.
pub(crate) fn pem(certificate: &X509) -> String {
    String::from_utf8(certificate.to_pem().unwrap()).unwrap()
}

/// A fresh key to sign with, and its certificate.
pub(crate) fn signing() -> (SigningKey, X509) {
    let key = rsa(2048);
    let certificate = certificate(&key);
    let private = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    (SigningKey::of_pem(&private, &pem(&certificate)).unwrap(), certificate)
}
