//! Owns logins that the other side begins: an answer that nobody asked for becomes a login once the visitor says so.
//! Never touches what an answer means, nor who may come in: that is decided as at any other login.

use super::{
    Awaiting, Stage, Transaction, Visitor,
    entrance::first_use,
    flow::{Flow, FlowError},
    scene::{Next, Outcome, Shown, Stopped, View},
    throttle,
};
use crate::{
    connector::{Assertion, ConnectorError, Evidence, Intent, Landing, Memo, Once, Reply, Step, Subject},
    id::{ConnectionId, ReferenceId, TransactionId},
    model::{AuditEvent, Connection, EventKind},
    oauth::{AuthorizeRequest, authorize::Accepted},
    port::store::StoreError,
    secret::{Secret, TokenHash},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Somebody arrived by an answer that nobody asked for, and has not said yet that it is what they want: anybody can make
/// a browser post an answer of their own (`security.md` §3.1.9).
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Arriving {
    /// Through which connection.
    pub connection: ConnectionId,
    /// Its name for people.
    pub title: String,
    /// Who they are there.
    pub subject: Subject,
    /// What it says of them.
    pub profile: Map<String, Value>,
    /// How they showed it.
    pub evidence: Evidence,
}

impl Arriving {
    /// The page that asks.
    pub(super) fn view(&self) -> View {
        let known = |name: &str| self.profile.get(name).and_then(Value::as_str).map(str::to_owned);
        let who = known("email").or_else(|| known("name")).unwrap_or_else(|| self.subject.0.clone());
        View::Arrival { connection: self.title.clone(), who }
    }

    fn assertion(self) -> Assertion {
        let Self { connection: _, title: _, subject, profile, evidence } = self;
        Assertion { subject, profile, evidence, vouched: None, credential: None, once: None }
    }
}

/// Why nobody arrives.
struct TurnedAway {
    kind: EventKind,
    reason: &'static str,
    description: &'static str,
}

const NOT_TAKEN: TurnedAway = TurnedAway {
    kind: EventKind::LoginFailed,
    reason: "unsolicited",
    description: "nobody asked for this answer, and the connection takes only answers",
};
const NOT_ENABLED: TurnedAway = TurnedAway {
    kind: EventKind::LoginFailed,
    reason: "connection_not_enabled",
    description: "the connection is not enabled where its unsolicited answers lead",
};
const REPLAYED: TurnedAway = TurnedAway {
    kind: EventKind::AnswerReplayed,
    reason: "answer_replayed",
    description: "the answer was used before",
};
const TOO_MANY: TurnedAway = TurnedAway {
    kind: EventKind::BlockedAddress,
    reason: "too_many_attempts",
    description: "too many unsolicited answers from one address",
};

impl Flow {
    /// An answer came that names no login: somebody begins at their identity provider. It is used up here, whatever comes
    /// of it; what it says waits for the visitor to go on. The organization is the one the answer was posted for, if any.
    pub async fn unsolicited(
        &self,
        connection: &str,
        organization: Option<&str>,
        visitor: &Visitor,
        reply: Reply,
    ) -> Result<Outcome, FlowError> {
        let found = self
            .store
            .read(|unit| Box::pin(async move { unit.connections().find_by_name(connection).await }))
            .await;
        let connection = found.map_err(FlowError::Store)?.ok_or(FlowError::Unknown)?;
        let connector = self.connectors.of(&connection).map_err(FlowError::Connector)?;
        let Some(landing) = connector.landing() else {
            return self.turn_away(&NOT_TAKEN, &connection, None, visitor).await;
        };
        if self
            .store
            .charge(&throttle::arrival(connection.id.as_str(), visitor.ip), self.clock.now())
            .await?
            .is_some()
        {
            return self.turn_away(&TOO_MANY, &connection, None, visitor).await;
        }
        let parameters = parameters(landing, &connection, organization);
        let Accepted { request, .. } =
            self.request(&parameters, visitor).await.map_err(FlowError::Landing)?;
        let enabled = self.enabled(&request).await?;
        if !enabled.iter().any(|candidate| candidate.connection.id == connection.id) {
            return self.turn_away(&NOT_ENABLED, &connection, Some(&request), visitor).await;
        }
        match connector.unsolicited(reply).await {
            Ok(Step::Identified(assertion)) => {
                Box::pin(self.arrived(request, connection, assertion, visitor)).await
            }
            Ok(Step::Refused { .. } | Step::Ask(_) | Step::Wanted { .. }) => {
                self.turn_away(&NOT_TAKEN, &connection, Some(&request), visitor).await
            }
            Err(ConnectorError::Rejected(rejection)) => {
                let event = self.stray(rejection.kind, Some(&request), visitor).through(&connection);
                self.stop(event.telling(*rejection), Some(&request)).await
            }
            Err(ConnectorError::Protocol(check)) => {
                let event =
                    self.stray(EventKind::AnswerRejected, Some(&request), visitor).through(&connection);
                let words = format!("the identity provider's answer did not pass a check: {check}");
                self.stop(event.because("answer_rejected", words), Some(&request)).await
            }
            Err(error) => Err(FlowError::Connector(error)),
        }
    }

    /// The visitor goes on as whom the answer names.
    pub async fn arrive(&self, id: &TransactionId, visitor: &Visitor) -> Result<Outcome, FlowError> {
        let here = self.here(id, visitor).await?;
        let Stage::Arriving(arriving) = here.transaction.stage.clone() else { return Err(FlowError::Stale) };
        let awaiting = Awaiting {
            connection: arriving.connection.clone(),
            intent: Intent::SignIn,
            memo: Memo::none(),
            prompt: None,
            refusals: 0,
            candidates: vec![arriving.connection.clone()],
        };
        Box::pin(self.identified(here, awaiting, (arriving.assertion(), Vec::new()), visitor)).await
    }

    /// Note that the answer was used, and ask whether the visitor wants what it says.
    async fn arrived(
        &self,
        request: AuthorizeRequest,
        connection: Connection,
        assertion: Assertion,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let Assertion { subject, profile, evidence, once, .. } = assertion;
        // What can be shown twice and says nothing of it is not taken: there is no request that would be used up.
        let Some(once) = once else {
            return self.turn_away(&NOT_TAKEN, &connection, Some(&request), visitor).await;
        };
        let arriving = Arriving {
            connection: connection.id.clone(),
            title: connection.title().to_owned(),
            subject,
            profile,
            evidence,
        };
        let browser = visitor.browser.clone().unwrap_or_else(|| Secret::new(self.entropy.token()));
        let transaction = Transaction {
            id: TransactionId::random(&*self.entropy),
            version: 1,
            browser: TokenHash::of(browser.expose()),
            stage: Stage::Arriving(arriving.clone()),
            ip: visitor.ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.clone(),
            created_at: now,
            expires_at: now.plus(self.settings.transaction_lifetime),
            trace: vec![format!("arrived unasked through {}", connection.name)],
            request: request.clone(),
        };
        if !self.begin_once(transaction.clone(), once).await? {
            return self.turn_away(&REPLAYED, &connection, Some(&request), visitor).await;
        }
        let scene = self.scene(&request).await?;
        let shown = Shown { transaction: transaction.id, view: arriving.view(), refusal: None, scene };
        let mut outcome = Outcome::from(Next::Show(Box::new(shown)));
        outcome.browser = visitor.browser.is_none().then_some(browser);
        Ok(outcome)
    }

    /// Store the login, unless its answer was used before; whether it was stored.
    async fn begin_once(&self, transaction: Transaction, once: Once) -> Result<bool, FlowError> {
        let begun = self
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    let Stage::Arriving(arriving) = &transaction.stage else { return Ok(false) };
                    if !first_use(unit, &arriving.connection, Some(&once)).await? {
                        return Ok(false);
                    }
                    unit.transactions().insert(&transaction).await?;
                    Ok(true)
                })
            })
            .await;
        begun.map_err(FlowError::Store)
    }

    async fn turn_away(
        &self,
        why: &TurnedAway,
        connection: &Connection,
        request: Option<&AuthorizeRequest>,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let event = self.stray(why.kind, request, visitor).through(connection);
        self.stop(event.because(why.reason, why.description), request).await
    }

    /// An entry about an answer that belongs to no login.
    fn stray(&self, kind: EventKind, request: Option<&AuthorizeRequest>, visitor: &Visitor) -> AuditEvent {
        AuditEvent {
            client_id: request.map(|request| request.client_id.clone()),
            organization_id: request.and_then(|request| request.organization.clone()),
            ip: visitor.ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.clone(),
            ..AuditEvent::new(kind, self.clock.now(), &*self.entropy)
        }
    }

    /// One entry, and a page that says nothing of it.
    async fn stop(
        &self,
        event: AuditEvent,
        request: Option<&AuthorizeRequest>,
    ) -> Result<Outcome, FlowError> {
        let reference = ReferenceId::random(&*self.entropy);
        let reason = event.details.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
        let event = event.on_page(&reference);
        self.store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move { unit.events().insert(&event).await })
            })
            .await
            .map_err(FlowError::Store)?;
        let scene = match request {
            Some(request) => Some(self.scene(request).await?),
            None => None,
        };
        Ok(Next::Stop(Box::new(Stopped { status: 400, reference, reason, scene, explanation: None })).into())
    }
}

/// What the application would have asked: as the connection says, through this connection, for the organization that the
/// answer was posted for.
fn parameters(landing: Landing, connection: &Connection, organization: Option<&str>) -> Reply {
    let Landing { client_id, parameters } = landing;
    let ours = [("client_id", client_id), ("connection", connection.name.clone())];
    let ours =
        ours.into_iter().chain(organization.map(|organization| ("organization", organization.to_owned())));
    let default = [("response_type".to_owned(), "code".to_owned())];
    let ours = ours.map(|(name, value)| (name.to_owned(), value));
    default.into_iter().chain(parameters).chain(ours).collect()
}
