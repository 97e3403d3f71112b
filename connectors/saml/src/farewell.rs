//! Owns what the other side says about ended sessions (SAML Profiles §4.4): that theirs ended and ours has to, or that they
//! did what we asked.
//! Never touches sessions.

use crate::{
    fault::Fault,
    gate::{
        Namespace, Node, Tree, scan,
        shape::{self, Kind, SUCCESS},
    },
    key::TrustedKey,
    party::Party,
    posted, query,
    reason::Reason,
    settings::Settings,
    verify,
};
use portico_core::{connector::Delivery, time::Timestamp};

/// A message that is good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    /// Sessions of this person ended there.
    Ended {
        /// The request's ID, to be answered.
        id: String,
        /// Whom they call so.
        name_id: String,
        /// Which of their sessions; all, when none is named.
        session_indexes: Vec<String>,
        /// What its sender wants back.
        relay_state: Option<String>,
        /// When it is too old to be taken.
        until: Timestamp,
    },
    /// They did what we asked, or did not.
    Answered {
        /// Whether it worked.
        is_success: bool,
    },
}

/// Judge a message: its signature first, then whose it is, for whom, and when (SAML-54).
pub(crate) fn judge(
    delivery: &Delivery,
    settings: &Settings,
    party: &Party,
    now: Timestamp,
) -> Result<Said, Fault> {
    let skip = |key: &&TrustedKey| settings.policy.enforce_certificate_validity && !key.is_valid_at(now);
    let keys: Vec<&TrustedKey> = settings.trusted.iter().filter(|key| !skip(key)).collect();
    if keys.is_empty() {
        return Err(Reason::NoTrustedKey.into());
    }
    let expected = Expected { settings, party, now };
    match (delivery.form.get("SAMLRequest"), delivery.form.get("SAMLResponse")) {
        (Some(_), Some(_)) => Err(Fault::new(Reason::QueryShape, "", "both a request and a response")),
        (Some(request), None) => {
            let document = posted::document(request)?;
            let verified = verify::message(&document, Kind::LogoutRequest, &keys)?;
            let relay_state = delivery.form.get("RelayState").map(str::to_owned);
            expected.request(&verified.tree()?, relay_state)
        }
        (None, Some(response)) => {
            let document = posted::document(response)?;
            let verified = verify::message(&document, Kind::LogoutResponse, &keys)?;
            expected.response(&verified.tree()?)
        }
        (None, None) => {
            let delivered = query::verified(delivery.query.as_deref().unwrap_or_default(), &keys)?;
            let tree = scan(&delivered.document)?;
            if delivered.is_request {
                expected.request(&tree, delivered.relay_state)
            } else {
                expected.response(&tree)
            }
        }
    }
}

struct Expected<'e> {
    settings: &'e Settings,
    party: &'e Party,
    now: Timestamp,
}

impl Expected<'_> {
    fn request(&self, tree: &Tree<'_>, relay_state: Option<String>) -> Result<Said, Fault> {
        let root = shape::message(tree, Kind::LogoutRequest)?.node;
        let until = self.envelope(root)?;
        if let Some(end) = moment(root, "NotOnOrAfter")?
            && end <= self.now.minus(self.settings.policy.skew)
        {
            return Err(Fault::new(Reason::Expired, self.now.iso(), end.iso()));
        }
        let name_id = root.child(Namespace::Assertion, "NameID").and_then(Node::text).unwrap_or_default();
        if name_id.trim().is_empty() {
            return Err(Fault::new(Reason::NameId, "", "empty"));
        }
        let indexes = root.children_called(Namespace::Protocol, "SessionIndex").filter_map(Node::text);
        Ok(Said::Ended {
            id: root.attribute("ID").unwrap_or_default().into_owned(),
            name_id: name_id.into_owned(),
            session_indexes: indexes.map(std::borrow::Cow::into_owned).collect(),
            relay_state,
            until,
        })
    }

    fn response(&self, tree: &Tree<'_>) -> Result<Said, Fault> {
        let root = shape::message(tree, Kind::LogoutResponse)?.node;
        self.envelope(root)?;
        let code = root
            .child(Namespace::Protocol, "Status")
            .and_then(|status| status.child(Namespace::Protocol, "StatusCode"))
            .and_then(|code| code.attribute("Value"));
        Ok(Said::Answered { is_success: code.is_some_and(|code| code == SUCCESS) })
    }

    /// What all messages have: whose, for whom, when; until when the message is taken.
    fn envelope(&self, root: Node<'_, '_>) -> Result<Timestamp, Fault> {
        if root.attribute("Version").as_deref() != Some("2.0") {
            return Err(Fault::new(Reason::Version, "", root));
        }
        let theirs = self.settings.identity_provider.as_deref().unwrap_or_default();
        let issuer = root.child(Namespace::Assertion, "Issuer").and_then(Node::text);
        let issuer = issuer.ok_or_else(|| Fault::new(Reason::IssuerMissing, "", root))?;
        if issuer != theirs {
            return Err(Fault::new(Reason::IssuerWrong, theirs, issuer));
        }
        // SAML Bindings §3.4.5.2, §3.5.5.2: a signed message says where it was sent.
        match root.attribute("Destination") {
            Some(came) if came == self.party.logout => {}
            Some(came) => return Err(Fault::new(Reason::DestinationWrong, &self.party.logout, came)),
            None => return Err(Fault::new(Reason::DestinationMissing, &self.party.logout, "")),
        }
        let policy = &self.settings.policy;
        let issued = moment(root, "IssueInstant")?
            .ok_or_else(|| Fault::new(Reason::TimeFormat, "IssueInstant", "nothing"))?;
        let said = || format!("{root} was issued at {}", issued.iso());
        if issued > self.now.plus(policy.skew) {
            return Err(Fault::new(Reason::IssuedInFuture, self.now.iso(), said()));
        }
        if issued < self.now.minus(policy.skew).minus(policy.max_age) {
            return Err(Fault::new(Reason::IssuedTooLongAgo, self.now.iso(), said()));
        }
        Ok(issued.plus(policy.skew).plus(policy.max_age))
    }
}

fn moment(node: Node<'_, '_>, name: &'static str) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = node.attribute(name) else { return Ok(None) };
    let instant = Timestamp::parse(&text).ok_or_else(|| Fault::new(Reason::TimeFormat, name, text))?;
    Ok(Some(instant))
}
