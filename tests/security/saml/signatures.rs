//! Owns SAML-14, SAML-15 and SAML-27 to SAML-32: what has to be signed, by which algorithms, and with whose keys.
//! Never touches what a signature refers to.

use super::{ACCEPTED, Desk, forged, keys, signing};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::time::Timestamp;
use portico_fixtures::saml_document::{DS, Digest, Element, Key, Method, Recipe, Signing, Validity};
use portico_saml::key::{CertificateFault, TrustedKey};
use std::sync::Arc;

fn signed_by(desk: &Desk, signing: Signing) -> Element {
    let mut recipe = desk.recipe();
    recipe.sign_assertion = Some(signing);
    recipe.written()
}

#[test]
fn saml_14_a_connection_that_wants_signed_assertions_says_whether_a_signed_response_will_do() {
    let mut desk = Desk::open();
    assert_eq!(
        desk.serve(&desk.response_signed()),
        ACCEPTED,
        "the response's signature covers the assertion"
    );
    desk.policy.want_assertion_signed = true;
    assert_eq!(desk.serve(&desk.response_signed()), "assertion_unsigned");
    assert_eq!(desk.serve(&desk.recipe()), ACCEPTED);
    let both = Recipe { sign_response: Some(signing()), ..desk.recipe() };
    assert_eq!(desk.serve(&both), ACCEPTED);
}

#[test]
fn saml_15_a_connection_that_wants_signed_responses_takes_no_others() {
    let mut desk = Desk::open();
    assert_eq!(desk.serve(&desk.recipe()), ACCEPTED);
    desk.policy.want_response_signed = true;
    assert_eq!(desk.serve(&desk.recipe()), "response_unsigned");
    assert_eq!(desk.serve(&desk.response_signed()), ACCEPTED);
}

#[test]
fn saml_27_weak_algorithms_are_refused_however_honest_the_signature() {
    let desk = Desk::open();
    let with =
        |method, digest| signed_by(&desk, Signing { method: Method::Key(method), digest, ..signing() });
    desk.expect([
        ("rsa-sha1", with(Digest::Sha1, Digest::Sha256), "signature_algorithm"),
        ("a SHA-1 digest", with(Digest::Sha256, Digest::Sha1), "digest_algorithm"),
        ("both SHA-1", with(Digest::Sha1, Digest::Sha1), "signature_algorithm"),
        ("rsa-md5", with(Digest::Md5, Digest::Sha256), "signature_algorithm"),
        ("an MD5 digest", with(Digest::Sha256, Digest::Md5), "digest_algorithm"),
        ("rsa-ripemd160", with(Digest::Ripemd160, Digest::Sha256), "signature_algorithm"),
        ("a RIPEMD-160 digest", with(Digest::Sha256, Digest::Ripemd160), "digest_algorithm"),
        ("SHA-384", with(Digest::Sha384, Digest::Sha384), ACCEPTED),
        ("SHA-512", with(Digest::Sha512, Digest::Sha512), ACCEPTED),
        ("two digests", with(Digest::Sha256, Digest::Sha512), ACCEPTED),
    ]);
    let dsa = Arc::new(Key::dsa(1024).unwrap());
    desk.expect([
        ("dsa-sha1", signed_by(&desk, Signing::with(&dsa).hashing(Digest::Sha1)), "signature_algorithm"),
        ("dsa-sha256", signed_by(&desk, Signing::with(&dsa)), "signature_algorithm"),
    ]);
    let mut curves = Desk::open();
    curves.trusted = vec![Arc::clone(&keys().p256), Arc::clone(&keys().p384)];
    curves.expect([
        ("P-256", signed_by(&curves, Signing::with(&keys().p256)), ACCEPTED),
        ("P-384", signed_by(&curves, Signing::with(&keys().p384).hashing(Digest::Sha384)), ACCEPTED),
        (
            "ecdsa-sha1",
            signed_by(&curves, Signing::with(&keys().p256).hashing(Digest::Sha1)),
            "signature_algorithm",
        ),
    ]);
}

#[test]
fn saml_28_no_certificate_is_a_secret() {
    let desk = Desk::open();
    let key = &keys().current;
    let (modulus, _exponent) = key.rsa_value();
    let secrets: [(&str, Vec<u8>); 5] = [
        ("PEM", key.certificate_pem().into_bytes()),
        ("base64", key.certificate().into_bytes()),
        ("DER", STANDARD.decode(key.certificate()).unwrap()),
        ("public key", key.public_der()),
        ("modulus", STANDARD.decode(modulus).unwrap()),
    ];
    for digest in [Digest::Sha1, Digest::Sha256, Digest::Sha512] {
        desk.expect(secrets.iter().map(|(name, secret)| {
            let mut forged = forged(&desk.recipe());
            let method = Method::Hmac(digest, secret.clone());
            forged.sign_assertion = Some(Signing { method, ..signing() });
            (format!("{digest:?} {name}"), forged.written(), "signature_algorithm")
        }));
    }
    desk.still_works();
}

#[tokio::test]
async fn saml_29_a_key_that_comes_with_the_document_is_not_trusted_nor_fetched() {
    let desk = Desk::open();
    let canary = crate::security::rp::Canary::listen().await;
    let foreign = &keys().foreign;
    let (modulus, exponent) = foreign.rsa_value();
    let info = || Element::new("ds:KeyInfo");
    let certificate = |key: &Key| Element::text("ds:X509Certificate", key.certificate());
    let rsa = Element::new("ds:RSAKeyValue")
        .holding(Element::text("ds:Modulus", modulus))
        .holding(Element::text("ds:Exponent", exponent));
    let der = Element::text("dsig11:DEREncodedKeyValue", STANDARD.encode(foreign.public_der()))
        .with("xmlns:dsig11", "http://www.w3.org/2009/xmldsig11#");
    let fetched =
        Element::new("ds:RetrievalMethod").with("URI", canary.url()).with("Type", format!("{DS}X509Data"));
    let x509 = |key: &Key| Element::new("ds:X509Data").holding(certificate(key));
    let named = Element::text("ds:KeyName", keys().current.certificate());
    let infos = [
        ("its own certificate", info().holding(x509(foreign)), "signature_invalid"),
        ("the trusted certificate", info().holding(x509(&keys().current)), "signature_invalid"),
        (
            "both certificates",
            info().holding(x509(&keys().current).holding(certificate(foreign))),
            "signature_invalid",
        ),
        ("a key value", info().holding(Element::new("ds:KeyValue").holding(rsa)), "signature_invalid"),
        ("a key value in DER", info().holding(der), "signature_invalid"),
        ("a key to be fetched", info().holding(fetched), "signature_invalid"),
        ("a key's name", info().holding(named), "signature_invalid"),
        ("nothing", info(), "signature_invalid"),
    ];
    desk.expect(infos.map(|(name, info, expected)| {
        let mut forged = forged(&desk.recipe());
        forged.sign_assertion = Some(Signing { key_info: Some(info), ..Signing::with(foreign) });
        (name, forged.written(), expected)
    }));
    let mut nameless = desk.recipe();
    nameless.sign_assertion = Some(Signing { key_info: None, ..signing() });
    assert_eq!(desk.serve(&nameless), ACCEPTED, "no certificate need come along");
    assert_eq!(canary.hits(), 0);
}

#[test]
fn saml_30_weak_and_unusual_keys_cannot_be_trusted() {
    let refused = |key: std::io::Result<Key>| TrustedKey::read(&key.unwrap().certificate()).unwrap_err();
    assert_eq!(refused(Key::rsa(512)), CertificateFault::RsaSize(512));
    assert_eq!(refused(Key::rsa(1024)), CertificateFault::RsaSize(1024));
    assert_eq!(refused(Key::rsa_with_exponent(2048, 3)), CertificateFault::RsaExponent);
    assert_eq!(refused(Key::unusual_curve()), CertificateFault::Curve);
    assert_eq!(refused(Key::dsa(1024)), CertificateFault::Kind);
    for key in [&keys().current, &keys().p256, &keys().p384] {
        assert!(TrustedKey::read(&key.certificate()).is_ok());
    }
}

#[test]
fn saml_31_a_certificates_dates_count_when_the_connection_says_so() {
    let mut desk = Desk::open();
    let second = |instant: Timestamp| instant.seconds();
    let now = second(desk.now);
    let over = Arc::new(keys().current.valid(Validity(now - 7200, now - 3600)).unwrap());
    let early = Arc::new(keys().current.valid(Validity(now + 3600, now + 7200)).unwrap());
    for dated in [over, early] {
        desk.trusted = vec![Arc::clone(&dated)];
        desk.policy.enforce_certificate_validity = false;
        assert_eq!(desk.serve(&desk.recipe()), ACCEPTED, "trust is by key");
        desk.policy.enforce_certificate_validity = true;
        assert_eq!(desk.serve(&desk.recipe()), "certificate_expired");
        desk.trusted.push(Arc::clone(&keys().next));
        let mut other = desk.recipe();
        assert_eq!(desk.serve(&other), "signature_invalid", "the key that is out of date does not count");
        other.sign_assertion = Some(Signing::with(&keys().next));
        assert_eq!(desk.serve(&other), ACCEPTED);
    }
}

#[test]
fn saml_32_keys_are_rotated_with_an_overlap() {
    let mut desk = Desk::open();
    desk.trusted = vec![Arc::clone(&keys().current), Arc::clone(&keys().next)];
    let (old, new) =
        (desk.recipe(), Recipe { sign_assertion: Some(Signing::with(&keys().next)), ..desk.recipe() });
    assert_eq!(desk.serve(&new), ACCEPTED);
    assert_eq!(desk.serve(&old), ACCEPTED);
    desk.trusted.remove(0);
    assert_eq!(desk.serve(&old), "signature_invalid");
    assert_eq!(desk.serve(&new), ACCEPTED);
    desk.trusted.clear();
    assert_eq!(desk.serve(&new), "no_trusted_key");
}
