//! Owns making and changing accounts of a database connection, as sign-up, reset and the Management API need it.
//! Never touches the store but to read a history: what comes back is stored by the use case.

use crate::{Password, connector::DatabaseConnector, context::Context, hashing::Match};
use async_trait::async_trait;
use portico_core::{
    connector::{
        AccountError, Accounts, ConnectorError, Credential, NewAccount, PasswordFault, PasswordRule, Subject,
    },
    secret::Secret,
};
use serde_json::{Map, Value};

#[async_trait]
impl Accounts for DatabaseConnector {
    async fn create(&self, account: NewAccount) -> Result<(Subject, Credential), AccountError> {
        let username = self.options.usernames.check(account.username.as_deref());
        let username = username.map_err(AccountError::Username)?;
        if account.email.is_none() {
            return Err(AccountError::Email);
        }
        let context = self.in_its_place(Context::of_account(&account));
        let password_hash = match &account.password {
            Some(password) => Some(self.new_hash(password, &context).await?),
            None => None,
        };
        let subject = account.subject.unwrap_or_else(|| self.fresh_subject());
        Ok((subject, Credential { password_hash, email: account.email, username }))
    }

    async fn change_password(
        &self,
        subject: &Subject,
        password: Secret,
        profile: &Map<String, Value>,
    ) -> Result<Secret, AccountError> {
        let context = self.in_its_place(Context::of_profile(profile));
        let accepted = self.accept(password.expose(), &context).map_err(AccountError::Password)?;
        if self.options.policy.history > 0 {
            self.refuse_reuse(subject, &accepted).await?;
        }
        Ok(self.pool.hash(&accepted).await?)
    }

    fn open_for_sign_up(&self) -> bool {
        self.options.sign_up
    }

    fn open_for_reset(&self) -> bool {
        self.options.reset
    }

    fn verifies_addresses(&self) -> bool {
        self.options.verifies_addresses
    }

    fn password_history(&self) -> usize {
        self.options.policy.history
    }

    fn password_rules(&self) -> Vec<PasswordRule> {
        self.options.policy.rules()
    }
}

impl DatabaseConnector {
    /// Check a new password and hash it.
    pub(crate) async fn new_hash(
        &self,
        password: &Secret,
        context: &Context,
    ) -> Result<Secret, AccountError> {
        let accepted = self.accept(password.expose(), context).map_err(AccountError::Password)?;
        Ok(self.pool.hash(&accepted).await?)
    }

    /// Check a new password against everything but its history.
    pub(crate) fn accept(&self, text: &str, context: &Context) -> Result<Password, Vec<PasswordFault>> {
        let password = Password::parse(text).map_err(|fault| vec![fault])?;
        let faults = self.options.policy.faults(&password, context, &self.dictionary);
        if faults.is_empty() { Ok(password) } else { Err(faults) }
    }

    /// With the connection's names, which a password may not contain.
    pub(crate) fn in_its_place(&self, mut context: Context) -> Context {
        context.place.extend(self.place.iter().cloned());
        context
    }

    /// An identifier nobody has: 24 hexadecimal digits, as Auth0's are.
    pub(crate) fn fresh_subject(&self) -> Subject {
        Subject(self.entropy.hex(24))
    }

    async fn refuse_reuse(&self, subject: &Subject, password: &Password) -> Result<(), AccountError> {
        let connection = &self.connection;
        let credential = self
            .store
            .read(|unit| Box::pin(async move { unit.credentials().find(connection, subject).await }))
            .await
            .map_err(ConnectorError::from)?;
        let Some(credential) = credential else { return Ok(()) };
        // The password of today is the newest of the history.
        let earlier = credential.password_hash.iter().chain(&credential.history);
        for hash in earlier.take(self.options.policy.history) {
            if self.pool.verify(password, Some(hash)).await? != Match::No {
                return Err(AccountError::Password(vec![PasswordFault::Reused]));
            }
        }
        Ok(())
    }
}
