//! Owns every comparison with the clock: clocks may differ by the policy's skew, and no more.
//! Never touches a clock: now is among the expectations.

use crate::{
    expectations::Expectations,
    fault::Fault,
    gate::{Namespace, Node},
    reason::Reason,
};
use portico_core::time::Timestamp;

pub(super) struct Moments<'e> {
    expectations: &'e Expectations<'e>,
    /// The latest that a clock may show.
    latest: Timestamp,
    /// The earliest that a clock may show.
    earliest: Timestamp,
}

/// What an `AuthnStatement` says (SAML Core §2.7.2).
pub(super) struct Authentication {
    pub(super) instant: Timestamp,
    pub(super) context: Option<String>,
    pub(super) session_index: Option<String>,
    pub(super) session_not_on_or_after: Option<Timestamp>,
}

impl<'e> Moments<'e> {
    pub(super) fn new(expectations: &'e Expectations<'e>) -> Self {
        let (now, skew) = (expectations.now, expectations.policy.skew);
        Self { expectations, latest: now.plus(skew), earliest: now.minus(skew) }
    }

    fn now(&self) -> String {
        self.expectations.now.iso()
    }

    /// When a response or assertion was issued: not in the future, and not long ago (F10, SAML-38).
    pub(super) fn issued(&self, node: Node<'_, '_>) -> Result<Timestamp, Fault> {
        let issued = instant(node, "IssueInstant")?.ok_or_else(|| absent(node, "IssueInstant"))?;
        let said = || format!("{node} was issued at {}", issued.iso());
        if issued > self.latest {
            return Err(Fault::new(Reason::IssuedInFuture, self.now(), said()));
        }
        if issued < self.earliest.minus(self.expectations.policy.max_age) {
            return Err(Fault::new(Reason::IssuedTooLongAgo, self.now(), said()));
        }
        Ok(issued)
    }

    /// Whether a moment that ends something is still to come.
    pub(super) fn is_over(&self, until: Timestamp) -> bool {
        until <= self.earliest
    }

    /// How long the conditions hold, if they say so. All conditions have to be known (SAML Core §2.5.1.1).
    pub(super) fn conditions(&self, conditions: Node<'_, '_>) -> Result<Option<Timestamp>, Fault> {
        let is_known = |child: &Node<'_, '_>| {
            // `OneTimeUse`: no assertion is used twice here. `ProxyRestriction`: nobody gets an assertion from us.
            child.namespace() == Namespace::Assertion
                && matches!(child.local(), "AudienceRestriction" | "OneTimeUse" | "ProxyRestriction")
        };
        if let Some(unknown) = conditions.children().find(|child| !is_known(child)) {
            return Err(Fault::new(Reason::ConditionUnknown, "", unknown));
        }
        if conditions.is_mixed() || conditions.is_leaf() && !conditions.is_empty() {
            return Err(Fault::new(Reason::TextForeign, "", conditions));
        }
        if let Some(from) = instant(conditions, "NotBefore")?
            && from > self.latest
        {
            return Err(Fault::new(Reason::NotYetValid, self.now(), from.iso()));
        }
        let until = instant(conditions, "NotOnOrAfter")?;
        match until {
            Some(until) if self.is_over(until) => Err(Fault::new(Reason::Expired, self.now(), until.iso())),
            _ => Ok(until),
        }
    }

    /// Nobody needs an assertion that counts for days (SAML-38).
    pub(super) fn lifetime(&self, assertion: Node<'_, '_>, until: Timestamp) -> Result<(), Fault> {
        let longest = self.expectations.policy.max_lifetime;
        let issued = instant(assertion, "IssueInstant")?.unwrap_or(until);
        if until.since(issued) > longest {
            let hours = format!("{} hours", longest.as_secs() / 3600);
            return Err(Fault::new(Reason::Lifetime, hours, until.iso()));
        }
        Ok(())
    }

    /// That somebody signed in, when, and how (SAML-39, SAML-40). Of several statements the first one tells, and the
    /// session ends when the first of them does.
    pub(super) fn authentication(&self, assertion: Node<'_, '_>) -> Result<Authentication, Fault> {
        let statements = || assertion.children_called(Namespace::Assertion, "AuthnStatement");
        let statement = statements().next().ok_or(Reason::AuthnStatementMissing)?;
        let signed_in =
            instant(statement, "AuthnInstant")?.ok_or_else(|| absent(statement, "AuthnInstant"))?;
        if signed_in > self.latest {
            let said = format!("they signed in at {}", signed_in.iso());
            return Err(Fault::new(Reason::AuthnInstantInFuture, self.now(), said));
        }
        let skew = self.expectations.policy.skew;
        if let Some(asked) = self.expectations.signed_in_after
            && signed_in < asked.minus(skew)
        {
            return Err(Fault::new(Reason::AuthnInstantOld, asked.iso(), signed_in.iso()));
        }
        let context = statement.child(Namespace::Assertion, "AuthnContext");
        let class = context.and_then(|context| context.child(Namespace::Assertion, "AuthnContextClassRef"));
        let class = class.and_then(Node::text).map(|class| class.trim().to_owned());
        let wanted = &self.expectations.policy.authn_contexts;
        if !wanted.is_empty() && !class.as_ref().is_some_and(|class| wanted.contains(class)) {
            let came = class.as_deref().unwrap_or("no context");
            return Err(Fault::new(Reason::AuthnContext, wanted.join("`, `"), came));
        }
        let mut ends = None;
        for statement in statements() {
            let end = instant(statement, "SessionNotOnOrAfter")?;
            ends = [ends, end].into_iter().flatten().min();
        }
        if let Some(end) = ends
            && self.is_over(end)
        {
            return Err(Fault::new(Reason::SessionOver, self.now(), end.iso()));
        }
        let session_index = statement.attribute("SessionIndex").map(std::borrow::Cow::into_owned);
        Ok(Authentication {
            instant: signed_in,
            context: class,
            session_index,
            session_not_on_or_after: ends,
        })
    }
}

/// An attribute that is an instant (SAML Core §1.3.3).
pub(super) fn instant(node: Node<'_, '_>, name: &'static str) -> Result<Option<Timestamp>, Fault> {
    let Some(text) = node.attribute(name) else { return Ok(None) };
    let instant = Timestamp::parse(&text).ok_or_else(|| Fault::new(Reason::TimeFormat, name, text))?;
    Ok(Some(instant))
}

fn absent(node: Node<'_, '_>, name: &str) -> Fault {
    Fault::new(Reason::TimeFormat, name, format_args!("{node} has none"))
}
