//! Owns who we are to an identity provider: entity ID and addresses of one connection, and the key pairs we use with it.
//! Never touches who they are.

use crate::{
    key::DecryptionKey,
    settings::{OwnDecryptionKey, Settings},
    signing::SigningKey,
};
use openssl::pkey::PKey;
use portico_core::{
    connector::ConnectorError,
    model::{CertifiedKey, KeyPurpose},
    port::certified_keys::CertifiedKeyRing,
    secret::Secret,
};
use std::sync::{Arc, Mutex, PoisonError};
use url::{Host, Url};

/// One connection as the identity provider sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Party {
    /// Our entity ID (contract §1.10).
    pub(crate) entity_id: String,
    /// Where responses are posted to (ACS).
    pub(crate) acs: String,
    /// Where logout messages are sent to.
    pub(crate) logout: String,
}

impl Party {
    /// Of the connection of this name. Every connection has an entity ID and addresses of its own, so that a response for
    /// one of them is never one for another (SAML-63).
    pub(crate) fn new(issuer: &Url, connection: &str, settings: &Settings) -> Self {
        let address = |path: &str| {
            let mut url = issuer.clone();
            url.set_path(&format!("{}{path}", issuer.path()));
            url.query_pairs_mut().append_pair("connection", connection);
            url.to_string()
        };
        Self {
            entity_id: settings
                .entity_id
                .clone()
                .unwrap_or_else(|| format!("urn:auth0:{}:{connection}", tenant(issuer))),
            acs: address("login/callback"),
            logout: address("samlp/logout"),
        }
    }
}

/// The installation's name in entity IDs: the first label of its host, as a tenant's domain begins with the tenant.
fn tenant(issuer: &Url) -> String {
    match issuer.host() {
        Some(Host::Domain(name)) => name.split('.').next().unwrap_or(name).to_owned(),
        Some(address) => address.to_string(),
        None => "portico".to_owned(),
    }
}

/// Our key pairs, ready for use.
#[derive(Debug)]
pub(crate) struct OwnKeys {
    kids: Vec<String>,
    /// What we sign with.
    pub(crate) signing: Option<SigningKey>,
    /// What signatures of ours may be verified with, the current one first.
    pub(crate) signing_certificates: Vec<Vec<u8>>,
    /// What we decrypt with, the current one first.
    pub(crate) decryption: Vec<DecryptionKey>,
    /// What may be encrypted for us, the current one first.
    pub(crate) encryption_certificates: Vec<Vec<u8>>,
}

/// Keeps them as long as the ring holds the same pairs: parsing private keys is not for every login.
pub(crate) struct OwnKeyCache {
    ring: Arc<dyn CertifiedKeyRing>,
    own: (Option<SigningKey>, Option<OwnDecryptionKey>),
    parsed: Mutex<Option<Arc<OwnKeys>>>,
}

impl OwnKeyCache {
    /// Over the installation's pairs; those of the connection win.
    pub(crate) fn new(ring: Arc<dyn CertifiedKeyRing>, settings: &Settings) -> Self {
        let own = (settings.signing_key.clone(), settings.decryption_key.clone());
        Self { ring, own, parsed: Mutex::default() }
    }

    /// The pairs now.
    pub(crate) fn keys(&self) -> Result<Arc<OwnKeys>, ConnectorError> {
        let signing = self.ring.pairs(KeyPurpose::Signing);
        let encryption = self.ring.pairs(KeyPurpose::Encryption);
        let kids: Vec<String> = signing.iter().chain(&encryption).map(|pair| pair.kid.clone()).collect();
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = parsed.as_ref().filter(|keys| keys.kids == kids) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(self.parse(kids, &signing, &encryption)?);
        *parsed = Some(Arc::clone(&keys));
        Ok(keys)
    }

    fn parse(
        &self,
        kids: Vec<String>,
        signing: &[Arc<CertifiedKey>],
        encryption: &[Arc<CertifiedKey>],
    ) -> Result<OwnKeys, ConnectorError> {
        let certificates = |pairs: &[Arc<CertifiedKey>]| -> Vec<Vec<u8>> {
            pairs.iter().map(|pair| pair.certificate.clone()).collect()
        };
        let broken = |what: &str| ConnectorError::Misconfigured(format!("a key pair of ours {what}"));
        let (key, signing_certificates) = match (&self.own.0, signing.first()) {
            (Some(own), _) => (Some(own.clone()), vec![own.certificate().to_vec()]),
            (None, Some(current)) => {
                let key = SigningKey::of_der(&current.private, &current.certificate).map_err(broken)?;
                (Some(key), certificates(signing))
            }
            (None, None) => (None, Vec::new()),
        };
        let mut decryption =
            encryption.iter().map(|pair| decryption_key(pair)).collect::<Result<Vec<_>, _>>()?;
        let mut encryption_certificates = certificates(encryption);
        if let Some(own) = &self.own.1 {
            decryption.insert(0, own.key.clone());
            if let Some(certificate) = &own.certificate {
                encryption_certificates = vec![certificate.clone()];
            }
        }
        Ok(OwnKeys { kids, signing: key, signing_certificates, decryption, encryption_certificates })
    }
}

fn decryption_key(pair: &CertifiedKey) -> Result<DecryptionKey, ConnectorError> {
    let broken = || ConnectorError::Misconfigured("a key pair of ours cannot be read".to_owned());
    let pem = PKey::private_key_from_pkcs8(&pair.private)
        .and_then(|key| key.private_key_to_pem_pkcs8())
        .ok()
        .and_then(|pem| String::from_utf8(pem).ok())
        .ok_or_else(broken)?;
    DecryptionKey::read(&Secret::new(pem)).map_err(|_unusable| broken())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::read;
    use serde_json::json;

    #[test]
    fn every_connection_is_a_party_of_its_own() {
        let settings = read(&json!({})).unwrap();
        let party = |issuer: &str| Party::new(&issuer.parse().unwrap(), "metahexa", &settings);
        let at = party("https://travel0.eu.portico.test/");
        assert_eq!(at.entity_id, "urn:auth0:travel0:metahexa");
        assert_eq!(at.acs, "https://travel0.eu.portico.test/login/callback?connection=metahexa");
        assert_eq!(at.logout, "https://travel0.eu.portico.test/samlp/logout?connection=metahexa");
        assert_eq!(party("http://127.0.0.1:8000/").entity_id, "urn:auth0:127.0.0.1:metahexa");
        let own = read(&json!({"entityId": "https://sp.test/"})).unwrap();
        assert_eq!(
            Party::new(&"https://a.test/".parse().unwrap(), "metahexa", &own).entity_id,
            "https://sp.test/"
        );
    }
}
