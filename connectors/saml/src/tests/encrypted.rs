//! Owns the proof of decryption: what is accepted, what is refused before anything is decrypted, and that everything
//! else has one reason.
//! Never touches algorithms that are not accepted, except to see them refused.

use super::{
    IDP, OURS, RSA_SHA256, changed, code, expected, judged, judged_by, judged_with, plain, signed_assertion,
    signed_response,
};
use crate::expectations::{Expectations, Policy};
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{
    md::{Md, MdRef},
    pkey_ctx::PkeyCtx,
    rsa::Padding,
    symm::{Cipher, Crypter, Mode, encrypt_aead},
};

const GCM_256: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const GCM_128: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const CBC_256: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const CBC_128: &str = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
const MGF1P: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";

/// How something is encrypted here.
struct Box_ {
    content: &'static str,
    transport: &'static str,
    digest: Option<(&'static str, &'static MdRef)>,
    mask: Option<(&'static str, &'static MdRef)>,
    key_attributes: &'static str,
}

const fn boxed(content: &'static str) -> Box_ {
    Box_ { content, transport: MGF1P, digest: None, mask: None, key_attributes: "" }
}

impl Box_ {
    fn secret(&self) -> Vec<u8> {
        vec![7; if self.content.contains("128") { 16 } else { 32 }]
    }

    fn sealed(&self, plaintext: &[u8]) -> Vec<u8> {
        let secret = self.secret();
        if self.content.ends_with("gcm") {
            let cipher = if secret.len() == 16 { Cipher::aes_128_gcm() } else { Cipher::aes_256_gcm() };
            let mut tag = [0; 16];
            let sealed = encrypt_aead(cipher, &secret, Some(&[1; 12]), &[], plaintext, &mut tag).unwrap();
            return [&[1; 12][..], &sealed, &tag].concat();
        }
        // XML Encryption fills the last block with anything, and its last byte with the count.
        let padding = 16 - plaintext.len() % 16;
        let mut padded = [plaintext, &vec![0xee; padding]].concat();
        *padded.last_mut().unwrap() = u8::try_from(padding).unwrap();
        self.cbc(&padded)
    }

    fn cbc(&self, padded: &[u8]) -> Vec<u8> {
        let secret = self.secret();
        let cipher = if secret.len() == 16 { Cipher::aes_128_cbc() } else { Cipher::aes_256_cbc() };
        let mut crypter = Crypter::new(cipher, Mode::Encrypt, &secret, Some(&[1; 16])).unwrap();
        crypter.pad(false);
        let mut sealed = vec![0; padded.len() + 16];
        let length = crypter.update(padded, &mut sealed).unwrap();
        sealed.truncate(length);
        [&[1; 16][..], &sealed].concat()
    }

    fn wrapped(&self, secret: &[u8]) -> Vec<u8> {
        let mut context = PkeyCtx::new(&OURS.0).unwrap();
        context.encrypt_init().unwrap();
        context.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
        context.set_rsa_oaep_md(self.digest.map_or(Md::sha1(), |(_, digest)| digest)).unwrap();
        context.set_rsa_mgf1_md(self.mask.map_or(Md::sha1(), |(_, mask)| mask)).unwrap();
        let mut wrapped = Vec::new();
        context.encrypt_to_vec(secret, &mut wrapped).unwrap();
        wrapped
    }

    /// The key, and the content, each as the element that carries it.
    fn parts(&self, wrapped: &[u8], sealed: &[u8]) -> (String, String) {
        let digest = self.digest.map_or_else(String::new, |(name, _)| {
            format!("<ds:DigestMethod xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" Algorithm=\"{name}\"/>")
        });
        let mask = self.mask.map_or_else(String::new, |(name, _)| {
            format!("<e:MGF xmlns:e=\"http://www.w3.org/2009/xmlenc11#\" Algorithm=\"{name}\"/>")
        });
        let cipher = |bytes: &[u8]| {
            let value = STANDARD.encode(bytes);
            format!("<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>")
        };
        let key = format!(
            "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"{}><xenc:EncryptionMethod \
             Algorithm=\"{}\">{digest}{mask}</xenc:EncryptionMethod>{}</xenc:EncryptedKey>",
            self.key_attributes,
            self.transport,
            cipher(wrapped)
        );
        let data = format!(
            "<xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
             Type=\"http://www.w3.org/2001/04/xmlenc#Element\"><xenc:EncryptionMethod Algorithm=\"{}\"/>\
             <ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">KEY</ds:KeyInfo>{}</xenc:EncryptedData>",
            self.content,
            cipher(sealed)
        );
        (key, data)
    }

    /// A response whose assertion is encrypted.
    fn seal(&self, response: &str) -> String {
        let (before, assertion, after) = cut(response);
        let (key, data) = self.parts(&self.wrapped(&self.secret()), &self.sealed(assertion.as_bytes()));
        wrap(before, &data.replace("KEY", &key), after)
    }

    /// A response with this ciphertext, and this wrapped key.
    fn pretend(&self, wrapped: &[u8], sealed: &[u8]) -> String {
        let response = plain();
        let (before, _, after) = cut(&response);
        let (key, data) = self.parts(wrapped, sealed);
        wrap(before, &data.replace("KEY", &key), after)
    }
}

fn cut(response: &str) -> (&str, &str, &str) {
    let start = response.find("<saml:Assertion").unwrap();
    let end = response.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
    (&response[..start], &response[start..end], &response[end..])
}

fn wrap(before: &str, inside: &str, after: &str) -> String {
    format!("{before}<saml:EncryptedAssertion>{inside}</saml:EncryptedAssertion>{after}")
}

fn opted_in() -> Policy {
    Policy { allow_unauthenticated_cbc: true, ..Policy::default() }
}

#[test]
fn a_signed_assertion_is_decrypted_by_every_algorithm() {
    let sha256 = ("http://www.w3.org/2001/04/xmlenc#sha256", Md::sha256());
    let sha512 = ("http://www.w3.org/2001/04/xmlenc#sha512", Md::sha512());
    let mask = ("http://www.w3.org/2009/xmlenc11#mgf1sha256", Md::sha256());
    let response = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let accepted = judged(&response).unwrap();
    for sealing in [
        boxed(GCM_128),
        boxed(GCM_256),
        Box_ { digest: Some(("http://www.w3.org/2000/09/xmldsig#sha1", Md::sha1())), ..boxed(GCM_256) },
        Box_ { digest: Some(sha256), ..boxed(GCM_256) },
        Box_ { transport: OAEP, ..boxed(GCM_256) },
        Box_ { transport: OAEP, digest: Some(sha256), mask: Some(mask), ..boxed(GCM_256) },
        Box_ { transport: OAEP, digest: Some(sha512), ..boxed(GCM_128) },
        Box_ { key_attributes: " Recipient=\"urn:sp\"", ..boxed(GCM_256) },
    ] {
        assert_eq!(judged(&sealing.seal(&response)).unwrap(), accepted);
    }
    for content in [CBC_128, CBC_256] {
        let sealed = boxed(content).seal(&response);
        assert_eq!(code(&judged(&sealed)), "cbc_unauthenticated");
        assert_eq!(judged_by(&sealed, &opted_in()).unwrap(), accepted);
        assert_eq!(judged(&signed_response(&sealed, &IDP, RSA_SHA256)).unwrap(), accepted);
    }
}

#[test]
fn a_signature_is_needed_outside_or_inside() {
    for content in [GCM_256, CBC_256] {
        let sealed = boxed(content).seal(&plain());
        let outside = signed_response(&sealed, &IDP, RSA_SHA256);
        assert_eq!(code(&judged(&outside)), "accepted");
        let strict = Policy { want_assertion_signed: true, ..Policy::default() };
        assert_eq!(code(&judged_by(&outside, &strict)), "assertion_unsigned");
        // An unauthenticated ciphertext tells nothing of what is in it.
        let reason = if content == GCM_256 { "signature_missing" } else { "decryption_failed" };
        assert_eq!(code(&judged_by(&sealed, &opted_in())), reason);
        let forged = changed(&signed_assertion(&plain(), &IDP, RSA_SHA256), ">ann<", ">bob<");
        let reason = if content == GCM_256 { "signature_invalid" } else { "decryption_failed" };
        assert_eq!(code(&judged_by(&boxed(content).seal(&forged), &opted_in())), reason);
        // Inside of a signed response, too, a signature has to be right.
        let both = signed_response(&boxed(content).seal(&forged), &IDP, RSA_SHA256);
        assert_eq!(code(&judged(&both)), "signature_invalid");
    }
}

#[test]
fn what_is_public_is_refused_by_its_reason() {
    let sealed = boxed(GCM_256).seal(&signed_assertion(&plain(), &IDP, RSA_SHA256));
    for (from, to, reason) in [
        ("2009/xmlenc11#aes256-gcm", "2001/04/xmlenc#tripledes-cbc", "encryption_algorithm"),
        ("#aes256-gcm", "#aes192-gcm", "encryption_algorithm"),
        ("#rsa-oaep-mgf1p", "#rsa-1_5", "key_transport_algorithm"),
        (
            "mgf1p\"></xenc:EncryptionMethod>",
            "mgf1p\"><xenc:OAEPparams>AAAA</xenc:OAEPparams></xenc:EncryptionMethod>",
            "key_transport_algorithm",
        ),
        ("xmlenc#Element", "xmlenc#Content", "encryption_shape"),
        (
            "<xenc:EncryptedKey ",
            "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"/><xenc:EncryptedKey ",
            "encryption_shape",
        ),
        ("<xenc:EncryptedKey ", "<xenc:EncryptedKey Recipient=\"urn:other\" ", "encrypted_key_recipient"),
        (
            "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
            "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:RetrievalMethod URI=\"http://evil.example/\"/>",
            "encryption_shape",
        ),
        (
            "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">",
            "<ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:RetrievalMethod URI=\"#_else\"/>",
            "encryption_shape",
        ),
        (
            "<xenc:CipherValue>",
            "<xenc:CipherReference URI=\"http://evil.example/\"/><xenc:CipherValue>!",
            "encryption_shape",
        ),
        (
            "<saml:EncryptedAssertion>",
            "<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"/>",
            "encryption_shape",
        ),
    ] {
        assert_eq!(code(&judged(&changed(&sealed, from, to))), reason, "{from} -> {to}");
    }
    let (policy, trusted) = (Policy::default(), [IDP.trusted.clone()]);
    let keyless = Expectations { decryption: &[], ..expected(&policy, &trusted) };
    assert_eq!(code(&judged_with(&sealed, &keyless)), "decryption_key_missing");
}

#[test]
fn the_key_can_stand_beside_the_content() {
    let response = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let (before, assertion, after) = cut(&response);
    let sealing = Box_ { key_attributes: " Id=\"_key\"", ..boxed(GCM_256) };
    let (key, data) =
        sealing.parts(&sealing.wrapped(&sealing.secret()), &sealing.sealed(assertion.as_bytes()));
    let retrieval =
        "<ds:RetrievalMethod URI=\"#_key\" Type=\"http://www.w3.org/2001/04/xmlenc#EncryptedKey\"/>";
    for info in ["", retrieval] {
        let beside = wrap(before, &format!("{}{key}", data.replace("KEY", info)), after);
        assert_eq!(code(&judged(&beside)), "accepted", "{info}");
    }
    let foreign = key.replace("Id=\"_key\"", "Id=\"_other\" Recipient=\"urn:other\"");
    let beside = wrap(before, &format!("{}{foreign}{key}", data.replace("KEY", "")), after);
    assert_eq!(code(&judged(&beside)), "accepted");
}

#[test]
fn what_is_declared_around_the_ciphertext_holds_in_it() {
    // As xmlsec encrypts: the element as it stands, without what is declared above it.
    let response = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let (before, assertion, after) = cut(&response);
    assert!(!assertion.contains("xmlns:saml="), "the prefix is declared by the response");
    let sealing = boxed(GCM_256);
    let (key, data) =
        sealing.parts(&sealing.wrapped(&sealing.secret()), &sealing.sealed(assertion.as_bytes()));
    let rebound = wrap(before, &data.replace("KEY", &key), after)
        .replace("<saml:EncryptedAssertion>", "<saml:EncryptedAssertion xmlns:other=\"urn:x\">");
    assert_eq!(code(&judged(&rebound)), "accepted");
}

#[test]
fn whatever_cannot_be_decrypted_has_one_reason() {
    let good = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let assertion = cut(&good).1.as_bytes();
    for content in [GCM_128, GCM_256, CBC_128, CBC_256] {
        let sealing = boxed(content);
        let (secret, sealed) = (sealing.secret(), sealing.sealed(assertion));
        let wrapped = sealing.wrapped(&secret);
        assert_eq!(code(&judged_by(&sealing.pretend(&wrapped, &sealed), &opted_in())), "accepted");
        let mut flipped = sealed.clone();
        flipped[20] ^= 1;
        let mut last = sealed.clone();
        *last.last_mut().unwrap() ^= 1;
        for other in [&flipped, &last, &sealed[..sealed.len() - 16].to_vec()] {
            let verdict = judged_by(&sealing.pretend(&wrapped, other), &opted_in());
            assert_eq!(code(&verdict), "decryption_failed", "{content}");
        }
        // Every length, the empty one too.
        for length in 0..64 {
            let verdict = judged_by(&sealing.pretend(&wrapped, &sealed[..length]), &opted_in());
            assert_eq!(code(&verdict), "decryption_failed", "{content} {length}");
        }
        for key in [vec![], vec![0; 1], vec![0; 256], vec![0xff; 256], vec![1; 255], vec![1; 300]] {
            let verdict = judged_by(&sealing.pretend(&key, &sealed), &opted_in());
            assert_eq!(code(&verdict), "decryption_failed", "{content}");
        }
        for wrong in [&secret[..15], &[secret.as_slice(), &[1]].concat(), &[9; 32], &[9; 16], &[]] {
            let verdict = judged_by(&sealing.pretend(&sealing.wrapped(wrong), &sealed), &opted_in());
            assert_eq!(code(&verdict), "decryption_failed", "{content}");
        }
    }
    for content in [CBC_128, CBC_256] {
        let sealing = boxed(content);
        let wrapped = sealing.wrapped(&sealing.secret());
        for last in 0..=255 {
            let verdict = judged_by(&sealing.pretend(&wrapped, &sealing.cbc(&[last; 32])), &opted_in());
            assert_eq!(code(&verdict), "decryption_failed");
        }
        for plaintext in ["", "x", "<a/>", "<saml:Assertion/>", "<!DOCTYPE a><a/>", "\0"] {
            let verdict =
                judged_by(&sealing.pretend(&wrapped, &sealing.sealed(plaintext.as_bytes())), &opted_in());
            assert_eq!(code(&verdict), "decryption_failed", "{plaintext}");
        }
    }
}

#[test]
fn a_decrypted_document_passes_the_same_gate() {
    let (sealing, response) = (boxed(GCM_256), plain());
    let (_, assertion, _) = cut(&response);
    let wrapped = sealing.wrapped(&sealing.secret());
    for (plaintext, reason) in [
        (format!("<!DOCTYPE a>{assertion}"), "doctype"),
        (changed(assertion, ">ann<", ">a<!---->nn<"), "comment"),
        (
            changed(assertion, "</saml:Subject>", "</saml:Subject><saml:Assertion ID=\"_b\"/>"),
            "element_foreign",
        ),
        ("<saml:Subject/>".to_owned(), "root"),
        (format!("{assertion}{assertion}"), "after_root"),
        (changed(assertion, "ID=\"_assertion\"", "ID=\"_response\""), "id_duplicate"),
    ] {
        let sealed = sealing.pretend(&wrapped, &sealing.sealed(plaintext.as_bytes()));
        assert_eq!(code(&judged(&sealed)), reason, "{plaintext:.60}");
    }
}
