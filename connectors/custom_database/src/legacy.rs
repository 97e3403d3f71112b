//! Owns accounts that stay with the customer (contract §5.2, import mode off): each question is a run of a script.
//! Never touches the store but to see whether an account waits for its address to be verified.

use crate::{
    options::Name,
    profile,
    scripts::{NoValue, Scripts},
};
use async_trait::async_trait;
use portico_core::{
    connector::{
        AccountError, Accounts, Assertion, Attempt, Backing, ConnectorError, Credential, Intent, Kept,
        NewAccount, NewNames, NewPassword, Occasion, Opening, Origin, PasswordRule, Subject, Verified,
    },
    email::Email,
    model::PasswordCredential,
    port::store::StoreError,
    secret::Secret,
};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The accounts of a custom database.
pub(crate) struct Legacy {
    pub(crate) scripts: Scripts,
    /// Forms, policies and limits of the connection: those are ours, wherever its accounts are.
    pub(crate) rules: Arc<dyn Backing>,
}

impl Legacy {
    /// Who they are, if the password is right: by the script `login`.
    ///
    /// Whatever error a script calls back with says no, and all of them say it alike: what is told apart by scripts is not
    /// by us (`security.md` JS-21). The log knows.
    pub(crate) async fn login(&self, attempt: Attempt<'_>) -> Result<Option<Assertion>, ConnectorError> {
        // Nobody can be called nothing.
        if attempt.identifier.is_empty() || attempt.password.expose().is_empty() {
            return Ok(None);
        }
        let args = vec![json!(attempt.identifier), json!(attempt.password.expose())];
        let (occasion, secrets) = (attempt.occasion, [attempt.password]);
        match self.scripts.run(Name::Login, args, occasion, &secrets).await {
            Ok(Value::Null) | Err(NoValue::Said(_)) => Ok(None),
            Ok(value) => self.read(Name::Login, &value, attempt.identifier, occasion).await.map(Some),
            Err(no) => Err(no.into()),
        }
    }

    /// Who has this address or user name: by the script `get_user`.
    async fn find(&self, identifier: &str, occasion: &Occasion) -> Result<Option<Assertion>, AccountError> {
        if identifier.is_empty() {
            return Ok(None);
        }
        match self.scripts.run(Name::GetUser, vec![json!(identifier)], occasion, &[]).await {
            // `false` and `{}` are how older scripts say that there is nobody.
            Ok(Value::Null | Value::Bool(false)) => Ok(None),
            Ok(Value::Object(empty)) if empty.is_empty() => Ok(None),
            Ok(value) => Ok(Some(self.read(Name::GetUser, &value, identifier, occasion).await?)),
            Err(NoValue::Said(said)) if said.name == "WrongUsernameOrPasswordError" => Ok(None),
            Err(no) => Err(no.into()),
        }
    }

    async fn read(
        &self,
        name: Name,
        value: &Value,
        identifier: &str,
        occasion: &Occasion,
    ) -> Result<Assertion, ConnectorError> {
        match profile::read(value, identifier, &self.scripts.options) {
            Ok(assertion) => Ok(assertion),
            Err(why) => Err(self.scripts.unusable(name, why, occasion).await),
        }
    }

    /// What the store has of an account. Without import mode that is the mark of one that was made here, and may wait.
    pub(crate) async fn stored(
        &self,
        subject: &Subject,
    ) -> Result<Option<PasswordCredential>, ConnectorError> {
        let connection = &self.scripts.connection.id;
        let found = self
            .scripts
            .deps
            .store
            .read(|unit| Box::pin(async move { unit.credentials().find(connection, subject).await }));
        Ok(found.await?)
    }

    /// The argument `user` of the script `create` (contract §5.1).
    async fn user_argument(&self, account: &NewAccount) -> Result<Value, StoreError> {
        let settings = self
            .scripts
            .deps
            .store
            .read(|unit| Box::pin(async move { unit.tenant().settings().await }))
            .await?;
        let metadata = account.profile.get("user_metadata").and_then(Value::as_object);
        let optional = [
            ("email", account.email.as_ref().map(|email| json!(email.canonical()))),
            ("username", account.username.as_ref().map(|name| json!(name.trim().to_lowercase()))),
            ("password", account.password.as_ref().map(|password| json!(password.expose()))),
            ("tenant", Some(json!(settings.friendly_name.as_deref().unwrap_or("portico")))),
            ("client_id", account.occasion.client.as_ref().map(|client| json!(client))),
            ("connection", Some(json!(self.scripts.connection.name))),
            ("phone_number", account.profile.get("phone_number").cloned()),
            (
                "user_metadata",
                metadata.filter(|metadata| !metadata.is_empty()).map(|metadata| json!(metadata)),
            ),
        ];
        let present = optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Ok(Value::Object(present.collect()))
    }

    /// Run a script that answers `true`, an object or nothing for "done", and `false` for "not done".
    async fn do_it(
        &self,
        name: Name,
        args: Vec<Value>,
        occasion: &Occasion,
        secrets: &[&Secret],
    ) -> Result<(), AccountError> {
        if let Value::Bool(false) = self.scripts.run(name, args, occasion, secrets).await? {
            let message = format!("the script `{}` did not do it", name.key());
            return Err(AccountError::Refused { code: None, message });
        }
        Ok(())
    }
}

#[async_trait]
impl Accounts for Legacy {
    /// `get_user`, which must find nobody, then `create`, then `login` for the profile (contract §5.2).
    async fn create(&self, account: NewAccount) -> Result<Assertion, AccountError> {
        self.rules.review(&account).await?;
        let Some(email) = &account.email else { return Err(AccountError::Email) };
        let occasion = &account.occasion;
        if self.find(email.canonical(), occasion).await?.is_some() {
            return Err(AccountError::Exists);
        }
        let user = self.user_argument(&account).await.map_err(ConnectorError::from)?;
        let secrets: Vec<_> = account.password.iter().collect();
        self.scripts.run(Name::Create, vec![user], occasion, &secrets).await?;
        let made = match &account.password {
            Some(password) => {
                let attempt = Attempt { identifier: email.canonical(), password, occasion };
                self.login(attempt).await?
            }
            None => self.find(email.canonical(), occasion).await?,
        };
        let Some(mut made) = made else {
            let message = "the account was made, and cannot be found".to_owned();
            return Err(AccountError::Refused { code: None, message });
        };
        // The mark that it was made here: nobody is found by it.
        made.credential =
            Some(Credential { password_hash: None, email: None, username: None, origin: Origin::Made });
        Ok(made)
    }

    async fn change_password(
        &self,
        _subject: &Subject,
        password: Secret,
        profile: &Map<String, Value>,
        occasion: &Occasion,
    ) -> Result<NewPassword, AccountError> {
        let text = |name: &str| profile.get(name).and_then(Value::as_str);
        let email = text("email").and_then(|text| Email::parse(text).ok());
        let identifier = email.as_ref().map(|email| email.canonical().to_owned());
        let Some(identifier) = identifier.or_else(|| text("username").map(str::to_owned)) else {
            return Err(AccountError::Email);
        };
        let reviewed = NewAccount {
            email,
            username: text("username").map(str::to_owned),
            password: Some(password.clone()),
            profile: profile.clone(),
            subject: None,
            occasion: occasion.clone(),
        };
        match self.rules.review(&reviewed).await {
            // A user name of theirs need not be one that we would take.
            Ok(()) | Err(AccountError::Username(_) | AccountError::Email) => {}
            Err(error) => return Err(error),
        }
        let args = vec![json!(identifier), json!(password.expose())];
        self.do_it(Name::ChangePassword, args, occasion, &[&password]).await?;
        Ok(NewPassword::Elsewhere)
    }

    async fn look_up(
        &self,
        identifier: &str,
        occasion: &Occasion,
    ) -> Result<Option<Assertion>, AccountError> {
        self.find(identifier, occasion).await
    }

    fn kept(&self) -> Kept {
        Kept::None
    }

    /// Without the script there is nothing to tell.
    async fn verified(&self, email: &Email, occasion: &Occasion) -> Result<(), AccountError> {
        if !self.scripts.has(Name::Verify) {
            return Ok(());
        }
        self.do_it(Name::Verify, vec![json!(email.canonical())], occasion, &[]).await
    }

    async fn rename(&self, names: &NewNames, occasion: &Occasion) -> Result<(), AccountError> {
        match names {
            NewNames::Email { old, new, verified } => {
                let old = old.as_ref().map(Email::canonical);
                let args = vec![json!(old), json!(new.canonical()), json!(verified)];
                self.do_it(Name::ChangeEmail, args, occasion, &[]).await
            }
            NewNames::Username { old, new } => {
                let args = vec![json!(old), json!(new.to_lowercase())];
                self.do_it(Name::ChangeUsername, args, occasion, &[]).await
            }
        }
    }

    async fn delete(&self, subject: &Subject) -> Result<(), AccountError> {
        self.do_it(Name::Delete, vec![json!(subject)], &Occasion::default(), &[]).await
    }

    fn open_for_sign_up(&self) -> bool {
        self.rules.open_for_sign_up()
    }

    fn open_for_reset(&self) -> bool {
        self.rules.open_for_reset()
    }

    fn verifies_addresses(&self) -> bool {
        self.rules.verifies_addresses()
    }

    fn password_history(&self) -> usize {
        0
    }

    /// All but the history: only whoever keeps the passwords knows the earlier ones.
    fn password_rules(&self) -> Vec<PasswordRule> {
        let mut rules = self.rules.password_rules();
        rules.retain(|rule| !matches!(rule, PasswordRule::NotUsedBefore(_)));
        rules
    }
}

#[async_trait]
impl Backing for Legacy {
    fn asks_usernames(&self) -> bool {
        self.rules.asks_usernames()
    }

    fn counts_guesses(&self) -> bool {
        self.rules.counts_guesses()
    }

    async fn holds(&self, identifier: &str, occasion: &Occasion) -> Result<bool, ConnectorError> {
        match self.find(identifier, occasion).await {
            Ok(found) => Ok(found.is_some()),
            Err(AccountError::Connector(error)) => Err(error),
            Err(error @ AccountError::NotImplemented(_)) => {
                Err(ConnectorError::Misconfigured(error.to_string()))
            }
            Err(error) => Err(ConnectorError::Unavailable(Box::new(error))),
        }
    }

    async fn verify(&self, attempt: Attempt<'_>) -> Result<Verified, ConnectorError> {
        let about = || Some(attempt.identifier.to_owned());
        let Some(assertion) = self.login(attempt).await? else { return Ok(Verified::No(about())) };
        // One that was made here and waits for its address to be verified opens nothing yet, as far as anybody can tell
        // (DB-03).
        let waits = self.stored(&assertion.subject).await?.is_some_and(|stored| stored.awaits_verification);
        Ok(if waits { Verified::No(about()) } else { Verified::Yes(Box::new(assertion)) })
    }

    async fn open(&self, account: NewAccount, _intent: &Intent) -> Result<Opening, AccountError> {
        self.rules.review(&account).await?;
        Ok(Opening::Wanted(Box::new(account)))
    }

    async fn review(&self, account: &NewAccount) -> Result<(), AccountError> {
        self.rules.review(account).await
    }

    async fn adopt(&self, password: &Secret) -> Result<Secret, AccountError> {
        self.rules.adopt(password).await
    }
}
