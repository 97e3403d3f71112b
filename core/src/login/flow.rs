//! Owns what happens next in a login: the only file that decides it, and it knows no protocol.
//! Never touches a page, a cookie's attributes, or what an answer from elsewhere means.
//!
//! No unit of work is open while a connector or a rule runs: read, talk, compare-and-swap.

use super::{
    Awaiting, Choosing, Connectors, Locating, Stage, Transaction,
    discover::{by_identifier, discover},
    ending::{Said, prompt_of},
    entrance::{Entered, Entrance},
    lookup::{At, Here},
    pipeline::{Pipeline, Places},
    scene::{Next, Outcome, Scene, Shown, View},
    throttle,
    visitor::Visitor,
};
use crate::{
    account::sign_up_charges,
    connector::{Assertion, ConnectorError, Intent, Interaction, Memo, Presence, Refusal, Reply, Step},
    entropy::Entropy,
    id::{ConnectionId, OrganizationId, TransactionId},
    model::{OrganizationName, OrganizationUsage, RequireBehavior},
    oauth::{
        PromptValue,
        authorize::{Accepted, AuthorizeFault},
    },
    port::store::{Charge, Store, StoreError},
    secret::{Secret, TokenHash},
    time::Clock,
    watch::Watch,
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// The router of logins.
pub struct Flow {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) connectors: Arc<dyn Connectors>,
    pub(super) pipeline: Pipeline,
    pub(super) settings: FlowSettings,
    pub(super) watch: Watch,
}

/// What a flow has to know beyond its ports.
#[derive(Clone, Debug)]
pub struct FlowSettings {
    /// Our issuer, with its trailing slash.
    pub issuer: Url,
    /// How long a login may take.
    pub transaction_lifetime: Duration,
    /// Where rules and actions may send a browser, besides what applications have registered.
    pub places: Places,
}

impl FlowSettings {
    /// At this issuer; a login may take so long, and be sent to these places.
    pub const fn new(issuer: Url, transaction_lifetime: Duration, places: Places) -> Self {
        Self { issuer, transaction_lifetime, places }
    }

    /// The one address where identity providers send their answers (contract §1.10).
    pub fn callback(&self) -> Url {
        let mut callback = self.issuer.clone();
        callback.set_path(&format!("{}login/callback", self.issuer.path()));
        callback
    }
}

/// A login cannot go on. Who is told what is the page's business.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// There is no such login.
    #[error("no such login")]
    Unknown,
    /// It took too long.
    #[error("the login has expired")]
    Expired,
    /// It belongs to another browser (RP-03).
    #[error("the login belongs to another browser")]
    OtherBrowser,
    /// It is not at the stage that this step is for, or somebody was faster.
    #[error("the login has already moved on")]
    Stale,
    /// What an answer that nobody asked for leads to cannot be had.
    #[error(transparent)]
    Landing(AuthorizeFault),
    /// A connector failed in a way that leaves the login where it is.
    #[error(transparent)]
    Connector(ConnectorError),
    /// The store failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for FlowError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::Stale) { Self::Stale } else { Self::Store(error) }
    }
}

impl Flow {
    /// Over these ports.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        connectors: Arc<dyn Connectors>,
        pipeline: Pipeline,
        settings: FlowSettings,
    ) -> Self {
        let watch = Watch::new(Arc::clone(&store), Arc::clone(&clock), Arc::clone(&entropy));
        Self { store, clock, entropy, connectors, pipeline, settings, watch }
    }

    /// The one address to which identity providers send their answers.
    pub fn callback(&self) -> Url {
        self.settings.callback()
    }

    /// Begin: a live session answers, or somebody has to be asked.
    pub async fn start(&self, accepted: Accepted, visitor: &Visitor) -> Result<Outcome, FlowError> {
        let Accepted { request, scene } = accepted;
        let now = self.clock.now();
        let silent = match Box::pin(self.by_session(&request, visitor, now)).await? {
            Ok(outcome) => return Ok(outcome),
            Err(reason) => reason,
        };
        let browser = visitor.browser.clone().unwrap_or_else(|| Secret::new(self.entropy.token()));
        let transaction = Transaction {
            id: TransactionId::random(&*self.entropy),
            version: 0,
            browser: TokenHash::of(browser.expose()),
            stage: Stage::Locating(Locating {}),
            ip: visitor.ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.clone(),
            created_at: now,
            expires_at: now.plus(self.settings.transaction_lifetime),
            trace: vec![format!("session: {silent}")],
            request,
        };
        if transaction.request.prompts(PromptValue::None) {
            return Box::pin(self.no_interaction(&transaction, &scene, silent)).await;
        }
        let asks_organization = scene.client.as_ref().is_some_and(|client| {
            client.organization_usage == OrganizationUsage::Require
                && client.organization_require_behavior == RequireBehavior::PreLoginPrompt
        });
        let mut outcome = if transaction.request.organization.is_none() && asks_organization {
            let shown =
                Shown { transaction: transaction.id.clone(), view: View::Organization, refusal: None, scene };
            let locating = Stage::Locating(Locating {});
            self.keep(transaction, locating, None).await?;
            Outcome::from(Next::Show(Box::new(shown)))
        } else {
            Box::pin(self.open_choice(transaction, scene)).await?
        };
        outcome.browser = visitor.browser.is_none().then_some(browser);
        Ok(outcome)
    }

    /// Show the login's page again: it was loaded anew, or the browser was sent to it.
    pub async fn show(&self, id: &TransactionId, visitor: &Visitor) -> Result<Outcome, FlowError> {
        let here = self.here(id, visitor).await?;
        let view = match here.transaction.stage.clone() {
            Stage::Locating(Locating {}) => View::Organization,
            Stage::Choosing(choosing) => {
                View::choice(&self.candidates(&here.transaction, &choosing.candidates).await?)
            }
            Stage::Confirming(_) => {
                let connection = &here.at()?.connection;
                let connector = self.connectors.of(connection).map_err(FlowError::Connector)?;
                View::Confirmation {
                    connection: connection.title().to_owned(),
                    destinations: connector.destinations(),
                }
            }
            Stage::Awaiting(awaiting) => {
                let at = here.at()?.clone();
                let Some(prompt) = awaiting.prompt.clone() else {
                    // Loaded again, the way elsewhere is asked for anew: the old one may have been used.
                    let choosing = Choosing { candidates: awaiting.candidates };
                    let toward = Toward { at, intent: awaiting.intent, choosing, announced: true };
                    return Box::pin(self.approach(here.transaction, here.scene, toward, None)).await;
                };
                self.connector_view(&here.transaction, &awaiting, &at, Interaction::Prompt(prompt))?
            }
            Stage::Arriving(arriving) => arriving.view(),
            Stage::Picking(picking) => View::Picker(self.organizations_of(&picking.admitted.user).await?),
            Stage::Paused(paused) => View::Away(paused.to),
            Stage::Admitted(admitted) => {
                return Box::pin(self.conclude(here.transaction, admitted, visitor)).await;
            }
            Stage::Completed(_) | Stage::Failed(_) => return Err(FlowError::Stale),
        };
        let Here { transaction, scene, .. } = here;
        Ok(Next::Show(Box::new(Shown { transaction: transaction.id, view, refusal: None, scene })).into())
    }

    /// The visitor said for which organization (contract §1.2.2 row 4). It is frozen from here on.
    pub async fn locate(
        &self,
        id: &TransactionId,
        visitor: &Visitor,
        name: &str,
    ) -> Result<Outcome, FlowError> {
        let Here { mut transaction, scene, .. } = self.here(id, visitor).await?;
        let Stage::Locating(_) = transaction.stage else { return Err(FlowError::Stale) };
        let found = match OrganizationName::parse(&name.trim().to_lowercase()) {
            Ok(name) => {
                self.store
                    .read(|unit| Box::pin(async move { unit.organizations().find_by_name(&name).await }))
                    .await?
            }
            Err(_not_a_name) => None,
        };
        let Some(organization) = found else {
            let refusal = Some(Refusal::NoSuchOrganization);
            let shown = Shown { transaction: transaction.id, view: View::Organization, refusal, scene };
            return Ok(Next::Show(Box::new(shown)).into());
        };
        transaction.request.organization = Some(organization.id);
        let scene = self.scene(&transaction.request).await?;
        Box::pin(self.open_choice(transaction, scene)).await
    }

    /// The visitor chose a connection, or typed an identifier that chooses one.
    pub async fn choose(
        &self,
        id: &TransactionId,
        visitor: &Visitor,
        chosen: Chosen,
    ) -> Result<Outcome, FlowError> {
        let Here { transaction, scene, .. } = self.here(id, visitor).await?;
        let Stage::Choosing(choosing) = transaction.stage.clone() else { return Err(FlowError::Stale) };
        let candidates = self.candidates(&transaction, &choosing.candidates).await?;
        let candidate = match &chosen {
            Chosen::Connection(id) => candidates.iter().find(|candidate| &candidate.connection.id == id),
            Chosen::Identifier(identifier) => by_identifier(&candidates, identifier),
        };
        let Some(candidate) = candidate.cloned() else {
            let view = View::choice(&candidates);
            let shown = Shown { transaction: transaction.id, view, refusal: Some(Refusal::NoWayIn), scene };
            return Ok(Next::Show(Box::new(shown)).into());
        };
        let hint = match chosen {
            Chosen::Identifier(identifier) => Some(identifier),
            Chosen::Connection(_) => None,
        };
        let toward = Toward { at: candidate.into(), intent: Intent::SignIn, choosing, announced: true };
        Box::pin(self.approach(transaction, scene, toward, hint)).await
    }

    /// The visitor goes on to the organization's own sign-in.
    pub async fn confirm(&self, id: &TransactionId, visitor: &Visitor) -> Result<Outcome, FlowError> {
        let here = self.here(id, visitor).await?;
        let Stage::Confirming(confirming) = here.transaction.stage.clone() else {
            return Err(FlowError::Stale);
        };
        let (at, intent) = (here.at()?.clone(), here.scene.intent());
        let toward = Toward { at, intent, choosing: confirming.confirmed(), announced: true };
        Box::pin(self.approach(here.transaction, here.scene, toward, None)).await
    }

    /// The visitor goes back to the choice of connections.
    pub async fn back(&self, id: &TransactionId, visitor: &Visitor) -> Result<Outcome, FlowError> {
        let Here { transaction, scene, .. } = self.here(id, visitor).await?;
        let Stage::Awaiting(awaiting) = transaction.stage.clone() else { return Err(FlowError::Stale) };
        let choosing = awaiting.back().ok_or(FlowError::Stale)?;
        let view = View::choice(&self.candidates(&transaction, &choosing.candidates).await?);
        let shown = Shown { transaction: transaction.id.clone(), view, refusal: None, scene };
        self.keep(transaction, Stage::Choosing(choosing), None).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    /// The visitor turns to making an account, or back to signing in.
    pub async fn turn(
        &self,
        id: &TransactionId,
        visitor: &Visitor,
        intent: Intent,
    ) -> Result<Outcome, FlowError> {
        let here = self.here(id, visitor).await?;
        let Stage::Awaiting(awaiting) = here.transaction.stage.clone() else { return Err(FlowError::Stale) };
        if matches!(awaiting.intent, Intent::Accept(_)) || awaiting.prompt.is_none() {
            return Err(FlowError::Stale);
        }
        let at = here.at()?.clone();
        let choosing = Choosing { candidates: awaiting.candidates };
        let toward = Toward { at, intent, choosing, announced: true };
        Box::pin(self.approach(here.transaction, here.scene, toward, None)).await
    }

    /// The browser brought an answer back: from our form, or from elsewhere.
    pub async fn answer(
        &self,
        id: &TransactionId,
        visitor: &Visitor,
        reply: Reply,
    ) -> Result<Outcome, FlowError> {
        let here = self.here(id, visitor).await?;
        let Stage::Awaiting(awaiting) = here.transaction.stage.clone() else { return Err(FlowError::Stale) };
        let connector = self.connectors.of(&here.at()?.connection).map_err(FlowError::Connector)?;
        let guess = connector.guess(&awaiting.memo, &reply);
        let charges = match (&guess, &awaiting.intent) {
            (Some(who), _) => Some(throttle::guess(awaiting.connection.as_str(), who, visitor.ip)),
            // Never given back: an account comes about, or whoever asks learns that there is one (§3.5).
            (None, Intent::SignUp) if awaiting.prompt.is_some() => Some(sign_up_charges(visitor.ip)),
            (None, Intent::SignIn | Intent::SignUp | Intent::Accept(_)) => None,
        };
        if let Some(charges) = &charges
            && let Some((full, _until)) = self.store.charge(charges, self.clock.now()).await?
        {
            return Box::pin(self.throttled(here, awaiting, &full, guess.as_deref())).await;
        }
        let request = self.question(&here.transaction, &awaiting.intent, None);
        let step = connector.resume(&request, awaiting.memo.clone(), reply).await;
        match step {
            Ok(Step::Identified(assertion)) => {
                let answered = (assertion, charges.filter(|_| guess.is_some()).unwrap_or_default());
                Box::pin(self.identified(here, awaiting, answered, visitor)).await
            }
            Ok(Step::Wanted { account, retry }) => {
                Box::pin(self.make_account(here, awaiting, (*account, retry), visitor)).await
            }
            Ok(Step::Ask(ask)) => Box::pin(self.asked_again(here, awaiting, ask)).await,
            Ok(Step::Refused { reason, about, retry }) => {
                Box::pin(self.refused(here, awaiting, Said { reason, about: about.or(guess) }, retry)).await
            }
            Err(ConnectorError::Protocol(check)) => Box::pin(self.rejected(here, &check)).await,
            Err(ConnectorError::Rejected(why)) => Box::pin(self.disproved(here, *why)).await,
            Err(error) => {
                if let Some(charges) = charges {
                    self.store.refund(&charges, self.clock.now()).await?;
                }
                Err(FlowError::Connector(error))
            }
        }
    }

    /// The user chose one of their organizations (contract §1.2.2 row 5). Whether they may is asked again when the code
    /// is issued (ORG-06).
    pub async fn pick(
        &self,
        id: &TransactionId,
        visitor: &Visitor,
        organization: OrganizationId,
    ) -> Result<Outcome, FlowError> {
        let Here { mut transaction, .. } = self.here(id, visitor).await?;
        let Stage::Picking(picking) = transaction.stage.clone() else { return Err(FlowError::Stale) };
        let admitted = picking.picked(Some(organization.clone()));
        transaction.request.organization = Some(organization);
        let transaction = self.keep(transaction, Stage::Admitted(admitted.clone()), None).await?;
        Box::pin(self.conclude(transaction, admitted, visitor)).await
    }

    /// Find the candidates, and go to the only one or let the visitor choose.
    async fn open_choice(&self, mut transaction: Transaction, scene: Scene) -> Result<Outcome, FlowError> {
        let request = &transaction.request;
        let invitation = scene.invitation.as_ref();
        let invited_through = invitation.and_then(|invitation| invitation.connection_id.as_ref());
        let enabled = self.enabled(request).await?;
        let found = discover(enabled, invited_through, request.connection.as_deref(), invitation.is_some());
        let candidates = match found {
            Ok(candidates) => candidates,
            Err(reason) => return Box::pin(self.no_way_in(transaction, scene, reason)).await,
        };
        let names: Vec<_> = candidates.iter().map(|candidate| candidate.connection.name.as_str()).collect();
        transaction.trace.push(format!("candidates: {}", names.join(", ")));
        let choosing = Choosing {
            candidates: candidates.iter().map(|candidate| candidate.connection.id.clone()).collect(),
        };
        let hinted = transaction.request.login_hint.as_deref().and_then(|hint| {
            by_identifier(&candidates, hint).filter(|candidate| candidate.presence == Presence::Elsewhere)
        });
        let only = if let [only] = candidates.as_slice() {
            Some(only)
        } else {
            hinted.filter(|_| invitation.is_none())
        };
        if let Some(candidate) = only {
            let sign_up = transaction.request.screen_hint.as_deref() == Some("signup");
            let intent = match scene.intent() {
                Intent::SignIn if sign_up => Intent::SignUp,
                intent @ (Intent::SignIn | Intent::SignUp | Intent::Accept(_)) => intent,
            };
            let announced = invitation.is_none();
            let hint = transaction.request.login_hint.clone();
            let toward = Toward { at: candidate.clone().into(), intent, choosing, announced };
            return Box::pin(self.approach(transaction, scene, toward, hint)).await;
        }
        let view = View::choice(&candidates);
        let shown = Shown { transaction: transaction.id.clone(), view, refusal: None, scene };
        self.keep(transaction, Stage::Choosing(choosing), None).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    /// Let a connection make its first move. An invitation to a place elsewhere is announced first (seed).
    async fn approach(
        &self,
        mut transaction: Transaction,
        scene: Scene,
        toward: Toward,
        hint: Option<String>,
    ) -> Result<Outcome, FlowError> {
        let Toward { at, intent, choosing, announced } = toward;
        let connection = at.connection.clone();
        let connector = self.connectors.of(&connection).map_err(FlowError::Connector)?;
        let invited = scene.invitation.is_some();
        let intent = if invited { scene.intent() } else { intent };
        let confirmed = matches!(transaction.stage, Stage::Confirming(_) | Stage::Awaiting(_)) && announced;
        if invited && connector.presence() == Presence::Elsewhere && !confirmed {
            let view = View::Confirmation {
                connection: connection.title().to_owned(),
                destinations: connector.destinations(),
            };
            let shown = Shown { transaction: transaction.id.clone(), view, refusal: None, scene };
            self.keep(transaction, Stage::Confirming(choosing.announce(connection.id)), None).await?;
            return Ok(Next::Show(Box::new(shown)).into());
        }
        transaction.trace.push(format!("connection: {}", connection.name));
        let request = self.question(&transaction, &intent, hint);
        let ask = match connector.begin(&request).await.map_err(FlowError::Connector)? {
            Step::Ask(ask) => ask,
            Step::Refused { reason, about, retry } => {
                let awaiting = choosing.chose(connection.id, intent, Memo::none(), None);
                let here = Here::arrived(transaction, scene, at);
                return Box::pin(self.refused(here, awaiting, Said { reason, about }, retry)).await;
            }
            Step::Identified(_) | Step::Wanted { .. } => {
                let problem = "the connector identified somebody before asking".to_owned();
                return Err(FlowError::Connector(ConnectorError::Misconfigured(problem)));
            }
        };
        let awaiting = choosing.chose(connection.id, intent, ask.memo, prompt_of(&ask.interaction));
        let view = self.connector_view(&transaction, &awaiting, &at, ask.interaction)?;
        let shown = Shown { transaction: transaction.id.clone(), view, refusal: None, scene };
        self.keep(transaction, Stage::Awaiting(awaiting), None).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    /// Make a user of the assertion, and go on to the rules.
    pub(super) async fn identified(
        &self,
        here: Here,
        awaiting: Awaiting,
        (assertion, charges): (Assertion, Vec<Charge>),
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let connection = here.at()?.connection.clone();
        if awaiting.intent == Intent::SignUp && self.verifies_addresses(&connection)? {
            return Box::pin(self.sign_up(here, awaiting, assertion, visitor)).await;
        }
        let mut transaction = here.transaction.clone();
        transaction.trace.push(format!("identified at {}", connection.name));
        let entrance = Entrance {
            transaction,
            intent: awaiting.intent.clone(),
            connection,
            assertion,
            scene: here.scene.clone(),
            visitor: visitor.clone(),
            charges,
        };
        match Box::pin(self.enter(entrance)).await? {
            Entered::Issued(issued) => Ok(issued.outcome(self.settings.issuer.as_str())),
            Entered::Admitted(admitted) => {
                let (transaction, admitted, ready) = *admitted;
                Box::pin(self.conclude_on(transaction, admitted, ready, visitor)).await
            }
            Entered::Not(not) => Box::pin(self.not_admitted(here, awaiting, not)).await,
        }
    }
}

/// What a visitor chose.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Chosen {
    /// This connection's button.
    Connection(ConnectionId),
    /// This identifier, which leads to a connection.
    Identifier(String),
}

/// Where a login is going.
pub(super) struct Toward {
    at: At,
    intent: Intent,
    choosing: Choosing,
    /// Whether the visitor knows that it goes elsewhere.
    announced: bool,
}
