//! Owns what a verified assertion says.
//! Never touches how it was verified: there is no way to one of these but through the judgement.

use portico_core::time::Timestamp;

/// An assertion that passed every check. Only [`judge`](crate::judge::judge) makes one, out of verified bytes alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedAssertion(Contents);

/// What the judgement puts together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Contents {
    pub(crate) id: String,
    pub(crate) issuer: String,
    pub(crate) name_id: Option<NameId>,
    pub(crate) session_index: Option<String>,
    pub(crate) authn_instant: Timestamp,
    pub(crate) authn_context: Option<String>,
    pub(crate) session_not_on_or_after: Option<Timestamp>,
    pub(crate) not_on_or_after: Timestamp,
    pub(crate) attributes: Vec<Attribute>,
}

/// The subject's identifier (SAML Core §2.2.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameId {
    /// The identifier. Never empty.
    pub value: String,
    /// Its format; SAML Core §8.3.1 where it was not given.
    pub format: String,
    /// The identity provider's domain that it is unique in.
    pub name_qualifier: Option<String>,
    /// The service provider that it was made for: always this connection's entity ID, where it is given.
    pub sp_name_qualifier: Option<String>,
}

impl NameId {
    /// The format of an identifier that says nothing of its format (SAML Core §2.2.2, §8.3.1).
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    /// The format of an identifier that changes with every session (SAML Core §8.3.8).
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    /// The format of an opaque identifier that stays (SAML Core §8.3.7).
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    /// The format of an address (SAML Core §8.3.2).
    pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
}

/// An attribute, with all its values (SAML Core §2.7.3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// What kind of name it is.
    pub name_format: Option<String>,
    /// Its name for people.
    pub friendly_name: Option<String>,
    /// Its values, in order. A value that is `xsi:nil` is left out.
    pub values: Vec<String>,
}

impl VerifiedAssertion {
    pub(crate) const fn new(contents: Contents) -> Self {
        Self(contents)
    }

    /// Its ID: what a replay is known by, together with the connection.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Who issued it: the entity ID that the connection is for.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Whom it is about. None if the identity provider sends attributes alone.
    pub const fn name_id(&self) -> Option<&NameId> {
        self.0.name_id.as_ref()
    }

    /// The session at the identity provider, for single logout.
    pub fn session_index(&self) -> Option<&str> {
        self.0.session_index.as_deref()
    }

    /// When they signed in.
    pub const fn authn_instant(&self) -> Timestamp {
        self.0.authn_instant
    }

    /// How they signed in (`AuthnContextClassRef`).
    pub fn authn_context(&self) -> Option<&str> {
        self.0.authn_context.as_deref()
    }

    /// When our session has to end, because theirs does.
    pub const fn session_not_on_or_after(&self) -> Option<Timestamp> {
        self.0.session_not_on_or_after
    }

    /// When it stops to count, clocks' differences aside: a replay has to be remembered for longer than that
    /// (security.md §3.1.8).
    pub const fn not_on_or_after(&self) -> Timestamp {
        self.0.not_on_or_after
    }

    /// What else is said of them, in the order of the document. The same name may come again.
    pub fn attributes(&self) -> &[Attribute] {
        &self.0.attributes
    }
}
