//! Owns SAML-58 and SAML-59: encrypted assertions.
//! Never touches what they say.

use super::{ACCEPTED, AUDIENCE, Desk, forged, keys, signing};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_fixtures::saml_document::{Content, Digest, Element, Encryption, Recipe, Transport};
use std::sync::Arc;

fn encryption() -> Encryption {
    Encryption::to(&keys().service)
}

/// An honest answer, encrypted so; the assertion in it is signed.
fn encrypted(desk: &Desk, encryption: Encryption) -> Recipe {
    Recipe { encrypt: Some(encryption), ..desk.recipe() }
}

/// The same, and the response around it is signed, too.
fn covered(desk: &Desk, encryption: Encryption) -> Recipe {
    Recipe { sign_response: Some(signing()), ..encrypted(desk, encryption) }
}

#[test]
fn saml_58_good_encryption_is_read_and_bad_refused() {
    let desk = Desk::open();
    let by = |content, transport| Encryption { content, transport, ..encryption() };
    let oaep = Transport::OaepSha1;
    for content in [Content::Aes128Gcm, Content::Aes256Gcm] {
        for transport in [oaep, Transport::OaepMgf1p(Digest::Sha256), Transport::Oaep(Digest::Sha256)] {
            let name = format!("{content:?} {transport:?}");
            desk.expect([(name, encrypted(&desk, by(content, transport)).written(), ACCEPTED)]);
        }
    }
    for content in [Content::Aes128Cbc, Content::Aes256Cbc] {
        desk.expect([
            (format!("{content:?}"), encrypted(&desk, by(content, oaep)).written(), "cbc_unauthenticated"),
            (format!("{content:?}, covered"), covered(&desk, by(content, oaep)).written(), ACCEPTED),
        ]);
    }
    let gcm = Content::Aes256Gcm;
    desk.expect([
        ("3DES", encrypted(&desk, by(Content::TripleDes, oaep)).written(), "encryption_algorithm"),
        ("3DES, covered", covered(&desk, by(Content::TripleDes, oaep)).written(), "encryption_algorithm"),
        ("RSA 1.5", encrypted(&desk, by(gcm, Transport::Rsa15)).written(), "key_transport_algorithm"),
        ("RSA 1.5, covered", covered(&desk, by(gcm, Transport::Rsa15)).written(), "key_transport_algorithm"),
        (
            "nothing signed",
            Recipe { encrypt: Some(encryption()), ..forged(&desk.recipe()) }.written(),
            "signature_missing",
        ),
        (
            "the response alone signed",
            Recipe { encrypt: Some(encryption()), ..desk.response_signed() }.written(),
            ACCEPTED,
        ),
    ]);
    let mut allowed = Desk::open();
    allowed.policy.allow_unauthenticated_cbc = true;
    allowed.expect([(
        "CBC by choice",
        encrypted(&allowed, by(Content::Aes256Cbc, oaep)).written(),
        ACCEPTED,
    )]);
    let mut keyless = Desk::open();
    keyless.decryption = false;
    keyless.expect([
        ("no key", encrypted(&keyless, encryption()).written(), "decryption_key_missing"),
        ("not encrypted", keyless.recipe().written(), ACCEPTED),
    ]);
}

#[test]
fn saml_58_whatever_goes_wrong_in_decryption_is_one_error() {
    let mut desk = Desk::open();
    // The worst case: anybody can send ciphertexts of their own, in a mode that lets them be changed.
    desk.policy.allow_unauthenticated_cbc = true;
    let genuine = desk.recipe();
    let around = |encrypted: Element| genuine.shell().holding(encrypted);
    for content in [Content::Aes128Gcm, Content::Aes256Gcm, Content::Aes128Cbc, Content::Aes256Cbc] {
        // What is authenticated came from whoever encrypted it as it is: to say what is wrong with it tells nothing.
        let is_cbc = matches!(content, Content::Aes128Cbc | Content::Aes256Cbc);
        let inside = |reason: &'static str| if is_cbc { "decryption_failed" } else { reason };
        let encryption = Encryption { content, ..encryption() };
        let good = encryption.encrypt(&genuine.signed_assertion());
        let value = |element: &Element| {
            let data = element.find("xenc:EncryptedData").expect("it is there");
            let last = data.elements().last().and_then(|data| data.find("xenc:CipherValue"));
            STANDARD.decode(last.expect("it is there").content()).unwrap()
        };
        let sealed = value(&good);
        let with = |sealed: &[u8]| {
            let mut changed = good.clone();
            let data = changed.part("xenc:EncryptedData");
            let at = data.children.len() - 1;
            if let portico_fixtures::saml_document::Node::Element(data) = &mut data.children[at] {
                data.part("xenc:CipherValue").say(STANDARD.encode(sealed));
            }
            around(changed)
        };
        let flipped = |at: usize| {
            let mut bytes = sealed.clone();
            bytes[at] ^= 1;
            with(&bytes)
        };
        let foreign = Encryption { recipient: Arc::clone(&keys().foreign), ..encryption.clone() };
        desk.expect(
            [
                ("as it should be", around(good.clone()), ACCEPTED),
                ("a byte of the first block", flipped(0), "decryption_failed"),
                ("a byte of the last block", flipped(sealed.len() - 1), "decryption_failed"),
                ("a byte in the middle", flipped(sealed.len() / 2), "decryption_failed"),
                ("nothing", with(b""), "decryption_failed"),
                ("one byte", with(b"x"), "decryption_failed"),
                ("less than a vector", with(&[0; 11]), "decryption_failed"),
                ("a vector alone", with(&[0; 16]), "decryption_failed"),
                ("27 bytes", with(&[0; 27]), "decryption_failed"),
                ("no whole block", with(&sealed[..sealed.len() - 3]), "decryption_failed"),
                (
                    "for another key",
                    around(foreign.encrypt(&genuine.signed_assertion())),
                    "decryption_failed",
                ),
                ("a key of no length", around(encryption.wrap(b"", &sealed)), "decryption_failed"),
                ("a key that is none", around(encryption.wrap(&[7; 256], &sealed)), "decryption_failed"),
                ("no XML", around(encryption.encrypt_text(b"no XML")), inside("syntax")),
                ("no text", around(encryption.encrypt_text(&[0xff; 40])), inside("encoding")),
                ("nothing inside", around(encryption.encrypt_text(b"")), inside("truncated")),
                (
                    "a whole response inside",
                    around(encryption.encrypt_text(genuine.written().written().as_bytes())),
                    inside("root"),
                ),
            ]
            .map(|(name, document, expected)| (format!("{content:?}: {name}"), document, expected)),
        );
    }
    desk.still_works();
}

#[test]
fn saml_58_chosen_ciphertexts_learn_nothing() {
    let desk = Desk::open();
    let genuine = desk.recipe();
    let encryption = Encryption { content: Content::Aes128Cbc, ..encryption() };
    let mut reasons = std::collections::BTreeSet::new();
    // Somebody who has no key, but a captured document: they change it two thousand times, and watch the answers.
    let chosen = |number: u16| -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        (0..64_u8).map(|at| low.wrapping_mul(31) ^ high.wrapping_mul(53) ^ at.wrapping_mul(7)).collect()
    };
    for number in 0..2_000 {
        let bytes = chosen(number);
        let document = genuine.shell().holding(encryption.pretend(&bytes));
        reasons.insert(desk.judge(&document));
    }
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), ["cbc_unauthenticated"], "nothing is decrypted");
    let gcm = super::encryption::encryption();
    let judged = |desk: &Desk, encryption: &Encryption, number| {
        desk.judge(&genuine.shell().holding(encryption.pretend(&chosen(number))))
    };
    let reasons: std::collections::BTreeSet<_> =
        (0..2_000).map(|number| judged(&desk, &gcm, number)).collect();
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), ["decryption_failed"]);
    // Nor where the connection takes the mode that lets ciphertexts be changed.
    let mut allowed = Desk::open();
    allowed.policy.allow_unauthenticated_cbc = true;
    let reasons: std::collections::BTreeSet<_> =
        (0..2_000).map(|number| judged(&allowed, &encryption, number)).collect();
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), ["decryption_failed"]);
    desk.still_works();
}

#[test]
fn saml_59_a_key_for_somebody_else_and_swapped_data_are_refused() {
    let desk = Desk::open();
    let named = |named: &str| Encryption { named: Some(named.to_owned()), ..encryption() };
    desk.expect([
        (
            "for another connection",
            encrypted(&desk, named("urn:portico:hoekstra-saml")).written(),
            "encrypted_key_recipient",
        ),
        ("for this one", encrypted(&desk, named(AUDIENCE)).written(), ACCEPTED),
    ]);
    // A signed response whose encrypted data is swapped for the attacker's.
    let mut swapped = covered(&desk, encryption()).written();
    let evil = encryption().encrypt(&forged(&desk.recipe()).assertion());
    *swapped.part("saml:EncryptedAssertion") = evil.clone();
    let inside = desk.recipe().shell().holding(evil);
    // Data that is signed elsewhere, wrapped in data that is not.
    let captured = covered(&desk, encryption()).written();
    let mut nested = captured.clone();
    let original = captured.find("saml:EncryptedAssertion").expect("it is there").clone();
    nested.part("saml:EncryptedAssertion").push(original);
    desk.expect([
        ("swapped under a signature", swapped, "signature_invalid"),
        ("encrypted by the attacker, unsigned", inside, "signature_missing"),
        ("one within another", nested, "assertion_several"),
        ("the captured one", captured, ACCEPTED),
    ]);
    desk.still_works();
}
