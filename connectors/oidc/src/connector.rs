//! Owns the conversation: send the browser there, judge what comes back, and say who it is.
//! Never touches our users: a subject at a connection is all that is known here.

use crate::{
    authorization::{self, Notes, Response},
    claims::Expected,
    fault::{Fault, JWKS, Rejected},
    id_token::{self, Rules, Unaccepted},
    kept::{Held, Kept, Terms, Want},
    keys,
    provider::{self, Provider},
    settings::Settings,
    tokens::{self, Redemption, Tokens},
    userinfo,
};
use async_trait::async_trait;
use openidconnect::core::CoreJsonWebKeySet;
use portico_core::{
    connector::{
        Ask, Assertion, AuthnRequest, Connector, ConnectorError, Evidence, Interaction, Memo, Refusal, Reply,
        Step, Subject, WayBack,
    },
    entropy::Entropy,
    port::http::HttpClient,
    time::Clock,
};
use serde_json::{Map, Value};
use std::{sync::Arc, time::Duration};
use url::Url;

/// How long a provider's description is kept.
const PROVIDER_TERMS: Terms =
    Terms { fresh: Duration::from_hours(1), usable: Duration::from_hours(24), pause: Duration::from_mins(1) };
/// How long its keys are kept.
const KEYS_TERMS: Terms =
    Terms { fresh: Duration::from_mins(15), usable: Duration::from_hours(24), pause: Duration::from_mins(1) };

/// An OpenID Connect identity provider.
pub(crate) struct OidcConnector {
    name: String,
    settings: Settings,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    http: Arc<dyn HttpClient>,
    provider: Kept<Provider>,
    keys: Kept<CoreJsonWebKeySet>,
}

impl OidcConnector {
    pub(crate) fn new(
        name: &str,
        settings: Settings,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        http: Arc<dyn HttpClient>,
    ) -> Self {
        let (provider, keys) = (Kept::new(PROVIDER_TERMS), Kept::new(KEYS_TERMS));
        Self { name: name.to_owned(), settings, clock, entropy, http, provider, keys }
    }

    /// Where the identity provider shall send its answer: the callback of all connections, or one with this
    /// connection's name in it.
    fn callback(&self, request: &AuthnRequest) -> Url {
        let mut callback = request.callback.clone();
        if self.settings.own_callback {
            callback.query_pairs_mut().append_pair("connection", &self.name);
        }
        callback
    }

    /// RP-01: an answer that came to another connection's callback was another identity provider's to give, whether it
    /// names its issuer or not (RFC 9700 §4.4.2.2).
    fn came_here(&self, reply: &Reply) -> Result<(), Rejected> {
        match reply.get("connection") {
            Some(name) if name != self.name => Err(Rejected("other_callback")),
            None if self.settings.own_callback => Err(Rejected("shared_callback")),
            Some(_) | None => Ok(()),
        }
    }

    async fn provider(&self) -> Result<Arc<Provider>, Fault> {
        let find = || provider::find(&*self.http, &self.settings);
        Ok(self.provider.get(Want::Fresh, &*self.clock, find).await?.value)
    }

    async fn keys(&self, want: Want, provider: &Provider) -> Result<Held<CoreJsonWebKeySet>, Fault> {
        let fetch = || async { Ok(keys::usable(JWKS.get(&*self.http, &provider.jwks).await?)?) };
        self.keys.get(want, &*self.clock, fetch).await
    }

    /// Verify an ID token with the keys we have, and once more with newer ones if the provider may have some (RP-23).
    async fn verified(
        &self,
        tokens: &Tokens,
        notes: &Notes,
        request: &AuthnRequest,
        provider: &Provider,
    ) -> Result<Map<String, Value>, ConnectorError> {
        let rules = Rules {
            algs: &self.settings.algs,
            client_secret: &self.settings.client_secret,
            expected: Expected {
                issuer: &provider.issuer,
                client_id: &self.settings.client_id,
                nonce: &notes.nonce,
                now: self.clock.now(),
                signed_in_after: notes.force.then_some(request.started_at),
            },
        };
        let verify =
            |keys: &CoreJsonWebKeySet| id_token::verify(&tokens.id_token, &tokens.access_token, keys, &rules);
        let held = self.keys(Want::Fresh, provider).await?;
        let verdict = match verify(&held.value) {
            Err(Unaccepted::UnknownKey) => {
                let newer = self.keys(Want::NewerThan(held.generation), provider).await?;
                if newer.generation == held.generation {
                    Err(Unaccepted::UnknownKey)
                } else {
                    verify(&newer.value)
                }
            }
            verdict => verdict,
        };
        verdict.map_err(|unaccepted| match unaccepted {
            Unaccepted::Rejected(rejected) => rejected.into(),
            Unaccepted::UnknownKey => Rejected("unknown_key").into(),
        })
    }

    fn identified(&self, tokens: Tokens, claims: &Map<String, Value>, userinfo: &Map<String, Value>) -> Step {
        let text = |name| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let methods = claims.get("amr").and_then(Value::as_array).into_iter().flatten();
        Step::Identified(Assertion {
            subject: Subject(text("sub").unwrap_or_default()),
            profile: self.settings.mapping.profile(claims, userinfo),
            evidence: Evidence {
                amr: methods.filter_map(Value::as_str).map(str::to_owned).collect(),
                session_index: text("sid"),
                id_token: Some(tokens.id_token),
                name: None,
                notes: Memo::none(),
                not_after: None,
            },
            vouched: None,
            credential: None,
            once: None,
        })
    }
}

#[async_trait]
impl Connector for OidcConnector {
    async fn begin(&self, request: &AuthnRequest) -> Result<Step, ConnectorError> {
        let provider = self.provider().await?;
        let callback = self.callback(request);
        let (url, notes) =
            authorization::request(request, &callback, &provider, &self.settings, &*self.entropy);
        Ok(Step::Ask(Ask { interaction: Interaction::Redirect(url), memo: Memo::write(&notes)? }))
    }

    async fn resume(&self, request: &AuthnRequest, memo: Memo, reply: Reply) -> Result<Step, ConnectorError> {
        let notes: Notes = memo.read()?;
        self.came_here(&reply)?;
        let provider = self.provider().await?;
        let code = match authorization::response(request, &notes, &provider, &reply)? {
            Response::Code(code) => code,
            Response::Denied => {
                return Ok(Step::Refused { reason: Refusal::AccessDenied, about: None, retry: None });
            }
        };
        let redemption = Redemption {
            code: &code,
            code_verifier: &notes.code_verifier,
            redirect_uri: &notes.redirect_uri,
        };
        let tokens = tokens::redeem(&*self.http, &provider, &self.settings, &redemption).await?;
        let claims = self.verified(&tokens, &notes, request, &provider).await?;
        let userinfo = match &provider.userinfo {
            Some(url) => {
                let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
                userinfo::ask(&*self.http, url, &tokens.access_token, subject).await?
            }
            None => Map::new(),
        };
        Ok(self.identified(tokens, &claims, &userinfo))
    }

    /// The authorization endpoint: the one that is given, or else something at its origin, where it has to be.
    fn destinations(&self) -> Vec<Url> {
        let given = self.settings.endpoints.authorization.as_ref();
        given.or(self.settings.discovery_url.as_ref()).cloned().into_iter().collect()
    }

    /// OpenID Connect RP-Initiated Logout §2.
    async fn end_session(
        &self,
        evidence: &Evidence,
        back: &WayBack,
    ) -> Result<Option<Interaction>, ConnectorError> {
        let provider = self.provider().await?;
        let Some(mut url) = provider.end_session.clone() else { return Ok(None) };
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", back.landing.as_str())
            .append_pair("state", &back.handle);
        if let Some(id_token) = &evidence.id_token {
            url.query_pairs_mut().append_pair("id_token_hint", id_token);
        }
        Ok(Some(Interaction::Redirect(url)))
    }
}
