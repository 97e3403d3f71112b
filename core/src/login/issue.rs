//! Owns the unit of work that ends a login well: the code, the session, the count and the entry of the log.
//! Never touches who may have a code: it asks `authorize_org` once more, inside the unit.

use super::{
    Admitted, Stage, Transaction,
    authorize_org::{Facts, Granted, Question, authorize_org},
    conclude::{failed, question},
    ending::{Ending, target},
    event::login_event,
    flow::{Flow, FlowError},
    pipeline::Changes,
    scene::{Next, Outcome, Scene},
    visitor::Visitor,
};
use crate::{
    connector::Evidence,
    entropy::Entropy,
    id::{FamilyId, SessionId},
    model::{AuditEvent, AuthorizationCode, EventKind, Session, TenantSettings, TokenFamily},
    oauth::{AuthorizeRequest, response::ResponseTarget},
    port::store::{Durability, StoreError, UnitOfWork},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::time::Duration;

impl Flow {
    /// Issue the code: asked once more whether it may be, in the unit that does it.
    pub(super) async fn issue(
        &self,
        transaction: Transaction,
        finish: Finish,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let now = self.clock.now();
        let issue = Issue::prepare(&transaction, &finish, visitor, (now, &*self.entropy));
        // A code is worth something once it is redeemed, and that is durable with all that came before it.
        let issued =
            self.store.write_as(Durability::Lazy, move |unit| Box::pin(issue.ask_and_write(unit, now)));
        let issued = issued.await;
        match issued.map_err(FlowError::from)? {
            Ok(issued) => Ok(issued.outcome(self.settings.issuer.as_str())),
            Err(NotIssued { description, event }) => {
                let scene = Some(finish.scene());
                Box::pin(self.end(transaction, scene, Ending::denied(description), *event)).await
            }
        }
    }
}

/// What the code is made of.
pub(super) struct Finish {
    pub(super) admitted: Admitted,
    pub(super) granted: Granted,
    pub(super) changes: Changes,
    pub(super) settings: TenantSettings,
    /// The session that answered, if one did.
    pub(super) session: Option<Session>,
}

impl Finish {
    fn scene(self) -> Scene {
        Scene {
            client: Some(self.granted.client),
            organization: self.granted.organization.map(|(organization, _)| organization),
            invitation: None,
            settings: self.settings,
            ui_locales: Vec::new(),
        }
    }

    /// The session as it will be: a new one at every authentication (OP-27), or the one that answered, used now.
    fn session_at(&self, now: Timestamp, cookie: Option<&Secret>, id: SessionId) -> Session {
        let (idle, absolute) =
            (hours(self.settings.idle_session_lifetime), hours(self.settings.session_lifetime));
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
            upstream: Evidence { amr: Vec::new(), ..self.admitted.evidence.clone() },
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
            redirect_uri_given: request.redirect_uri_given,
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
        let console: Vec<Value> = self
            .changes
            .console
            .iter()
            .map(|written| json!({"rule": written.rule, "lines": written.lines}))
            .collect();
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

/// What the unit of work that ends a login well will write.
pub(super) struct Issue {
    next: Option<Transaction>,
    question: Question,
    failed: EventKind,
    session: Session,
    code: AuthorizationCode,
    event: AuditEvent,
    ip: Option<String>,
    replaced: Option<TokenHash>,
    issued: Issued,
}

/// A code, and the cookie of a new session.
pub(super) struct Issued {
    target: ResponseTarget,
    code: String,
    session: Option<Secret>,
}

/// It may not be issued after all: what to say, and what to write down.
pub(super) struct NotIssued {
    description: String,
    event: Box<AuditEvent>,
}

impl Issued {
    /// What the browser gets.
    pub(super) fn outcome(self, issuer: &str) -> Outcome {
        let answer = self.target.code(&self.code, issuer);
        Outcome { next: Next::Respond(answer), browser: None, session: self.session }
    }
}

impl Issue {
    /// Make everything that does not come from the store.
    pub(super) fn prepare(
        transaction: &Transaction,
        finish: &Finish,
        visitor: &Visitor,
        (now, entropy): (Timestamp, &dyn Entropy),
    ) -> Self {
        let code = format!("code_{}", entropy.token());
        let cookie = finish.session.is_none().then(|| Secret::new(entropy.token()));
        let session = finish.session_at(now, cookie.as_ref(), SessionId::random(entropy));
        let kind = if finish.admitted.silent { EventKind::SilentLogin } else { EventKind::Login };
        let Granted { user, client, connection, organization } = &finish.granted;
        let mut event = login_event(kind, now, entropy, transaction, None).through(connection).about(user);
        event.client_name = Some(client.name.clone());
        event.organization_name =
            organization.as_ref().map(|(organization, _)| organization.name.to_string());
        event.session_id = Some(session.id.clone());
        finish.note(&mut event);
        let completed = finish.admitted.clone().completed(now);
        Self {
            next: (transaction.version > 0).then(|| transaction.clone().at(Stage::Completed(completed))),
            question: question(&transaction.request, &finish.admitted),
            failed: failed(&finish.admitted),
            code: finish.code(&transaction.request, &session, now, &code, FamilyId::random(entropy)),
            session,
            event,
            ip: visitor.ip.map(|ip| ip.to_string()),
            replaced: visitor
                .session
                .as_ref()
                .filter(|_| cookie.is_some())
                .map(|old| TokenHash::of(old.expose())),
            issued: Issued { target: target(&transaction.request), code, session: cookie },
        }
    }

    /// Ask once more, and write it: rules have run since it was asked.
    async fn ask_and_write(
        self,
        unit: &mut dyn UnitOfWork,
        now: Timestamp,
    ) -> Result<Result<Issued, NotIssued>, StoreError> {
        let facts = Facts::load(unit, &self.question).await?;
        match authorize_org(&self.question, facts) {
            Ok(_) => self.write(unit, now).await.map(Ok),
            Err(denied) => {
                let description = denied.description(&self.question);
                let event = AuditEvent { kind: self.failed, session_id: None, ..self.event }
                    .because(denied.reason(), description.clone());
                Ok(Err(NotIssued { description, event: Box::new(event) }))
            }
        }
    }

    /// Write it, in the unit that has just asked whether it may be.
    pub(super) async fn write(self, unit: &mut dyn UnitOfWork, now: Timestamp) -> Result<Issued, StoreError> {
        if let Some(next) = &self.next {
            unit.transactions().advance(next).await?;
        }
        if self.issued.session.is_some() {
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
        Ok(self.issued)
    }
}

fn hours(hours: f64) -> Duration {
    Duration::try_from_secs_f64(hours * 3600.0).unwrap_or(Duration::from_hours(1))
}

/// How long a code may be used (`security.md` §3.4).
const CODE_LIFETIME: Duration = Duration::from_mins(1);
