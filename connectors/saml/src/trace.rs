//! Owns the trace of one judgement: every check in the order it ran, with its outcome; a failed one is the last.
//! Never touches contents of assertions: entity IDs, addresses, times and algorithms are all it holds.

use crate::fault::Fault;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use std::fmt;

macro_rules! checks {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal)*) => {
        /// A check that a message has to pass.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Check {
            $($(#[doc = $doc])+ $name,)*
        }

        impl Check {
            /// Its name in logs, in snake case; it never changes.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

checks! {
    /// There is a key that the connection trusts.
    Trust = "trust"
    /// It came as it should have, and is not too large.
    Transport = "transport"
    /// It is XML as we want it (security.md §3.1.2).
    WellFormed = "well_formed"
    /// Its parts are where they belong (security.md §3.1.3).
    Shape = "shape"
    /// The signatures are made as we want them.
    Algorithms = "algorithms"
    /// What has to be signed is signed.
    Signed = "signed"
    /// The signatures are those of a trusted key.
    Signature = "signature"
    /// The encryption is done as we want it.
    Encryption = "encryption"
    /// It could be decrypted.
    Decryption = "decryption"
    /// SAML 2.0.
    Version = "version"
    /// The identity provider says that it worked.
    Status = "status"
    /// Who issued response and assertion.
    Issuer = "issuer"
    /// Where it was sent to.
    Destination = "destination"
    /// Which request it answers.
    InResponseTo = "in_response_to"
    /// When it was issued.
    IssueInstant = "issue_instant"
    /// Whom it is about.
    Subject = "subject"
    /// How the subject is confirmed.
    Confirmation = "confirmation"
    /// Whom the confirmation is for.
    Recipient = "recipient"
    /// Under which conditions it counts.
    Conditions = "conditions"
    /// Whom the assertion is meant for.
    Audience = "audience"
    /// That somebody signed in, when and how.
    Authentication = "authentication"
    /// The session at the identity provider.
    Session = "session"
    /// What else is said of them.
    Attributes = "attributes"
}

/// One check that ran.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    /// Which one.
    pub check: Check,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It passed. The text says what was found.
    Passed(String),
    /// It failed, and nothing was checked after it.
    Failed(Fault),
}

/// The checks that ran, in order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trace(Vec<Step>);

impl Trace {
    /// Nothing has run yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The checks, in the order they ran.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// What went wrong, if something did.
    pub fn fault(&self) -> Option<&Fault> {
        match &self.0.last()?.outcome {
            Outcome::Failed(fault) => Some(fault),
            Outcome::Passed(_) => None,
        }
    }

    /// Note that a check passed.
    pub(crate) fn passed(&mut self, check: Check, found: impl Into<String>) {
        self.0.push(Step { check, outcome: Outcome::Passed(found.into()) });
    }

    /// Put the checks of another trace behind these.
    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Note a fault, and give it back.
    pub(crate) fn failed(&mut self, fault: Fault) -> Fault {
        self.0.push(Step { check: fault.reason().check(), outcome: Outcome::Failed(fault.clone()) });
        fault
    }
}

/// `{"check": "audience", "passed": true, "found": "…"}`, or with `passed: false` and the fault's parts.
impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.outcome {
            Outcome::Passed(found) => {
                let mut step = serializer.serialize_struct("Step", 3)?;
                step.serialize_field("check", self.check.code())?;
                step.serialize_field("passed", &true)?;
                step.serialize_field("found", found)?;
                step.end()
            }
            Outcome::Failed(fault) => {
                let mut step = serializer.serialize_struct("Step", 7)?;
                step.serialize_field("check", self.check.code())?;
                step.serialize_field("passed", &false)?;
                step.serialize_field("reason", fault.code())?;
                step.serialize_field("says", &fault.says())?;
                step.serialize_field("expected", fault.expected())?;
                step.serialize_field("came", fault.came())?;
                step.serialize_field("advice", &fault.advice())?;
                step.end()
            }
        }
    }
}

/// The list of steps.
impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// One line a check.
impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            let check = step.check.code();
            match &step.outcome {
                Outcome::Passed(found) if found.is_empty() => writeln!(formatter, "ok    {check}")?,
                Outcome::Passed(found) => writeln!(formatter, "ok    {check}: {found}")?,
                Outcome::Failed(fault) => writeln!(formatter, "FAIL  {check}: {fault}")?,
            }
        }
        Ok(())
    }
}
