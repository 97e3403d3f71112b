//! Owns the conversation of a database connection: signing in, signing up, accepting an invitation.
//! Never touches users: admission makes them, of what is identified here.

use crate::{
    Dictionary, HashingPool, Options, Password, context::Context, hashing::Match,
    username::canonical_identifier,
};
use async_trait::async_trait;
use portico_core::{
    connector::{
        Accounts, Ask, Assertion, AuthnRequest, Connector, ConnectorError, Credential, Evidence, Field,
        Intent, Interaction, Memo, Presence, Prompt, Refusal, Reply, Step, Subject,
    },
    email::Email,
    entropy::Entropy,
    id::ConnectionId,
    model::PasswordCredential,
    port::store::Store,
    secret::Secret,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A database connection at work.
pub(crate) struct DatabaseConnector {
    pub(crate) connection: ConnectionId,
    /// The connection's names, which a password may not contain.
    pub(crate) place: Vec<String>,
    pub(crate) options: Options,
    pub(crate) pool: Arc<HashingPool>,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

/// What was asked, so that the reply is read as the answer to that and to nothing else (`security.md` DB-18).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "form")]
enum Notes {
    /// Who they are and their password. `identifier` is what was known of it before.
    SignIn { identifier: Option<String> },
    /// A new account.
    SignUp,
    /// The password of the account that has the invited address.
    Existing { email: String },
    /// A password for the invited address, which has no account.
    New,
}

#[async_trait]
impl Connector for DatabaseConnector {
    async fn begin(&self, request: &AuthnRequest) -> Result<Step, ConnectorError> {
        Ok(match &request.intent {
            Intent::SignIn => Step::Ask(self.ask_sign_in(request.login_hint.as_deref())?),
            Intent::SignUp if self.options.sign_up => Step::Ask(self.ask_sign_up(None)?),
            Intent::SignUp => self.closed(request)?,
            Intent::Accept(email) => {
                let exists = self.find(email.canonical()).await?.is_some();
                Step::Ask(if exists { self.ask_existing(email)? } else { self.ask_new(email)? })
            }
        })
    }

    async fn resume(&self, request: &AuthnRequest, memo: Memo, reply: Reply) -> Result<Step, ConnectorError> {
        match (memo.read::<Notes>()?, &request.intent) {
            (Notes::SignIn { identifier }, Intent::SignIn | Intent::SignUp) => {
                self.sign_in(identifier, &reply).await
            }
            (Notes::SignUp, Intent::SignUp) if self.options.sign_up => self.sign_up(request, &reply).await,
            (Notes::SignUp, Intent::SignUp) => self.closed(request),
            // INV-05: the address is the invitation's, whatever the form says.
            (Notes::Existing { .. } | Notes::New, Intent::Accept(email)) if names_another(&reply, email) => {
                let retry = self.begin(request).await?;
                Ok(refuse(Refusal::NotTheInvitee, Some(email.canonical().to_owned()), asked_by(retry)))
            }
            (Notes::Existing { email: noted }, Intent::Accept(email)) if noted == email.canonical() => {
                let retry = self.ask_existing(email)?;
                self.check_password(email.canonical(), answer_to(&reply, Field::Password), retry).await
            }
            (Notes::New, Intent::Accept(email)) => self.accept_invitation(request, email, &reply).await,
            _ => Err(ConnectorError::Memo),
        }
    }

    fn presence(&self) -> Presence {
        Presence::Here
    }

    fn guess(&self, memo: &Memo, reply: &Reply) -> Option<String> {
        if !self.options.brute_force_protection {
            return None;
        }
        match memo.read::<Notes>().ok()? {
            Notes::SignIn { identifier } => {
                let typed = typed_identifier(identifier, reply);
                // What cannot be an identifier is counted too, all of it together.
                Some(canonical_identifier(&typed).unwrap_or_default())
            }
            Notes::Existing { email } => Some(email),
            Notes::SignUp | Notes::New => None,
        }
    }

    fn accounts(&self) -> Option<&dyn Accounts> {
        Some(self)
    }
}

/// Forms.
impl DatabaseConnector {
    fn ask_sign_in(&self, known: Option<&str>) -> Result<Ask, ConnectorError> {
        let identifier = known.map(str::trim).filter(|typed| canonical_identifier(typed).is_some());
        let fields = match identifier {
            Some(_) => vec![Field::Password],
            None => vec![Field::Identifier, Field::Password],
        };
        let identifier = identifier.map(str::to_owned);
        let notes = Notes::SignIn { identifier: identifier.clone() };
        self.ask(&notes, Intent::SignIn, fields, identifier)
    }

    fn ask_sign_up(&self, email: Option<String>) -> Result<Ask, ConnectorError> {
        let mut fields = vec![Field::Email, Field::NewPassword];
        if self.options.usernames.asked() {
            fields.insert(1, Field::Username);
        }
        self.ask(&Notes::SignUp, Intent::SignUp, fields, email)
    }

    fn ask_existing(&self, email: &Email) -> Result<Ask, ConnectorError> {
        let notes = Notes::Existing { email: email.canonical().to_owned() };
        let shown = Some(email.as_given().to_owned());
        self.ask(&notes, Intent::Accept(email.clone()), vec![Field::Password], shown)
    }

    fn ask_new(&self, email: &Email) -> Result<Ask, ConnectorError> {
        let mut fields = vec![Field::NewPassword];
        if self.options.usernames.asked() {
            fields.insert(0, Field::Username);
        }
        let shown = Some(email.as_given().to_owned());
        self.ask(&Notes::New, Intent::Accept(email.clone()), fields, shown)
    }

    fn ask(
        &self,
        notes: &Notes,
        intent: Intent,
        fields: Vec<Field>,
        identifier: Option<String>,
    ) -> Result<Ask, ConnectorError> {
        let chooses = fields.contains(&Field::NewPassword);
        let prompt = Prompt {
            may_sign_up: self.options.sign_up && intent == Intent::SignIn,
            may_reset: self.options.reset && !chooses,
            password_rules: if chooses { self.options.policy.rules() } else { Vec::new() },
            intent,
            fields,
            identifier,
        };
        Ok(Ask { interaction: Interaction::Prompt(prompt), memo: Memo::write(notes)? })
    }

    /// Nobody may make an account here; signing in is what is left.
    fn closed(&self, request: &AuthnRequest) -> Result<Step, ConnectorError> {
        let retry = self.ask_sign_in(request.login_hint.as_deref())?;
        Ok(refuse(Refusal::SignUpRefused, None, Some(retry)))
    }
}

/// Replies.
impl DatabaseConnector {
    async fn sign_in(&self, known: Option<String>, reply: &Reply) -> Result<Step, ConnectorError> {
        let typed = typed_identifier(known.clone(), reply);
        let password = answer_to(reply, Field::Password);
        let mut retry = self.ask_sign_in(known.as_deref())?;
        if let Interaction::Prompt(prompt) = &mut retry.interaction {
            prompt.identifier = Some(typed.clone()).filter(|typed| !typed.is_empty());
        }
        // An identifier that can be nobody's is looked for all the same: the work does not tell (DB-02).
        let identifier = canonical_identifier(&typed).unwrap_or_default();
        self.check_password(&identifier, password, retry).await
    }

    /// Find the account and compare the password; the work is the same whether there is an account, and whether it has
    /// a password.
    async fn check_password(
        &self,
        identifier: &str,
        password: &str,
        retry: Ask,
    ) -> Result<Step, ConnectorError> {
        let credential = self.find(identifier).await?;
        let about = match &credential {
            Some(credential) => credential.user_id.to_string(),
            None => identifier.to_owned(),
        };
        let refused = || Ok(refuse(Refusal::WrongCredentials, Some(about), Some(retry)));
        // What is too long to be a password is nobody's, whoever they are.
        let Ok(password) = Password::parse(password) else { return refused() };
        // One that waits for its address to be verified has no password yet, as far as anybody can tell (DB-03).
        let open = credential.as_ref().filter(|credential| !credential.awaits_verification);
        let stored = open.and_then(|credential| credential.password_hash.as_ref());
        let matched = self.pool.verify(&password, stored).await?;
        let (Some(credential), Some(stored), Match::Yes | Match::Outdated) = (&credential, stored, matched)
        else {
            return refused();
        };
        if matched == Match::Outdated {
            self.rehash(credential, &password, stored).await?;
        }
        Ok(Step::Identified(identified(credential.subject.clone(), Map::new(), None)))
    }

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

    async fn sign_up(&self, request: &AuthnRequest, reply: &Reply) -> Result<Step, ConnectorError> {
        let typed = answer_to(reply, Field::Email);
        let retry = self.ask_sign_up(Some(typed.to_owned()).filter(|typed| typed.len() <= 320))?;
        let Ok(email) = Email::parse(typed) else {
            return Ok(refuse(Refusal::EmailUnusable, None, Some(retry)));
        };
        self.new_account(request, &email, reply, retry).await
    }

    async fn accept_invitation(
        &self,
        request: &AuthnRequest,
        email: &Email,
        reply: &Reply,
    ) -> Result<Step, ConnectorError> {
        // INV-10: the account may have been made since the form was shown. Its password is asked, never replaced.
        if self.find(email.canonical()).await?.is_some() {
            let retry = self.ask_existing(email)?;
            let about = Some(email.canonical().to_owned());
            return Ok(refuse(Refusal::SignUpRefused, about, Some(retry)));
        }
        let retry = self.ask_new(email)?;
        self.new_account(request, email, reply, retry).await
    }

    async fn new_account(
        &self,
        request: &AuthnRequest,
        email: &Email,
        reply: &Reply,
        retry: Ask,
    ) -> Result<Step, ConnectorError> {
        let about = || Some(email.canonical().to_owned());
        let chosen = reply.get(Field::Username.name()).filter(|_| self.options.usernames.asked());
        let Ok(username) = self.options.usernames.check(chosen) else {
            return Ok(refuse(Refusal::UsernameUnusable, about(), Some(retry)));
        };
        let mut context = self.in_its_place(Context::default());
        context.address(email);
        context.person.extend(username.iter().map(|name| ("username".to_owned(), name.clone())));
        context.place.extend(self.names_of_organization(request).await?);
        let password = match self.accept(answer_to(reply, Field::NewPassword), &context) {
            Ok(password) => password,
            Err(faults) => return Ok(refuse(Refusal::PasswordTooWeak(faults), about(), Some(retry))),
        };
        let hash = self.pool.hash(&password).await?;
        // Where addresses are verified, whoever signs up is not told whether this one has an account: its owner is, by
        // mail (DB-03). Elsewhere it is looked for after the hash, so that the time it takes does not tell.
        let quiet = self.options.verifies_addresses && request.intent == Intent::SignUp;
        if !quiet && self.find(email.canonical()).await?.is_some() {
            return Ok(refuse(Refusal::SignUpRefused, about(), Some(retry)));
        }
        if let Some(username) = &username
            && self.find(username).await?.is_some()
        {
            return Ok(refuse(Refusal::UsernameUnusable, about(), Some(retry)));
        }
        let profile = profile_of(email, username.as_deref());
        let credential = Credential { password_hash: Some(hash), email: Some(email.clone()), username };
        Ok(Step::Identified(identified(self.fresh_subject(), profile, Some(credential))))
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

    async fn names_of_organization(&self, request: &AuthnRequest) -> Result<Vec<String>, ConnectorError> {
        let Some(id) = &request.organization else { return Ok(Vec::new()) };
        let organization =
            self.store.read(|unit| Box::pin(async move { unit.organizations().find(id).await })).await?;
        Ok(organization.map_or_else(Vec::new, |organization| {
            vec![organization.name.as_str().to_owned(), organization.title().to_owned()]
        }))
    }
}

fn refuse(reason: Refusal, about: Option<String>, retry: Option<Ask>) -> Step {
    Step::Refused { reason, about: about.filter(|about| !about.is_empty()), retry }
}

fn asked_by(step: Step) -> Option<Ask> {
    match step {
        Step::Ask(ask) => Some(ask),
        Step::Identified(_) | Step::Refused { .. } => None,
    }
}

fn identified(subject: Subject, profile: Map<String, Value>, credential: Option<Credential>) -> Assertion {
    let evidence = Evidence { amr: vec!["pwd".to_owned()], ..Evidence::default() };
    Assertion { subject, profile, evidence, credential, once: None }
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

/// What was typed into a field; nothing, if it was left empty.
fn answer_to(reply: &Reply, field: Field) -> &str {
    reply.get(field.name()).unwrap_or_default()
}

/// What the form says, or else what was known before.
fn typed_identifier(known: Option<String>, reply: &Reply) -> String {
    reply.get(Field::Identifier.name()).map(|typed| typed.trim().to_owned()).or(known).unwrap_or_default()
}

/// Whether a form that was not asked for an address has one, and not the invited one.
fn names_another(reply: &Reply, invited: &Email) -> bool {
    reply.get(Field::Email.name()).is_some_and(|typed| Email::parse(typed).as_ref() != Ok(invited))
}
