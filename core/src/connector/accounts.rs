//! Owns the accounts behind a connector: sign-up, change of password and import need them.
//! Never touches users, memberships or mail.

use super::{Assertion, ConnectorError, Credential, Refusal, Subject};
use crate::{
    email::Email,
    id::{ClientId, OrganizationId},
    secret::Secret,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Operations on the accounts behind a connector. Nothing is written to the store here: what comes back is stored by the
/// caller, in the unit of work that its use case needs. Where the accounts are somebody else's, it is their place that is
/// written to; so no unit of work is open while one of these runs, and whether it may be done was asked before.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Check a new account against the connection's policy and make it: what comes back has a credential.
    async fn create(&self, account: NewAccount) -> Result<Assertion, AccountError>;

    /// Check an account as an import brings it, and make its credential. Nothing is hashed, and nobody else is asked:
    /// imports bring many.
    ///
    /// # Errors
    /// All that is wrong with it, by Auth0's codes for rows of an import (contract §2.10).
    fn import(&self, _account: AdoptedAccount) -> Result<(Subject, Credential), Vec<AdoptionFault>> {
        Err(vec![AdoptionFault {
            code: Cow::Borrowed("NOT_PASSED"),
            message: "The accounts of this connection are kept elsewhere.".to_owned(),
            path: String::new(),
        }])
    }

    /// Check a new password of an account and set it. `profile` is what the password may not contain.
    async fn change_password(
        &self,
        subject: &Subject,
        password: Secret,
        profile: &Map<String, Value>,
        occasion: &Occasion,
    ) -> Result<NewPassword, AccountError>;

    /// The account that has this address (canonical) or user name (lower case), where the store may not know it: `None` if
    /// nobody has it, and where the store knows better.
    async fn look_up(
        &self,
        _identifier: &str,
        _occasion: &Occasion,
    ) -> Result<Option<Assertion>, AccountError> {
        Ok(None)
    }

    /// How many of the accounts have their credentials in the store.
    fn kept(&self) -> Kept {
        Kept::All
    }

    /// Tell whoever keeps the account that this address was shown to be its owner's.
    async fn verified(&self, _email: &Email, _occasion: &Occasion) -> Result<(), AccountError> {
        Ok(())
    }

    /// Let an account be found by another address or user name: told before the store is.
    async fn rename(&self, _names: &NewNames, _occasion: &Occasion) -> Result<(), AccountError> {
        Ok(())
    }

    /// Delete an account: told before the store is.
    async fn delete(&self, _subject: &Subject) -> Result<(), AccountError> {
        Ok(())
    }

    /// Whether anybody may make an account for themselves (`disable_signup`).
    fn open_for_sign_up(&self) -> bool;

    /// Whether people may choose a new password by a mailed link (not `disable_self_service_change_password`).
    fn open_for_reset(&self) -> bool;

    /// Whether whoever makes an account for themselves is asked by mail to show that the address is theirs
    /// (contract §2.5.1: `attributes.email.signup.verification.active`).
    fn verifies_addresses(&self) -> bool;

    /// How many earlier hashes have to be kept, so that none of them is used again.
    fn password_history(&self) -> usize;

    /// What a password must be like.
    fn password_rules(&self) -> Vec<PasswordRule>;
}

/// How many of a connection's accounts have their credentials in the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// All of them: one that has none is a fault.
    All,
    /// Those that have come over; more come with every login.
    Some,
    /// None: others keep them.
    None,
}

/// In which circumstances an account is asked about, made or changed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Occasion {
    /// For which organization.
    pub organization: Option<OrganizationId>,
    /// From which application.
    pub client: Option<ClientId>,
}

/// An account to be.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Its address.
    pub email: Option<Email>,
    /// Its user name, where the connection has them.
    pub username: Option<String>,
    /// Its password; none makes an account that cannot sign in before a reset.
    pub password: Option<Secret>,
    /// The rest of its profile, which the password may not contain.
    pub profile: Map<String, Value>,
    /// A subject that was asked for by the Management API (`user_id`), or a fresh one.
    pub subject: Option<Subject>,
    /// Where it is made.
    pub occasion: Occasion,
}

/// Where a new password is, once it is set.
#[derive(Clone, Debug)]
pub enum NewPassword {
    /// It has this hash, which the caller stores.
    Hashed(Secret),
    /// With whoever keeps the account: there is nothing to store.
    Elsewhere,
}

/// By what an account is to be found from now on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NewNames {
    /// By another address.
    Email {
        /// The address so far.
        old: Option<Email>,
        /// The new one.
        new: Email,
        /// Whether an administrator vouches that it is theirs.
        verified: bool,
    },
    /// By another user name.
    Username {
        /// The user name so far.
        old: Option<String>,
        /// The new one.
        new: String,
    },
}

/// An account that comes from elsewhere, with the hash that was made of its password there.
#[derive(Clone, Debug)]
pub struct AdoptedAccount {
    /// Its address.
    pub email: Option<Email>,
    /// Its user name, where the connection has them.
    pub username: Option<String>,
    /// The hash of its password; none makes an account that cannot sign in before a reset.
    pub hash: Option<GivenHash>,
    /// The subject it is to have, or a fresh one.
    pub subject: Option<Subject>,
}

/// A hash that another system made of a password, as an import gives it (contract §2.10).
#[derive(Clone, Debug)]
pub enum GivenHash {
    /// `password_hash`: bcrypt's text.
    Bcrypt(String),
    /// `custom_password_hash`.
    Custom(Map<String, Value>),
}

/// What is wrong with an account that an import brings.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AdoptionFault {
    /// Auth0's code: `PATTERN`, `MAXIMUM`, `ENUM_MISMATCH`, …
    pub code: Cow<'static, str>,
    /// What is wrong, and what would be right. Holds no hash.
    pub message: String,
    /// Where in the row, with dots between names.
    pub path: String,
}

/// What a password must be like (contract §2.5.1). Pages say it in the visitor's language.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasswordRule {
    /// It has so many characters, or more.
    MinLength(usize),
    /// It has a lower-case letter.
    Lower,
    /// It has an upper-case letter.
    Upper,
    /// It has a digit.
    Digit,
    /// It has a character that is none of these.
    Special,
    /// It has three of these four kinds.
    ThreeKinds,
    /// It has no more than two identical characters in a row.
    NoRuns,
    /// It has no sequence such as `abc` or `321`.
    NoSequences,
    /// It is none of the commonest.
    NotCommon,
    /// It has nothing of the person's profile in it.
    NotPersonal,
    /// It is none of so many earlier ones.
    NotUsedBefore(usize),
}

/// What a password lacks (contract §2.5.1).
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PasswordFault {
    /// It is too short.
    TooShort,
    /// It is longer than 256 characters or 1,024 bytes.
    TooLong,
    /// It has too few kinds of characters.
    TooSimple,
    /// It has more than two identical characters in a row.
    Repetitive,
    /// It has a run of letters or digits that follow each other, such as `abc` or `321`.
    Sequential,
    /// It is one of the commonest, or on the connection's own list.
    Common,
    /// It contains something of the person's profile.
    Personal,
    /// It was used before.
    Reused,
}

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The password does not meet the policy.
    #[error("the password does not meet the connection's policy")]
    Password(Vec<PasswordFault>),
    /// The user name is missing, or cannot be used.
    #[error("the user name cannot be used: {0}")]
    Username(&'static str),
    /// An e-mail address is needed.
    #[error("the account needs an e-mail address")]
    Email,
    /// There is an account with this address.
    #[error("there is an account with this address")]
    Exists,
    /// There is an account with this user name.
    #[error("there is an account with this user name")]
    UsernameTaken,
    /// Whoever keeps the accounts says no, in these words.
    #[error("whoever keeps the accounts says no: {message}")]
    Refused {
        /// Their code, where they gave one.
        code: Option<String>,
        /// Their words, for administrators.
        message: String,
    },
    /// Whoever keeps the accounts has not said how this is done.
    #[error("{0}")]
    NotImplemented(String),
    /// Something broke.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
}

impl AccountError {
    /// As a conversation says it to a visitor, where the visitor can do something; else what is broken.
    pub fn refusal(self) -> Result<Refusal, ConnectorError> {
        match self {
            Self::Password(faults) => Ok(Refusal::PasswordTooWeak(faults)),
            Self::Username(_) | Self::UsernameTaken => Ok(Refusal::UsernameUnusable),
            Self::Email => Ok(Refusal::EmailUnusable),
            Self::Exists | Self::Refused { .. } => Ok(Refusal::SignUpRefused),
            Self::NotImplemented(what) => Err(ConnectorError::Misconfigured(what)),
            Self::Connector(error) => Err(error),
        }
    }
}
