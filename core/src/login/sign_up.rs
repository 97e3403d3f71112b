//! Owns what comes of a sign-up on a page where addresses are verified: an account that waits for that, or a message to
//! whoever has it already. The visitor sees the same (`security.md` DB-03).
//! Never touches sign-ups where addresses are not verified: there the login goes on at once (`entrance.rs`).

use super::{
    Awaiting, Transaction, Visitor,
    admit::{Known, NotAdmitted, admit},
    event::login_event,
    flow::{Flow, FlowError},
    lookup::Here,
    scene::{Next, Outcome, Scene, View},
};
use crate::{
    account::{AccountSettings, MailFacts, ResetMail, mail_verification, sign_up_charges_to},
    connector::{Accounts, Assertion, Connector, ConnectorError, Intent},
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
    assertion: Assertion,
    email: Email,
}

impl Flow {
    /// Whether whoever makes an account at this connection has to show first that the address is theirs.
    pub(super) fn verifies_addresses(&self, connection: &Connection) -> Result<bool, FlowError> {
        let connector = self.connectors.of(connection).map_err(FlowError::Connector)?;
        Ok(connector.accounts().is_some_and(Accounts::verifies_addresses))
    }

    /// Make the account that a form asked for, and let the visitor look for mail.
    pub(super) async fn sign_up(
        &self,
        here: Here,
        awaiting: Awaiting,
        assertion: Assertion,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let connection = here.at()?.connection.clone();
        let connector = self.connectors.of(&connection).map_err(FlowError::Connector)?;
        let Some(email) = assertion.credential.as_ref().and_then(|credential| credential.email.clone())
        else {
            let problem = "a new account has no address that could be verified".to_owned();
            return Err(FlowError::Connector(ConnectorError::Misconfigured(problem)));
        };
        let (transaction, scene) = (here.transaction.clone(), here.scene.clone());
        let id = transaction.id.clone();
        let wanted = SignUp { transaction, scene, connection, connector, assertion, email: email.clone() };
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
        // What the login waits for from here on is that somebody signs in.
        let mut outcome = Box::pin(self.turn(&id, visitor, Intent::SignIn)).await?;
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
        let Self { transaction, scene, connection, connector, assertion, email } = self;
        let event = |kind: EventKind| -> AuditEvent {
            login_event(kind, now, &*entropy, &transaction, Some(&scene)).through(&connection)
        };
        let known = Known::load(unit, &transaction.request, &connection, &assertion).await?;
        let place = (&connection, connector.accounts());
        let admission = match admit(&transaction.request, &Intent::SignUp, place, assertion, known, now) {
            Ok(admission) => admission,
            Err(not) => return Ok(Err(not)),
        };
        // Each costs the address a message: after three an hour there are three to be found.
        let charges = sign_up_charges_to(&connection.id, &email);
        if unit.limits().charge(&charges, now).await?.is_some() {
            let event = event(EventKind::BlockedAttempts).about_text(Some(email.canonical()));
            let event = event.because("too_many_attempts", "too many sign-ups with this address");
            return unit.events().insert(&event).await.map(Ok);
        }
        if unit.credentials().find_by_identifier(&connection.id, email.canonical()).await?.is_some() {
            let exists = event(EventKind::SignUpFailed).about_text(Some(email.canonical()));
            let exists = exists.because("user_exists", "there is an account with this address");
            unit.events().insert(&exists).await?;
            let mail = ResetMail {
                template: ResetMail::ACCOUNT_EXISTS,
                sent: event(EventKind::PasswordChangeRequested),
                unsent: event(EventKind::PasswordChangeRequestFailed),
                client: Some(transaction.request.client_id.clone()),
                organization: transaction.request.organization.clone(),
                connection: connection.clone(),
                email,
            };
            return mail.write(unit, &settings, now, &*entropy).await.map(Ok);
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
