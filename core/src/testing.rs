//! Owns the fakes that tests of every crate share.
//! Never touches production: the feature `testing` is on in tests alone.

use crate::{
    entropy::Entropy,
    id::ClientId,
    jose::{jwk::Jwk, jws::KeySet},
    model::{
        CertifiedKey, Client, ClientAuthentication, KeyPurpose, OrganizationUsage, RefreshTokenPolicy,
        RequireBehavior,
    },
    port::certified_keys::CertifiedKeyRing,
    port::key_ring::{KeyError, KeyName, KeyRing},
    secret::Secret,
    time::{Clock, Timestamp},
};
use async_trait::async_trait;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct FakeClock(AtomicI64);

impl FakeClock {
    /// It shows this instant.
    pub const fn at(instant: Timestamp) -> Self {
        Self(AtomicI64::new(instant.0))
    }

    /// It shows this instant now.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.0, SeqCst);
    }

    /// Let time pass.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX), SeqCst);
    }
}

impl Default for FakeClock {
    /// 2026-11-24T12:00:00Z.
    fn default() -> Self {
        Self::at(Timestamp(1_795_521_600_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(SeqCst))
    }
}

/// "Randomness" that repeats from a seed: tests only, it is no secret.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// From this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Default for SeededEntropy {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, out: &mut [u8]) {
        for byte in out {
            // SplitMix64, one step a byte.
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, SeqCst);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = x.to_le_bytes()[7];
        }
    }
}

/// A key ring with one `ES256` key of its own, which it forgets.
#[derive(Debug)]
pub struct MemoryKeyRing {
    pair: EcdsaKeyPair,
    public: Jwk,
}

impl Default for MemoryKeyRing {
    #[expect(clippy::expect_used, reason = "a test without a key cannot go on")]
    fn default() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a fresh key");
        let public = Jwk::p256(pair.public_key().as_ref()).expect("an uncompressed point");
        Self { pair, public }
    }
}

#[async_trait]
impl KeyRing for MemoryKeyRing {
    fn current(&self) -> Result<KeyName, KeyError> {
        Ok(KeyName { kid: self.public.kid.clone(), alg: "ES256" })
    }

    async fn sign(&self, key: &KeyName, payload: &[u8]) -> Result<Vec<u8>, KeyError> {
        if key.kid != self.public.kid {
            return Err(KeyError::NoActiveKey);
        }
        let signature =
            self.pair.sign(&SystemRandom::new(), payload).map_err(|_unspecified| KeyError::Failed)?;
        Ok(signature.as_ref().to_vec())
    }

    fn published(&self) -> Vec<Jwk> {
        vec![self.public.clone()]
    }

    async fn verifiers(&self, _token: &str) -> Arc<KeySet> {
        Arc::new(KeySet::new([&self.public]))
    }

    /// It has but one key.
    async fn rotate(&self, _at: Timestamp) -> Result<KeyName, KeyError> {
        Err(KeyError::Failed)
    }
}

/// Certified key pairs that somebody brought; by default none.
#[derive(Clone, Default)]
pub struct MemoryCertifiedKeys(pub Vec<Arc<CertifiedKey>>);

impl CertifiedKeyRing for MemoryCertifiedKeys {
    fn pairs(&self, purpose: KeyPurpose) -> Vec<Arc<CertifiedKey>> {
        self.0.iter().filter(|key| key.purpose == purpose).cloned().collect()
    }
}

/// A confidential client of this id and secret: a regular web application with nothing special about it.
#[expect(clippy::expect_used, reason = "a test names its clients by ids that are ids")]
pub fn sample_client(id: &str, secret: &str) -> Client {
    let at = FakeClock::default().now();
    Client {
        id: ClientId::parse(id).expect("a client id"),
        secret: Secret::new(secret),
        name: id.to_owned(),
        app_type: Some("regular_web".to_owned()),
        authentication: ClientAuthentication::ClientSecretPost,
        callbacks: Vec::new(),
        allowed_logout_urls: Vec::new(),
        web_origins: Vec::new(),
        allowed_origins: Vec::new(),
        initiate_login_uri: None,
        grant_types: vec!["authorization_code".to_owned()],
        is_first_party: true,
        organization_usage: OrganizationUsage::Deny,
        organization_require_behavior: RequireBehavior::NoPrompt,
        id_token_lifetime: 36_000,
        refresh_token: RefreshTokenPolicy::default(),
        is_global: false,
        extra: serde_json::Map::new(),
        created_at: at,
        updated_at: at,
    }
}
