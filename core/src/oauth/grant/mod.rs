//! Owns the grants of the token endpoint, a file each (contract §1.4.1).
//! Never touches client authentication: that was done.

pub(super) mod authorization_code;
pub(super) mod client_credentials;
pub(super) mod refresh_token;

use crate::model::EventKind;

/// The grants that exist here. Discovery lists them.
pub(super) const GRANT_TYPES: [&str; 3] = ["authorization_code", "refresh_token", "client_credentials"];

/// A type of exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
}

impl GrantType {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "authorization_code" => Some(Self::AuthorizationCode),
            "refresh_token" => Some(Self::RefreshToken),
            "client_credentials" => Some(Self::ClientCredentials),
            _ => None,
        }
    }

    /// How the log calls its success and its failure.
    pub(super) const fn kinds(self) -> (EventKind, EventKind) {
        match self {
            Self::AuthorizationCode => (EventKind::CodeExchanged, EventKind::CodeExchangeFailed),
            Self::RefreshToken => (EventKind::RefreshExchanged, EventKind::RefreshExchangeFailed),
            Self::ClientCredentials => (EventKind::ClientCredentials, EventKind::ClientCredentialsFailed),
        }
    }
}
