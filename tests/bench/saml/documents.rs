//! Owns a customer's identity provider on paper, what it sends, and a connector that judges it.
//! Never touches HTTP.

use crate::primitive::process_time;
use anyhow::{Result, anyhow, bail, ensure};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::StreamExt;
use portico_core::{
    connector::{
        AuthnRequest, Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Intent, Memo, Reply, Step,
    },
    entropy::SystemEntropy,
    id::TransactionId,
    model::{Connection, testing},
    port::script::{Call, Outcome, ScriptError, ScriptRuntime, Source},
    testing::MemoryCertifiedKeys,
    time::{Clock, SystemClock, Timestamp},
};
use portico_egress::{Egress, EgressPolicy};
use portico_fixtures::saml_document::{Attribute, Key, Keys, Place, Recipe, Signing};
use portico_saml::SamlFactory;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// The request that answers are in response to.
pub(crate) const REQUEST: &str = "_0123456789abcdef0123456789abcdef01234567";
/// How many groups the usual answer names: with them it is of the usual size, about 5.7 KB.
pub(crate) const GROUPS: usize = 14;
/// Who we are to the bank.
pub(crate) const CONNECTION: &str = "metahexa";

/// An identity provider.
pub(crate) struct Bank {
    pub(crate) place: Place,
    pub(crate) key: Arc<Key>,
}

impl Bank {
    pub(crate) fn new() -> Self {
        let place = Place {
            issuer: "http://idp.localhost:9/metadata".to_owned(),
            audience: format!("urn:auth0:login:{CONNECTION}"),
            acs: format!("http://login.localhost:9/login/callback?connection={CONNECTION}"),
        };
        Self { place, key: Arc::clone(&Keys::of_this_run().current) }
    }

    /// What it answers this request, with so many groups: a signed assertion, RSA of 2048 bits.
    pub(crate) fn answer(&self, request: &str, groups: usize) -> Recipe {
        let mut recipe = self.unsigned(request, groups);
        recipe.sign_assertion = Some(Signing::with(&self.key));
        recipe
    }

    /// The same without a signature.
    pub(crate) fn unsigned(&self, request: &str, groups: usize) -> Recipe {
        let now = SystemClock.now();
        let mut recipe = Recipe::new(&self.place, Some(request), now).about("alice@metahexa.example");
        let claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
        for (name, value) in [("givenname", "Alice"), ("surname", "Example"), ("name", "Alice Example")] {
            recipe.attributes.push(Attribute::new(&format!("{claims}/{name}"), value));
        }
        let names: Vec<String> = (0..groups).map(|number| format!("group-{number:04}")).collect();
        recipe.attributes.push(Attribute::several("groups", names.iter().map(String::as_str)));
        // Other libraries judge it minutes later.
        let later = now.plus(Duration::from_hours(1));
        for confirmation in &mut recipe.confirmations {
            confirmation.not_on_or_after = Some(later);
        }
        if let Some(conditions) = &mut recipe.conditions {
            conditions.not_on_or_after = Some(later);
        }
        recipe
    }

    /// The options of a connection to it.
    pub(crate) fn options(&self) -> Value {
        json!({
            "signInEndpoint": "http://idp.localhost:9/sso",
            "signingCert": self.key.certificate_pem(),
            "issuer": self.place.issuer,
        })
    }
}

/// A connector, and what its answers are held against. It takes the time of the moment for now.
pub(crate) struct Judge {
    connector: Arc<dyn Connector>,
    request: AuthnRequest,
    memo: Value,
}

impl Judge {
    pub(crate) async fn new(bank: &Bank) -> Result<Self> {
        let deps = ConnectorDeps {
            clock: Arc::new(StandingClock(SystemClock.now())),
            entropy: Arc::new(SystemEntropy::default()),
            http: Arc::new(Egress::new(EgressPolicy::default())?),
            scripts: Arc::new(NoScripts),
            script_limits: portico_core::port::script::Limits::default(),
            store: portico_store::temporary().await?,
            issuer: "http://login.localhost:9/".parse()?,
            certified_keys: Arc::new(MemoryCertifiedKeys::default()),
        };
        let connection = Connection {
            name: CONNECTION.to_owned(),
            strategy: "samlp".to_owned(),
            options: bank.options(),
            ..testing::connection()
        };
        let request = AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            callback: "http://login.localhost:9/login/callback".parse()?,
            intent: Intent::SignIn,
            organization: None,
            client: None,
            login_hint: None,
            force: false,
            acr_values: Vec::new(),
            started_at: deps.clock.now(),
        };
        let memo = json!({"id": REQUEST, "identity_provider": bank.place.issuer, "force": false});
        Ok(Self { connector: SamlFactory::new().build(&connection, &deps)?, request, memo })
    }

    /// Judge a document as it would be posted.
    pub(crate) async fn judge(&self, posted: &str) -> Result<Result<Step, ConnectorError>> {
        let reply = Reply::from([("SAMLResponse", posted)]);
        Ok(self.connector.resume(&self.request, Memo::write(&self.memo)?, reply).await)
    }

    /// The CPU time of so many judgements of this document, which has to be accepted. Several are under way at a time, as
    /// in a gateway that has something to do.
    pub(crate) async fn accepts(&self, document: &str, count: u32) -> Result<Duration> {
        let posted = STANDARD.encode(document);
        let before = process_time();
        let judgements =
            futures_util::stream::iter(0..count).map(|_| self.judge(&posted)).buffer_unordered(4);
        let judged: Vec<_> = judgements.collect().await;
        let took = process_time().saturating_sub(before);
        for outcome in judged {
            match outcome? {
                Ok(Step::Identified(assertion)) => {
                    ensure!(assertion.subject.0 == "alice@metahexa.example", "somebody else");
                }
                Ok(other) => bail!("not judged: {other:?}"),
                Err(ConnectorError::Rejected(why)) => bail!("refused: {}", why.advice),
                Err(error) => return Err(anyhow!("{error}")),
            }
        }
        Ok(took)
    }
}

/// A clock that shows when the documents were made: answers are good for minutes, and a benchmark takes longer.
#[derive(Debug)]
struct StandingClock(Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// No script is ever run.
struct NoScripts;

#[async_trait]
impl ScriptRuntime for NoScripts {
    async fn check(&self, _source: &Source) -> Result<(), ScriptError> {
        Err(ScriptError::Silent)
    }

    async fn call(&self, _source: &Source, _call: Call) -> Result<Outcome, ScriptError> {
        Err(ScriptError::Silent)
    }
}
