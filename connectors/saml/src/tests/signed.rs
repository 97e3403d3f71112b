//! Owns the proof of the whole way: what is signed by a trusted key is accepted as it was signed, and nothing else is.
//! Never touches single rules of the gate or of meaning.

use super::{
    CURVED, ECDSA_SHA256, IDP, NOW, OTHER, RSA_SHA256, STRONG, Signer, behind_issuer, changed, code,
    expected, judged, judged_by, judged_with, plain, signed_assertion, signed_response, template,
};
use crate::{
    assertion::Attribute,
    expectations::{Expectations, Policy, Solicited},
    gate::{Namespace, shape::Kind},
    key::TrustedKey,
    trace::Trace,
    verify::message,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::time::Timestamp;

#[test]
fn a_signed_assertion_is_read_as_it_was_signed() {
    let verified = judged(&signed_assertion(&plain(), &IDP, RSA_SHA256)).unwrap();
    assert_eq!(verified.id(), "_assertion");
    assert_eq!(verified.issuer(), "urn:idp");
    let name_id = verified.name_id().unwrap();
    assert_eq!((&*name_id.value, &*name_id.format), ("ann", "urn:f"));
    assert_eq!(name_id.name_qualifier.as_deref(), Some("urn:idp"));
    assert_eq!(name_id.sp_name_qualifier.as_deref(), Some("urn:sp"));
    assert_eq!(verified.session_index(), Some("_s"));
    assert_eq!(verified.authn_instant(), Timestamp::parse("2027-01-15T07:58:00Z").unwrap());
    assert_eq!(verified.authn_context(), Some("urn:password"));
    assert_eq!(verified.session_not_on_or_after(), Timestamp::parse("2027-01-15T16:00:00Z"));
    assert_eq!(verified.not_on_or_after(), Timestamp::parse("2027-01-15T08:05:00Z").unwrap());
    let groups = Attribute {
        name: "groups".to_owned(),
        name_format: Some("urn:nf".to_owned()),
        friendly_name: Some("Groups".to_owned()),
        values: vec!["red".to_owned(), "blue".to_owned()],
    };
    assert_eq!(verified.attributes(), [groups]);
}

#[test]
fn response_assertion_or_both_can_be_signed() {
    let assertion = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let response = signed_response(&plain(), &IDP, RSA_SHA256);
    let both = signed_response(&assertion, &IDP, RSA_SHA256);
    let want_response = Policy { want_response_signed: true, ..Policy::default() };
    let want_assertion = Policy { want_assertion_signed: true, ..Policy::default() };
    for (document, by_default, with_response, with_assertion) in [
        (&plain(), "signature_missing", "signature_missing", "signature_missing"),
        (&assertion, "accepted", "response_unsigned", "accepted"),
        (&response, "accepted", "accepted", "assertion_unsigned"),
        (&both, "accepted", "accepted", "accepted"),
    ] {
        assert_eq!(code(&judged(document)), by_default);
        assert_eq!(code(&judged_by(document, &want_response)), with_response);
        assert_eq!(code(&judged_by(document, &want_assertion)), with_assertion);
    }
    assert_eq!(judged(&assertion).unwrap(), judged(&response).unwrap());
    assert_eq!(judged(&assertion).unwrap(), judged(&both).unwrap());
}

#[test]
fn whatever_is_changed_after_signing_is_refused() {
    let assertion = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let both = signed_response(&assertion, &IDP, RSA_SHA256);
    for document in [&assertion, &both] {
        for (from, to) in [
            (">ann<", ">bob<"),
            (">red<", "> red<"),
            ("<saml:AttributeValue>red", "<saml:AttributeValue a=\"b\">red"),
            ("Name=\"groups\"", "Name=\"role\""),
            ("</saml:AttributeValue><saml", "</saml:AttributeValue> <saml"),
            ("urn:password", "urn:passwore"),
        ] {
            assert_eq!(code(&judged(&changed(document, from, to))), "signature_invalid", "{from} -> {to}");
        }
    }
    // What the signature does not cover is checked all the same.
    assert_eq!(code(&judged(&changed(&assertion, "Success", "Responder"))), "status");
    assert_eq!(code(&judged(&changed(&both, "Success", "Responder"))), "signature_invalid");
}

#[test]
fn only_trusted_keys_count() {
    let document = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let policy = Policy::default();
    for (trusted, verdict) in [
        (&[], "no_trusted_key"),
        (std::slice::from_ref(&IDP.trusted), "accepted"),
        (std::slice::from_ref(&OTHER.trusted), "signature_invalid"),
        (std::slice::from_ref(&CURVED.trusted), "signature_invalid"),
        (&[CURVED.trusted.clone(), OTHER.trusted.clone(), IDP.trusted.clone()], "accepted"),
    ] as [(&[TrustedKey], _); 5]
    {
        assert_eq!(code(&judged_with(&document, &expected(&policy, trusted))), verdict);
    }
    let curved = signed_assertion(&plain(), &CURVED, ECDSA_SHA256);
    let trusted = [IDP.trusted.clone(), CURVED.trusted.clone()];
    assert_eq!(code(&judged_with(&curved, &expected(&policy, &trusted))), "accepted");
    assert_eq!(code(&judged(&curved)), "signature_invalid");
    // Two signatures are of one key: the response's cannot vouch for a stranger's assertion.
    let mixed = signed_response(&signed_assertion(&plain(), &OTHER, RSA_SHA256), &IDP, RSA_SHA256);
    let trusted = [IDP.trusted.clone(), OTHER.trusted.clone()];
    assert_eq!(code(&judged_with(&mixed, &expected(&policy, &trusted))), "signature_invalid");
}

#[test]
fn every_algorithm_of_the_list_verifies() {
    let policy = Policy::default();
    for hash in ["sha256", "sha384", "sha512"] {
        for (signer, family) in [(&*IDP, "rsa"), (&*CURVED, "ecdsa"), (&*STRONG, "ecdsa")] {
            let method = format!("http://www.w3.org/2001/04/xmldsig-more#{family}-{hash}");
            let space = if hash == "sha384" { "xmldsig-more" } else { "xmlenc" };
            let digest = format!("http://www.w3.org/2001/04/{space}#{hash}");
            let template =
                template("_assertion", &method).replace("http://www.w3.org/2001/04/xmlenc#sha256", &digest);
            let document = signer.sign(&behind_issuer(&plain(), 1, &template));
            assert!(document.contains(&digest));
            let trusted = std::slice::from_ref(&signer.trusted);
            assert_eq!(code(&judged_with(&document, &expected(&policy, trusted))), "accepted", "{method}");
        }
    }
}

#[test]
fn a_wrong_signature_says_whose_certificate_came() {
    let came = |document: &str| judged(document).unwrap_err().came().to_owned();
    let signed = signed_assertion(&plain(), &OTHER, RSA_SHA256);
    assert_eq!(came(&signed), "it brings no certificate");
    let with = |signer: &Signer, document: &str| {
        let certificate = STANDARD.encode(signer.trusted.der());
        let info = format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>"
        );
        changed(document, "</ds:SignatureValue>", &format!("</ds:SignatureValue>{info}</ds:KeyInfo>"))
    };
    let fingerprint = OTHER.trusted.fingerprint();
    assert_eq!(
        came(&with(&OTHER, &signed)),
        format!("it brings the certificate with sha256 {fingerprint}, which is not trusted")
    );
    let tampered = changed(&signed_assertion(&plain(), &IDP, RSA_SHA256), ">ann<", ">bob<");
    assert_eq!(
        came(&with(&IDP, &tampered)),
        "it brings a certificate that is trusted: it was changed after signing"
    );
}

#[test]
fn dates_of_certificates_count_when_they_are_enforced() {
    let document = signed_assertion(&plain(), &IDP, RSA_SHA256);
    let trusted = [IDP.trusted.clone()];
    let at = |now: Timestamp, enforce_certificate_validity| {
        let policy = Policy { enforce_certificate_validity, ..Policy::default() };
        code(&judged_with(&document, &Expectations { now, ..expected(&policy, &trusted) }))
    };
    let late = Timestamp::from_seconds(NOW.seconds() + 1001);
    assert_eq!(at(NOW, true), "accepted");
    assert_eq!(at(late, true), "certificate_expired");
    assert_eq!(at(late, false), "issued_too_long_ago");
}

#[test]
fn an_unsolicited_response_needs_leave_and_names_no_request() {
    let unsolicited = plain().replace(" InResponseTo=\"_request\"", "");
    let trusted = [IDP.trusted.clone()];
    let policy = Policy::default();
    let verdict = |document: &str, solicited| {
        let document = signed_assertion(document, &IDP, RSA_SHA256);
        code(&judged_with(&document, &Expectations { solicited, ..expected(&policy, &trusted) }))
    };
    assert_eq!(verdict(&unsolicited, Solicited::ByNobody), "accepted");
    assert_eq!(verdict(&unsolicited, Solicited::Forbidden), "unsolicited");
    assert_eq!(verdict(&unsolicited, Solicited::By("_request")), "in_response_to_missing");
    assert_eq!(verdict(&plain(), Solicited::ByNobody), "in_response_to_foreign");
    assert_eq!(verdict(&plain(), Solicited::Forbidden), "in_response_to_foreign");
    assert_eq!(verdict(&plain(), Solicited::By("_another")), "in_response_to_wrong");
    let half = changed(&plain(), " InResponseTo=\"_request\"", "");
    assert_eq!(verdict(&half, Solicited::ByNobody), "in_response_to_foreign");
}

#[test]
fn the_trace_names_every_check_and_ends_with_the_first_that_fails() {
    let mut trace = Trace::new();
    let (policy, trusted) = (Policy::default(), [IDP.trusted.clone()]);
    let document = signed_assertion(&plain().replace("urn:sp<", "urn:other<"), &IDP, RSA_SHA256);
    crate::judge::judge(document.as_bytes(), &expected(&policy, &trusted), &mut trace).unwrap_err();
    let checks: Vec<_> = trace.steps().iter().map(|step| step.check.code()).collect();
    let all = "trust well_formed shape algorithms signed signature version status issuer destination in_response_to \
               issue_instant subject confirmation recipient conditions audience";
    assert_eq!(checks.join(" "), all);
    let told = serde_json::to_value(&trace).unwrap();
    assert_eq!(told[5]["passed"], true);
    assert_eq!(
        told[5]["found"],
        format!("by the key of the certificate with sha256 {}", IDP.trusted.fingerprint())
    );
    let last = &told[16];
    assert_eq!(last["reason"], "audience_wrong");
    assert_eq!((&last["expected"], &last["came"]), (&"urn:sp".into(), &"urn:other".into()));
    assert_eq!(last["advice"], "set the Audience (Entity ID) in the identity provider to `urn:sp`");
    for secret in ["ann", "red", "blue"] {
        assert!(!told.to_string().contains(&format!("\"{secret}")), "{told}");
    }
}

#[test]
fn a_message_of_logout_is_taken_only_with_its_own_signature() {
    let request = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
                   xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_response\" Version=\"2.0\">\
                   <saml:Issuer>urn:idp</saml:Issuer><saml:NameID>ann</saml:NameID></samlp:LogoutRequest>";
    let signed = signed_response(request, &IDP, RSA_SHA256);
    let verdict =
        |document: &str, keys: &[&TrustedKey]| code(&message(document.as_bytes(), Kind::LogoutRequest, keys));
    assert_eq!(verdict(&signed, &[&IDP.trusted]), "accepted");
    assert_eq!(verdict(request, &[&IDP.trusted]), "message_unsigned");
    assert_eq!(verdict(&signed, &[&OTHER.trusted]), "signature_invalid");
    assert_eq!(verdict(&signed, &[]), "no_trusted_key");
    assert_eq!(verdict(&changed(&signed, ">ann<", ">bob<"), &[&IDP.trusted]), "signature_invalid");
    let verified = message(signed.as_bytes(), Kind::LogoutRequest, &[&IDP.trusted]).unwrap();
    let name_id = verified.tree().unwrap().root().child(Namespace::Assertion, "NameID").unwrap().text();
    assert_eq!(name_id.as_deref(), Some("ann"));
}
