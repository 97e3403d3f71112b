//! Owns what a connection is set to, as types.
//! Never touches JSON: `options.rs` reads it.

use crate::{
    expectations::Policy,
    key::{DecryptionKey, TrustedKey},
    mapping::Mapping,
    signing::SigningKey,
};
use std::collections::BTreeMap;
use url::Url;

/// A connection's options (contract §2.5.2), checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the identity provider publishes its metadata.
    pub(crate) metadata_url: Option<Url>,
    /// Its entity ID; none until its metadata was read.
    pub(crate) identity_provider: Option<String>,
    /// Where requests go; none until its metadata was read.
    pub(crate) sign_in: Option<Place>,
    /// Where logout messages go; none when there is no such place, or it is turned off.
    pub(crate) sign_out: Option<Place>,
    /// The keys that may sign.
    pub(crate) trusted: Vec<TrustedKey>,
    /// Whether requests are signed.
    pub(crate) sign_requests: bool,
    /// A key of this connection's own to sign with.
    pub(crate) signing_key: Option<SigningKey>,
    /// A key of this connection's own to decrypt with.
    pub(crate) decryption_key: Option<OwnDecryptionKey>,
    /// Our entity ID, when the connection overrides it.
    pub(crate) entity_id: Option<String>,
    /// What `Destination` has to be, when it is not our ACS.
    pub(crate) destination: Option<Url>,
    /// What `Recipient` has to be, when it is not our ACS.
    pub(crate) recipient: Option<Url>,
    /// The format of NameID that is asked for, and the only one taken.
    pub(crate) name_id_format: Option<String>,
    /// Values of `acr_values`, and the authentication contexts that they mean.
    pub(crate) acr_map: BTreeMap<String, String>,
    /// What an answer has to be like beyond the rules that hold for all.
    pub(crate) policy: Policy,
    /// How attributes become a profile, and which of them is the key.
    pub(crate) mapping: Mapping,
    /// Whether the identity provider may begin.
    pub(crate) unsolicited: Option<Unsolicited>,
}

/// Where messages go, and how they travel there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) url: Url,
    /// Where answers go, when that is another address (SAML Metadata §2.2.2).
    pub(crate) response_url: Option<Url>,
    pub(crate) binding: Binding,
}

/// How a message travels through the browser (SAML Bindings §3.4, §3.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    /// In the query of an address, deflated.
    Redirect,
    /// In a form that posts itself.
    Post,
}

impl Binding {
    /// Its URI.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Redirect => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            Self::Post => "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        }
    }

    /// By its URI.
    pub fn named(uri: &str) -> Option<Self> {
        [Self::Redirect, Self::Post].into_iter().find(|binding| binding.uri() == uri)
    }
}

/// A key to decrypt with, and the certificate that identity providers encrypt for.
#[derive(Clone, Debug)]
pub(crate) struct OwnDecryptionKey {
    pub(crate) key: DecryptionKey,
    pub(crate) certificate: Option<Vec<u8>>,
}

/// What becomes of an answer that nobody asked for (contract §1.10).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Unsolicited {
    /// The application it is for.
    pub(crate) client_id: String,
    /// The parameters of the authorization request that the application would have sent.
    pub(crate) query: Vec<(String, String)>,
}
