//! Owns the proof of the shape gate: every part that is elsewhere, missing or too much is refused by its reason.
//! Never touches keys: nothing here is signed correctly.

use super::{RSA_SHA256, behind_issuer, changed, code, plain, template};
use crate::{
    fault::Fault,
    gate::{
        scan,
        shape::{Content, Kind, Signable, message, response},
    },
};

/// What the gate says to a response, its signatures included.
fn verdict(document: &str) -> &'static str {
    let look = || -> Result<(), Fault> {
        let tree = scan(document.as_bytes())?;
        let shape = response(&tree)?;
        if let Some(signature) = shape.signature {
            signature.inspect()?;
        }
        if let Content::Plain(Signable { signature: Some(signature), .. }) = shape.content {
            signature.inspect()?;
        }
        Ok(())
    };
    code(&look())
}

/// Signatures in the right places, with values of the right length.
fn filled() -> String {
    let both = behind_issuer(&plain(), 1, &template("_assertion", RSA_SHA256));
    let both = behind_issuer(&both, 0, &template("_response", RSA_SHA256));
    let digest = format!("{}=", "A".repeat(43));
    both.replace("<ds:DigestValue>", &format!("<ds:DigestValue>{digest}"))
        .replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA\nAAAA")
}

#[test]
fn the_shape_of_a_good_response_passes() {
    for document in [
        plain(),
        filled(),
        changed(
            &filled(),
            "</ds:Signature>",
            "<ds:KeyInfo><ds:KeyName>k</ds:KeyName></ds:KeyInfo></ds:Signature>",
        ),
        changed(&filled(), "<ds:Signature ", "<ds:Signature Id=\"_signature\" "),
        changed(&plain(), "<samlp:Status>", "<samlp:Extensions/><samlp:Status>"),
        changed(&plain(), "<samlp:Status>", "\n <samlp:Status>\n "),
        changed(
            &plain(),
            "</samlp:Status>",
            "<samlp:StatusMessage>fine</samlp:StatusMessage></samlp:Status>",
        ),
        changed(
            &plain(),
            "<saml:AuthnContext>",
            "<saml:SubjectLocality Address=\"::1\"/><saml:AuthnContext>",
        ),
        changed(
            &filled(),
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
             xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"xs xsi\"/></ds:Transform>",
        ),
    ] {
        assert_eq!(verdict(&document), "accepted", "{document}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn what_is_elsewhere_or_too_much_is_refused_by_its_reason() {
    let evil = r#"<saml:Assertion ID="_evil" Version="2.0"/>"#;
    for (from, to, reason) in [
        ("samlp:Response xmlns", "samlp:ArtifactResponse xmlns", "syntax"),
        ("SAML:2.0:protocol\"", "SAML:1.1:protocol\"", "root"),
        ("<saml:Assertion ", &format!("{evil}<saml:Assertion "), "assertion_several"),
        ("<saml:Assertion ", "<saml:EncryptedAssertion/><saml:Assertion ", "assertion_several"),
        (
            "<samlp:Status>",
            &format!("<samlp:Extensions>{evil}</samlp:Extensions><samlp:Status>"),
            "assertion_several",
        ),
        ("<samlp:Status>", "<samlp:Extensions><a/></samlp:Extensions><samlp:Status>", "extensions"),
        ("<samlp:Status>", "<samlp:Extensions>a</samlp:Extensions><samlp:Status>", "extensions"),
        ("<samlp:Status>", "<samlp:Status/><samlp:Status>", "element_count"),
        ("<saml:Subject>", "<saml:Subject/><saml:Subject>", "element_count"),
        ("<saml:Conditions ", "<saml:Conditions/><saml:Conditions ", "element_count"),
        ("</samlp:Status>", "</samlp:Status>text", "text_foreign"),
        ("<saml:Subject>", "<saml:Subject>text", "text_foreign"),
        ("<saml:Audience>", "<saml:Audience/>text<saml:Audience>", "text_foreign"),
        ("urn:idp<", "urn:<a/>idp<", "element_foreign"),
        (">ann<", ">an<b/>n<", "element_foreign"),
        ("<saml:Subject>", "<saml:Advice/><saml:Subject>", "element_foreign"),
        ("<saml:Subject>", "<saml:Statement/><saml:Subject>", "element_foreign"),
        ("<saml:Subject>", "<Subject/><saml:Subject>", "element_foreign"),
        ("<saml:Subject>", "<samlp:Subject/><saml:Subject>", "element_foreign"),
        ("<samlp:Status>", "<evil/><samlp:Status>", "element_foreign"),
        ("<saml:NameID ", "<saml:EncryptedID/><saml:NameID ", "encrypted_id"),
        ("<saml:Attribute ", "<saml:EncryptedAttribute/><saml:Attribute ", "encrypted_id"),
        (" ID=\"_assertion\"", "", "id_missing"),
        ("ID=\"_assertion\"", "ID=\"_response\"", "id_duplicate"),
        ("ID=\"_assertion\"", "ID=\"1\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\"\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\"element(/1/3)\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\"xpointer(id('x'))\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\"_%61\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\"_\u{430}\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\" _a\"", "id_invalid"),
        ("ID=\"_assertion\"", "ID=\"_assertion\" Id=\"_b\"", "id_foreign"),
        ("ID=\"_assertion\"", "ID=\"_assertion\" id=\"_b\"", "id_foreign"),
        ("ID=\"_assertion\"", "ID=\"_assertion\" xml:id=\"_b\"", "id_foreign"),
        ("ID=\"_assertion\"", "ID=\"_assertion\" saml:ID=\"_b\"", "id_foreign"),
        ("ID=\"_assertion\"", "ID=\"_assertion\" AssertionID=\"_b\"", "id_foreign"),
        ("<saml:Subject>", "<saml:Subject ID=\"_b\">", "id_foreign"),
        ("<saml:AttributeValue>", "<saml:AttributeValue Id=\"_b\">", "id_foreign"),
        ("<ds:Signature ", "<ds:Signature Id=\"_response\" ", "id_duplicate"),
        ("<ds:Signature ", "<ds:Signature ID=\"_b\" ", "id_foreign"),
        (
            "<ds:Signature ",
            "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/><ds:Signature ",
            "signature_several",
        ),
        ("red<", "<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/><", "signature_place"),
        ("red<", "<Signature/><", "signature_place"),
        ("</ds:Signature>", "<ds:KeyInfo/><ds:Object/></ds:Signature>", "signature_shape"),
        ("</ds:Signature>", "<ds:Object/></ds:Signature>", "signature_shape"),
        ("</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo/>", "signature_shape"),
        ("</ds:SignatureValue>", "</ds:SignatureValue><ds:SignatureValue/>", "signature_shape"),
        ("<ds:SignedInfo>", "text<ds:SignedInfo>", "signature_shape"),
        ("</ds:SignedInfo>", "<ds:Other/></ds:SignedInfo>", "signed_info_shape"),
        (
            "#rsa-sha256\"/>",
            "#rsa-sha256\"><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>",
            "signed_info_shape",
        ),
        ("URI=", "Type=\"urn:x\" URI=", "signed_info_shape"),
        ("#sha256\"/>", "#sha256\"><a/></ds:DigestMethod>", "signed_info_shape"),
        ("xml-exc-c14n#", "xml-exc-c14n#WithComments", "canonicalization"),
        (
            "http://www.w3.org/2001/10/xml-exc-c14n#",
            "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            "canonicalization",
        ),
        ("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", "signature_algorithm"),
        ("#rsa-sha256", "#hmac-sha256", "signature_algorithm"),
        ("#rsa-sha256", "#rsa-md5", "signature_algorithm"),
        ("#rsa-sha256", "#rsa-sha224", "signature_algorithm"),
        ("#rsa-sha256", "#ecdsa-sha1", "signature_algorithm"),
        ("#rsa-sha256", "#RSA-SHA256", "signature_algorithm"),
        ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1", "digest_algorithm"),
        ("2001/04/xmlenc#sha256", "2001/04/xmlenc#ripemd160", "digest_algorithm"),
        ("</ds:Reference>", "</ds:Reference><ds:Reference/>", "reference_count"),
        ("URI=\"#_response\"", "URI=\"\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"#\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"#_assertion\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"#xpointer(/)\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"#xpointer(id('_response'))\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"http://127.0.0.1/\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"file:///etc/passwd\"", "reference_uri_foreign"),
        ("URI=\"#_response\"", "URI=\"cid:x\"", "reference_uri_foreign"),
        (
            "#enveloped-signature\"/>",
            "#enveloped-signature\"/><ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"/>",
            "transform",
        ),
        ("2000/09/xmldsig#enveloped-signature", "TR/1999/REC-xslt-19991116", "transform"),
        (
            "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>",
            "",
            "transform",
        ),
        (
            "</ds:Transforms>",
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/></ds:Transforms>",
            "transform",
        ),
        ("#enveloped-signature\"/>", "#enveloped-signature\"><a/></ds:Transform>", "transform"),
        ("<ds:DigestValue>", "<ds:DigestValue>AAAA", "digest_value"),
        ("<ds:DigestValue>A", "<ds:DigestValue>", "digest_value"),
        ("A=</ds:DigestValue>", "B=</ds:DigestValue>", "digest_value"),
        ("<ds:DigestValue>", "<ds:DigestValue><a/>", "digest_value"),
        ("<ds:DigestValue>A", "<ds:DigestValue>A<!---->", "comment"),
        ("<ds:SignatureValue>", "<ds:SignatureValue>A", "signature_value"),
        ("<ds:SignatureValue>AAAA\nAAAA", "<ds:SignatureValue>", "signature_value"),
        ("<ds:SignatureValue>", "<ds:SignatureValue><a/>", "signature_value"),
    ] {
        let document = changed(&filled(), from, to);
        assert_eq!(verdict(&document), reason, "{from} -> {to}");
    }
}

#[test]
fn a_prefix_list_is_short_and_plain() {
    for (list, verdict_of_it) in [
        ("", "accepted"),
        ("a b c d e f g h i j", "accepted"),
        ("a b c d e f g h i j k", "prefix_list"),
        ("#default", "prefix_list"),
        ("a,b", "prefix_list"),
        ("\u{e9}", "prefix_list"),
    ] {
        let document = changed(
            &filled(),
            "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
            &format!(
                "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
                 xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{list}\"/></ds:Transform>"
            ),
        );
        assert_eq!(verdict(&document), verdict_of_it, "{list}");
    }
}

#[test]
fn a_response_without_an_assertion_says_why() {
    let start = plain().find("<saml:Assertion").unwrap();
    let without = format!("{}</samlp:Response>", &plain()[..start]);
    assert_eq!(verdict(&without), "assertion_missing");
    let denied = changed(
        &without,
        "Success\"/>",
        "Responder\"><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:AuthnFailed\"/></samlp:StatusCode>",
    );
    let tree = scan(denied.as_bytes()).unwrap();
    let fault = response(&tree).unwrap_err();
    assert_eq!(fault.code(), "status");
    assert!(
        fault.came().contains("status:Responder`, `urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"),
        "{fault}"
    );
}

#[test]
fn messages_of_logout_have_their_own_shape() {
    let request = |inside: &str| {
        format!(
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
             xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\" Version=\"2.0\">\
             <saml:Issuer>urn:idp</saml:Issuer>{inside}</samlp:LogoutRequest>"
        )
    };
    for (inside, reason) in [
        ("<saml:NameID>ann</saml:NameID><samlp:SessionIndex>_s</samlp:SessionIndex>", "accepted"),
        ("<saml:NameID>ann</saml:NameID><saml:NameID>bob</saml:NameID>", "element_count"),
        ("<saml:EncryptedID/>", "encrypted_id"),
        ("<saml:Assertion ID=\"_b\"/>", "element_foreign"),
        ("<samlp:Extensions><a/></samlp:Extensions>", "extensions"),
    ] {
        let document = request(inside);
        let tree = scan(document.as_bytes()).unwrap();
        assert_eq!(code(&message(&tree, Kind::LogoutRequest)), reason, "{inside}");
        assert_eq!(code(&message(&tree, Kind::LogoutResponse)), "root");
    }
}
