//! Owns the unit of work that ends a login well: the code, the session, the count and the entry of the log.
//! Never touches who may have a code: it asks `authorize_org` once more, inside the unit.

use super::{
    Admitted, Stage, Transaction,
    authorize_org::{Denied, Facts, Granted, Question, authorize_org},
    conclude::{failed, question},
    ending::{Ending, target},
    event::login_event,
    flow::{Flow, FlowError},
    pipeline::Changes,
    scene::{Next, Outcome, Scene},
    visitor::Visitor,
};
use crate::{
    id::{FamilyId, SessionId},
    model::{AuditEvent, AuthorizationCode, EventKind, Session, TenantSettings, TokenFamily},
    oauth::AuthorizeRequest,
    port::store::{StoreError, UnitOfWork},
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
        let code =
            finish.code(&transaction.request, &session, now, &raw_code, FamilyId::random(&*self.entropy));
        let kind = if finish.admitted.silent { EventKind::SilentLogin } else { EventKind::Login };
        let mut event = login_event(kind, now, &*self.entropy, &transaction, Some(&scene))
            .through(&finish.granted.connection)
            .about(&finish.granted.user);
        event.session_id = Some(session.id.clone());
        finish.note(&mut event);
        let ip = visitor.ip.map(|ip| ip.to_string());
        let replaced =
            visitor.session.as_ref().filter(|_| cookie.is_some()).map(|old| TokenHash::of(old.expose()));
        let question_asked = question(&transaction.request, &finish.admitted);
        let completed = finish.admitted.clone().completed(now);
        let issue = Issue {
            next: (transaction.version > 0).then(|| transaction.clone().at(Stage::Completed(completed))),
            question: question_asked,
            session,
            code,
            event,
            ip,
            replaced,
            is_new: cookie.is_some(),
        };
        let issued =
            self.store.write(move |unit| Box::pin(issue.write(unit, now))).await.map_err(FlowError::from)?;
        match issued {
            Ok(()) => {
                let answer = target(&transaction.request).code(&raw_code, self.settings.issuer.as_str());
                Ok(Outcome { next: Next::Respond(answer), browser: None, session: cookie })
            }
            Err(denied) => {
                let description = denied.description(&question(&transaction.request, &finish.admitted));
                let event =
                    login_event(failed(&finish.admitted), now, &*self.entropy, &transaction, Some(&scene))
                        .through(&finish.granted.connection)
                        .about(&finish.granted.user)
                        .because(denied.reason(), description.clone());
                Box::pin(self.end(transaction, Some(scene), Ending::denied(description), event)).await
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
    async fn write(
        self,
        unit: &mut dyn UnitOfWork,
        now: Timestamp,
    ) -> Result<Result<(), Denied>, StoreError> {
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

fn hours(hours: f64) -> Duration {
    Duration::try_from_secs_f64(hours * 3600.0).unwrap_or(Duration::from_hours(1))
}

/// How long a code may be used (`security.md` §3.4).
const CODE_LIFETIME: Duration = Duration::from_mins(1);
