//! Owns the list of connectors: which factory serves which strategy.
//! Never touches what they do. The only crate that names all of them.

mod auth0;

pub use auth0::Auth0Factory;

use portico_core::connector::{ConnectorFactory, Factories};
use portico_database::HashingPool;
use portico_oidc::OidcFactory;
use portico_saml::{
    SamlFactory,
    hardening::{Hole, harden},
};
use std::sync::Arc;

#[cfg(test)]
#[path = "../skeleton/lib.rs"]
pub mod skeleton;

/// Set up what connectors need of the whole process, and see that it took effect. Comes before anything else, on the main
/// thread; a process where it fails must not serve anybody.
pub fn prepare() -> Result<(), Hole> {
    harden()
}

/// The connectors that are built in, by strategy.
pub struct Registry {
    factories: Vec<Box<dyn ConnectorFactory>>,
}

impl Registry {
    /// All of them. Passwords are hashed in this pool.
    pub fn standard(pool: Arc<HashingPool>) -> Self {
        Self {
            factories: vec![
                Box::new(Auth0Factory::new(pool)),
                Box::new(OidcFactory::oidc()),
                Box::new(OidcFactory::okta()),
                Box::new(SamlFactory::new()),
            ],
        }
    }

    /// The names of the strategies, in the order of the list.
    pub fn strategies(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.factories.iter().map(|factory| factory.strategy())
    }
}

impl Factories for Registry {
    fn factory(&self, strategy: &str) -> Option<&dyn ConnectorFactory> {
        self.factories.iter().map(|factory| &**factory).find(|factory| factory.strategy() == strategy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::entropy::SystemEntropy;
    use portico_database::HashingSettings;
    use std::collections::BTreeSet;

    /// In the order of the list.
    const BUILT_IN: &[&str] = &["auth0", "oidc", "okta", "samlp"];

    #[test]
    fn every_strategy_has_one_factory_and_secrets_are_named() {
        let pool =
            HashingPool::start(HashingSettings::default(), Arc::new(SystemEntropy::default())).unwrap();
        let registry = Registry::standard(Arc::new(pool));
        let strategies: Vec<_> = registry.strategies().collect();
        assert_eq!(strategies, BUILT_IN);
        assert_eq!(strategies.iter().collect::<BTreeSet<_>>().len(), strategies.len());
        for strategy in strategies {
            assert_eq!(registry.factory(strategy).unwrap().strategy(), strategy);
        }
        assert_eq!(registry.factory("auth0").unwrap().secret_options(), ["configuration"]);
        assert_eq!(registry.factory("oidc").unwrap().secret_options(), ["client_secret"]);
        assert_eq!(registry.factory("samlp").unwrap().secret_options(), ["decryptionKey", "signing_key"]);
        assert!(registry.factory("adfs").is_none(), "what is not built does not exist");
    }

    #[test]
    fn what_a_new_connector_is_made_from_refuses_every_connection() {
        let factory = skeleton::SkeletonFactory;
        assert_eq!(factory.strategy(), "skeleton");
        let problems = factory.check(&serde_json::json!({})).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("not written yet"), "{problems:?}");
        let pool =
            HashingPool::start(HashingSettings::default(), Arc::new(SystemEntropy::default())).unwrap();
        assert!(
            Registry::standard(Arc::new(pool)).factory("skeleton").is_none(),
            "and is not built in itself"
        );
    }
}
