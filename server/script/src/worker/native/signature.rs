//! Owns signatures: RSA and ECDSA with SHA-1 (RSA alone, to read old ones), SHA-256, SHA-384 and SHA-512.
//! Never touches the engine.

use super::{Outcome, hash::plain, pem::Key};
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{
        self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1,
        ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, RsaEncoding, UnparsedPublicKey, VerificationAlgorithm,
    },
};

/// Sign. The signature of a curve is in DER, as Node.js has it.
pub(super) fn sign(name: &str, pem: &str, text: &[u8], pss: bool) -> Outcome<Vec<u8>> {
    let key = Key::read(pem)?;
    let unusable = || "the key cannot sign with this algorithm".to_owned();
    if key.is_of_a_curve() {
        let algorithm: &'static EcdsaSigningAlgorithm = match plain(name).as_str() {
            "sha256" => &ECDSA_P256_SHA256_ASN1_SIGNING,
            "sha384" => &ECDSA_P384_SHA384_ASN1_SIGNING,
            "sha512" => &ECDSA_P521_SHA512_ASN1_SIGNING,
            _ => return Err(unusable()),
        };
        let pair = match &key {
            Key::Private(der) => EcdsaKeyPair::from_pkcs8(algorithm, der),
            Key::EcPrivate(der) => EcdsaKeyPair::from_private_key_der(algorithm, der),
            Key::RsaPrivate(_) | Key::Public(_) => return Err(unusable()),
        };
        let pair = pair.map_err(|_rejected| unusable())?;
        let signature = pair.sign(&SystemRandom::new(), text).map_err(|_failed| unusable())?;
        return Ok(signature.as_ref().to_vec());
    }
    let pair = match &key {
        Key::Private(der) => KeyPair::from_pkcs8(der),
        Key::RsaPrivate(der) => KeyPair::from_der(der),
        Key::EcPrivate(_) | Key::Public(_) => return Err(unusable()),
    };
    let pair = pair.map_err(|_rejected| unusable())?;
    let encoding: &'static dyn RsaEncoding = match (plain(name).as_str(), pss) {
        ("sha256", false) => &signature::RSA_PKCS1_SHA256,
        ("sha384", false) => &signature::RSA_PKCS1_SHA384,
        ("sha512", false) => &signature::RSA_PKCS1_SHA512,
        ("sha256", true) => &signature::RSA_PSS_SHA256,
        ("sha384", true) => &signature::RSA_PSS_SHA384,
        ("sha512", true) => &signature::RSA_PSS_SHA512,
        _ => return Err(format!("nothing is signed with {name}")),
    };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), text, &mut signature).map_err(|_failed| unusable())?;
    Ok(signature)
}

/// Whether a signature is one, of a public key or a certificate.
pub(super) fn verify(name: &str, pem: &str, text: &[u8], signature: &[u8], pss: bool) -> Outcome<bool> {
    let key = Key::read(pem)?;
    let Key::Public(der) = &key else { return Err("signatures are checked with a public key".to_owned()) };
    let algorithm: &'static dyn VerificationAlgorithm = match (plain(name).as_str(), key.is_of_a_curve(), pss)
    {
        ("sha256", true, _) => &ECDSA_P256_SHA256_ASN1,
        ("sha384", true, _) => &ECDSA_P384_SHA384_ASN1,
        ("sha512", true, _) => &ECDSA_P521_SHA512_ASN1,
        ("sha1", false, false) => &signature::RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        ("sha256", false, false) => &signature::RSA_PKCS1_2048_8192_SHA256,
        ("sha384", false, false) => &signature::RSA_PKCS1_2048_8192_SHA384,
        ("sha512", false, false) => &signature::RSA_PKCS1_2048_8192_SHA512,
        ("sha256", false, true) => &signature::RSA_PSS_2048_8192_SHA256,
        ("sha384", false, true) => &signature::RSA_PSS_2048_8192_SHA384,
        ("sha512", false, true) => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return Err(format!("no signature is checked with {name}")),
    };
    Ok(UnparsedPublicKey::new(algorithm, der).verify(text, signature).is_ok())
}
