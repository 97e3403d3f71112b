//! Owns accounts that come over from a customer's database as their owners come (contract §5.2, import mode on): the two
//! places one after the other, the local one first.
//! Never touches forms, scripts or hashes: those are the two places' own.

use crate::legacy::Legacy;
use async_trait::async_trait;
use portico_core::{
    connector::{
        AccountError, Accounts, AdoptedAccount, AdoptionFault, Assertion, Attempt, Backing, ConnectorError,
        Credential, Intent, Kept, NewAccount, NewNames, NewPassword, Occasion, Opening, Origin, PasswordRule,
        Subject, Verified, canonical_identifier,
    },
    email::Email,
    model::PasswordCredential,
    secret::Secret,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Accounts here, and those that are still there.
pub(crate) struct Migrating {
    /// Where accounts are once they have come over, for good.
    pub(crate) here: Arc<dyn Backing>,
    /// Where they come from. It is only ever read.
    pub(crate) there: Legacy,
}

impl Migrating {
    /// Whether an account has come over: then nobody there is asked of it any more. One that has no password yet has not.
    fn has_come(stored: &PasswordCredential) -> bool {
        stored.password_hash.is_some() || stored.awaits_verification
    }

    async fn find_here(&self, identifier: &str) -> Result<Option<PasswordCredential>, ConnectorError> {
        let scripts = &self.there.scripts;
        let connection = &scripts.connection.id;
        let found = scripts.deps.store.read(|unit| {
            Box::pin(async move { unit.credentials().find_by_identifier(connection, identifier).await })
        });
        Ok(found.await?)
    }

    /// Refuse what somebody has already, here or there.
    async fn refuse_taken(&self, email: &Email, occasion: &Occasion) -> Result<(), AccountError> {
        let here = self.here.holds(email.canonical(), occasion).await?;
        let there = self.there.look_up(email.canonical(), occasion).await?.is_some();
        if here || there { Err(AccountError::Exists) } else { Ok(()) }
    }
}

/// What an account is kept with once it is here: found by the address and the user name that its profile has, or else by
/// what its owner typed.
fn brought(assertion: &Assertion, typed: &str, password_hash: Option<Secret>) -> Credential {
    let email = assertion.profile.get("email").and_then(Value::as_str);
    let username = assertion.vouched.as_ref().and_then(|vouched| vouched.username.as_deref());
    let typed = Some(typed).filter(|typed| Email::parse(typed).is_err());
    let username = username.or(typed).and_then(canonical_identifier);
    Credential {
        password_hash,
        email: email.and_then(|text| Email::parse(text).ok()),
        username: username.filter(|name| Email::parse(name).is_err()),
        origin: Origin::Brought,
    }
}

#[async_trait]
impl Accounts for Migrating {
    /// Made here; whoever has the address there has an account already. The script `create` is not called.
    async fn create(&self, account: NewAccount) -> Result<Assertion, AccountError> {
        let (email, occasion) = (account.email.clone(), account.occasion.clone());
        // Hashed before it is looked for, so that the time it takes does not tell (DB-03).
        let made = self.here.create(account).await?;
        if let Some(email) = &email {
            self.refuse_taken(email, &occasion).await?;
        }
        Ok(made)
    }

    /// An import brings people here, as a login would.
    fn import(&self, account: AdoptedAccount) -> Result<(Subject, Credential), Vec<AdoptionFault>> {
        self.here.import(account)
    }

    async fn change_password(
        &self,
        subject: &Subject,
        password: Secret,
        profile: &Map<String, Value>,
        occasion: &Occasion,
    ) -> Result<NewPassword, AccountError> {
        self.here.change_password(subject, password, profile, occasion).await
    }

    async fn look_up(
        &self,
        identifier: &str,
        occasion: &Occasion,
    ) -> Result<Option<Assertion>, AccountError> {
        if self.find_here(identifier).await?.is_some() {
            return Ok(None);
        }
        self.there.look_up(identifier, occasion).await
    }

    fn kept(&self) -> Kept {
        Kept::Some
    }

    async fn rename(&self, names: &NewNames, occasion: &Occasion) -> Result<(), AccountError> {
        match names {
            NewNames::Email { new, .. } => self.refuse_taken(new, occasion).await,
            NewNames::Username { .. } => Ok(()),
        }
    }

    fn open_for_sign_up(&self) -> bool {
        self.here.open_for_sign_up()
    }

    fn open_for_reset(&self) -> bool {
        self.here.open_for_reset()
    }

    fn verifies_addresses(&self) -> bool {
        self.here.verifies_addresses()
    }

    fn password_history(&self) -> usize {
        self.here.password_history()
    }

    fn password_rules(&self) -> Vec<PasswordRule> {
        self.here.password_rules()
    }
}

#[async_trait]
impl Backing for Migrating {
    fn asks_usernames(&self) -> bool {
        self.here.asks_usernames()
    }

    fn counts_guesses(&self) -> bool {
        self.here.counts_guesses()
    }

    async fn holds(&self, identifier: &str, occasion: &Occasion) -> Result<bool, ConnectorError> {
        Ok(self.here.holds(identifier, occasion).await? || self.there.holds(identifier, occasion).await?)
    }

    async fn verify(&self, attempt: Attempt<'_>) -> Result<Verified, ConnectorError> {
        let stored = self.find_here(attempt.identifier).await?;
        if stored.as_ref().is_some_and(Self::has_come) {
            return self.here.verify(attempt).await;
        }
        let about = || Some(attempt.identifier.to_owned());
        let Some(mut assertion) = self.there.login(attempt).await? else { return Ok(Verified::No(about())) };
        // They are here by another name: the password that counts is the one here. The one there may be an old one.
        if self.there.stored(&assertion.subject).await?.as_ref().is_some_and(Self::has_come) {
            return Ok(Verified::No(about()));
        }
        let hash = match self.here.adopt(attempt.password).await {
            Ok(hash) => hash,
            Err(AccountError::Connector(error)) => return Err(error),
            Err(_too_long_for_us) => return Ok(Verified::No(about())),
        };
        assertion.credential = Some(brought(&assertion, attempt.identifier, Some(hash)));
        Ok(Verified::Yes(Box::new(assertion)))
    }

    async fn open(&self, account: NewAccount, _intent: &Intent) -> Result<Opening, AccountError> {
        self.here.review(&account).await?;
        Ok(Opening::Wanted(Box::new(account)))
    }

    async fn review(&self, account: &NewAccount) -> Result<(), AccountError> {
        self.here.review(account).await
    }

    async fn adopt(&self, password: &Secret) -> Result<Secret, AccountError> {
        self.here.adopt(password).await
    }
}
