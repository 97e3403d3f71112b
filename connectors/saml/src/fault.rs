//! Owns a fault: the reason for which a message is not accepted, with what was expected and what came instead.
//! Never touches contents of assertions beyond entity IDs, addresses, times, algorithms and names of attributes.

use crate::{reason::Reason, trace::Check};
use portico_core::connector::ConnectorError;
use std::fmt;

/// Why a message is not accepted. For administrators and logs; a browser never sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    reason: Reason,
    expected: String,
    came: String,
}

/// The most characters of a message that a fault repeats.
const MAX_CAME: usize = 200;

impl Fault {
    /// A fault of this reason, with what was expected and what came where the reason's texts say so.
    pub fn new(reason: Reason, expected: impl fmt::Display, came: impl fmt::Display) -> Self {
        Self { reason, expected: plain(&expected.to_string()), came: plain(&came.to_string()) }
    }

    /// Why.
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The reason's name, in snake case; it never changes.
    pub const fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// What would have been right; empty where there is nothing to say.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What came instead; empty where there is nothing to say.
    pub fn came(&self) -> &str {
        &self.came
    }

    /// What is wrong, as a sentence.
    pub fn says(&self) -> String {
        self.fill(self.reason.says())
    }

    /// What to change, and where.
    pub fn advice(&self) -> String {
        self.fill(self.reason.advice())
    }

    fn fill(&self, text: &str) -> String {
        // What came is filled in last: it may hold anything.
        text.replace("{expected}", &self.expected).replace("{came}", &self.came)
    }
}

impl From<Reason> for Fault {
    fn from(reason: Reason) -> Self {
        Self { reason, expected: String::new(), came: String::new() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.says(), self.advice())
    }
}

impl std::error::Error for Fault {}

impl From<Fault> for ConnectorError {
    fn from(fault: Fault) -> Self {
        if fault.reason.check() == Check::Trust || fault.reason == Reason::DecryptionKeyMissing {
            return Self::Misconfigured(fault.to_string());
        }
        Self::Protocol(fault.code().to_owned())
    }
}

/// Not too long, and nothing in it that would change how a line of a log looks.
fn plain(text: &str) -> String {
    let mut plain: String = text
        .chars()
        .take(MAX_CAME)
        .map(|character| if character.is_control() { '\u{fffd}' } else { character })
        .collect();
    if text.chars().nth(MAX_CAME).is_some() {
        plain.push('…');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_to_change() {
        let fault = Fault::new(Reason::AudienceWrong, "urn:b", "urn:a");
        assert_eq!(
            fault.to_string(),
            "the response was meant for `urn:a`, this connection is `urn:b`: set the Audience (Entity ID) in the \
             identity provider to `urn:b`"
        );
        assert_eq!(fault.code(), "audience_wrong");
    }

    #[test]
    fn what_came_is_short_and_stays_on_its_line() {
        let fault = Fault::new(Reason::IssuerWrong, "x", format!("a\nb{}", "c".repeat(500)));
        assert_eq!(fault.came().chars().count(), MAX_CAME + 1);
        assert!(fault.came().starts_with("a\u{fffd}b"));
    }
}
