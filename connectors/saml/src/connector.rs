//! Owns the conversation: send the browser there, judge what is posted back, and say who it is.
//! Never touches our users: a subject at a connection is all that is known here.

use crate::{
    assertion::{NameId, VerifiedAssertion},
    authn_request::{self, Notes},
    expectations::{Expectations, Policy, Solicited},
    farewell::{self, Said},
    fault::Fault,
    judge::judge,
    logout::{self, Upstream},
    mapping::NoSubject,
    metadata,
    party::{OwnKeyCache, OwnKeys, Party},
    pool::JudgementPool,
    posted,
    reason::Reason,
    settings::Settings,
    trace::{Check, Trace},
};
use async_trait::async_trait;
use portico_core::{
    connector::{
        Ask, Assertion, AuthnRequest, Connector, ConnectorDeps, ConnectorError, Delivery, Document, Evidence,
        Explanation, Farewell, Interaction, Landing, Memo, Once, Refusal, Rejection, Reply, Step, Subject,
        WayBack,
    },
    entropy::Entropy,
    model::EventKind,
    time::{Clock, Timestamp},
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// How much longer than it counts an answer is remembered, beyond twice the difference of clocks (`security.md` §3.1.8).
const REMEMBERED: Duration = Duration::from_mins(10);

/// A SAML 2.0 identity provider.
pub(crate) struct SamlConnector {
    name: String,
    settings: Arc<Settings>,
    party: Arc<Party>,
    own: OwnKeyCache,
    pool: JudgementPool,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// Which request an answer is held against, with all that a judgement borrows.
struct Case {
    answer: String,
    settings: Arc<Settings>,
    party: Arc<Party>,
    keys: Arc<OwnKeys>,
    /// The request's ID; none: nobody asked.
    request: Option<String>,
    contexts: Vec<String>,
    signed_in_after: Option<Timestamp>,
    now: Timestamp,
}

/// What came of it.
struct Verdict {
    trace: Trace,
    outcome: Result<(VerifiedAssertion, Subject), Fault>,
}

impl SamlConnector {
    pub(crate) fn new(name: &str, settings: Settings, pool: JudgementPool, deps: &ConnectorDeps) -> Self {
        Self {
            name: name.to_owned(),
            party: Arc::new(Party::new(&deps.issuer, name, &settings)),
            own: OwnKeyCache::new(Arc::clone(&deps.certified_keys), &settings),
            settings: Arc::new(settings),
            pool,
            clock: Arc::clone(&deps.clock),
            entropy: Arc::clone(&deps.entropy),
        }
    }

    /// The case of this answer, held against the request with these notes, or against none.
    fn case(&self, answer: &str, notes: Option<&Notes>, now: Timestamp) -> Result<Case, ConnectorError> {
        Ok(Case {
            answer: answer.to_owned(),
            settings: Arc::clone(&self.settings),
            party: Arc::clone(&self.party),
            keys: self.own.keys()?,
            request: notes.map(|notes| notes.id.clone()),
            contexts: notes.map(|notes| notes.contexts.clone()).unwrap_or_default(),
            signed_in_after: None,
            now,
        })
    }

    async fn judged(&self, case: Case) -> Result<Step, ConnectorError> {
        let verdict = self.pool.judge(move || case.judge()).await?;
        match verdict.outcome {
            Ok((assertion, subject)) => Ok(Step::Identified(self.identified(&assertion, subject)?)),
            Err(fault) => Err(ConnectorError::Rejected(Box::new(rejection(&fault, &verdict.trace)))),
        }
    }

    fn identified(
        &self,
        verified: &VerifiedAssertion,
        subject: Subject,
    ) -> Result<Assertion, ConnectorError> {
        let notes = verified.name_id().map(|name_id| Upstream {
            name_id: name_id.value.clone(),
            format: name_id.format.clone(),
            name_qualifier: name_id.name_qualifier.clone(),
            sp_name_qualifier: name_id.sp_name_qualifier.clone(),
        });
        Ok(Assertion {
            subject,
            profile: self.settings.mapping.profile(verified),
            evidence: Evidence {
                amr: Vec::new(),
                session_index: verified.session_index().map(str::to_owned),
                id_token: None,
                name: verified.name_id().map(|name_id| name_id.value.clone()),
                notes: notes.map_or_else(|| Ok(Memo::none()), |notes| Memo::write(&notes))?,
                not_after: verified.session_not_on_or_after().map(Timestamp::seconds),
            },
            vouched: None,
            credential: None,
            once: Some(Once {
                mark: verified.id().to_owned(),
                until: verified.not_on_or_after().plus(2 * self.settings.policy.skew).plus(REMEMBERED),
            }),
        })
    }

    /// An answer at the address of another connection is none of ours (SAML-33, SAML-63).
    fn own_address(&self, reply: &Reply) -> Result<(), ConnectorError> {
        match reply.get("connection") {
            Some(named) if named != self.name => {
                let mut trace = Trace::new();
                let fault = trace.failed(Fault::new(Reason::DestinationWrong, &self.party.acs, named));
                Err(ConnectorError::Rejected(Box::new(rejection(&fault, &trace))))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Case {
    /// Judge it. Takes a few milliseconds of a core.
    fn judge(&self) -> Verdict {
        let policy = Policy { authn_contexts: self.contexts.clone(), ..self.settings.policy.clone() };
        let address =
            |given: &Option<Url>| given.as_ref().map_or(self.party.acs.as_str(), Url::as_str).to_owned();
        let (destination, recipient) =
            (address(&self.settings.destination), address(&self.settings.recipient));
        let expectations = Expectations {
            identity_provider: self.settings.identity_provider.as_deref().unwrap_or_default(),
            service_provider: &self.party.entity_id,
            destination: &destination,
            recipient: &recipient,
            trusted: &self.settings.trusted,
            decryption: &self.keys.decryption,
            policy: &policy,
            solicited: match &self.request {
                Some(id) => Solicited::By(id),
                None => Solicited::ByNobody,
            },
            signed_in_after: self.signed_in_after,
            now: self.now,
        };
        let mut trace = Trace::new();
        // Without a key nothing is worth looking at: the judgement says so first (SAML-13).
        let document = match posted::document(&self.answer) {
            Err(fault) if !self.settings.trusted.is_empty() => {
                return Verdict { outcome: Err(trace.failed(fault)), trace };
            }
            document => document.unwrap_or_default(),
        };
        let outcome = judge(&document, &expectations, &mut trace).and_then(|assertion| {
            match self.settings.mapping.subject(&assertion) {
                Ok(subject) => Ok((assertion, subject)),
                Err(none) => Err(trace.failed(no_subject(&none))),
            }
        });
        Verdict { trace, outcome }
    }
}

fn no_subject(none: &NoSubject) -> Fault {
    match none {
        NoSubject::Transient => Fault::new(Reason::KeyTransient, "", NameId::TRANSIENT),
        NoSubject::Missing(name) => Fault::new(Reason::KeyMissing, name, ""),
        NoSubject::Ambiguous(name) => Fault::new(Reason::KeyAmbiguous, name, ""),
        NoSubject::Format(wanted, came) => Fault::new(Reason::NameIdFormat, wanted, came),
    }
}

/// For the log. A connection that trusts nobody is one to be mended, whatever was sent to it (SAML-13).
fn rejection(fault: &Fault, trace: &Trace) -> Rejection {
    let check =
        if fault.reason().check() == Check::Trust { "connection_misconfigured" } else { fault.code() };
    Rejection {
        kind: EventKind::SignedAnswerRejected,
        check: check.to_owned(),
        advice: fault.to_string(),
        trace: serde_json::to_value(trace).unwrap_or_default(),
    }
}

#[async_trait]
impl Connector for SamlConnector {
    async fn begin(&self, request: &AuthnRequest) -> Result<Step, ConnectorError> {
        let source = (&*self.entropy, self.clock.now());
        let keys = self.own.keys()?;
        let (interaction, notes) = authn_request::send(request, &self.settings, &self.party, &keys, source)?;
        Ok(Step::Ask(Ask { interaction, memo: Memo::write(&notes)? }))
    }

    async fn resume(&self, request: &AuthnRequest, memo: Memo, reply: Reply) -> Result<Step, ConnectorError> {
        let notes: Notes = memo.read()?;
        let answer = reply.require("SAMLResponse")?;
        self.own_address(&reply)?;
        if self.settings.identity_provider.as_deref() != Some(notes.identity_provider.as_str()) {
            return Err(ConnectorError::Protocol("issuer_changed".to_owned()));
        }
        let mut case = self.case(answer, Some(&notes), self.clock.now())?;
        case.signed_in_after = notes.force.then_some(request.started_at);
        self.judged(case).await
    }

    async fn unsolicited(&self, reply: Reply) -> Result<Step, ConnectorError> {
        if self.settings.unsolicited.is_none() {
            return Ok(Step::Refused { reason: Refusal::Unsolicited, about: None, retry: None });
        }
        let answer = reply.require("SAMLResponse")?;
        self.own_address(&reply)?;
        self.judged(self.case(answer, None, self.clock.now())?).await
    }

    fn landing(&self) -> Option<Landing> {
        let unsolicited = self.settings.unsolicited.as_ref()?;
        Some(Landing { client_id: unsolicited.client_id.clone(), parameters: unsolicited.query.clone() })
    }

    async fn end_session(
        &self,
        evidence: &Evidence,
        back: &WayBack,
    ) -> Result<Option<Interaction>, ConnectorError> {
        let Some(sign_out) = &self.settings.sign_out else { return Ok(None) };
        let Some(upstream) = evidence.notes.read::<Option<Upstream>>()? else { return Ok(None) };
        let whom = (&upstream, evidence.session_index.as_deref(), back.handle.as_str());
        let source = (&*self.entropy, self.clock.now());
        logout::request(whom, sign_out, &self.party, &*self.own.keys()?, source).map(Some)
    }

    async fn farewell(&self, delivery: Delivery) -> Result<Option<Farewell>, ConnectorError> {
        let now = self.clock.now();
        let (settings, party) = (Arc::clone(&self.settings), Arc::clone(&self.party));
        let said = self.pool.judge(move || farewell::judge(&delivery, &settings, &party, now)).await?;
        let rejected = |fault: Fault| {
            let mut trace = Trace::new();
            let fault = trace.failed(fault);
            ConnectorError::Rejected(Box::new(rejection(&fault, &trace)))
        };
        match said.map_err(rejected)? {
            Said::Answered { is_success } => Ok(Some(Farewell::Answered { is_success })),
            Said::Ended { id, name_id, session_indexes, relay_state, until } => {
                let sign_out = self.settings.sign_out.as_ref();
                let keys = self.own.keys()?;
                let source = (&*self.entropy, now);
                let answer = sign_out.map(|place| {
                    logout::answer((&id, relay_state.as_deref()), place, &self.party, &keys, source)
                });
                Ok(Some(Farewell::Ended {
                    name: name_id,
                    session_indexes,
                    // No assertion has such an ID: `:` is none of a name's letters.
                    once: Once { mark: format!("logout:{id}"), until: until.plus(REMEMBERED) },
                    answer: answer.transpose()?.map(Box::new),
                }))
            }
        }
    }

    fn destinations(&self) -> Vec<Url> {
        self.settings.sign_in.iter().map(|place| place.url.clone()).collect()
    }

    fn description(&self) -> Result<Option<Document>, ConnectorError> {
        let body = metadata::write::write(&self.party, &self.settings, &*self.own.keys()?);
        Ok(Some(Document { content_type: "application/samlmetadata+xml", body }))
    }

    /// A recorded answer is held against the request that it names itself: which one was asked is not known any more.
    async fn explain(&self, answer: &[u8], at: Timestamp) -> Result<Option<Explanation>, ConnectorError> {
        let answer = recorded(answer);
        let named = named_request(&answer);
        let mut case = self.case(&answer, None, at)?;
        case.request = named;
        let mapping = Arc::clone(&self.settings);
        let verdict = self.pool.judge(move || case.judge()).await?;
        Ok(Some(match verdict.outcome {
            Ok((assertion, _)) => Explanation::Accepted {
                trace: serde_json::to_value(&verdict.trace).unwrap_or_default(),
                attributes: mapping.mapping.profile(&assertion).keys().cloned().collect(),
            },
            Err(fault) => Explanation::Refused(rejection(&fault, &verdict.trace)),
        }))
    }
}

/// An answer as somebody saved it: base64 as it was posted, percent-encoded or not, or the document itself.
fn recorded(answer: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = String::from_utf8_lossy(answer);
    let text = text.trim();
    if text.starts_with('<') {
        return STANDARD.encode(text);
    }
    let text = text.strip_prefix("SAMLResponse=").unwrap_or(text);
    let text = text.split('&').next().unwrap_or_default();
    if text.contains('%') {
        return form_urlencoded::parse(format!("a={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default();
    }
    text.to_owned()
}

/// The `InResponseTo` of a recorded answer, as it stands there. Only to explain it: a login never asks an answer which
/// request it answers.
fn named_request(answer: &str) -> Option<String> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let packed: String = answer.split_ascii_whitespace().collect();
    let document = String::from_utf8(STANDARD.decode(packed).ok()?).ok()?;
    let rest = document.split_once("InResponseTo=")?.1;
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    rest[1..].split(quote).next().map(str::to_owned)
}
