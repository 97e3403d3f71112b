//! Owns what an administrator's request can end in, other than well.
//! Never touches status lines: the server's `ApiFault` has the one table for that.

use crate::{
    connector::{AccountError, ConnectorError, PasswordFault},
    port::{script::ScriptError, store::StoreError},
    time::Timestamp,
};

/// Why an administrator's request was not carried out.
///
/// `code` is Auth0's `errorCode`, `message` the text that goes to the caller (contract §2.1). Variants say who must
/// act: the first five the caller, the rest the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The request does not make sense, or asks for what cannot be: 400.
    #[error("{message}")]
    Invalid {
        /// Such as `invalid_body`.
        code: &'static str,
        /// What is wrong and what would be right.
        message: String,
    },
    /// The caller may not do this: 403.
    #[error("{message}")]
    Forbidden {
        /// Such as `operation_not_supported`.
        code: &'static str,
        /// Why.
        message: String,
    },
    /// What it is about does not exist: 404.
    #[error("{message}")]
    Missing {
        /// Such as `inexistent_user`; some have none.
        code: Option<&'static str>,
        /// What is not there.
        message: String,
    },
    /// It exists already, or there are too many: 409.
    #[error("{message}")]
    Conflict {
        /// Such as `organization_conflict`.
        code: &'static str,
        /// What is in the way.
        message: String,
    },
    /// Too often: 429.
    #[error("{message}")]
    TooMany {
        /// When there is room again.
        until: Timestamp,
        /// What was done too often.
        message: String,
    },
    /// More than this node can do now: 503.
    #[error("too much at once")]
    Busy,
    /// A connector failed.
    #[error(transparent)]
    Connector(ConnectorError),
    /// The runtime of scripts failed.
    #[error(transparent)]
    Script(ScriptError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdminError {
    /// 400 `invalid_body` with this text.
    pub fn body(message: impl Into<String>) -> Self {
        Self::Invalid { code: "invalid_body", message: message.into() }
    }

    /// 400 `invalid_body` about one property, in the form of contract §2.1.
    pub fn property(why: impl std::fmt::Display, property: &str, description: &str) -> Self {
        Self::body(format!("Payload validation error: '{why}' on property {property} ({description})."))
    }

    /// 404 with a code.
    pub fn missing(code: &'static str, message: &str) -> Self {
        Self::Missing { code: Some(code), message: message.to_owned() }
    }

    /// 404 without one, as Auth0 answers for organizations.
    pub fn missing_plain(message: &str) -> Self {
        Self::Missing { code: None, message: message.to_owned() }
    }

    /// 409.
    pub fn conflict(code: &'static str, message: &str) -> Self {
        Self::Conflict { code, message: message.to_owned() }
    }

    /// Turn a uniqueness constraint that was broken into this conflict. An empty `constraint` stands for any.
    #[must_use]
    pub fn taken(self, constraint: &str, code: &'static str, message: &str) -> Self {
        if let Self::Store(StoreError::Conflict(name)) = &self
            && (constraint.is_empty() || name == constraint)
        {
            return Self::conflict(code, message);
        }
        self
    }
}

impl From<ConnectorError> for AdminError {
    fn from(error: ConnectorError) -> Self {
        match error {
            ConnectorError::Busy => Self::Busy,
            ConnectorError::Store(error) => Self::Store(error),
            other @ (ConnectorError::Missing(_)
            | ConnectorError::Protocol(_)
            | ConnectorError::Rejected(_)
            | ConnectorError::Unavailable(_)
            | ConnectorError::Misconfigured(_)
            | ConnectorError::Memo) => Self::Connector(other),
        }
    }
}

impl From<AccountError> for AdminError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Password(faults) => {
                Self::Invalid { code: "invalid_password", message: password_text(&faults).to_owned() }
            }
            AccountError::Username(why) => {
                Self::property(why, "username", "The user's user name, where the connection requires one")
            }
            AccountError::Email => {
                Self::body("Payload validation error: 'Missing required property: email'.")
            }
            AccountError::Exists => Self::conflict("auth0_idp_error", "The user already exists."),
            AccountError::UsernameTaken => {
                Self::conflict("auth0_idp_error", "The specified new email or username already exists")
            }
            AccountError::Refused { message, .. } => Self::Invalid { code: "auth0_idp_error", message },
            AccountError::NotImplemented(message) => {
                Self::Invalid { code: "operation_not_supported", message }
            }
            AccountError::Connector(error) => error.into(),
        }
    }
}

/// Auth0's sentence about a password that does not do (contract §2.8).
fn password_text(faults: &[PasswordFault]) -> &'static str {
    let has = |wanted: PasswordFault| faults.contains(&wanted);
    let weak = [
        PasswordFault::TooShort,
        PasswordFault::TooLong,
        PasswordFault::TooSimple,
        PasswordFault::Repetitive,
        PasswordFault::Sequential,
    ];
    if weak.into_iter().any(has) {
        "PasswordStrengthError: Password is too weak"
    } else if has(PasswordFault::Reused) {
        "PasswordHistoryError: Password has previously been used"
    } else if has(PasswordFault::Common) {
        "PasswordDictionaryError: Password is too common"
    } else if has(PasswordFault::Personal) {
        "PasswordNoUserInfoError: Password contains user information"
    } else {
        "PasswordStrengthError: Password is too weak"
    }
}
