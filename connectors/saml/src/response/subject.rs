//! Owns whom an assertion is about, and by what that is confirmed (SAML Core §2.4, SAML Profiles §4.1.4).
//! Never touches attributes.

use super::moments::{Moments, instant};
use crate::{
    assertion::NameId,
    expectations::{Expectations, Solicited},
    fault::Fault,
    gate::{Namespace, Node},
    reason::Reason,
};
use portico_core::time::Timestamp;
use std::borrow::Cow;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
/// The most characters of an identifier (SAML Core §8.3.7 has 256 for persistent ones).
const MAX_NAME_ID: usize = 256;

/// The identifier, if there is one. White space around it is refused, or taken off if the connection says so.
pub(super) fn name_id(
    subject: Node<'_, '_>,
    expectations: &Expectations<'_>,
) -> Result<Option<NameId>, Fault> {
    let Some(node) = subject.child(Namespace::Assertion, "NameID") else { return Ok(None) };
    let text = node.text().unwrap_or_default();
    let value = if expectations.policy.trim { text.trim() } else { &*text };
    let refused = |came: &str| Err(Fault::new(Reason::NameId, "", came));
    if value.trim().is_empty() {
        return refused("empty");
    }
    if value.trim().len() != value.len() {
        return refused("surrounded by white space");
    }
    if value.chars().count() > MAX_NAME_ID {
        return refused("longer than 256 characters");
    }
    if value.chars().any(is_invisible) {
        return refused("not plain text: it has characters that nobody sees");
    }
    let attribute = |name| node.attribute(name).map(Cow::into_owned).filter(|text: &String| !text.is_empty());
    let sp_name_qualifier = attribute("SPNameQualifier");
    if let Some(other) = sp_name_qualifier.as_ref().filter(|other| **other != expectations.service_provider) {
        return Err(Fault::new(Reason::NameIdQualifier, expectations.service_provider, other));
    }
    Ok(Some(NameId {
        value: value.to_owned(),
        format: attribute("Format").unwrap_or_else(|| NameId::UNSPECIFIED.to_owned()),
        name_qualifier: attribute("NameQualifier"),
        sp_name_qualifier,
    }))
}

/// Control characters, and characters of no width by which two identifiers look the same (SAML-56).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Until when the bearer is confirmed: exactly one confirmation can be used (SAML Profiles §4.1.4.3, SAML-35).
///
/// `Address` is not compared: between the identity provider's view of a browser and ours there are proxies.
pub(super) fn confirmation(
    subject: Node<'_, '_>,
    expectations: &Expectations<'_>,
    moments: &Moments<'_>,
) -> Result<Timestamp, Fault> {
    let bearers = subject
        .children_called(Namespace::Assertion, "SubjectConfirmation")
        .filter(|confirmation| confirmation.attribute("Method").is_some_and(|method| method == BEARER));
    let mut usable = None;
    let mut first_fault = None;
    for bearer in bearers {
        match until(bearer, expectations, moments) {
            Ok(_) if usable.is_some() => return Err(Reason::ConfirmationSeveral.into()),
            Ok(until) => usable = Some(until),
            Err(fault) => first_fault = first_fault.or(Some(fault)),
        }
    }
    usable.ok_or_else(|| first_fault.unwrap_or_else(|| Reason::ConfirmationMissing.into()))
}

fn until(
    bearer: Node<'_, '_>,
    expectations: &Expectations<'_>,
    moments: &Moments<'_>,
) -> Result<Timestamp, Fault> {
    let ours = expectations.recipient;
    let data = bearer.child(Namespace::Assertion, "SubjectConfirmationData");
    let data = data.ok_or_else(|| Fault::new(Reason::RecipientMissing, ours, ""))?;
    match data.attribute("Recipient") {
        Some(recipient) if recipient == ours => {}
        Some(recipient) => return Err(Fault::new(Reason::RecipientWrong, ours, recipient)),
        None => return Err(Fault::new(Reason::RecipientMissing, ours, "")),
    }
    match (expectations.solicited, data.attribute("InResponseTo")) {
        (Solicited::By(id), Some(came)) if came == id => {}
        (Solicited::By(_), Some(_)) => return Err(Fault::new(Reason::InResponseToWrong, "", data)),
        (Solicited::By(_), None) => return Err(Fault::new(Reason::InResponseToMissing, "", data)),
        (Solicited::ByNobody | Solicited::Forbidden, Some(_)) => {
            return Err(Reason::InResponseToForeign.into());
        }
        (Solicited::ByNobody | Solicited::Forbidden, None) => {}
    }
    if data.attribute("NotBefore").is_some() {
        return Err(Reason::ConfirmationNotBefore.into());
    }
    let until = instant(data, "NotOnOrAfter")?.ok_or(Reason::ConfirmationEndless)?;
    if moments.is_over(until) {
        return Err(Fault::new(Reason::ConfirmationExpired, expectations.now.iso(), until.iso()));
    }
    Ok(until)
}
