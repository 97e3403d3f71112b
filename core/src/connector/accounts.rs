//! Owns the accounts behind a connector: sign-up, change of password and import need them.
//! Never touches users, memberships or mail.

use super::{ConnectorError, Credential, Subject};
use crate::{email::Email, secret::Secret};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Operations on the accounts behind a connector. Nothing is written here: what comes back is stored by the caller, in
/// the unit of work that its use case needs.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Check a new account against the connection's policy and make its credential.
    async fn create(&self, account: NewAccount) -> Result<(Subject, Credential), AccountError>;

    /// Check a new password of an account and make its hash. `profile` is what the password may not contain.
    async fn change_password(
        &self,
        subject: &Subject,
        password: Secret,
        profile: &Map<String, Value>,
    ) -> Result<Secret, AccountError>;

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
    /// Something broke.
    #[error(transparent)]
    Connector(#[from] ConnectorError),
}
