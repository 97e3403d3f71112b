//! Owns what comes of a wish for an account on a page: the account, an account that waits for its address to be verified,
//! or a message to whoever has it already. Of the latter two the visitor sees the same (`security.md` DB-03).
//! Never touches who may come in with it: where addresses are not verified the login goes on at once (`entrance.rs`).

use super::{
    Awaiting, Transaction, Visitor,
    admit::{Known, NotAdmitted, admit},
    ending::Said,
    event::login_event,
    flow::{Flow, FlowError},
    lookup::Here,
    scene::{Next, Outcome, Scene, View},
};
use crate::{
    account::{
        AccountSettings, Door, MailFacts, ResetMail, mail_verification, may_sign_up, sign_up_charges_to,
    },
    connector::{
        AccountError, Accounts, Ask, Assertion, Connector, ConnectorError, Intent, NewAccount, Refusal,
    },
    email::Email,
    entropy::Entropy,
    model::{AuditEvent, Connection, EventKind, PasswordCredential},
    port::store::{StoreError, UnitOfWork},
    time::Timestamp,
};
use std::sync::Arc;

/// An account that somebody wants.
#[derive(Clone)]
struct SignUp {
    transaction: Transaction,
    scene: Scene,
    connection: Connection,
    connector: Arc<dyn Connector>,
    account: Account,
    email: Email,
}

/// Whether there is one already.
#[derive(Clone)]
enum Account {
    /// As far as the connector knows it is new.
    New(Box<Assertion>),
    /// Whoever keeps the accounts has one, and says who they are where the store does not know them.
    There(Option<Box<Assertion>>),
}

impl Flow {
    /// Whether whoever makes an account at this connection has to show first that the address is theirs.
    pub(super) fn verifies_addresses(&self, connection: &Connection) -> Result<bool, FlowError> {
        let connector = self.connectors.of(connection).map_err(FlowError::Connector)?;
        Ok(connector.accounts().is_some_and(Accounts::verifies_addresses))
    }

    /// Have the account made that somebody wants, if they may have one, and go on with it.
    ///
    /// Whoever keeps the accounts may be elsewhere, and what is made there is not undone with a unit of work of ours: that
    /// they may is asked first (DB-21), and once more when they are admitted.
    pub(super) async fn make_account(
        &self,
        here: Here,
        awaiting: Awaiting,
        (account, retry): (NewAccount, Ask),
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let at = here.at()?.clone();
        let connector = self.connectors.of(&at.connection).map_err(FlowError::Connector)?;
        let (Some(accounts), Some(email)) = (connector.accounts(), account.email.clone()) else {
            let problem = "a new account has no address, or nobody keeps it".to_owned();
            return Err(FlowError::Connector(ConnectorError::Misconfigured(problem)));
        };
        let about = Some(email.canonical().to_owned());
        if !self.may_have_account(&here, &awaiting.intent, accounts)? {
            let said = Said { reason: Refusal::SignUpRefused, about };
            return Box::pin(self.refused(here, awaiting, said, Some(retry))).await;
        }
        let quiet = awaiting.intent == Intent::SignUp && accounts.verifies_addresses();
        if quiet && !self.has_room(&here, &at.connection, &email).await? {
            return Box::pin(self.signed_up(&here.transaction, &email, visitor)).await;
        }
        let occasion = account.occasion.clone();
        let wanted = match accounts.create(account).await {
            Ok(assertion) if quiet => Account::New(Box::new(assertion)),
            Ok(assertion) => {
                return Box::pin(self.identified(here, awaiting, (assertion, Vec::new()), visitor)).await;
            }
            Err(AccountError::Exists) if quiet => {
                let found = accounts.look_up(email.canonical(), &occasion).await;
                Account::There(found.ok().flatten().map(Box::new))
            }
            Err(error) => {
                let reason = error.refusal().map_err(FlowError::Connector)?;
                return Box::pin(self.refused(here, awaiting, Said { reason, about }, Some(retry))).await;
            }
        };
        Box::pin(self.keep_sign_up(here, awaiting, (wanted, email), visitor)).await
    }

    /// Whether somebody may have an account here: at an open door, or by an invitation that is still good.
    fn may_have_account(
        &self,
        here: &Here,
        intent: &Intent,
        accounts: &dyn Accounts,
    ) -> Result<bool, FlowError> {
        let (at, request) = (here.at()?, &here.transaction.request);
        Ok(match intent {
            Intent::SignUp => {
                let door = Door::of(request, at.place.as_ref());
                may_sign_up(Some(accounts), &at.connection, door).is_ok()
            }
            Intent::Accept(_) => here.scene.invitation.as_ref().is_some_and(|invitation| {
                invitation.consumed_at.is_none() && self.clock.now() < invitation.expires_at
            }),
            Intent::SignIn => false,
        })
    }

    /// Whether a sign-up may name this address once more: each costs it a message, and after three an hour there are three
    /// to be found.
    async fn has_room(&self, here: &Here, connection: &Connection, email: &Email) -> Result<bool, FlowError> {
        let now = self.clock.now();
        if self.store.charge(&sign_up_charges_to(&connection.id, email), now).await?.is_none() {
            return Ok(true);
        }
        let kind = EventKind::BlockedAttempts;
        let event = login_event(kind, now, &*self.entropy, &here.transaction, Some(&here.scene))
            .through(connection)
            .about_text(Some(email.canonical()))
            .because("too_many_attempts", "too many sign-ups with this address");
        self.store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move { unit.events().insert(&event).await })
            })
            .await?;
        Ok(false)
    }

    /// Keep the account that a form asked for, and let the visitor look for mail.
    pub(super) async fn sign_up(
        &self,
        here: Here,
        awaiting: Awaiting,
        assertion: Assertion,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let connection = here.at()?.connection.clone();
        let Some(email) = assertion.credential.as_ref().and_then(|credential| credential.email.clone())
        else {
            let problem = "a new account has no address that could be verified".to_owned();
            return Err(FlowError::Connector(ConnectorError::Misconfigured(problem)));
        };
        if !self.has_room(&here, &connection, &email).await? {
            return Box::pin(self.signed_up(&here.transaction, &email, visitor)).await;
        }
        let account = Account::New(Box::new(assertion));
        Box::pin(self.keep_sign_up(here, awaiting, (account, email), visitor)).await
    }

    async fn keep_sign_up(
        &self,
        here: Here,
        awaiting: Awaiting,
        (account, email): (Account, Email),
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let connection = here.at()?.connection.clone();
        let connector = self.connectors.of(&connection).map_err(FlowError::Connector)?;
        let (transaction, scene) = (here.transaction.clone(), here.scene.clone());
        let wanted = SignUp { transaction, scene, connection, connector, account, email: email.clone() };
        let made = match self.make(wanted.clone()).await {
            // The account was made meanwhile: as if it had been there.
            Err(StoreError::Conflict(_)) => self.make(wanted).await,
            made => made,
        };
        match made {
            Ok(Ok(())) => {}
            Ok(Err(not)) => return Box::pin(self.not_admitted(here, awaiting, not)).await,
            // It is not the address that is taken.
            Err(StoreError::Conflict(_)) => {
                return Box::pin(self.not_admitted(here, awaiting, NotAdmitted::SignUpRefused)).await;
            }
            Err(error) => return Err(error.into()),
        }
        Box::pin(self.signed_up(&here.transaction, &email, visitor)).await
    }

    /// Tell the visitor to look for mail. What the login waits for from here on is that somebody signs in.
    async fn signed_up(
        &self,
        transaction: &Transaction,
        email: &Email,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let mut outcome = Box::pin(self.turn(&transaction.id, visitor, Intent::SignIn)).await?;
        if let Next::Show(shown) = &mut outcome.next {
            shown.view = View::SignedUp { email: email.as_given().to_owned() };
        }
        Ok(outcome)
    }

    async fn make(&self, wanted: SignUp) -> Result<Result<(), NotAdmitted>, StoreError> {
        let (now, entropy) = (self.clock.now(), Arc::clone(&self.entropy));
        let settings = AccountSettings::of(self.settings.issuer.clone());
        self.store.write(move |unit| Box::pin(wanted.write(unit, settings, (now, entropy)))).await
    }
}

impl SignUp {
    async fn write(
        self,
        unit: &mut dyn UnitOfWork,
        settings: AccountSettings,
        (now, entropy): (Timestamp, Arc<dyn Entropy>),
    ) -> Result<Result<(), NotAdmitted>, StoreError> {
        let Self { transaction, scene, connection, connector, account, email } = self;
        let event = |kind: EventKind| -> AuditEvent {
            login_event(kind, now, &*entropy, &transaction, Some(&scene)).through(&connection)
        };
        let assertion = match account {
            Account::New(assertion) => *assertion,
            Account::There(found) => {
                let connection = connection.clone();
                let exists = Exists { transaction: &transaction, connection, email, found };
                return exists.write(unit, event, &settings, (now, &*entropy)).await.map(Ok);
            }
        };
        let known = Known::load(unit, &transaction.request, &connection, &assertion).await?;
        let place = (&connection, connector.accounts());
        let admission = match admit(&transaction.request, &Intent::SignUp, place, assertion, known, now) {
            Ok(admission) => admission,
            Err(not) => return Ok(Err(not)),
        };
        if unit.credentials().find_by_identifier(&connection.id, email.canonical()).await?.is_some() {
            let exists =
                Exists { transaction: &transaction, connection: connection.clone(), email, found: None };
            return exists.write(unit, event, &settings, (now, &*entropy)).await.map(Ok);
        }
        // Not a member yet: nobody is before they have signed in.
        unit.users().insert(&admission.user).await?;
        if let Some(credential) = admission.credential {
            unit.credentials()
                .insert(&PasswordCredential { awaits_verification: true, ..credential })
                .await?;
        }
        unit.events().insert(&event(EventKind::SignUp).about(&admission.user)).await?;
        let (client, organization) = (scene.client.as_ref(), scene.organization.as_ref());
        let facts =
            MailFacts { user: &admission.user, connection: &connection, client, organization, url: None };
        mail_verification(unit, &facts, &settings, now, &*entropy).await.map(|_mailed| Ok(()))
    }
}

/// There is an account with the address already.
struct Exists<'t> {
    transaction: &'t Transaction,
    connection: Connection,
    email: Email,
    found: Option<Box<Assertion>>,
}

impl Exists<'_> {
    /// Tell whoever has it, and the log.
    async fn write(
        self,
        unit: &mut dyn UnitOfWork,
        event: impl Fn(EventKind) -> AuditEvent,
        settings: &AccountSettings,
        (now, entropy): (Timestamp, &dyn Entropy),
    ) -> Result<(), StoreError> {
        let exists = event(EventKind::SignUpFailed).about_text(Some(self.email.canonical()));
        let exists = exists.because("user_exists", "there is an account with this address");
        unit.events().insert(&exists).await?;
        let mail = ResetMail {
            template: ResetMail::ACCOUNT_EXISTS,
            sent: event(EventKind::PasswordChangeRequested),
            unsent: event(EventKind::PasswordChangeRequestFailed),
            client: Some(self.transaction.request.client_id.clone()),
            organization: self.transaction.request.organization.clone(),
            connection: self.connection,
            found: self.found.map(|found| *found),
            email: self.email,
        };
        mail.write(unit, settings, now, entropy).await
    }
}
