//! Owns what a flow reads before it decides, and the one way in which it writes a stage.
//! Never touches decisions.

use super::{
    Awaiting, Stage, Transaction,
    admit::{Admission, Known, NotAdmitted, admit},
    discover::Candidate,
    flow::{Flow, FlowError},
    scene::{Scene, View, enabled_connections},
    visitor::Visitor,
};
use crate::{
    account::{AccountSettings, Door, MailFacts, mail_verification, may_sign_up},
    connector::{Accounts, Assertion, AuthnRequest, ConnectorError, Intent, Interaction, Once},
    id::{ConnectionId, TransactionId, UserId},
    login::{Admitted, event::login_event},
    model::{AuditEvent, Connection, EventKind, Organization},
    oauth::AuthorizeRequest,
    port::store::{Charge, Page, StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};

/// An assertion on its way to a user.
pub(super) struct Admitting {
    pub(super) intent: Intent,
    pub(super) connection: Connection,
    pub(super) assertion: Assertion,
    pub(super) scene: Scene,
    pub(super) now: Timestamp,
    /// What it cost to look at the answer, to be given back: it was no guess.
    pub(super) charges: Vec<Charge>,
}

impl Flow {
    /// The login, if it is this browser's and not over. The handle alone opens nothing (RP-03).
    pub(super) async fn open(&self, id: &TransactionId, visitor: &Visitor) -> Result<Transaction, FlowError> {
        let found = self.store.read(|unit| Box::pin(async move { unit.transactions().find(id).await })).await;
        let transaction = found.map_err(FlowError::Store)?.ok_or(FlowError::Unknown)?;
        let browser = visitor.browser.as_ref().map(|cookie| TokenHash::of(cookie.expose()));
        if browser.as_ref() != Some(&transaction.browser) {
            return Err(FlowError::OtherBrowser);
        }
        if transaction.expires_at <= self.clock.now() {
            return Err(FlowError::Expired);
        }
        Ok(transaction)
    }

    pub(super) async fn scene(&self, request: &AuthorizeRequest) -> Result<Scene, FlowError> {
        let scene = self.store.read(|unit| Box::pin(Scene::load(unit, request))).await;
        scene.map_err(FlowError::Store)
    }

    pub(super) async fn connection(&self, id: &ConnectionId) -> Result<Connection, FlowError> {
        let found = self.store.read(|unit| Box::pin(async move { unit.connections().find(id).await })).await;
        found.map_err(FlowError::Store)?.ok_or_else(|| {
            FlowError::Connector(ConnectorError::Misconfigured(format!(
                "connection `{id}` does not exist any more"
            )))
        })
    }

    /// The connections that are enabled for a request. One whose connector cannot be built is left out.
    pub(super) async fn enabled(&self, request: &AuthorizeRequest) -> Result<Vec<Candidate>, FlowError> {
        let enabled = self.store.read(|unit| Box::pin(enabled_connections(unit, request))).await;
        let mut candidates = Vec::new();
        for (connection, organization) in enabled.map_err(FlowError::Store)? {
            match self.connectors.of(&connection) {
                Ok(connector) => {
                    candidates.push(Candidate {
                        presence: connector.presence(),
                        destinations: connector.destinations(),
                        connection,
                        organization,
                    });
                }
                Err(error) => {
                    tracing::warn!(connection.id = %connection.id, "connection `{}` is left out: {error}", connection.name);
                }
            }
        }
        Ok(candidates)
    }

    /// Those of the login's candidates that are still enabled.
    pub(super) async fn candidates(
        &self,
        transaction: &Transaction,
        ids: &[ConnectionId],
    ) -> Result<Vec<Candidate>, FlowError> {
        let mut enabled = self.enabled(&transaction.request).await?;
        enabled.retain(|candidate| ids.contains(&candidate.connection.id));
        Ok(enabled)
    }

    pub(super) async fn organizations_of(&self, user: &UserId) -> Result<Vec<Organization>, FlowError> {
        // Contract §3.1: the picker shows the first 20.
        let page = Page::first(20);
        let found = self
            .store
            .read(|unit| Box::pin(async move { unit.members().organizations_of(user, &page).await }))
            .await;
        found.map_err(FlowError::Store)
    }

    pub(super) fn question(
        &self,
        transaction: &Transaction,
        intent: &Intent,
        hint: Option<String>,
    ) -> AuthnRequest {
        AuthnRequest {
            transaction: transaction.id.clone(),
            callback: self.settings.callback(),
            intent: intent.clone(),
            organization: transaction.request.organization.clone(),
            login_hint: hint.or_else(|| transaction.request.login_hint.clone()),
            force: transaction.request.prompts(crate::oauth::PromptValue::Login)
                || transaction.request.invitation.is_some(),
            acr_values: transaction.request.acr_values.clone(),
            started_at: transaction.created_at,
        }
    }

    pub(super) async fn connector_view(
        &self,
        transaction: &Transaction,
        awaiting: &Awaiting,
        interaction: Interaction,
    ) -> Result<View, FlowError> {
        let connection = self.connection(&awaiting.connection).await?;
        let wanted = matches!(&interaction, Interaction::Prompt(prompt) if prompt.may_sign_up);
        let may_sign_up = wanted && self.takes_sign_ups(transaction, &connection).await?;
        Ok(View::Connector {
            interaction,
            connection: connection.name,
            may_go_back: awaiting.candidates.len() > 1,
            may_sign_up,
        })
    }

    async fn takes_sign_ups(
        &self,
        transaction: &Transaction,
        connection: &Connection,
    ) -> Result<bool, FlowError> {
        let request = &transaction.request;
        let place = match &request.organization {
            Some(organization) => {
                let (organization, id) = (organization.clone(), connection.id.clone());
                let place = self.store.read(|unit| {
                    Box::pin(async move { unit.organizations().connection(&organization, &id).await })
                });
                place.await.map_err(FlowError::Store)?
            }
            None => None,
        };
        let connector = self.connectors.of(connection).map_err(FlowError::Connector)?;
        Ok(may_sign_up(connector.accounts(), connection, Door::of(request, place.as_ref())).is_ok())
    }

    /// Store the login at its next stage, with an entry of the log if something ended; what is stored now.
    pub(super) async fn keep(
        &self,
        transaction: Transaction,
        stage: Stage,
        event: Option<AuditEvent>,
    ) -> Result<Transaction, FlowError> {
        let next = transaction.at(stage);
        let stored = next.clone();
        self.store
            .write(move |unit| {
                Box::pin(async move {
                    if next.version == 1 {
                        unit.transactions().insert(&next).await?;
                    } else {
                        unit.transactions().advance(&next).await?;
                    }
                    match &event {
                        Some(event) => unit.events().insert(event).await,
                        None => Ok(()),
                    }
                })
            })
            .await
            .map_err(|error: StoreError| FlowError::from(error))?;
        Ok(stored)
    }

    /// Decide on the assertion and carry it out, in one unit with the login's next stage and its log entries.
    pub(super) async fn admit(
        &self,
        transaction: &Transaction,
        admitting: Admitting,
    ) -> Result<Result<(Admission, bool), NotAdmitted>, FlowError> {
        let Admitting { intent, connection, assertion, scene, now, charges } = admitting;
        let connector = self.connectors.of(&connection).map_err(FlowError::Connector)?;
        let (settings, entropy) = (AccountSettings::of(self.settings.issuer.clone()), self.entropy.clone());
        let transaction = transaction.clone();
        // Made before the unit, which may await nothing but the store; their texts are filled in there.
        let entry =
            |kind| login_event(kind, now, &*self.entropy, &transaction, Some(&scene)).through(&connection);
        // In the order in which they happen: their ids keep it.
        let (signed_up, accepted, joined) =
            (entry(EventKind::SignUp), entry(EventKind::InvitationAccepted), entry(EventKind::MemberAdded));
        let outcome = self
            .store
            .write(move |unit| {
                Box::pin(async move {
                    forgive(unit, &charges, now).await?;
                    if !first_use(unit, &connection.id, assertion.once.as_ref()).await? {
                        return Ok(Err(NotAdmitted::Replayed));
                    }
                    let known = Known::load(unit, &transaction.request, &connection, &assertion).await?;
                    let evidence = assertion.evidence.clone();
                    let accounts = connector.accounts();
                    let admitting = (&connection, accounts);
                    let admission =
                        match admit(&transaction.request, &intent, admitting, assertion, known, now) {
                            Ok(admission) => admission,
                            Err(not) => return Ok(Err(not)),
                        };
                    let added = admission.write(unit, now).await?;
                    let user = &admission.user;
                    let admitted = Admitted {
                        user: user.id.clone(),
                        connection: connection.id.clone(),
                        evidence,
                        auth_time: now,
                        epoch: user.session_epoch,
                        silent: false,
                        created: admission.created,
                        membership_added: added,
                        organization: transaction.request.organization.clone(),
                    };
                    unit.transactions().advance(&transaction.at(Stage::Admitted(admitted))).await?;
                    if admission.created && admission.credential.is_some() {
                        unit.events().insert(&signed_up.about(user)).await?;
                        // An invitation that was mailed has shown it already (INV-11).
                        if !user.email_verified && accounts.is_some_and(Accounts::verifies_addresses) {
                            let (client, organization) = (scene.client.as_ref(), scene.organization.as_ref());
                            let facts =
                                MailFacts { user, connection: &connection, client, organization, url: None };
                            mail_verification(unit, &facts, &settings, now, &*entropy).await?;
                        }
                    }
                    if admission.accepts.is_some() {
                        unit.events().insert(&accepted.about(user)).await?;
                    }
                    if added {
                        unit.events().insert(&joined.about(user)).await?;
                    }
                    Ok(Ok((admission, added)))
                })
            })
            .await;
        match outcome {
            // The account was made meanwhile: the visitor is asked again, now for its own password (INV-04, INV-10).
            Err(StoreError::Conflict(_)) => Ok(Err(NotAdmitted::SignUpRefused)),
            outcome => outcome.map_err(FlowError::from),
        }
    }
}

/// Note that an answer was used, if it counts but once; whether it was not used before. A refusal that follows in the same
/// unit does not take the note back: what was looked at is used up.
pub(super) async fn first_use(
    unit: &mut dyn UnitOfWork,
    connection: &ConnectionId,
    once: Option<&Once>,
) -> Result<bool, StoreError> {
    let Some(Once { mark, until }) = once else { return Ok(true) };
    unit.answers().consume(connection, &TokenHash::of(mark), *until).await
}

/// It was no guess: give back what it cost, and forget what was guessed from there about this account.
async fn forgive(unit: &mut dyn UnitOfWork, charges: &[Charge], now: Timestamp) -> Result<(), StoreError> {
    let Some((narrowest, others)) = charges.split_first() else { return Ok(()) };
    unit.limits().forget(&narrowest.key).await?;
    unit.limits().refund(others, now).await
}
