//! Owns the last steps of a login: may they, what do the rules say, and the code.
//! Never touches who they are: that is settled.

use super::{
    Admitted, Stage, Transaction,
    authorize_org::{Denied, Facts, Granted, Question, authorize_org},
    ending::Ending,
    event::login_event,
    flow::{Flow, FlowError},
    issue::Finish,
    pause::{Journey, Pausing, Resumed},
    pipeline::{
        Asked, Changes, MetadataUpdates, Method, Protocol, RuleFailed, RuleInput, RuleRequest, Script,
        Verdict,
    },
    scene::{Next, Outcome, Scene, Shown, View},
    visitor::Visitor,
};
use crate::{
    id::OrganizationId,
    model::{AuditEvent, EventKind, LoginScripts, RequireBehavior, RuleConfig, Session, TenantSettings},
    oauth::AuthorizeRequest,
    port::store::{Page, StoreError, UnitOfWork},
};
use serde_json::json;

/// What the last steps read, at once.
pub(super) struct Ready {
    pub(super) facts: Facts,
    roles: Vec<String>,
    pub(super) scripts: LoginScripts,
    configs: Vec<RuleConfig>,
    pub(super) settings: TenantSettings,
}

impl Ready {
    pub(super) async fn load(unit: &mut dyn UnitOfWork, question: &Question) -> Result<Self, StoreError> {
        let facts = Facts::load(unit, question).await?;
        Self::around(unit, question, facts).await
    }

    /// The rest, around facts that the same unit has read already.
    pub(super) async fn around(
        unit: &mut dyn UnitOfWork,
        question: &Question,
        facts: Facts,
    ) -> Result<Self, StoreError> {
        let scripts = unit.rules().at_login().await?;
        let (mut roles, mut configs) = (Vec::new(), Vec::new());
        if !scripts.rules.is_empty() {
            configs = unit.rules().configs().await?;
        }
        if !scripts.is_empty() {
            // Contract §1.5: in an organization only the member's roles there count.
            roles = match (&question.organization, &facts.membership) {
                (Some(_), Some(membership)) => unit.roles().find_all(&membership.roles).await?,
                (Some(_), None) => Vec::new(),
                (None, _) => unit.roles().of_user(&question.user, &Page::first(50)).await?,
            };
        }
        let settings = unit.tenant().settings().await?;
        Ok(Self {
            facts,
            roles: roles.into_iter().map(|role| role.name).collect(),
            scripts,
            configs,
            settings,
        })
    }
}

/// What a rule or an action said against a login.
struct Against {
    by: Script,
    console: Vec<String>,
    ending: Ending,
    reason: String,
}

/// How a login came to its last steps, when not by somebody who has just shown who they are.
#[derive(Default)]
pub(super) struct Circumstances {
    /// The session that answered, if one did.
    pub(super) session: Option<Session>,
    /// What the browser brought back from elsewhere, if that is where it was.
    pub(super) resumed: Option<Resumed>,
}

impl Flow {
    /// Somebody has shown who they are: may they, and what do the rules say?
    pub(super) async fn conclude(
        &self,
        transaction: Transaction,
        admitted: Admitted,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let question = question(&transaction.request, &admitted);
        let ready = self.store.read(|unit| Box::pin(Ready::load(unit, &question))).await;
        Box::pin(self.conclude_on(transaction, admitted, ready.map_err(FlowError::Store)?, visitor)).await
    }

    /// The same, on what was read when they were admitted.
    pub(super) async fn conclude_on(
        &self,
        transaction: Transaction,
        admitted: Admitted,
        ready: Ready,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        Box::pin(self.conclude_in(transaction, admitted, ready, visitor, Circumstances::default())).await
    }

    /// The same, where a session answered or the browser comes back from elsewhere.
    pub(super) async fn conclude_in(
        &self,
        mut transaction: Transaction,
        admitted: Admitted,
        ready: Ready,
        visitor: &Visitor,
        circumstances: Circumstances,
    ) -> Result<Outcome, FlowError> {
        let question = question(&transaction.request, &admitted);
        let denied = match authorize_org(&question, ready.facts.clone()) {
            Ok(granted) => {
                let granted = (granted, ready);
                return Box::pin(self.run_rules(transaction, admitted, granted, visitor, circumstances))
                    .await;
            }
            Err(denied) => denied,
        };
        let picks =
            ready.facts.client.as_ref().is_some_and(|client| {
                client.organization_require_behavior == RequireBehavior::PostLoginPrompt
            });
        if denied == Denied::OrganizationRequired && picks {
            return Box::pin(self.let_pick(transaction, admitted, visitor)).await;
        }
        transaction.trace.push(format!("denied: {}", denied.reason()));
        let scene = self.scene(&transaction.request).await?;
        let description = denied.description(&question);
        let event = self
            .terminal(failed(&admitted), &transaction, &scene, &ready.facts)
            .because(denied.reason(), description.clone());
        Box::pin(self.end(transaction, Some(scene), Ending::denied(description), event)).await
    }

    /// Contract §1.2.2 row 5: the user says for which of their organizations. One is no choice; none is a denial, unless
    /// exactly one organization takes whoever comes through this connection (ORG-12).
    async fn let_pick(
        &self,
        mut transaction: Transaction,
        admitted: Admitted,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let mut organizations = self.organizations_of(&admitted.user).await?;
        if organizations.is_empty()
            && let Some(only) = self.only_taker(&admitted).await?
        {
            let (user, now) = (admitted.user.clone(), self.clock.now());
            let id = only.clone();
            self.store
                .write(move |unit| Box::pin(async move { unit.members().insert(&id, &user, now).await }))
                .await
                .map_err(FlowError::Store)?;
            organizations = self.organizations_of(&admitted.user).await?;
        }
        if let [only] = organizations.as_slice() {
            let admitted = admitted.pick().picked(Some(only.id.clone()));
            transaction.request.organization = Some(only.id.clone());
            let transaction = self.keep(transaction, Stage::Admitted(admitted.clone()), None).await?;
            return Box::pin(self.conclude(transaction, admitted, visitor)).await;
        }
        let scene = self.scene(&transaction.request).await?;
        if organizations.is_empty() {
            let description = format!("user {} is not part of any organization", admitted.user);
            let event = login_event(
                EventKind::LoginFailed,
                self.clock.now(),
                &*self.entropy,
                &transaction,
                Some(&scene),
            )
            .through_id(&admitted.connection)
            .about_text(Some(admitted.user.as_str()))
            .because("not_a_member", description.clone());
            return Box::pin(self.end(transaction, Some(scene), Ending::denied(description), event)).await;
        }
        let view = View::Picker(organizations);
        let shown = Shown { transaction: transaction.id.clone(), view, refusal: None, scene };
        self.keep(transaction, Stage::Picking(admitted.pick()), None).await?;
        Ok(Next::Show(Box::new(shown)).into())
    }

    async fn only_taker(&self, admitted: &Admitted) -> Result<Option<OrganizationId>, FlowError> {
        let connection = admitted.connection.clone();
        let found = self
            .store
            .read(|unit| {
                Box::pin(async move { unit.organizations().with_connection(&connection, 100).await })
            })
            .await
            .map_err(FlowError::Store)?;
        let mut takers =
            found.into_iter().filter(|place| place.is_enabled && place.assign_membership_on_login);
        Ok(match (takers.next(), takers.next()) {
            (Some(only), None) => Some(only.organization_id),
            _ => None,
        })
    }

    /// Run the rules and actions. No unit of work is open meanwhile.
    pub(super) async fn run_rules(
        &self,
        transaction: Transaction,
        admitted: Admitted,
        (granted, ready): (Granted, Ready),
        visitor: &Visitor,
        circumstances: Circumstances,
    ) -> Result<Outcome, FlowError> {
        let Circumstances { session, mut resumed } = circumstances;
        if ready.scripts.is_empty() {
            let finish =
                Finish { admitted, granted, changes: Changes::default(), settings: ready.settings, session };
            return Box::pin(self.issue(transaction, finish, visitor)).await;
        }
        let from = resumed.as_mut().and_then(|resumed| resumed.suspended.take());
        let ran = {
            let methods = methods(&admitted);
            let input = RuleInput {
                tenant: ready.settings.friendly_name.as_deref().unwrap_or("portico"),
                user: &granted.user,
                logins_count: granted.user.logins_count + 1,
                client: &granted.client,
                connection: &granted.connection,
                organization: granted.organization.as_ref().map(|(organization, _)| organization),
                roles: &ready.roles,
                scope: &transaction.request.scope,
                protocol: match resumed {
                    Some(_) => Protocol::RedirectCallback,
                    None => Protocol::OidcBasicProfile,
                },
                session: session.as_ref().map(|session| &session.id),
                session_clients: session
                    .as_ref()
                    .map(|session| session.clients.as_slice())
                    .unwrap_or_default(),
                methods: &methods,
                request: Some(request_of(visitor, resumed)),
                asked: Asked {
                    issuer: self.settings.issuer.as_str(),
                    transaction: Some(&transaction.id),
                    request: Some(&transaction.request),
                    audience: transaction.request.audience.as_deref(),
                    authenticated_at: session.as_ref().map(|session| session.authenticated_at),
                },
            };
            Box::pin(self.pipeline.run(&ready.scripts, &ready.configs, &input, from)).await
        };
        self.store_metadata(ran.metadata, &admitted).await?;
        let admitted = (admitted, granted);
        Box::pin(self.follow(ran.verdict, transaction, admitted, (ready, session), visitor)).await
    }

    /// Do what they say.
    async fn follow(
        &self,
        verdict: Result<Verdict, RuleFailed>,
        mut transaction: Transaction,
        (admitted, granted): (Admitted, Granted),
        (ready, session): (Ready, Option<Session>),
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        match verdict {
            Ok(Verdict::Allow(changes)) => {
                let LoginScripts { rules, actions } = &ready.scripts;
                transaction.trace.push(format!("rules: {}, actions: {}", rules.len(), actions.len()));
                let changes = *changes;
                let finish = Finish { admitted, granted, changes, settings: ready.settings, session };
                Box::pin(self.issue(transaction, finish, visitor)).await
            }
            Ok(Verdict::Deny { by, reason, console }) => {
                let said = Against { by, console, ending: Ending::denied(reason.clone()), reason };
                Box::pin(self.denied_by(transaction, (admitted, ready.facts), said)).await
            }
            Ok(Verdict::Invalid { by, message, console }) => {
                let ending = Ending::Explained(message.clone());
                let said = Against { by, console, ending, reason: message };
                Box::pin(self.denied_by(transaction, (admitted, ready.facts), said)).await
            }
            Ok(Verdict::Pause { by, url, suspended }) => {
                let pausing = Pausing { transaction, admitted, granted, facts: ready.facts, session };
                let journey = Journey { by, url, suspended };
                Box::pin(self.pause(pausing, &ready.settings, journey, visitor)).await
            }
            Err(failure) => Box::pin(self.rule_failed(transaction, (admitted, ready.facts), &failure)).await,
        }
    }

    /// Store what rules and actions changed of the user's metadata, if anything: whatever else they say.
    async fn store_metadata(&self, updates: MetadataUpdates, admitted: &Admitted) -> Result<(), FlowError> {
        if updates.is_empty() {
            return Ok(());
        }
        let (user, now) = (admitted.user.clone(), self.clock.now());
        let stored: Result<(), StoreError> = self
            .store
            .write(move |unit| Box::pin(async move { updates.write(unit, &user, now).await }))
            .await;
        stored.map_err(FlowError::Store)
    }

    async fn denied_by(
        &self,
        mut transaction: Transaction,
        (admitted, facts): (Admitted, Facts),
        said: Against,
    ) -> Result<Outcome, FlowError> {
        let Against { by, console, ending, reason } = said;
        transaction.trace.push(format!("{by} denied"));
        let scene = self.scene(&transaction.request).await?;
        let mut event =
            self.terminal(failed(&admitted), &transaction, &scene, &facts).because(by.kind.denial(), reason);
        event.details.insert(by.kind.as_str().to_owned(), json!({"name": by.name, "console": console}));
        Box::pin(self.end(transaction, Some(scene), ending, event)).await
    }

    pub(super) async fn rule_failed(
        &self,
        mut transaction: Transaction,
        (admitted, facts): (Admitted, Facts),
        failure: &RuleFailed,
    ) -> Result<Outcome, FlowError> {
        tracing::warn!(script = %failure.by.name, "a login failed: {failure}");
        transaction.trace.push(format!("{} failed: {}", failure.by, failure.reason()));
        let scene = self.scene(&transaction.request).await?;
        let mut event = self
            .terminal(failed(&admitted), &transaction, &scene, &facts)
            .because(failure.reason(), failure.to_string());
        let console = failure.console();
        let kind = failure.by.kind.as_str().to_owned();
        event.details.insert(kind, json!({"name": failure.by.name, "console": console}));
        Box::pin(self.end(transaction, Some(scene), Ending::denied(failure.description()), event)).await
    }

    pub(super) fn terminal(
        &self,
        kind: EventKind,
        transaction: &Transaction,
        scene: &Scene,
        facts: &Facts,
    ) -> AuditEvent {
        let mut event = login_event(kind, self.clock.now(), &*self.entropy, transaction, Some(scene));
        if let Some(user) = &facts.user {
            event = event.about(user);
        }
        if let Some(connection) = &facts.connection {
            event = event.through(connection);
        }
        event
    }
}

pub(super) fn question(request: &AuthorizeRequest, admitted: &Admitted) -> Question {
    Question {
        user: admitted.user.clone(),
        connection: admitted.connection.clone(),
        client: request.client_id.clone(),
        organization: request.organization.clone(),
        epoch: admitted.epoch,
    }
}

fn request_of(visitor: &Visitor, resumed: Option<Resumed>) -> RuleRequest {
    let (method, body) = match resumed {
        Some(Resumed { method, body, .. }) => (Some(method), body),
        None => (None, serde_json::Map::new()),
    };
    RuleRequest {
        ip: visitor.ip.map(|ip| ip.to_string()),
        user_agent: visitor.user_agent.clone(),
        hostname: visitor.hostname.clone(),
        method,
        query: visitor.query.clone(),
        body,
    }
}

fn methods(admitted: &Admitted) -> Vec<Method> {
    let at = admitted.auth_time;
    let federated = || vec![Method { name: "federated".to_owned(), at }];
    let own: Vec<_> = admitted
        .evidence
        .amr
        .iter()
        .filter(|method| *method == "pwd")
        .map(|name| Method { name: name.clone(), at })
        .collect();
    if own.is_empty() { federated() } else { own }
}

pub(super) const fn failed(admitted: &Admitted) -> EventKind {
    if admitted.silent { EventKind::SilentLoginFailed } else { EventKind::LoginFailed }
}
