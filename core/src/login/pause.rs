//! Owns the journey of a browser that a rule or an action sends elsewhere, and its return (contract §4).
//! Never touches what the rules say: that is the pipeline's.

use super::{
    Admitted, Stage, Transaction, Visitor,
    authorize_org::{Facts, Granted},
    conclude::{Circumstances, Ready, failed, question},
    ending::Ending,
    flow::{Flow, FlowError},
    pipeline::{RuleFailed, RuleFailure, Script, Suspended},
    scene::{Next, Outcome, Shown, View},
    sso::session_may_answer,
};
use crate::{
    id::{SessionId, TransactionId},
    model::{EventKind, Session, TenantSettings},
    oauth::{AuthorizeRequest, PromptValue},
    port::store::StoreError,
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;
use url::Url;

/// A rule or an action has sent the browser elsewhere. Whether its user may have a token is asked anew when it comes back.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Paused {
    /// Whose login it is.
    pub admitted: Admitted,
    /// The session that had answered, if one did.
    pub session: Option<SessionId>,
    /// Where the browser was sent, with the `state` it has to bring back.
    pub to: Url,
    /// What waits, if it was an action that sent it; after a rule's journey all rules run again.
    pub suspended: Option<Box<Suspended>>,
}

/// What a browser brings to `/continue`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Returned {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Its query, for rules.
    pub query: Map<String, Value>,
    /// Its form, for rules.
    pub body: Map<String, Value>,
}

/// What a run that follows on a journey is told of it.
pub(super) struct Resumed {
    pub(super) method: &'static str,
    pub(super) body: Map<String, Value>,
    pub(super) suspended: Option<Suspended>,
}

/// Who sends a browser where.
pub(super) struct Journey {
    pub(super) by: Script,
    pub(super) url: String,
    pub(super) suspended: Option<Box<Suspended>>,
}

/// A login whose browser is about to be sent elsewhere.
pub(super) struct Pausing {
    pub(super) transaction: Transaction,
    pub(super) admitted: Admitted,
    pub(super) granted: Granted,
    pub(super) facts: Facts,
    pub(super) session: Option<Session>,
}

impl Flow {
    /// Send the browser where a rule says, and wait for it.
    pub(super) async fn pause(
        &self,
        pausing: Pausing,
        settings: &TenantSettings,
        journey: Journey,
        visitor: &Visitor,
    ) -> Result<Outcome, FlowError> {
        let Pausing { mut transaction, admitted, granted, facts, session } = pausing;
        let Journey { by, url, mut suspended } = journey;
        let target = self.settings.places.target(&url, &granted.client, settings);
        let to = match target {
            Ok(to) => to,
            Err(misdirected) => {
                let failure = RuleFailed { by, failure: RuleFailure::Misdirected(misdirected) };
                return Box::pin(self.rule_failed(transaction, (admitted, facts), &failure)).await;
            }
        };
        let scene = self.scene(&transaction.request).await?;
        if transaction.request.prompts(PromptValue::None) {
            // OIDC Core §3.1.2.6: nothing may be shown.
            let description = format!("prompt=none: {by} sends the browser elsewhere");
            let event = self
                .terminal(failed(&admitted), &transaction, &scene, &facts)
                .because("interaction_required", description);
            let description = "Interaction required".to_owned();
            let ending = Ending::Told { error: "interaction_required", description };
            return Box::pin(self.end(transaction, Some(scene), ending, event)).await;
        }
        // The login of a session is not stored until now: it belongs to this browser from here on.
        let mut fresh = None;
        if transaction.version == 0 {
            let cookie = visitor.browser.clone().unwrap_or_else(|| Secret::new(self.entropy.token()));
            transaction.browser = TokenHash::of(cookie.expose());
            fresh = visitor.browser.is_none().then_some(cookie);
        }
        transaction.expires_at = transaction.created_at.plus(JOURNEY);
        transaction.trace.push(format!("{by} sends the browser to {}", to.origin().ascii_serialization()));
        let state = format!("{}.{}", transaction.id, transaction.version + 1);
        let to = with_state(to, &state);
        if let Some(suspended) = &mut suspended {
            suspended.state = state;
        }
        let session = session.map(|session| session.id);
        let paused = Paused { admitted, session, to: to.clone(), suspended };
        let transaction = self.keep(transaction, Stage::Paused(paused), None).await?;
        let shown = Shown { transaction: transaction.id, view: View::Away(to), refusal: None, scene };
        Ok(Outcome { browser: fresh, ..Next::Show(Box::new(shown)).into() })
    }

    /// The browser has come back. The `state` is good once, in the browser that was sent away, and as long as the login
    /// waits; whether the user may have a token is decided anew.
    pub async fn resume(
        &self,
        state: &str,
        visitor: &Visitor,
        returned: Returned,
    ) -> Result<Outcome, FlowError> {
        let (id, version) = state.rsplit_once('.').ok_or(FlowError::Unknown)?;
        let id = TransactionId::parse(id).map_err(|_not_a_handle| FlowError::Unknown)?;
        let transaction = self.here(&id, visitor).await?.transaction;
        let Stage::Paused(paused) = transaction.stage.clone() else { return Err(FlowError::Stale) };
        if version != transaction.version.to_string() {
            return Err(FlowError::Stale);
        }
        let question = question(&transaction.request, &paused.admitted);
        let read = self.store.read(|unit| {
            let wanted = paused.session.as_ref();
            Box::pin(async move {
                let session = match wanted {
                    Some(id) => unit.sessions().find(id).await?,
                    None => None,
                };
                Ok::<_, StoreError>((Ready::load(unit, &question).await?, session))
            })
        });
        let (ready, session) = read.await.map_err(FlowError::Store)?;
        let session =
            session.filter(|session| goes_on(session, &transaction.request, visitor, self.clock.now()));
        if paused.session.is_some() && session.is_none() {
            return Box::pin(self.session_is_over(transaction, &ready.facts)).await;
        }
        let visitor = Visitor { query: returned.query, ..visitor.clone() };
        let suspended = paused.suspended.map(|suspended| *suspended);
        let resumed = Resumed { method: returned.method, body: returned.body, suspended };
        let circumstances = Circumstances { session, resumed: Some(resumed) };
        Box::pin(self.conclude_in(transaction, paused.admitted, ready, &visitor, circumstances)).await
    }

    async fn session_is_over(&self, transaction: Transaction, facts: &Facts) -> Result<Outcome, FlowError> {
        let scene = self.scene(&transaction.request).await?;
        let event = self
            .terminal(EventKind::SilentLoginFailed, &transaction, &scene, facts)
            .because("login_required", "the session ended while the browser was elsewhere");
        let ending = Ending::Told { error: "login_required", description: "Login required".to_owned() };
        Box::pin(self.end(transaction, Some(scene), ending, event)).await
    }
}

/// Whether the session that answered is still this browser's, and still may.
fn goes_on(session: &Session, request: &AuthorizeRequest, visitor: &Visitor, now: Timestamp) -> bool {
    let cookie = visitor.session.as_ref().map(|cookie| TokenHash::of(cookie.expose()));
    cookie.as_ref() == Some(&session.cookie) && session_may_answer(session, request, now).is_ok()
}

/// The address with our `state`, in place of any that it has.
fn with_state(mut url: Url, state: &str) -> Url {
    if url.query_pairs().any(|(name, _)| name == "state") {
        let pairs = url.query_pairs().filter(|(name, _)| name != "state");
        let kept: Vec<_> = pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    url.query_pairs_mut().append_pair("state", state);
    url
}

/// How long after its beginning a login waits for a browser to come back (contract §4.1).
const JOURNEY: Duration = Duration::from_hours(3 * 24);
