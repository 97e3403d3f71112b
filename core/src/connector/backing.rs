//! Owns the port of accounts that people open with a password on our own pages: what the conversation asks of whoever
//! keeps them.
//! Never touches forms: those are the conversation's.

use super::{AccountError, Accounts, Assertion, ConnectorError, Intent, NewAccount, Occasion};
use crate::secret::Secret;
use async_trait::async_trait;

/// Whoever keeps the accounts of a connection: our own table, a customer's database behind scripts, or both in turn.
#[async_trait]
pub trait Backing: Accounts {
    /// Whether forms ask for a user name.
    fn asks_usernames(&self) -> bool;

    /// Whether guesses are counted by account (`brute_force_protection`).
    fn counts_guesses(&self) -> bool;

    /// Whether there is an account with this address (canonical) or user name (lower case).
    async fn holds(&self, identifier: &str, occasion: &Occasion) -> Result<bool, ConnectorError>;

    /// Compare a password. Nobody and somebody with another password are never told apart, by words or by work.
    async fn verify(&self, attempt: Attempt<'_>) -> Result<Verified, ConnectorError>;

    /// Somebody wants an account, on a sign-up page or by an invitation.
    async fn open(&self, account: NewAccount, intent: &Intent) -> Result<Opening, AccountError>;

    /// Check a new account against the connection's rules, and make nothing.
    async fn review(&self, account: &NewAccount) -> Result<(), AccountError>;

    /// The hash of a password that somebody has elsewhere already: no rule is asked (contract §5.2, import mode).
    async fn adopt(&self, password: &Secret) -> Result<Secret, AccountError>;
}

/// Somebody says who they are.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// An address in canonical form, or a user name in lower case; empty when what was typed can be neither.
    pub identifier: &'a str,
    /// What they typed as their password.
    pub password: &'a Secret,
    /// In which circumstances.
    pub occasion: &'a Occasion,
}

/// What came of it.
#[derive(Debug)]
pub enum Verified {
    /// It is them.
    Yes(Box<Assertion>),
    /// It is not; whom it is about, for the log.
    No(Option<String>),
}

/// What comes of a wish for an account.
#[derive(Debug)]
pub enum Opening {
    /// The account is there once the caller has stored it.
    Made(Box<Assertion>),
    /// It has to be made by [`Accounts::create`] once it is known that they may.
    Wanted(Box<NewAccount>),
}
