//! Owns making and changing accounts of a database connection, as sign-up, reset and the Management API need it.
//! Never touches the store but to read a history: what comes back is stored by the use case.

use crate::{ForeignHash, Password, context::Context, hashing::Match, table::Table};
use async_trait::async_trait;
use portico_core::{
    connector::{
        AccountError, Accounts, AdoptedAccount, AdoptionFault, Assertion, ConnectorError, Credential,
        NewAccount, NewPassword, Occasion, Origin, PasswordFault, PasswordRule, Subject, identified,
    },
    secret::Secret,
};
use serde_json::{Map, Value};

#[async_trait]
impl Accounts for Table {
    async fn create(&self, account: NewAccount) -> Result<Assertion, AccountError> {
        let (username, accepted) = self.judge(&account).await?;
        let password_hash = match &accepted {
            Some(password) => Some(self.pool.hash(password).await?),
            None => None,
        };
        let subject = account.subject.unwrap_or_else(|| self.fresh_subject());
        let credential = Credential { password_hash, email: account.email, username, origin: Origin::Made };
        Ok(identified(subject, Map::new(), Some(credential)))
    }

    fn import(&self, account: AdoptedAccount) -> Result<(Subject, Credential), Vec<AdoptionFault>> {
        let mut faults = Vec::new();
        let fault = |code: &'static str, path: &str, message: &str| AdoptionFault {
            code: code.into(),
            path: path.to_owned(),
            message: message.to_owned(),
        };
        if account.email.is_none() {
            faults.push(fault("OBJECT_REQUIRED", "email", "Missing required property: email"));
        }
        let username = match self.options.usernames.check(account.username.as_deref()) {
            _ if account.username.is_some() && !self.options.usernames.asked() => {
                faults.push(fault("NOT_PASSED", "username", "The connection has no user names."));
                None
            }
            Ok(username) => username,
            Err(why) => {
                faults.push(fault("PATTERN", "username", why));
                None
            }
        };
        let hash = match account.hash.as_ref().map(ForeignHash::read).transpose() {
            Ok(hash) => hash,
            Err(fault) => {
                faults.push(fault);
                None
            }
        };
        if !faults.is_empty() {
            return Err(faults);
        }
        let subject = account.subject.unwrap_or_else(|| self.fresh_subject());
        let password_hash = hash.map(|hash| hash.to_text());
        let credential =
            Credential { password_hash, email: account.email, username, origin: Origin::Brought };
        Ok((subject, credential))
    }

    async fn change_password(
        &self,
        subject: &Subject,
        password: Secret,
        profile: &Map<String, Value>,
        _occasion: &Occasion,
    ) -> Result<NewPassword, AccountError> {
        let context = self.in_its_place(Context::of_profile(profile));
        let accepted = self.accept(password.expose(), &context).map_err(AccountError::Password)?;
        if self.options.policy.history > 0 {
            self.refuse_reuse(subject, &accepted).await?;
        }
        Ok(NewPassword::Hashed(self.pool.hash(&accepted).await?))
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

impl Table {
    /// Check a new account: its user name as it is stored, and its password.
    pub(crate) async fn judge(
        &self,
        account: &NewAccount,
    ) -> Result<(Option<String>, Option<Password>), AccountError> {
        let username = self.options.usernames.check(account.username.as_deref());
        let username = username.map_err(AccountError::Username)?;
        if account.email.is_none() {
            return Err(AccountError::Email);
        }
        let Some(password) = &account.password else { return Ok((username, None)) };
        let mut context = self.in_its_place(Context::of_account(account));
        context.place.extend(self.names_of_organization(account.occasion.organization.as_ref()).await?);
        let accepted = self.accept(password.expose(), &context).map_err(AccountError::Password)?;
        Ok((username, Some(accepted)))
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
