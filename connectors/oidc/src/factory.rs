//! Owns how the connectors come to be: one factory for each of the two strategies.
//! Never touches the network.

use crate::{
    connector::OidcConnector,
    options::{Flavour, read},
};
use portico_core::{
    connector::{Connector, ConnectorDeps, ConnectorError, ConnectorFactory, Problem},
    model::Connection,
};
use serde_json::Value;
use std::sync::Arc;

/// Makes connectors of OpenID Connect identity providers (contract §2.5.3).
#[derive(Clone, Copy, Debug)]
pub struct OidcFactory {
    flavour: Flavour,
}

impl OidcFactory {
    /// Strategy `oidc`: any provider, by its discovery document or its endpoints.
    pub const fn oidc() -> Self {
        Self { flavour: Flavour::Oidc }
    }

    /// Strategy `okta`: the same, found by the domain of the Okta organization.
    pub const fn okta() -> Self {
        Self { flavour: Flavour::Okta }
    }
}

impl ConnectorFactory for OidcFactory {
    fn strategy(&self) -> &'static str {
        match self.flavour {
            Flavour::Oidc => "oidc",
            Flavour::Okta => "okta",
        }
    }

    fn check(&self, options: &Value) -> Result<(), Vec<Problem>> {
        read(options, self.flavour).map(drop)
    }

    fn secret_options(&self) -> &'static [&'static str] {
        &["client_secret"]
    }

    fn build(
        &self,
        connection: &Connection,
        deps: &ConnectorDeps,
    ) -> Result<Arc<dyn Connector>, ConnectorError> {
        let settings = read(&connection.options, self.flavour).map_err(|problems| {
            let texts: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
            ConnectorError::Misconfigured(texts.join("; "))
        })?;
        let (clock, entropy, http) = (deps.clock.clone(), deps.entropy.clone(), deps.http.clone());
        Ok(Arc::new(OidcConnector::new(&connection.name, settings, clock, entropy, http)))
    }
}
