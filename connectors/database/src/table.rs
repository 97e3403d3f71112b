//! Owns the accounts of a database connection: whose password it is, and whether an account can be opened.
//! Never touches forms, which are the conversation's, or users, which admission makes.

use crate::{Dictionary, HashingPool, Options, Password, hashing::Match};
use async_trait::async_trait;
use portico_core::{
    connector::{
        AccountError, Accounts, Attempt, Backing, ConnectorError, Intent, NewAccount, Occasion, Opening,
        Verified, identified,
    },
    email::Email,
    entropy::Entropy,
    id::{ConnectionId, OrganizationId},
    model::PasswordCredential,
    port::store::Store,
    secret::Secret,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// The accounts of a database connection, in the store.
pub(crate) struct Table {
    pub(crate) connection: ConnectionId,
    /// The connection's names, which a password may not contain.
    pub(crate) place: Vec<String>,
    pub(crate) options: Options,
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

#[async_trait]
impl Backing for Table {
    fn asks_usernames(&self) -> bool {
        self.options.usernames.asked()
    }

    fn counts_guesses(&self) -> bool {
        self.options.brute_force_protection
    }

    async fn holds(&self, identifier: &str, _occasion: &Occasion) -> Result<bool, ConnectorError> {
        Ok(self.find(identifier).await?.is_some())
    }

    /// The work is the same whether there is an account, and whether it has a password.
    async fn verify(&self, attempt: Attempt<'_>) -> Result<Verified, ConnectorError> {
        let credential = self.find(attempt.identifier).await?;
        let about = match &credential {
            Some(credential) => credential.user_id.to_string(),
            None => attempt.identifier.to_owned(),
        };
        // What is too long to be a password is nobody's, whoever they are.
        let Ok(password) = Password::parse(attempt.password.expose()) else {
            return Ok(Verified::No(Some(about)));
        };
        // One that waits for its address to be verified has no password yet, as far as anybody can tell (DB-03).
        let open = credential.as_ref().filter(|credential| !credential.awaits_verification);
        let stored = open.and_then(|credential| credential.password_hash.as_ref());
        let matched = self.pool.verify(&password, stored).await?;
        let (Some(credential), Some(stored), Match::Yes | Match::Outdated) = (&credential, stored, matched)
        else {
            return Ok(Verified::No(Some(about)));
        };
        if matched == Match::Outdated {
            self.rehash(credential, &password, stored).await?;
        }
        Ok(Verified::Yes(Box::new(identified(credential.subject.clone(), Map::new(), None))))
    }

    async fn open(&self, account: NewAccount, intent: &Intent) -> Result<Opening, AccountError> {
        let mut made = self.create(account).await?;
        let credential = made.credential.as_ref();
        let (email, username) = (
            credential.and_then(|credential| credential.email.clone()).ok_or(AccountError::Email)?,
            credential.and_then(|credential| credential.username.clone()),
        );
        // Where addresses are verified, whoever signs up is not told whether this one has an account: its owner is, by
        // mail (DB-03). Elsewhere it is looked for after the hash, so that the time it takes does not tell.
        let quiet = self.options.verifies_addresses && *intent == Intent::SignUp;
        if !quiet && self.find(email.canonical()).await?.is_some() {
            return Err(AccountError::Exists);
        }
        if let Some(username) = &username
            && self.find(username).await?.is_some()
        {
            return Err(AccountError::UsernameTaken);
        }
        made.profile = profile_of(&email, username.as_deref());
        Ok(Opening::Made(Box::new(made)))
    }

    async fn review(&self, account: &NewAccount) -> Result<(), AccountError> {
        self.judge(account).await.map(|_accepted| ())
    }

    async fn adopt(&self, password: &Secret) -> Result<Secret, AccountError> {
        let password =
            Password::parse(password.expose()).map_err(|fault| AccountError::Password(vec![fault]))?;
        Ok(self.pool.hash(&password).await?)
    }
}

impl Table {
    /// Replace a hash that has other parameters than today's. Only whoever knows the password can see the time it
    /// takes. A node that is busy leaves it to the next login.
    async fn rehash(
        &self,
        credential: &PasswordCredential,
        password: &Password,
        old: &Secret,
    ) -> Result<(), ConnectorError> {
        let new = match self.pool.hash(password).await {
            Ok(new) => new,
            Err(ConnectorError::Busy) => return Ok(()),
            Err(error) => return Err(error),
        };
        let (connection, subject, old) = (self.connection.clone(), credential.subject.clone(), old.clone());
        let work = self.store.write(|unit| {
            Box::pin(async move { unit.credentials().rehash(&connection, &subject, &old, &new).await })
        });
        let _ours: bool = work.await?;
        Ok(())
    }

    async fn find(&self, identifier: &str) -> Result<Option<PasswordCredential>, ConnectorError> {
        let connection = &self.connection;
        Ok(self
            .store
            .read(|unit| {
                Box::pin(async move { unit.credentials().find_by_identifier(connection, identifier).await })
            })
            .await?)
    }

    /// What the organization is called: a password may not contain it.
    pub(crate) async fn names_of_organization(
        &self,
        organization: Option<&OrganizationId>,
    ) -> Result<Vec<String>, ConnectorError> {
        let Some(id) = organization else { return Ok(Vec::new()) };
        let organization =
            self.store.read(|unit| Box::pin(async move { unit.organizations().find(id).await })).await?;
        Ok(organization.map_or_else(Vec::new, |organization| {
            vec![organization.name.as_str().to_owned(), organization.title().to_owned()]
        }))
    }
}

/// What a new user looks like before anybody has said more (contract §2.8).
fn profile_of(email: &Email, username: Option<&str>) -> Map<String, Value> {
    let mut profile = Map::new();
    profile.insert("email".to_owned(), email.as_given().into());
    if let Some(username) = username {
        profile.insert("username".to_owned(), username.into());
    }
    profile.insert("name".to_owned(), email.as_given().into());
    profile.insert("nickname".to_owned(), email.local_part().into());
    profile
}
