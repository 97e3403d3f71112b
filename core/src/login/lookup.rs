//! Owns what a flow reads before it decides, and the one way in which it writes a stage.
//! Never touches decisions.

use super::{
    Awaiting, Stage, Transaction,
    discover::Candidate,
    flow::{Flow, FlowError},
    scene::{Scene, View, enabled_connections},
    visitor::Visitor,
};
use crate::{
    account::{Door, may_sign_up},
    connector::{AuthnRequest, ConnectorError, Intent, Interaction},
    id::{ConnectionId, TransactionId, UserId},
    model::{AuditEvent, Connection, Organization, OrganizationConnection},
    oauth::AuthorizeRequest,
    port::store::{Durability, Page, StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};

/// A login at its next step, with what that step reads: all from one read of the store.
pub(super) struct Here {
    pub(super) transaction: Transaction,
    pub(super) scene: Scene,
    /// Where the login is, once a connection is chosen.
    at: Option<At>,
}

/// A connection that a login is at, and the organization's place for it.
#[derive(Clone)]
pub(super) struct At {
    pub(super) connection: Connection,
    pub(super) place: Option<OrganizationConnection>,
}

impl From<Candidate> for At {
    fn from(candidate: Candidate) -> Self {
        Self { connection: candidate.connection, place: candidate.organization }
    }
}

impl Here {
    /// A login that has just come to this connection.
    pub(super) const fn arrived(transaction: Transaction, scene: Scene, at: At) -> Self {
        Self { transaction, scene, at: Some(at) }
    }

    async fn load(unit: &mut dyn UnitOfWork, transaction: Transaction) -> Result<Self, StoreError> {
        let scene = Scene::load(unit, &transaction.request).await?;
        let chosen = match &transaction.stage {
            Stage::Awaiting(awaiting) => Some(&awaiting.connection),
            Stage::Confirming(confirming) => Some(&confirming.connection),
            Stage::Arriving(arriving) => Some(&arriving.connection),
            Stage::Locating(_)
            | Stage::Choosing(_)
            | Stage::Admitted(_)
            | Stage::Picking(_)
            | Stage::Paused(_)
            | Stage::Completed(_)
            | Stage::Failed(_) => None,
        };
        let mut at = None;
        if let Some(id) = chosen
            && let Some(connection) = unit.connections().find(id).await?
        {
            let place = match &transaction.request.organization {
                Some(organization) => unit.organizations().connection(organization, id).await?,
                None => None,
            };
            at = Some(At { connection, place });
        }
        Ok(Self { transaction, scene, at })
    }

    /// The connection that the login is at: it may have been deleted meanwhile.
    pub(super) fn at(&self) -> Result<&At, FlowError> {
        self.at.as_ref().ok_or_else(|| {
            let problem = "the login's connection does not exist any more".to_owned();
            FlowError::Connector(ConnectorError::Misconfigured(problem))
        })
    }
}

/// The login is this browser's and not over. The handle alone opens nothing (RP-03).
fn open(transaction: &Transaction, visitor: &Visitor, now: Timestamp) -> Result<(), FlowError> {
    let browser = visitor.browser.as_ref().map(|cookie| TokenHash::of(cookie.expose()));
    if browser.as_ref() != Some(&transaction.browser) {
        return Err(FlowError::OtherBrowser);
    }
    if transaction.expires_at <= now { Err(FlowError::Expired) } else { Ok(()) }
}

impl Flow {
    /// The login and what its next step reads, if it is this browser's and not over.
    pub(super) async fn here(&self, id: &TransactionId, visitor: &Visitor) -> Result<Here, FlowError> {
        let now = self.clock.now();
        let read = self.store.read(|unit| {
            Box::pin(async move {
                let Some(transaction) = unit.transactions().find(id).await? else {
                    return Ok(Err(FlowError::Unknown));
                };
                match open(&transaction, visitor, now) {
                    Ok(()) => Here::load(unit, transaction).await.map(Ok),
                    Err(refusal) => Ok(Err(refusal)),
                }
            })
        });
        read.await.map_err(FlowError::Store)?
    }

    pub(super) async fn scene(&self, request: &AuthorizeRequest) -> Result<Scene, FlowError> {
        let scene = self.store.read(|unit| Box::pin(Scene::load(unit, request))).await;
        scene.map_err(FlowError::Store)
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
            client: Some(transaction.request.client_id.clone()),
            login_hint: hint.or_else(|| transaction.request.login_hint.clone()),
            force: transaction.request.prompts(crate::oauth::PromptValue::Login)
                || transaction.request.invitation.is_some(),
            acr_values: transaction.request.acr_values.clone(),
            started_at: transaction.created_at,
        }
    }

    /// What a connector asks, as a page.
    pub(super) fn connector_view(
        &self,
        transaction: &Transaction,
        awaiting: &Awaiting,
        at: &At,
        interaction: Interaction,
    ) -> Result<View, FlowError> {
        let wanted = matches!(&interaction, Interaction::Prompt(prompt) if prompt.may_sign_up);
        let connector = self.connectors.of(&at.connection).map_err(FlowError::Connector)?;
        let door = Door::of(&transaction.request, at.place.as_ref());
        Ok(View::Connector {
            interaction,
            connection: at.connection.name.clone(),
            may_go_back: awaiting.candidates.len() > 1,
            may_sign_up: wanted && may_sign_up(connector.accounts(), &at.connection, door).is_ok(),
        })
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
        // A power cut may take a step back: the visitor takes it again. What is in the log stays there.
        let durability = if event.is_some() { Durability::Now } else { Durability::Lazy };
        self.store
            .write_as(durability, move |unit| {
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
}
