//! Owns what the crate's own tests share: a response in plain text, keys of this run, and a way to sign.
//! Never touches anything outside of tests.

mod encrypted;
mod lexical;
mod meaning;
mod shapes;
mod signed;

use crate::{
    assertion::VerifiedAssertion,
    expectations::{Expectations, Policy, Solicited},
    fault::Fault,
    hardening::harden,
    judge::judge,
    key::{DecryptionKey, TrustedKey},
    trace::Trace,
};
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::X509Builder,
};
use portico_core::{secret::Secret, time::Timestamp};
use samael::crypto::{Crypto, CryptoProvider};
use std::sync::LazyLock;

pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub(crate) const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// A private key and its certificate.
pub(crate) struct Signer {
    pub(crate) private: PKey<Private>,
    pub(crate) trusted: TrustedKey,
}

impl Signer {
    fn new(private: PKey<Private>) -> Self {
        let mut builder = X509Builder::new().unwrap();
        builder.set_not_before(&Asn1Time::from_unix(NOW.seconds() - 1000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(NOW.seconds() + 1000).unwrap()).unwrap();
        builder.set_pubkey(&private).unwrap();
        builder.sign(&private, MessageDigest::sha256()).unwrap();
        let trusted = TrustedKey::from_der(&builder.build().to_der().unwrap()).unwrap();
        Self { private, trusted }
    }

    /// Sign the first signature template of a document.
    pub(crate) fn sign(&self, document: &str) -> String {
        harden().unwrap();
        Crypto::sign_xml(document, &self.private.private_key_to_der().unwrap()).unwrap()
    }
}

pub(crate) static IDP: LazyLock<Signer> =
    LazyLock::new(|| Signer::new(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()));
pub(crate) static OTHER: LazyLock<Signer> =
    LazyLock::new(|| Signer::new(PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap()));
pub(crate) static CURVED: LazyLock<Signer> = LazyLock::new(|| on_curve(Nid::X9_62_PRIME256V1));
pub(crate) static STRONG: LazyLock<Signer> = LazyLock::new(|| on_curve(Nid::SECP384R1));

fn on_curve(curve: Nid) -> Signer {
    let group = EcGroup::from_curve_name(curve).unwrap();
    Signer::new(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
}

/// Ours, that assertions are encrypted for.
pub(crate) static OURS: LazyLock<(PKey<Private>, DecryptionKey)> = LazyLock::new(|| {
    let private = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let pem = String::from_utf8(private.private_key_to_pem_pkcs8().unwrap()).unwrap();
    (private, DecryptionKey::read(&Secret::new(pem)).unwrap())
});

/// A response that is right in every way but that it is not signed. 1,800,000,000 is 2027-01-15T08:00:00Z.
pub(crate) fn plain() -> String {
    concat!(
        r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" "#,
        r#"xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" "#,
        r#"IssueInstant="2027-01-15T08:00:00Z" Destination="https://sp.example/acs" InResponseTo="_request">"#,
        "<saml:Issuer>urn:idp</saml:Issuer>",
        r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#,
        r#"<saml:Assertion ID="_assertion" Version="2.0" IssueInstant="2027-01-15T08:00:00Z">"#,
        "<saml:Issuer>urn:idp</saml:Issuer>",
        r#"<saml:Subject><saml:NameID Format="urn:f" NameQualifier="urn:idp" SPNameQualifier="urn:sp">ann</saml:NameID>"#,
        r#"<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData "#,
        r#"InResponseTo="_request" Recipient="https://sp.example/acs" NotOnOrAfter="2027-01-15T08:05:00Z"/>"#,
        "</saml:SubjectConfirmation></saml:Subject>",
        r#"<saml:Conditions NotBefore="2027-01-15T07:59:00Z" NotOnOrAfter="2027-01-15T08:10:00Z">"#,
        "<saml:AudienceRestriction><saml:Audience>urn:sp</saml:Audience></saml:AudienceRestriction></saml:Conditions>",
        r#"<saml:AuthnStatement AuthnInstant="2027-01-15T07:58:00Z" SessionIndex="_s" "#,
        r#"SessionNotOnOrAfter="2027-01-15T16:00:00Z"><saml:AuthnContext><saml:AuthnContextClassRef>urn:password"#,
        "</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>",
        r#"<saml:AttributeStatement><saml:Attribute Name="groups" NameFormat="urn:nf" FriendlyName="Groups">"#,
        "<saml:AttributeValue>red</saml:AttributeValue><saml:AttributeValue>blue</saml:AttributeValue>",
        "</saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>",
    )
    .to_owned()
}

/// An empty signature of the element with this ID.
pub(crate) fn template(id: &str, method: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo>\
         <ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>\
         <ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue></ds:DigestValue>\
         </ds:Reference></ds:SignedInfo><ds:SignatureValue></ds:SignatureValue></ds:Signature>"
    )
}

/// Put something behind the issuer of the response (0) or of the assertion (1).
pub(crate) fn behind_issuer(document: &str, which: usize, what: &str) -> String {
    let end = "</saml:Issuer>";
    let at = document.match_indices(end).nth(which).unwrap().0 + end.len();
    format!("{}{what}{}", &document[..at], &document[at..])
}

/// Sign the assertion.
pub(crate) fn signed_assertion(document: &str, signer: &Signer, method: &str) -> String {
    signer.sign(&behind_issuer(document, 1, &template("_assertion", method)))
}

/// Sign the response.
pub(crate) fn signed_response(document: &str, signer: &Signer, method: &str) -> String {
    signer.sign(&behind_issuer(document, 0, &template("_response", method)))
}

/// The only change that a text is to have.
pub(crate) fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not there");
    text.replacen(from, to, 1)
}

/// A connection that trusts [`IDP`], and asked for what [`plain`] is an answer to.
pub(crate) fn expected<'a>(policy: &'a Policy, trusted: &'a [TrustedKey]) -> Expectations<'a> {
    Expectations {
        identity_provider: "urn:idp",
        service_provider: "urn:sp",
        destination: "https://sp.example/acs",
        recipient: "https://sp.example/acs",
        trusted,
        decryption: std::slice::from_ref(&OURS.1),
        policy,
        solicited: Solicited::By("_request"),
        signed_in_after: None,
        now: NOW,
    }
}

/// Judge by the rules that hold for all.
pub(crate) fn judged(document: &str) -> Result<VerifiedAssertion, Fault> {
    judged_by(document, &Policy::default())
}

/// Judge, and see that the trace tells the same.
pub(crate) fn judged_by(document: &str, policy: &Policy) -> Result<VerifiedAssertion, Fault> {
    let trusted = [IDP.trusted.clone()];
    judged_with(document, &expected(policy, &trusted))
}

pub(crate) fn judged_with(
    document: &str,
    expectations: &Expectations<'_>,
) -> Result<VerifiedAssertion, Fault> {
    let mut trace = Trace::new();
    let verdict = judge(document.as_bytes(), expectations, &mut trace);
    assert_eq!(trace.fault(), verdict.as_ref().err(), "{trace}");
    verdict
}

/// The reason's name, or `accepted`.
pub(crate) fn code<T>(verdict: &Result<T, Fault>) -> &'static str {
    verdict.as_ref().map_or_else(Fault::code, |_accepted| "accepted")
}
