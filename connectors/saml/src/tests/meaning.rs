//! Owns the proof of what a response has to say, rule by rule, each with the last good value.
//! Never touches signatures: what is read here stands for verified bytes.

use super::{IDP, changed, code, expected, plain};
use crate::{
    assertion::VerifiedAssertion,
    expectations::{Expectations, Policy},
    fault::Fault,
    gate::{Namespace, scan},
    response::{Exhibit, read},
    trace::Trace,
};
use portico_core::time::Timestamp;

fn meant(
    document: &str,
    is_response_signed: bool,
    expectations: &Expectations<'_>,
) -> Result<VerifiedAssertion, Fault> {
    let tree = scan(document.as_bytes())?;
    let response = tree.root();
    let assertion = response.child(Namespace::Assertion, "Assertion").unwrap();
    read(Exhibit { response, is_response_signed, assertion }, expectations, &mut Trace::new())
}

fn said(document: &str, policy: &Policy) -> Result<VerifiedAssertion, Fault> {
    meant(document, true, &expected(policy, std::slice::from_ref(&IDP.trusted)))
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn every_rule_has_its_reason() {
    let confirmation = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">";
    let restriction =
        "<saml:AudienceRestriction><saml:Audience>urn:sp</saml:Audience></saml:AudienceRestriction>";
    let other =
        "<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>";
    for (from, to, reason) in [
        (
            "Version=\"2.0\" IssueInstant=\"2027-01-15T08:00:00Z\" D",
            "Version=\"1.1\" IssueInstant=\"2027-01-15T08:00:00Z\" D",
            "version",
        ),
        ("_assertion\" Version=\"2.0\"", "_assertion\" Version=\"2.1\"", "version"),
        ("_assertion\" Version=\"2.0\"", "_assertion\"", "version"),
        ("status:Success", "status:Requester", "status"),
        ("<samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/>", "", "status"),
        ("<saml:Issuer>urn:idp</saml:Issuer><samlp", "<samlp", "issuer_missing"),
        ("<saml:Issuer>urn:idp</saml:Issuer><saml:Subject>", "<saml:Subject>", "issuer_missing"),
        (
            "<saml:Issuer>urn:idp</saml:Issuer><samlp",
            "<saml:Issuer>urn:evil</saml:Issuer><samlp",
            "issuer_wrong",
        ),
        (
            "<saml:Issuer>urn:idp</saml:Issuer><saml:Subject>",
            "<saml:Issuer>urn:idp </saml:Issuer><saml:Subject>",
            "issuer_wrong",
        ),
        (
            "<saml:Issuer>",
            "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">",
            "issuer_wrong",
        ),
        (" Destination=\"https://sp.example/acs\"", "", "destination_missing"),
        (
            "Destination=\"https://sp.example/acs\"",
            "Destination=\"https://sp.example/acs/\"",
            "destination_wrong",
        ),
        (
            "Destination=\"https://sp.example/acs\"",
            "Destination=\"https://sp.example:443/acs\"",
            "destination_wrong",
        ),
        (
            "Destination=\"https://sp.example/acs\"",
            "Destination=\"https://SP.example/acs\"",
            "destination_wrong",
        ),
        ("InResponseTo=\"_request\">", "InResponseTo=\"_another\">", "in_response_to_wrong"),
        (" InResponseTo=\"_request\">", ">", "in_response_to_missing"),
        ("InResponseTo=\"_request\" R", "InResponseTo=\"_another\" R", "in_response_to_wrong"),
        ("InResponseTo=\"_request\" R", "R", "in_response_to_missing"),
        ("Recipient=\"https://sp.example/acs\"", "Recipient=\"https://evil.example/acs\"", "recipient_wrong"),
        (" Recipient=\"https://sp.example/acs\"", "", "recipient_missing"),
        ("cm:bearer", "cm:holder-of-key", "confirmation_missing"),
        (
            "NotOnOrAfter=\"2027-01-15T08:05:00Z\"",
            "NotBefore=\"2027-01-15T07:05:00Z\" NotOnOrAfter=\"2027-01-15T08:05:00Z\"",
            "confirmation_not_before",
        ),
        (" NotOnOrAfter=\"2027-01-15T08:05:00Z\"", "", "confirmation_endless"),
        (
            confirmation,
            "<saml:SubjectConfirmation Method=\"urn:other\"/><saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">",
            "accepted",
        ),
        (
            confirmation,
            "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"/><saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\">",
            "accepted",
        ),
        (restriction, "", "audience_missing"),
        ("<saml:Audience>urn:sp</saml:Audience>", "", "audience_wrong"),
        ("<saml:Audience>urn:sp</saml:Audience>", "<saml:Audience>urn:sp/</saml:Audience>", "audience_wrong"),
        (
            "<saml:Audience>urn:sp</saml:Audience>",
            "<saml:Audience>urn:other</saml:Audience><saml:Audience>urn:sp</saml:Audience>",
            "accepted",
        ),
        (restriction, &format!("{restriction}{other}"), "audience_wrong"),
        (restriction, &format!("{other}{restriction}"), "audience_wrong"),
        (
            restriction,
            &format!("{restriction}{restriction}<saml:OneTimeUse/><saml:ProxyRestriction Count=\"0\"/>"),
            "accepted",
        ),
        (restriction, &format!("{restriction}<saml:Condition/>"), "condition_unknown"),
        (restriction, &format!("{restriction}<samlp:OneTimeUse/>"), "condition_unknown"),
        (">ann<", "><", "name_id"),
        (">ann<", "> <", "name_id"),
        (">ann<", "> ann<", "name_id"),
        (">ann<", ">ann&#10;<", "name_id"),
        (">ann<", ">an\u{200b}n<", "name_id"),
        (">ann<", ">an&#x202e;n<", "name_id"),
        (">ann<", ">an&#x85;n<", "name_id"),
        (">ann<", ">Ann é O&apos;Neil<", "accepted"),
        ("SPNameQualifier=\"urn:sp\"", "SPNameQualifier=\"urn:other\"", "name_id_qualifier"),
        ("SPNameQualifier=\"urn:sp\"", "SPNameQualifier=\"\"", "accepted"),
        ("Name=\"groups\" ", "", "attribute_name"),
        ("Name=\"groups\" ", "Name=\"\" ", "attribute_name"),
        (">red<", "><b/><", "attribute_value"),
        (">red<", ">r<b/>ed<", "attribute_value"),
        (">red<", ">x<saml:NameID>red</saml:NameID><", "attribute_value"),
        (">red<", "><saml:NameID>red</saml:NameID><saml:NameID>red</saml:NameID><", "attribute_value"),
        ("2027-01-15T07:58:00Z", "yesterday", "time_format"),
        (" AuthnInstant=\"2027-01-15T07:58:00Z\"", "", "time_format"),
        ("IssueInstant=\"2027-01-15T08:00:00Z\"", "IssueInstant=\"2027-01-15\"", "time_format"),
        ("2027-01-15T16:00:00Z", "2027-01-15T08:00:00.1234567Z", "accepted"),
    ] {
        assert_eq!(code(&said(&changed(&plain(), from, to), &Policy::default())), reason, "{from} -> {to}");
    }
}

#[test]
fn whole_parts_that_are_missing_have_their_reasons() {
    let without = |element: &str| {
        let document = plain();
        let start = document.find(&format!("<saml:{element}")).unwrap();
        let end = format!("</saml:{}>", element.trim_end_matches('>'));
        let length = document[start..].find(&end).unwrap() + end.len();
        format!("{}{}", &document[..start], &document[start + length..])
    };
    for (element, reason) in [
        ("Subject>", "subject_missing"),
        ("NameID", "accepted"),
        ("Conditions", "conditions_missing"),
        ("AuthnStatement", "authn_statement_missing"),
        ("AuthnContext", "accepted"),
        ("AttributeStatement", "accepted"),
    ] {
        assert_eq!(code(&said(&without(element), &Policy::default())), reason, "{element}");
    }
    let two = plain();
    let confirmation =
        &two[two.find("<saml:SubjectConfirmation ").unwrap()..two.find("</saml:Subject>").unwrap()];
    let twice = changed(&two, "</saml:Subject>", &format!("{confirmation}</saml:Subject>"));
    assert_eq!(code(&said(&twice, &Policy::default())), "confirmation_several");
}

#[test]
fn clocks_may_differ_by_a_minute() {
    let issued = "IssueInstant=\"2027-01-15T08:00:00Z\"";
    for (from, good, bad, reason) in [
        (
            "NotBefore=\"2027-01-15T07:59:00Z\"",
            "2027-01-15T08:00:59Z",
            "2027-01-15T08:01:01Z",
            "not_yet_valid",
        ),
        ("NotOnOrAfter=\"2027-01-15T08:10:00Z\"", "2027-01-15T07:59:01Z", "2027-01-15T07:58:59Z", "expired"),
        (
            "NotOnOrAfter=\"2027-01-15T08:05:00Z\"",
            "2027-01-15T07:59:01Z",
            "2027-01-15T07:58:59Z",
            "confirmation_expired",
        ),
        ("NotOnOrAfter=\"2027-01-15T08:05:00Z\"", "2027-01-16T07:59:59Z", "2027-01-16T08:00:01Z", "lifetime"),
        ("NotOnOrAfter=\"2027-01-15T08:10:00Z\"", "2027-01-16T07:59:59Z", "2027-01-16T08:00:01Z", "lifetime"),
        (issued, "2027-01-15T08:00:59Z", "2027-01-15T08:01:01Z", "issued_in_future"),
        (issued, "2027-01-15T07:54:01Z", "2027-01-15T07:53:59Z", "issued_too_long_ago"),
        (
            "AuthnInstant=\"2027-01-15T07:58:00Z\"",
            "2027-01-15T08:00:59Z",
            "2027-01-15T08:01:01Z",
            "authn_instant_in_future",
        ),
        (
            "SessionNotOnOrAfter=\"2027-01-15T16:00:00Z\"",
            "2027-01-15T07:59:01Z",
            "2027-01-15T07:58:59Z",
            "session_over",
        ),
    ] {
        let name = from.split('"').next().unwrap();
        for (instant, verdict) in [(good, "accepted"), (bad, reason)] {
            let document = changed(&plain(), from, &format!("{name}\"{instant}\""));
            assert_eq!(code(&said(&document, &Policy::default())), verdict, "{name}\"{instant}\"");
        }
    }
    let assertion = changed(
        &plain(),
        &format!("_assertion\" Version=\"2.0\" {issued}"),
        "_assertion\" Version=\"2.0\" IssueInstant=\"2028-01-15T08:00:00Z\"",
    );
    assert_eq!(code(&said(&assertion, &Policy::default())), "issued_in_future");
}

#[test]
fn an_unsigned_response_may_leave_its_destination_out_but_not_lie() {
    let (policy, trusted) = (Policy::default(), [IDP.trusted.clone()]);
    let verdict = |document: &str| code(&meant(document, false, &expected(&policy, &trusted)));
    let destination = " Destination=\"https://sp.example/acs\"";
    assert_eq!(verdict(&changed(&plain(), destination, "")), "accepted");
    assert_eq!(
        verdict(&changed(&plain(), destination, " Destination=\"https://evil.example/\"")),
        "destination_wrong"
    );
}

#[test]
fn policy_can_ask_for_more() {
    let trim = Policy { trim: true, ..Policy::default() };
    let spaced = changed(&changed(&plain(), ">ann<", ">\n ann <"), ">red<", "> red\t<");
    let read = said(&spaced, &trim).unwrap();
    assert_eq!(read.name_id().unwrap().value, "ann");
    assert_eq!(read.attributes()[0].values, ["red", "blue"]);
    let kept = said(&changed(&plain(), ">red<", "> red<"), &Policy::default()).unwrap();
    assert_eq!(kept.attributes()[0].values, [" red", "blue"]);

    let strong = |context: &str| Policy { authn_contexts: vec![context.to_owned()], ..Policy::default() };
    assert_eq!(code(&said(&plain(), &strong("urn:password"))), "accepted");
    assert_eq!(code(&said(&plain(), &strong("urn:token"))), "authn_context");

    let (policy, trusted) = (Policy::default(), [IDP.trusted.clone()]);
    for (asked, verdict) in
        [("2027-01-15T07:58:59Z", "accepted"), ("2027-01-15T07:59:01Z", "authn_instant_old")]
    {
        let signed_in_after = Timestamp::parse(asked);
        let expectations = Expectations { signed_in_after, ..expected(&policy, &trusted) };
        assert_eq!(code(&meant(&plain(), true, &expectations)), verdict);
    }
}

#[test]
fn values_are_read_in_all_their_forms() {
    let document = changed(
        &plain(),
        "<saml:AttributeValue>red</saml:AttributeValue>",
        "<saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/>\
         <saml:AttributeValue/><saml:AttributeValue>a &amp; b</saml:AttributeValue>\
         <saml:AttributeValue>\n<saml:NameID Format=\"urn:p\">opaque</saml:NameID></saml:AttributeValue>",
    );
    let read = said(&document, &Policy::default()).unwrap();
    assert_eq!(read.attributes()[0].values, ["", "a & b", "opaque", "blue"]);
}
