//! Owns what we say in single logout (SAML Profiles §4.4): that a session of ours ended, and that one did because theirs did.
//! Never touches sessions: the router ends them.

use crate::{
    authn_request::fresh_id,
    gate::shape::SUCCESS,
    message::{Message, SAML, SAMLP},
    party::{OwnKeys, Party},
    settings::Place,
    xml::Element,
};
use portico_core::{
    connector::{ConnectorError, Interaction},
    entropy::Entropy,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a request counts: it goes there at once or never.
const LIFETIME: Duration = Duration::from_mins(5);

/// What single logout needs to know of a sign-in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Upstream {
    pub(crate) name_id: String,
    pub(crate) format: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name_qualifier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sp_name_qualifier: Option<String>,
}

/// Ask for the end of a session there. Always signed: whoever could ask unsigned could end anybody's.
pub(crate) fn request(
    (upstream, session_index, handle): (&Upstream, Option<&str>, &str),
    sign_out: &Place,
    party: &Party,
    keys: &OwnKeys,
    (entropy, now): (&dyn Entropy, Timestamp),
) -> Result<Interaction, ConnectorError> {
    let id = fresh_id(entropy);
    let name_id = Element::new("saml:NameID")
        .namespace("saml", SAML)
        .attribute("Format", &upstream.format)
        .maybe("NameQualifier", upstream.name_qualifier.as_deref())
        .maybe("SPNameQualifier", upstream.sp_name_qualifier.as_deref())
        .text(&upstream.name_id);
    let root = Element::new("samlp:LogoutRequest")
        .namespace("samlp", SAMLP)
        .attribute("ID", &id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", &now.iso())
        .attribute("Destination", sign_out.url.as_str())
        .attribute("NotOnOrAfter", &now.plus(LIFETIME).iso())
        .child(Element::new("saml:Issuer").namespace("saml", SAML).text(&party.entity_id))
        .child(name_id)
        .children(session_index.map(|index| Element::new("samlp:SessionIndex").text(index)));
    let signing = Some(keys.signing.as_ref().ok_or_else(no_key)?);
    let message = Message { parameter: "SAMLRequest", id: &id, root, relay_state: Some(handle), signing };
    message.toward(&sign_out.url, sign_out.binding)
}

/// Answer that the sessions ended (SAML Core §3.7.2). That there were none is as good.
pub(crate) fn answer(
    (request, relay_state): (&str, Option<&str>),
    sign_out: &Place,
    party: &Party,
    keys: &OwnKeys,
    (entropy, now): (&dyn Entropy, Timestamp),
) -> Result<Interaction, ConnectorError> {
    let id = fresh_id(entropy);
    let url = sign_out.response_url.as_ref().unwrap_or(&sign_out.url);
    let code = Element::new("samlp:StatusCode").attribute("Value", SUCCESS);
    let root = Element::new("samlp:LogoutResponse")
        .namespace("samlp", SAMLP)
        .attribute("ID", &id)
        .attribute("Version", "2.0")
        .attribute("IssueInstant", &now.iso())
        .attribute("Destination", url.as_str())
        .attribute("InResponseTo", request)
        .child(Element::new("saml:Issuer").namespace("saml", SAML).text(&party.entity_id))
        .child(Element::new("samlp:Status").child(code));
    let signing = Some(keys.signing.as_ref().ok_or_else(no_key)?);
    let message = Message { parameter: "SAMLResponse", id: &id, root, relay_state, signing };
    message.toward(url, sign_out.binding)
}

fn no_key() -> ConnectorError {
    ConnectorError::Misconfigured("there is no key pair of ours to sign with".to_owned())
}
