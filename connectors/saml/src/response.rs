//! Owns what a response has to say: by whom, to whom, about whom, when, and in answer to what (security.md §3.1.7).
//! Never touches signatures: what it reads of an assertion was verified.

mod attributes;
mod moments;
mod subject;

use crate::{
    assertion::{Contents, VerifiedAssertion},
    expectations::{Expectations, Solicited},
    fault::Fault,
    gate::{Namespace, Node, shape::SUCCESS},
    reason::Reason,
    trace::{Check, Trace},
};
use moments::Moments;
use portico_core::time::Timestamp;
use std::borrow::Cow;

/// The format that an issuer has, if it has any (SAML Core §8.3.6).
const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";

/// What is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Exhibit<'t> {
    /// The response: verified bytes if it is signed, and otherwise what is around the assertion.
    pub(crate) response: Node<'t, 't>,
    /// Whether the response is signed.
    pub(crate) is_response_signed: bool,
    /// The assertion, verified.
    pub(crate) assertion: Node<'t, 't>,
}

/// Check everything, in order, one line of the trace each.
pub(crate) fn read(
    exhibit: Exhibit<'_>,
    expectations: &Expectations<'_>,
    trace: &mut Trace,
) -> Result<VerifiedAssertion, Fault> {
    let Exhibit { response, assertion, .. } = exhibit;
    let moments = Moments::new(expectations);
    trace.passed(Check::Version, version(response, assertion)?);
    trace.passed(Check::Status, status(response)?);
    trace.passed(Check::Issuer, issuers(response, assertion, expectations)?);
    trace.passed(Check::Destination, destination(exhibit, expectations)?);
    trace.passed(Check::InResponseTo, in_response_to(response, expectations)?);
    let issued = moments.issued(response)?.min(moments.issued(assertion)?);
    trace.passed(Check::IssueInstant, issued.iso());
    let subject = assertion.child(Namespace::Assertion, "Subject").ok_or(Reason::SubjectMissing)?;
    let name_id = subject::name_id(subject, expectations)?;
    let format = name_id.as_ref().map_or("no NameID", |name_id| &name_id.format);
    trace.passed(Check::Subject, format);
    let confirmed = subject::confirmation(subject, expectations, &moments)?;
    trace.passed(Check::Confirmation, format!("bearer, until {}", confirmed.iso()));
    trace.passed(Check::Recipient, expectations.recipient);
    let conditions = assertion.child(Namespace::Assertion, "Conditions").ok_or(Reason::ConditionsMissing)?;
    let until = moments.conditions(conditions)?;
    moments.lifetime(assertion, until.map_or(confirmed, |until| until.max(confirmed)))?;
    trace.passed(
        Check::Conditions,
        until.map_or_else(|| "no end".to_owned(), |until| format!("until {}", until.iso())),
    );
    trace.passed(Check::Audience, audience(conditions, expectations)?);
    let not_on_or_after = until.map_or(confirmed, |until| until.min(confirmed));
    let authentication = moments.authentication(assertion)?;
    let context = authentication.context.as_deref().unwrap_or("no context");
    trace.passed(Check::Authentication, format!("{}, {context}", authentication.instant.iso()));
    let session = authentication.session_not_on_or_after;
    trace.passed(Check::Session, session.map_or_else(|| "no end".to_owned(), Timestamp::iso));
    let attributes = attributes::read(assertion, expectations.policy)?;
    let names: Vec<_> = attributes.iter().map(|attribute| &*attribute.name).collect();
    trace.passed(Check::Attributes, names.join(", "));
    Ok(VerifiedAssertion::new(Contents {
        id: owned(assertion.attribute("ID")),
        issuer: expectations.identity_provider.to_owned(),
        name_id,
        session_index: authentication.session_index,
        authn_instant: authentication.instant,
        authn_context: authentication.context,
        session_not_on_or_after: session,
        not_on_or_after,
        attributes,
    }))
}

/// Which request a document says it answers. Nothing is verified: for explaining what would happen if it were asked for.
pub fn claimed_request(document: &[u8]) -> Option<String> {
    let tree = crate::gate::scan(document).ok()?;
    tree.root().attribute("InResponseTo").map(Cow::into_owned)
}

fn version(response: Node<'_, '_>, assertion: Node<'_, '_>) -> Result<&'static str, Fault> {
    let other = [response, assertion]
        .into_iter()
        .find(|node| node.attribute("Version").is_none_or(|version| version != "2.0"));
    match other {
        None => Ok("2.0"),
        Some(node) => Err(Fault::new(Reason::Version, "2.0", node)),
    }
}

/// SAML Core §3.2.2.1. A response that says that it did not work has no assertion; one that has both is refused too.
fn status(response: Node<'_, '_>) -> Result<&'static str, Fault> {
    let status = response.child(Namespace::Protocol, "Status");
    let code = status.and_then(|status| status.child(Namespace::Protocol, "StatusCode"));
    match code.and_then(|code| code.attribute("Value")) {
        Some(value) if value == SUCCESS => Ok(SUCCESS),
        Some(value) => Err(Fault::new(Reason::Status, SUCCESS, format_args!("`{value}`"))),
        None => Err(Fault::new(Reason::Status, SUCCESS, "without a status")),
    }
}

/// Both say who issued them, and it is the identity provider of the connection (SAML-62).
fn issuers<'e>(
    response: Node<'_, '_>,
    assertion: Node<'_, '_>,
    expectations: &Expectations<'e>,
) -> Result<&'e str, Fault> {
    for node in [response, assertion] {
        let issuer = node.child(Namespace::Assertion, "Issuer");
        let issuer = issuer.ok_or_else(|| Fault::new(Reason::IssuerMissing, "", node))?;
        let text = issuer.text().unwrap_or_default();
        let is_entity = issuer.attribute("Format").is_none_or(|format| format == ENTITY);
        if !is_entity || text != expectations.identity_provider {
            return Err(Fault::new(Reason::IssuerWrong, expectations.identity_provider, text));
        }
    }
    Ok(expectations.identity_provider)
}

/// SAML Bindings §3.5.5.2: a signed response says where it was sent. Addresses are compared as they are written
/// (SAML-33).
fn destination(exhibit: Exhibit<'_>, expectations: &Expectations<'_>) -> Result<String, Fault> {
    match exhibit.response.attribute("Destination") {
        Some(came) if came == expectations.destination => Ok(came.into_owned()),
        Some(came) => Err(Fault::new(Reason::DestinationWrong, expectations.destination, came)),
        None if exhibit.is_response_signed => {
            Err(Fault::new(Reason::DestinationMissing, expectations.destination, ""))
        }
        None => Ok("not given, and the response is not signed".to_owned()),
    }
}

/// SAML Profiles §4.1.4.3, §4.1.5: an answer names the request, and what nobody asked for names none.
fn in_response_to(response: Node<'_, '_>, expectations: &Expectations<'_>) -> Result<&'static str, Fault> {
    let came = response.attribute("InResponseTo");
    match (expectations.solicited, came) {
        (Solicited::By(id), Some(came)) if came == id => Ok("the request of this login"),
        (Solicited::By(_), Some(_)) => Err(Fault::new(Reason::InResponseToWrong, "", response)),
        (Solicited::By(_), None) => Err(Fault::new(Reason::InResponseToMissing, "", response)),
        (Solicited::ByNobody | Solicited::Forbidden, Some(_)) => Err(Reason::InResponseToForeign.into()),
        (Solicited::ByNobody, None) => Ok("none: the identity provider began"),
        (Solicited::Forbidden, None) => Err(Reason::Unsolicited.into()),
    }
}

/// SAML Core §2.5.1.4: the audience is in **every** restriction, and there is one at least.
fn audience<'e>(conditions: Node<'_, '_>, expectations: &Expectations<'e>) -> Result<&'e str, Fault> {
    let ours = expectations.service_provider;
    let mut restrictions = conditions.children_called(Namespace::Assertion, "AudienceRestriction").peekable();
    if restrictions.peek().is_none() {
        return Err(Fault::new(Reason::AudienceMissing, ours, ""));
    }
    for restriction in restrictions {
        let audiences =
            || restriction.children_called(Namespace::Assertion, "Audience").filter_map(Node::text);
        if !audiences().any(|audience| audience == ours) {
            let came: Vec<_> = audiences().collect();
            return Err(Fault::new(Reason::AudienceWrong, ours, came.join("`, `")));
        }
    }
    Ok(ours)
}

fn owned(value: Option<Cow<'_, str>>) -> String {
    value.unwrap_or_default().into_owned()
}
