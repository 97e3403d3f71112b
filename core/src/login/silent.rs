//! Owns the unit of work in which a live session answers a request: with its code, where no rule has a say.
//! Never touches whether it may answer and who may have a code: it asks `sso` and `authorize_org`.

use super::{
    Admitted, Stage, Transaction,
    authorize_org::{Granted, authorize_org},
    conclude::{Circumstances, Ready, question},
    ending::{Silence, silence},
    flow::{Flow, FlowError},
    issue::{Finish, Issue, Issued},
    pipeline::Changes,
    scene::Outcome,
    sso::{NoAnswer, session_may_answer},
    visitor::Visitor,
};
use crate::{
    connector::Evidence,
    entropy::Entropy,
    id::TransactionId,
    model::Session,
    oauth::AuthorizeRequest,
    port::store::{Durability, StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};
use std::sync::Arc;

/// A request that a session may answer.
struct Return {
    cookie: TokenHash,
    request: AuthorizeRequest,
    visitor: Visitor,
}

/// What came of it.
enum Answered {
    /// The session does not answer.
    Not(Silence),
    /// It does, and there is a code: no rule has a say.
    Issued(Box<Issued>),
    /// It may: what do the rules say?
    Granted(Box<Returned>),
}

/// Whoever the session is of, and what the last steps read.
struct Returned {
    transaction: Transaction,
    admitted: Admitted,
    granted: Granted,
    ready: Ready,
    session: Session,
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
        let returning = Return { cookie, request: request.clone(), visitor: visitor.clone() };
        let entropy = Arc::clone(&self.entropy);
        let answered = self.store.write_as(Durability::Lazy, move |unit| {
            Box::pin(async move { returning.answer(unit, now, &*entropy).await })
        });
        match answered.await.map_err(FlowError::Store)? {
            Answered::Not(reason) => Ok(Err(reason)),
            Answered::Issued(issued) => Ok(Ok(issued.outcome(self.settings.issuer.as_str()))),
            Answered::Granted(returned) => {
                let Returned { transaction, admitted, granted, ready, session } = *returned;
                let circumstances = Circumstances { session: Some(session), resumed: None };
                let granted = (granted, ready);
                Box::pin(self.run_rules(transaction, admitted, granted, visitor, circumstances)).await.map(Ok)
            }
        }
    }
}

impl Return {
    async fn answer(
        self,
        unit: &mut dyn UnitOfWork,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Answered, StoreError> {
        let Self { cookie, request, visitor } = self;
        let Some(session) = unit.sessions().find_by_cookie(&cookie).await? else {
            return Ok(Answered::Not(silence(NoAnswer::NoSession)));
        };
        if let Err(reason) = session_may_answer(&session, &request, now) {
            return Ok(Answered::Not(silence(reason)));
        }
        let admitted = admitted(&session, &request);
        let question = question(&request, &admitted);
        let ready = Ready::load(unit, &question).await?;
        let granted = match authorize_org(&question, ready.facts.clone()) {
            Ok(granted) => granted,
            Err(denied) => return Ok(Answered::Not(denied.reason().to_owned())),
        };
        if request.connection.as_ref().is_some_and(|named| *named != granted.connection.name) {
            return Ok(Answered::Not("other_connection".to_owned()));
        }
        let transaction = transaction(&session, &admitted, (request, &visitor), (now, entropy));
        if !ready.scripts.is_empty() {
            let returned = Returned { transaction, admitted, granted, ready, session };
            return Ok(Answered::Granted(Box::new(returned)));
        }
        let (changes, settings) = (Changes::default(), ready.settings);
        let finish = Finish { admitted, granted, changes, settings, session: Some(session) };
        let issue = Issue::prepare(&transaction, &finish, &visitor, (now, entropy));
        Ok(Answered::Issued(Box::new(issue.write(unit, now).await?)))
    }
}

/// Whom the session admits.
fn admitted(session: &Session, request: &AuthorizeRequest) -> Admitted {
    Admitted {
        user: session.user_id.clone(),
        connection: session.connection_id.clone(),
        evidence: Evidence { amr: session.amr.clone(), ..Evidence::default() },
        auth_time: session.authenticated_at,
        epoch: session.epoch,
        silent: true,
        created: false,
        membership_added: false,
        organization: request.organization.clone(),
    }
}

/// The login as the log tells of it. Never stored: nobody has to be asked anything.
fn transaction(
    session: &Session,
    admitted: &Admitted,
    (request, visitor): (AuthorizeRequest, &Visitor),
    (now, entropy): (Timestamp, &dyn Entropy),
) -> Transaction {
    Transaction {
        id: TransactionId::random(entropy),
        version: 0,
        browser: TokenHash::of(""),
        stage: Stage::Admitted(admitted.clone()),
        ip: visitor.ip.map(|ip| ip.to_string()),
        user_agent: visitor.user_agent.clone(),
        created_at: now,
        expires_at: now,
        trace: vec![format!("session {} of {}", session.id, session.user_id)],
        request,
    }
}
