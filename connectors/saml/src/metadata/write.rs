//! Owns the metadata that we publish for one connection (SAML Metadata §2.4.4), from a template of our own.
//! Never touches theirs.

use super::{METADATA, PROTOCOL};
use crate::{
    assertion::NameId,
    party::{OwnKeys, Party},
    settings::{Binding, Settings},
    signing::{DSIG, key_info},
    xml::Element,
};

/// Ways of encryption that we take, for identity providers that look (XML Encryption 1.1 §5.2, §5.5).
const ENCRYPTION: &[&str] = &[
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// The document. The order of elements is the one of the schema.
pub(crate) fn write(party: &Party, settings: &Settings, keys: &OwnKeys) -> String {
    let key = |usage: &'static str, certificate: &Vec<u8>| {
        let methods = if usage == "encryption" { ENCRYPTION } else { &[] };
        let methods = methods
            .iter()
            .map(|algorithm| Element::new("md:EncryptionMethod").attribute("Algorithm", algorithm));
        Element::new("md:KeyDescriptor")
            .attribute("use", usage)
            .child(key_info(Element::new("ds:KeyInfo").namespace("ds", DSIG), certificate))
            .children(methods)
    };
    let logout = |binding: Binding| {
        Element::new("md:SingleLogoutService")
            .attribute("Binding", binding.uri())
            .attribute("Location", &party.logout)
    };
    let formats: Vec<&str> = match settings.name_id_format.as_deref() {
        Some(format) => vec![format],
        None => vec![NameId::PERSISTENT, NameId::EMAIL, NameId::UNSPECIFIED],
    };
    let signed = |flag: bool| if flag { "true" } else { "false" };
    let role = Element::new("md:SPSSODescriptor")
        .attribute("protocolSupportEnumeration", PROTOCOL)
        .attribute("AuthnRequestsSigned", signed(settings.sign_requests))
        .attribute("WantAssertionsSigned", "true")
        .children(keys.signing_certificates.iter().map(|certificate| key("signing", certificate)))
        .children(keys.encryption_certificates.iter().map(|certificate| key("encryption", certificate)))
        .children([logout(Binding::Redirect), logout(Binding::Post)])
        .children(formats.into_iter().map(|format| Element::new("md:NameIDFormat").text(format)))
        .child(
            Element::new("md:AssertionConsumerService")
                .attribute("Binding", Binding::Post.uri())
                .attribute("Location", &party.acs)
                .attribute("index", "0")
                .attribute("isDefault", "true"),
        );
    let root = Element::new("md:EntityDescriptor")
        .namespace("md", METADATA)
        .attribute("entityID", &party.entity_id)
        .child(role);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{root}\n")
}
