//! Owns the conversation of connectors that ask for a password on our own pages: signing in, signing up, accepting an
//! invitation.
//! Never touches accounts, which whoever keeps them does, or users, which admission makes of what is identified here.

use super::{
    AccountError, Accounts, Ask, Assertion, Attempt, AuthnRequest, Backing, Connector, ConnectorError,
    Credential, Evidence, Field, Intent, Interaction, Memo, NewAccount, Occasion, Opening, Presence, Prompt,
    Refusal, Reply, Step, Subject, Verified,
};
use crate::{email::Email, secret::Secret};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A connector over accounts with passwords, whoever keeps them.
#[derive(Clone)]
pub struct Conversation {
    backing: Arc<dyn Backing>,
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

impl Conversation {
    /// Over these accounts.
    pub const fn new(backing: Arc<dyn Backing>) -> Self {
        Self { backing }
    }
}

#[async_trait]
impl Connector for Conversation {
    async fn begin(&self, request: &AuthnRequest) -> Result<Step, ConnectorError> {
        Ok(match &request.intent {
            Intent::SignIn => Step::Ask(self.ask_sign_in(request.login_hint.as_deref())?),
            Intent::SignUp if self.backing.open_for_sign_up() => Step::Ask(self.ask_sign_up(None)?),
            Intent::SignUp => self.closed(request)?,
            Intent::Accept(email) => {
                let exists = self.backing.holds(email.canonical(), &occasion(request)).await?;
                Step::Ask(if exists { self.ask_existing(email)? } else { self.ask_new(email)? })
            }
        })
    }

    async fn resume(&self, request: &AuthnRequest, memo: Memo, reply: Reply) -> Result<Step, ConnectorError> {
        match (memo.read::<Notes>()?, &request.intent) {
            (Notes::SignIn { identifier }, Intent::SignIn | Intent::SignUp) => {
                self.sign_in(request, identifier, &reply).await
            }
            (Notes::SignUp, Intent::SignUp) if self.backing.open_for_sign_up() => {
                self.sign_up(request, &reply).await
            }
            (Notes::SignUp, Intent::SignUp) => self.closed(request),
            // INV-05: the address is the invitation's, whatever the form says.
            (Notes::Existing { .. } | Notes::New, Intent::Accept(email)) if names_another(&reply, email) => {
                let retry = self.begin(request).await?;
                Ok(refuse(Refusal::NotTheInvitee, Some(email.canonical().to_owned()), asked_by(retry)))
            }
            (Notes::Existing { email: noted }, Intent::Accept(email)) if noted == email.canonical() => {
                let retry = self.ask_existing(email)?;
                self.check_password(request, email.canonical(), &reply, retry).await
            }
            (Notes::New, Intent::Accept(email)) => self.accept_invitation(request, email, &reply).await,
            _ => Err(ConnectorError::Memo),
        }
    }

    fn presence(&self) -> Presence {
        Presence::Here
    }

    fn guess(&self, memo: &Memo, reply: &Reply) -> Option<String> {
        if !self.backing.counts_guesses() {
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
        Some(&*self.backing)
    }
}

/// Forms.
impl Conversation {
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
        if self.backing.asks_usernames() {
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
        if self.backing.asks_usernames() {
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
            may_sign_up: self.backing.open_for_sign_up() && intent == Intent::SignIn,
            may_reset: self.backing.open_for_reset() && !chooses,
            password_rules: if chooses { self.backing.password_rules() } else { Vec::new() },
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
impl Conversation {
    async fn sign_in(
        &self,
        request: &AuthnRequest,
        known: Option<String>,
        reply: &Reply,
    ) -> Result<Step, ConnectorError> {
        let typed = typed_identifier(known.clone(), reply);
        let mut retry = self.ask_sign_in(known.as_deref())?;
        if let Interaction::Prompt(prompt) = &mut retry.interaction {
            prompt.identifier = Some(typed.clone()).filter(|typed| !typed.is_empty());
        }
        // An identifier that can be nobody's is looked for all the same: the work does not tell (DB-02).
        let identifier = canonical_identifier(&typed).unwrap_or_default();
        self.check_password(request, &identifier, reply, retry).await
    }

    async fn check_password(
        &self,
        request: &AuthnRequest,
        identifier: &str,
        reply: &Reply,
        retry: Ask,
    ) -> Result<Step, ConnectorError> {
        let password = Secret::new(answer_to(reply, Field::Password));
        let attempt = Attempt { identifier, password: &password, occasion: &occasion(request) };
        Ok(match self.backing.verify(attempt).await? {
            Verified::Yes(assertion) => Step::Identified(*assertion),
            Verified::No(about) => refuse(Refusal::WrongCredentials, about, Some(retry)),
        })
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
        if self.backing.holds(email.canonical(), &occasion(request)).await? {
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
        let chosen = reply.get(Field::Username.name()).filter(|_| self.backing.asks_usernames());
        let account = NewAccount {
            email: Some(email.clone()),
            username: chosen.map(str::to_owned),
            password: Some(Secret::new(answer_to(reply, Field::NewPassword))),
            profile: Map::new(),
            subject: None,
            occasion: occasion(request),
        };
        match self.backing.open(account, &request.intent).await {
            Ok(Opening::Made(assertion)) => Ok(Step::Identified(*assertion)),
            Ok(Opening::Wanted(account)) => Ok(Step::Wanted { account, retry }),
            Err(AccountError::Connector(error)) => Err(error),
            Err(refused) => Ok(refuse(refused.refusal()?, Some(email.canonical().to_owned()), Some(retry))),
        }
    }
}

fn occasion(request: &AuthnRequest) -> Occasion {
    Occasion { organization: request.organization.clone(), client: request.client.clone() }
}

fn refuse(reason: Refusal, about: Option<String>, retry: Option<Ask>) -> Step {
    Step::Refused { reason, about: about.filter(|about| !about.is_empty()), retry }
}

fn asked_by(step: Step) -> Option<Ask> {
    match step {
        Step::Ask(ask) => Some(ask),
        Step::Identified(_) | Step::Wanted { .. } | Step::Refused { .. } => None,
    }
}

/// Somebody who showed who they are by a password.
pub fn identified(
    subject: Subject,
    profile: Map<String, Value>,
    credential: Option<Credential>,
) -> Assertion {
    let evidence = Evidence { amr: vec!["pwd".to_owned()], ..Evidence::default() };
    Assertion { subject, profile, evidence, vouched: None, credential, once: None }
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

/// What somebody typed to say who they are, in the form accounts are found by: an address in canonical form, or a user
/// name in lower case. None when it can be neither (contract §2.8).
pub fn canonical_identifier(typed: &str) -> Option<String> {
    let typed = typed.trim();
    if let Ok(email) = Email::parse(typed) {
        return Some(email.canonical().to_owned());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@^$.!`-#+'~_".contains(&byte);
    let fits = (1..=128).contains(&typed.len()) && typed.bytes().all(plain);
    fits.then(|| typed.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn db_12_an_identifier_has_one_form() {
        assert_eq!(canonical_identifier(" Jen@X.Test ").as_deref(), Some("jen@x.test"));
        assert_eq!(canonical_identifier("Jen").as_deref(), Some("jen"));
        for typed in
            ["", "auth0|5f7c", "je n", "\u{212a}im", "a@x.test,b@y.test", "a@x.test\r\nBcc: c@d.test"]
        {
            assert_eq!(canonical_identifier(typed), None, "{typed:?}");
        }
    }
}
