//! Owns what a connection expects of a response: whose it is, whom it is for, whose keys, which request, and when.
//! Never touches where that comes from.

use crate::key::{DecryptionKey, TrustedKey};
use portico_core::time::Timestamp;
use std::time::Duration;

/// What one response is held against. Everything is borrowed: nothing is parsed at a login.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The entity ID of the identity provider.
    pub identity_provider: &'a str,
    /// Our entity ID for this connection: the audience.
    pub service_provider: &'a str,
    /// Where the response has to have been sent (`Destination`): our ACS, unless the connection says otherwise.
    pub destination: &'a str,
    /// Whom the bearer confirmation has to be for (`Recipient`): our ACS, unless the connection says otherwise.
    pub recipient: &'a str,
    /// The keys that may sign. None: nothing is accepted (security.md F1).
    pub trusted: &'a [TrustedKey],
    /// Our keys that an assertion may be encrypted for, the newest first.
    pub decryption: &'a [DecryptionKey],
    /// What the connection wants beyond the rules.
    pub policy: &'a Policy,
    /// Which request it answers.
    pub solicited: Solicited<'a>,
    /// When a fresh sign-in was asked for (`ForceAuthn`), if one was.
    pub signed_in_after: Option<Timestamp>,
    /// Now.
    pub now: Timestamp,
}

/// Whether somebody asked for the response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Solicited<'a> {
    /// We did, by the request of this ID: `InResponseTo` has to be it.
    By(&'a str),
    /// Nobody did, and the connection takes what the identity provider sends by itself: there is no `InResponseTo`.
    ByNobody,
    /// Nobody did, and the connection takes only answers.
    Forbidden,
}

/// What a connection wants beyond the rules that hold for all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// The response has to be signed.
    pub want_response_signed: bool,
    /// The assertion has to be signed itself; that the response around it is signed does not do.
    pub want_assertion_signed: bool,
    /// An assertion in AES-CBC is taken from a response that is not signed (`allowUnauthenticatedCbc`).
    pub allow_unauthenticated_cbc: bool,
    /// A key does not count outside of the dates of its certificate (SAML-31).
    pub enforce_certificate_validity: bool,
    /// White space around the NameID and around values is taken off.
    pub trim: bool,
    /// Authentication contexts, any of which will do; none: all do.
    pub authn_contexts: Vec<String>,
    /// By how much clocks may differ.
    pub skew: Duration,
    /// How old an assertion may be.
    pub max_age: Duration,
    /// The longest that an assertion may count.
    pub max_lifetime: Duration,
}

impl Default for Policy {
    /// The rules of security.md §3.1.7.
    fn default() -> Self {
        Self {
            want_response_signed: false,
            want_assertion_signed: false,
            allow_unauthenticated_cbc: false,
            enforce_certificate_validity: false,
            trim: false,
            authn_contexts: Vec::new(),
            skew: Duration::from_mins(1),
            max_age: Duration::from_mins(5),
            max_lifetime: Duration::from_hours(24),
        }
    }
}
