//! Owns our signatures: over a query, and enveloped in a document that is written in canonical form.
//! Never touches signatures of others: `verify.rs` and `query.rs` judge them.

use crate::xml::Element;
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{
    hash::MessageDigest,
    pkey::{Id, PKey, Private},
    sign::Signer,
    x509::X509,
};
use portico_core::connector::ConnectorError;
use sha2::{Digest, Sha256};
use std::fmt;

/// `ds:`, of XML signatures.
pub(crate) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// RSA with SHA-256 (RFC 6931 §2.3.2): how everything we send is signed.
pub(crate) const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// A private RSA key to sign with, and its certificate, which partners configure.
#[derive(Clone)]
pub(crate) struct SigningKey {
    private: PKey<Private>,
    certificate: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[secret]")
    }
}

impl SigningKey {
    /// Of a private key and its certificate in PEM. The error says what is wrong with them.
    pub(crate) fn of_pem(private: &str, certificate: &str) -> Result<Self, &'static str> {
        let private = PKey::private_key_from_pem(private.as_bytes())
            .map_err(|_unreadable| "has no private key in PEM")?;
        let certificate =
            X509::from_pem(certificate.as_bytes()).map_err(|_unreadable| "has no certificate in PEM")?;
        Self::of(private, &certificate)
    }

    /// Of a private key in PKCS#8 and its certificate in DER.
    pub(crate) fn of_der(private: &[u8], certificate: &[u8]) -> Result<Self, &'static str> {
        let private =
            PKey::private_key_from_pkcs8(private).map_err(|_unreadable| "has no private key in PKCS#8")?;
        let certificate = X509::from_der(certificate).map_err(|_unreadable| "has no certificate in DER")?;
        Self::of(private, &certificate)
    }

    fn of(private: PKey<Private>, certificate: &X509) -> Result<Self, &'static str> {
        if private.id() != Id::RSA || private.bits() < 2048 {
            return Err("has a key that is not RSA with 2048 bits or more");
        }
        if !certificate.public_key().is_ok_and(|public| public.public_eq(&private)) {
            return Err("has a certificate of another key");
        }
        let certificate =
            certificate.to_der().map_err(|_unwritable| "has a certificate that cannot be read")?;
        Ok(Self { private, certificate })
    }

    /// The certificate, in DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Sign bytes with RSA-SHA256; the signature in base64.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<String, ConnectorError> {
        let sign = || {
            let mut signer = Signer::new(MessageDigest::sha256(), &self.private)?;
            signer.sign_oneshot_to_vec(bytes)
        };
        let broken = |_openssl| ConnectorError::Misconfigured("our signing key does not sign".to_owned());
        Ok(STANDARD.encode(sign().map_err(broken)?))
    }

    /// The document of this root element with a signature right behind its first child, which is the issuer (SAML Core
    /// §5.4.2; the order is that of the protocol's schema). The root's `ID` is what the signature refers to.
    pub(crate) fn envelop(&self, id: &str, root: Element) -> Result<String, ConnectorError> {
        // An element writes itself in exclusive canonical form: what is digested is what is sent, without the signature.
        let digest = STANDARD.encode(Sha256::digest(root.clone().to_string()));
        let info = |declared: Element| {
            declared
                .child(Element::new("ds:CanonicalizationMethod").attribute("Algorithm", EXCLUSIVE))
                .child(Element::new("ds:SignatureMethod").attribute("Algorithm", RSA_SHA256))
                .child(
                    Element::new("ds:Reference")
                        .attribute("URI", &format!("#{id}"))
                        .child(
                            Element::new("ds:Transforms")
                                .child(Element::new("ds:Transform").attribute("Algorithm", ENVELOPED))
                                .child(Element::new("ds:Transform").attribute("Algorithm", EXCLUSIVE)),
                        )
                        .child(Element::new("ds:DigestMethod").attribute("Algorithm", SHA256))
                        .child(Element::new("ds:DigestValue").text(&digest)),
                )
        };
        // On its own, SignedInfo declares the prefix that Signature declares in the document (exclusive c14n §3).
        let signed = info(Element::new("ds:SignedInfo").namespace("ds", DSIG)).to_string();
        let signature = Element::new("ds:Signature")
            .namespace("ds", DSIG)
            .child(info(Element::new("ds:SignedInfo")))
            .child(Element::new("ds:SignatureValue").text(&self.sign(signed.as_bytes())?))
            .child(key_info(Element::new("ds:KeyInfo"), &self.certificate));
        Ok(root.child_second(signature).to_string())
    }
}

/// A certificate as `KeyInfo` shows it.
pub(crate) fn key_info(key_info: Element, certificate: &[u8]) -> Element {
    let certificate = Element::new("ds:X509Certificate").text(&STANDARD.encode(certificate));
    key_info.child(Element::new("ds:X509Data").child(certificate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{SAML, SAMLP},
        testing::{certificate, pem, rsa, signing},
    };
    use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode};

    fn request() -> Element {
        Element::new("samlp:AuthnRequest")
            .namespace("samlp", SAMLP)
            .attribute("Version", "2.0")
            .attribute("ID", "_a")
            .child(Element::new("saml:Issuer").namespace("saml", SAML).text("urn:us & them"))
            .child(Element::new("samlp:NameIDPolicy").attribute("AllowCreate", "true"))
    }

    /// By the library that everybody else uses, which canonicalizes the document itself.
    #[test]
    fn an_enveloped_signature_is_one_that_others_verify() {
        let (key, certificate) = signing();
        let document = key.envelop("_a", request()).unwrap();
        let verify = |document: &str| {
            Crypto::reduce_xml_to_signed_with_allowed_algorithms(
                document,
                &[CertificateDer::from(certificate.to_der().unwrap())],
                ReduceMode::PreDigest,
                Some(&[AllowedSignatureAlgorithm::RsaSha256]),
            )
        };
        assert_eq!(verify(&document).unwrap(), request().to_string(), "all of it is signed");
        let place =
            document.find("</saml:Issuer><ds:Signature").expect("behind the issuer, as the schema wants it");
        assert!(place > 0);
        assert!(verify(&document.replace("them", "they")).is_err());
    }

    #[test]
    fn a_key_and_its_certificate_belong_together() {
        let (key, other) = (rsa(2048), certificate(&rsa(2048)));
        let private = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        assert_eq!(
            SigningKey::of_pem(&private, &pem(&other)).unwrap_err(),
            "has a certificate of another key"
        );
        let weak = rsa(1024);
        let private = String::from_utf8(weak.private_key_to_pem_pkcs8().unwrap()).unwrap();
        assert!(SigningKey::of_pem(&private, &pem(&certificate(&weak))).is_err());
        assert_eq!(format!("{:?}", signing().0), "[secret]");
    }
}
