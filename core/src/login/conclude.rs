//! Owns the last steps of a login: may they, what do the rules say, and the code.
//! Never touches who they are: that is settled.

use super::{
    Admitted, Stage, Transaction,
    authorize_org::{Denied, Facts, Granted, Question, authorize_org},
    ending::{Ending, Silence, silence, target},
    event::login_event,
    flow::{Flow, FlowError},
    pipeline::{Changes, Method, Protocol, RuleFailed, RuleInput, RuleRequest, Verdict},
    scene::{Next, Outcome, Scene, Shown, View},
    sso::{NoAnswer, session_may_answer},
    visitor::Visitor,
};
use crate::{
    connector::Evidence,
    id::{FamilyId, OrganizationId, SessionId},
    model::{
        AuditEvent, AuthorizationCode, EventKind, RequireBehavior, Rule, RuleConfig, Session, TenantSettings, TokenFamily,
    },
    oauth::{AuthorizeRequest, PromptValue},
    port::store::{Page, StoreError, UnitOfWork},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long a code may be used (`security.md` §3.4).
const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// What the last steps read, at once.
struct Ready {
    facts: Facts,
    roles: Vec<String>,
    rules: Vec<Rule>,
    configs: Vec<RuleConfig>,
    settings: TenantSettings,
}

impl Ready {
    async fn load(unit: &mut dyn UnitOfWork, question: &Question) -> Result<Self, StoreError> {
        let facts = Facts::load(unit, question).await?;
        let rules = unit.rules().enabled().await?;
        let (mut roles, mut configs) = (Vec::new(), Vec::new());
        if !rules.is_empty() {
            configs = unit.rules().configs().await?;
            // Contract §1.5: in an organization only the member's roles there count.
            roles = match (&question.organization, &facts.membership) {
                (Some(_), Some(membership)) => unit.roles().find_all(&membership.roles).await?,
                (Some(_), None) => Vec::new(),
                (None, _) => unit.roles().of_user(&question.user, &Page::first(50)).await?,
            };
        }
        let settings = unit.tenant().settings().await?;
        Ok(Self { facts, roles: roles.into_iter().map(|role| role.name).collect(), rules, configs, settings })
    }
}

impl Flow {
    /// Let a live session answer, if it may and its user may have a token (contract §1.2.2 row 10).
    pub(super) async fn by_session(
        &self,
        request: &AuthorizeRequest,
        visitor: &Visitor,
        now: Timestamp,
    ) -> Result<Result<Outcome, Silence>, FlowError> {
        let Some(cookie) = &visitor.session else { return Ok(Err(silence(NoAnswer::NoSession))) };
        let cookie = TokenHash::of(cookie.expose());
        let found = self.store.read(|unit| Box::pin(async move { unit.sessions().find_by_cookie(&cookie).await })).await;
        let Some(session) = found.map_err(FlowError::Store)? else { return Ok(Err(silence(NoAnswer::NoSession))) };
        if let Err(reason) = session_may_answer(&session, request, now) {
            return Ok(Err(silence(reason)));
        }
        let admitted = Admitted {
            user: session.user_id.clone(),
            connection: session.connection_id.clone(),
            evidence: Evidence { amr: session.amr.clone(), ..Evidence::default() },
            auth_time: session.authenticated_at,
            epoch: session.epoch,
            silent: true,
            created: false,
            membership_added: false,
            organization: request.organization.clone(),
        };
        let question = question(request, &admitted);
        let ready = self.store.read(|unit| Box::pin(Ready::load(unit, &question))).await.map_err(FlowError::Store)?;
        let granted = match authorize_org(&question, ready.facts.clone()) {
            Ok(granted) => granted,
            Err(denied) => return Ok(Err(denied.reason().to_owned())),
        };
        if request.connection.as_ref().is_some_and(|named| *named != granted.connection.name) {
            return Ok(Err("other_connection".to_owned()));
        }
        let transaction = Transaction {
            id: crate::id::TransactionId::random(&*self.entropy),
            // Never stored: nobody has to be asked anything.
            version: 0,
            browser: TokenHash::of(""),
            stage: Stage::Admitted(admitted.clone()),
            ip: visitor.ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.clone(),
            created_at: now,
            expires_at: now,
            trace: vec![format!("session {} of {}", session.id, session.user_id)],
            request: request.clone(),
        };
        self.run_rules(transaction, admitted, (granted, ready), visitor, Some(session)).await.map(Ok)
    }

    /// Somebody has shown who they are: may they, and what do the rules say?
    pub(super) async fn conclude(
        &self,
        mut transaction: Transaction,
        admitted: Admitted,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let question = question(&transaction.request, &admitted);
        let ready = self.store.read(|unit| Box::pin(Ready::load(unit, &question))).await.map_err(FlowError::Store)?;
        let denied = match authorize_org(&question, ready.facts.clone()) {
            Ok(granted) => {
                return self.run_rules(transaction, admitted, (granted, ready), visitor, None).await;
            }
            Err(denied) => denied,
        };
        let picks = ready.facts.client.as_ref().is_some_and(|client| {
            client.organization_require_behavior == RequireBehavior::PostLoginPrompt
        });
        if denied == Denied::OrganizationRequired && picks {
            return self.let_pick(transaction, admitted, visitor).await;
        }
        transaction.trace.push(format!("denied: {}", denied.reason()));
        let scene = self.scene(&transaction.request).await?;
        let description = denied.description(&question);
        let event = self
            .terminal(EventKind::LoginFailed, &transaction, &scene, &ready.facts)
            .because(denied.reason(), description.clone());
        self.end(transaction, Some(scene), Ending::denied(description), event).await
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
            let event = login_event(EventKind::LoginFailed, self.clock.now(), &*self.entropy, &transaction, Some(&scene))
                .through_id(&admitted.connection)
                .about_text(Some(admitted.user.as_str()))
                .because("not_a_member", description.clone());
            return self.end(transaction, Some(scene), Ending::denied(description), event).await;
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
            .read(|unit| Box::pin(async move { unit.organizations().with_connection(&connection, 100).await }))
            .await
            .map_err(FlowError::Store)?;
        let mut takers = found.into_iter().filter(|place| place.is_enabled && place.assign_membership_on_login);
        Ok(match (takers.next(), takers.next()) {
            (Some(only), None) => Some(only.organization_id),
            _ => None,
        })
    }

    /// Run the rules. No unit of work is open meanwhile.
    async fn run_rules(
        &self,
        mut transaction: Transaction,
        admitted: Admitted,
        (granted, ready): (Granted, Ready),
        visitor: &Visitor,
        session: Option<Session>,
    ) -> Result<Outcome, FlowError> {
        if ready.rules.is_empty() {
            let finish = Finish { admitted, granted, changes: Changes::default(), settings: ready.settings, session };
            return self.issue(transaction, finish, visitor).await;
        }
        let verdict = {
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
                protocol: Protocol::Code,
                session: session.as_ref().map(|session| &session.id),
                session_clients: session.as_ref().map(|session| session.clients.as_slice()).unwrap_or_default(),
                methods: &methods,
                request: Some(RuleRequest {
                    ip: visitor.ip.map(|ip| ip.to_string()),
                    user_agent: visitor.user_agent.clone(),
                    hostname: visitor.hostname.clone(),
                    query: visitor.query.clone(),
                    body: Map::new(),
                }),
            };
            self.pipeline.run(&ready.rules, &ready.configs, input).await
        };
        match verdict {
            Ok(Verdict::Allow(changes)) => {
                transaction.trace.push(format!("rules: {} allowed", ready.rules.len()));
                let finish = Finish { admitted, granted, changes, settings: ready.settings, session };
                self.issue(transaction, finish, visitor).await
            }
            Ok(Verdict::Deny { rule, reason, console }) => {
                transaction.trace.push(format!("rule `{rule}` denied"));
                let scene = self.scene(&transaction.request).await?;
                let mut event = self
                    .terminal(failed(&admitted), &transaction, &scene, &ready.facts)
                    .because("rule_denied", reason.clone());
                event.details.insert("rule".to_owned(), json!({"name": rule, "console": console}));
                self.end(transaction, Some(scene), Ending::denied(reason), event).await
            }
            Err(failure) => self.rule_failed(transaction, (admitted, ready.facts), &failure).await,
        }
    }

    async fn rule_failed(
        &self,
        mut transaction: Transaction,
        (admitted, facts): (Admitted, Facts),
        failure: &RuleFailed,
    ) -> Result<Outcome, FlowError> {
        tracing::warn!(rule = %failure.rule, "a login failed: {failure}");
        transaction.trace.push(format!("rule `{}` failed: {}", failure.rule, failure.reason()));
        let scene = self.scene(&transaction.request).await?;
        let mut event = self
            .terminal(failed(&admitted), &transaction, &scene, &facts)
            .because(failure.reason(), failure.to_string());
        let console = failure.console();
        event.details.insert("rule".to_owned(), json!({"name": failure.rule, "console": console}));
        self.end(transaction, Some(scene), Ending::denied(failure.description()), event).await
    }

    /// Issue the code: asked once more whether it may be, in the unit that does it.
    async fn issue(
        &self,
        transaction: Transaction,
        finish: Finish,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let scene = Scene {
            client: Some(finish.granted.client.clone()),
            organization: finish.granted.organization.as_ref().map(|(organization, _)| organization.clone()),
            invitation: None,
            settings: finish.settings.clone(),
            ui_locales: Vec::new(),
        };
        let raw_code = format!("code_{}", self.entropy.token());
        let cookie = finish.session.is_none().then(|| Secret::new(self.entropy.token()));
        let session = finish.session_at(now, cookie.as_ref(), SessionId::random(&*self.entropy));
        let code = finish.code(&transaction.request, &session, now, &raw_code, FamilyId::random(&*self.entropy));
        let kind = if finish.admitted.silent { EventKind::SilentLogin } else { EventKind::Login };
        let mut event = login_event(kind, now, &*self.entropy, &transaction, Some(&scene))
            .through(&finish.granted.connection)
            .about(&finish.granted.user);
        event.session_id = Some(session.id.clone());
        finish.note(&mut event);
        let ip = visitor.ip.map(|ip| ip.to_string());
        let replaced = visitor.session.as_ref().filter(|_| cookie.is_some()).map(|old| TokenHash::of(old.expose()));
        let question = question(&transaction.request, &finish.admitted);
        let completed = finish.admitted.clone().completed(now);
        let issue = Issue { next: (transaction.version > 0).then(|| transaction.clone().at(Stage::Completed(completed))),
            question, session, code, event, ip, replaced, is_new: cookie.is_some() };
        let issued = self.store.write(move |unit| Box::pin(issue.write(unit, now))).await.map_err(FlowError::from)?;
        match issued {
            Ok(()) => {
                let answer = target(&transaction.request).code(&raw_code, self.settings.issuer.as_str());
                Ok(Outcome { next: Next::Respond(answer), browser: None, session: cookie })
            }
            Err(denied) => {
                let description = denied.description(&self::question(&transaction.request, &finish.admitted));
                let event = login_event(failed(&finish.admitted), now, &*self.entropy, &transaction, Some(&scene))
                    .through(&finish.granted.connection)
                    .about(&finish.granted.user)
                    .because(denied.reason(), description.clone());
                self.end(transaction, Some(scene), Ending::denied(description), event).await
            }
        }
    }

    fn terminal(&self, kind: EventKind, transaction: &Transaction, scene: &Scene, facts: &Facts) -> AuditEvent {
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

/// What the code is made of.
struct Finish {
    admitted: Admitted,
    granted: Granted,
    changes: Changes,
    settings: TenantSettings,
    /// The session that answered, if one did.
    session: Option<Session>,
}

impl Finish {
    /// The session as it will be: a new one at every authentication (OP-27), or the one that answered, used now.
    fn session_at(&self, now: Timestamp, cookie: Option<&Secret>, id: SessionId) -> Session {
        let (idle, absolute) = (hours(self.settings.idle_session_lifetime), hours(self.settings.session_lifetime));
        if let Some(session) = &self.session {
            let idle_expires_at = now.plus(idle).min(session.expires_at);
            return Session { used_at: now, idle_expires_at, ..session.clone() };
        }
        let theirs = self.admitted.evidence.not_after.map_or(Timestamp(i64::MAX), Timestamp::from_seconds);
        let expires_at = now.plus(absolute).min(theirs);
        Session {
            id,
            cookie: TokenHash::of(cookie.map_or("", Secret::expose)),
            user_id: self.admitted.user.clone(),
            connection_id: self.admitted.connection.clone(),
            organization_id: self.admitted.organization.clone(),
            amr: self.admitted.evidence.amr.clone(),
            clients: vec![self.granted.client.id.clone()],
            epoch: self.admitted.epoch,
            authenticated_at: self.admitted.auth_time,
            used_at: now,
            idle_expires_at: now.plus(idle).min(expires_at),
            expires_at,
        }
    }

    fn code(
        &self,
        request: &AuthorizeRequest,
        session: &Session,
        now: Timestamp,
        raw: &str,
        family: FamilyId,
    ) -> AuthorizationCode {
        // What a rule shows of the profile stands in the ID token like any claim of its own; null takes one away.
        let mut id_token_claims = self.changes.profile.clone();
        id_token_claims.extend(self.changes.id_token.clone());
        AuthorizationCode {
            hash: TokenHash::of(raw),
            family: TokenFamily {
                id: family,
                client_id: request.client_id.clone(),
                user_id: self.admitted.user.clone(),
                connection_id: self.admitted.connection.clone(),
                organization_id: request.organization.clone(),
                audience: request.audience.clone(),
                scope: self.changes.scope.clone().unwrap_or_else(|| request.scope.clone()),
                session_id: Some(session.id.clone()),
                auth_time: self.admitted.auth_time,
                amr: self.admitted.evidence.amr.clone(),
                epoch: self.admitted.epoch,
                created_at: now,
                revoked_at: None,
            },
            redirect_uri: request.redirect_uri.clone(),
            nonce: request.nonce.clone(),
            code_challenge: request.code_challenge.clone(),
            id_token_claims,
            access_token_claims: self.changes.access_token.clone(),
            expires_at: now.plus(CODE_LIFETIME),
            consumed_at: None,
        }
    }

    /// Leave in the log what rules wrote, and what they tried to change and could not (OP-36).
    fn note(&self, event: &mut AuditEvent) {
        let console: Vec<Value> =
            self.changes.console.iter().map(|written| json!({"rule": written.rule, "lines": written.lines})).collect();
        if !console.is_empty() {
            event.details.insert("console".to_owned(), console.into());
        }
        let ignored: Vec<Value> =
            self.changes.ignored.iter().map(|edit| json!({"rule": edit.rule, "path": edit.path})).collect();
        if !ignored.is_empty() {
            event.details.insert("ignored".to_owned(), ignored.into());
        }
    }
}

/// The unit of work that ends a login well.
struct Issue {
    next: Option<Transaction>,
    question: Question,
    session: Session,
    code: AuthorizationCode,
    event: AuditEvent,
    ip: Option<String>,
    replaced: Option<TokenHash>,
    is_new: bool,
}

impl Issue {
    async fn write(self, unit: &mut dyn UnitOfWork, now: Timestamp) -> Result<Result<(), Denied>, StoreError> {
        let facts = Facts::load(unit, &self.question).await?;
        if let Err(denied) = authorize_org(&self.question, facts) {
            return Ok(Err(denied));
        }
        if let Some(next) = &self.next {
            unit.transactions().advance(next).await?;
        }
        if self.is_new {
            if let Some(old) = &self.replaced
                && let Some(old) = unit.sessions().find_by_cookie(old).await?
            {
                unit.sessions().delete(&old.id).await?;
            }
            unit.sessions().insert(&self.session).await?;
        } else {
            let Session { id, idle_expires_at, .. } = &self.session;
            unit.sessions().touch(id, &self.code.family.client_id, now, *idle_expires_at).await?;
        }
        unit.codes().insert(&self.code).await?;
        unit.users().record_login(&self.question.user, now, self.ip.as_deref()).await?;
        unit.events().insert(&self.event).await?;
        Ok(Ok(()))
    }
}

fn question(request: &AuthorizeRequest, admitted: &Admitted) -> Question {
    Question {
        user: admitted.user.clone(),
        connection: admitted.connection.clone(),
        client: request.client_id.clone(),
        organization: request.organization.clone(),
        epoch: admitted.epoch,
    }
}

fn methods(admitted: &Admitted) -> Vec<Method> {
    let at = admitted.auth_time;
    let federated = || vec![Method { name: "federated".to_owned(), at }];
    let own: Vec<_> =
        admitted.evidence.amr.iter().filter(|method| *method == "pwd").map(|name| Method { name: name.clone(), at }).collect();
    if own.is_empty() { federated() } else { own }
}

const fn failed(admitted: &Admitted) -> EventKind {
    if admitted.silent { EventKind::SilentLoginFailed } else { EventKind::LoginFailed }
}

fn hours(hours: f64) -> Duration {
    Duration::try_from_secs_f64(hours * 3600.0).unwrap_or(Duration::from_secs(3600))
}
