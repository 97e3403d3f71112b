//! Owns how connectors come to be, and how their options are completed and renewed from what is published.
//! Never touches logins.

mod renewal;

use crate::{
    connector::SamlConnector,
    hardening,
    key::TrustedKey,
    metadata::fetch::{self, fetch},
    options::{PUBLISHED, SECRETS, WARNED, lacks, read},
    pool::JudgementPool,
};
use async_trait::async_trait;
use openssl::hash::MessageDigest;
use portico_core::{
    connector::{Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Problem, Renewal},
    model::Connection,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Makes connectors of SAML 2.0 identity providers: strategy `samlp` (contract §2.5.2).
#[derive(Clone, Debug, Default)]
pub struct SamlFactory {
    pool: JudgementPool,
}

impl SamlFactory {
    /// With a pool of its own to judge answers in.
    pub fn new() -> Self {
        Self::default()
    }
}

fn problem(name: &str, message: &str) -> Vec<Problem> {
    vec![Problem { pointer: format!("/{name}"), message: format!("`{name}` {message}") }]
}

/// What answers show of the certificates (contract §2.5.2): SHA-1 thumbprints, as people know them from other tools, and when
/// the first of them ends.
fn derive(map: &mut Map<String, Value>, trusted: &[TrustedKey]) {
    let thumbprint = |key: &TrustedKey| {
        let digest = openssl::hash::hash(MessageDigest::sha1(), key.der()).ok()?;
        Some(digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}")))
    };
    let thumbprints: Vec<String> = trusted.iter().filter_map(thumbprint).collect();
    map.insert("thumbprints".to_owned(), thumbprints.into());
    if let Some(first) = trusted.iter().map(TrustedKey::not_after).min() {
        map.insert("expires".to_owned(), first.iso().into());
    }
}

#[async_trait]
impl ConnectorFactory for SamlFactory {
    fn strategy(&self) -> &'static str {
        "samlp"
    }

    fn check(&self, given: &Value) -> Result<(), Vec<Problem>> {
        let settings = read(given)?;
        // What is published is read next; without it, everything has to be here already.
        if settings.metadata_url.is_some() || given.get("metadataXml").is_some_and(|xml| !xml.is_null()) {
            return Ok(());
        }
        let problems = lacks(&settings);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn secret_options(&self) -> &'static [&'static str] {
        SECRETS
    }

    async fn complete(&self, mut given: Value, deps: &ConnectorDeps) -> Result<Value, Vec<Problem>> {
        let Some(map) = given.as_object_mut() else { return Ok(given) };
        map.shift_remove(PUBLISHED);
        map.shift_remove(WARNED);
        let settings = read(&given)?;
        let wanted = given.get("issuer").and_then(Value::as_str).filter(|issuer| !issuer.is_empty());
        let xml = given.get("metadataXml").and_then(Value::as_str).filter(|xml| !xml.is_empty());
        let now = deps.clock.now();
        let published = match (&settings.metadata_url, xml) {
            (Some(url), _) => {
                let fetched = fetch(&*deps.http, url, wanted, now).await;
                Some(fetched.map_err(|why| problem("metadataUrl", &why.to_string()))?)
            }
            (None, Some(xml)) => {
                let judged = fetch::judge(xml, wanted, now);
                Some(judged.map_err(|why| problem("metadataXml", &why.to_string()))?)
            }
            (None, None) => None,
        };
        if let (Some(published), Some(map)) = (published, given.as_object_mut()) {
            map.insert(PUBLISHED.to_owned(), serde_json::to_value(published).unwrap_or_default());
        }
        let settings = read(&given)?;
        let problems = lacks(&settings);
        if !problems.is_empty() {
            return Err(problems);
        }
        if let Some(map) = given.as_object_mut() {
            derive(map, &settings.trusted);
        }
        Ok(given)
    }

    async fn renew(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Option<Renewal>, ConnectorError> {
        renewal::renew(connection, deps).await
    }

    fn build(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Connector>, ConnectorError> {
        let settings = read(&connection.options).map_err(|problems| {
            let texts: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            ConnectorError::Misconfigured(texts.join("; "))
        })?;
        hardening::harden().map_err(|hole| ConnectorError::Misconfigured(hole.to_string()))?;
        Ok(Arc::new(SamlConnector::new(&connection.name, settings, self.pool.clone(), deps)))
    }
}
