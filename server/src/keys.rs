//! Owns the key ring over the store: signing keys, parsed once and held in memory, the same on every node.
//! Never touches tokens. Private keys leave it for the store alone, which encrypts them.

use arc_swap::ArcSwap;
use async_trait::async_trait;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use portico_core::{
    entropy::Entropy,
    jose::{
        jwk::Jwk,
        jws::{KeySet, named_key},
    },
    model::{AuditEvent, EventKind, KeyState, SigningKey},
    port::{
        key_ring::{KeyError, KeyName, KeyRing},
        store::{Store, StoreError, UnitOfWork},
    },
    time::{Clock, Timestamp},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use zeroize::Zeroizing;

/// The key ring of this node. What it holds is what the store held when it last looked.
pub struct StoreKeyRing {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    algorithm: Algorithm,
    loaded: ArcSwap<Loaded>,
    looked_at: AtomicI64,
}

/// How new keys sign.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Algorithm {
    /// RSA with 2,048 bits: what every client library reads.
    #[default]
    Rs256,
    /// ECDSA on P-256: ten times faster, for installations whose clients read it.
    Es256,
}

impl StoreKeyRing {
    /// The ring over this store; an empty store gets its first keys, however many nodes start at once.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        algorithm: Algorithm,
    ) -> Result<Self, KeyError> {
        let ring = Self {
            store,
            clock,
            entropy,
            algorithm,
            loaded: ArcSwap::default(),
            looked_at: AtomicI64::new(i64::MIN),
        };
        ring.ensure().await?;
        Ok(ring)
    }

    /// Make a current and a next key if nobody has, then look.
    async fn ensure(&self) -> Result<(), KeyError> {
        self.refresh().await?;
        if self.current().is_ok() {
            return Ok(());
        }
        let at = self.clock.now();
        let current = SigningKey {
            state: KeyState::Current,
            current_since: Some(at),
            ..fresh(self.algorithm, at).await?
        };
        let next = fresh(self.algorithm, at).await?;
        let made: Result<(), StoreError> = self
            .store
            .write(move |unit| {
                Box::pin(async move {
                    // The first to set the mark makes the keys; the others find them.
                    if unit.tenant().set_mark(FIRST_KEY, &current.kid).await? {
                        unit.keys().insert(&current).await?;
                        unit.keys().insert(&next).await?;
                    }
                    Ok(())
                })
            })
            .await;
        made?;
        self.refresh().await?;
        self.current().map(|_| ())
    }

    /// Look at the store again: another node may have rotated or revoked. The worker does this every minute.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        self.looked_at.store(self.clock.now().0, Ordering::Relaxed);
        let keys = self.store.read(|unit| Box::pin(async move { unit.keys().list().await })).await;
        self.loaded.store(Arc::new(Loaded::of(keys.map_err(KeyError::Store)?)?));
        Ok(())
    }

    /// Stop publishing a key at once: its tokens are void. When it was the current one, the next one takes its place.
    pub async fn revoke(&self, kid: &str, at: Timestamp) -> Result<bool, KeyError> {
        let mut event = AuditEvent::new(EventKind::KeyRevoked, at, &*self.entropy);
        event.details.insert("kid".to_owned(), kid.into());
        let (kid, spare) = (kid.to_owned(), fresh(self.algorithm, at).await?);
        let revoked: Result<bool, StoreError> =
            self.store.write(move |unit| Box::pin(revoke(unit, kid, spare, event))).await;
        let revoked = revoked?;
        self.refresh().await?;
        Ok(revoked)
    }
}

#[async_trait]
impl KeyRing for StoreKeyRing {
    fn current(&self) -> Result<KeyName, KeyError> {
        let loaded = self.loaded.load();
        let kid = loaded.current.as_deref().ok_or(KeyError::NoActiveKey)?;
        let alg = loaded.private.get(kid).ok_or(KeyError::NoActiveKey)?.alg();
        Ok(KeyName { kid: kid.to_owned(), alg })
    }

    /// Inline: a quarter of a millisecond for `RS256`, less than a hop to another thread pool is worth.
    async fn sign(&self, key: &KeyName, payload: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.loaded.load().private.get(&key.kid).ok_or(KeyError::NoActiveKey)?.sign(payload)
    }

    fn published(&self) -> Vec<Jwk> {
        self.loaded.load().published.clone()
    }

    async fn verifiers(&self, token: &str) -> Arc<KeySet> {
        let known = Arc::clone(&self.loaded.load().verifiers);
        let Some(kid) = named_key(token).filter(|kid| !known.contains(kid)) else { return known };
        let now = self.clock.now();
        let looked_at = Timestamp(self.looked_at.load(Ordering::Relaxed));
        // Anybody can send a key id that does not exist: they do not get to choose how often we look.
        if now.since(looked_at) < LOOK_AGAIN {
            return known;
        }
        if let Err(error) = self.refresh().await {
            tracing::warn!(kid, "the key ring could not be read again: {error}");
        }
        Arc::clone(&self.loaded.load().verifiers)
    }

    async fn rotate(&self, at: Timestamp) -> Result<KeyName, KeyError> {
        let replaced = self.current()?.kid;
        let spare = fresh(self.algorithm, at).await?;
        let event = AuditEvent::new(EventKind::KeyRotated, at, &*self.entropy);
        let rotated: Result<(), StoreError> =
            self.store.write(move |unit| Box::pin(rotate(unit, replaced, spare, event))).await;
        // When another node was faster, the ring has rotated all the same.
        if let Err(error) = rotated
            && !matches!(error, StoreError::Stale)
        {
            return Err(error.into());
        }
        self.refresh().await?;
        self.current()
    }
}

/// Replace the current key, if it is still this one: two nodes that find it old at once replace it once.
async fn rotate(
    unit: &mut dyn UnitOfWork,
    replaced: String,
    spare: SigningKey,
    mut event: AuditEvent,
) -> Result<(), StoreError> {
    let at = event.at;
    let keys = unit.keys().list().await?;
    if !keys.iter().any(|key| key.state == KeyState::Current && key.kid == replaced) {
        return Err(StoreError::Stale);
    }
    let next = keys.iter().find(|key| key.state == KeyState::Next).ok_or(StoreError::Stale)?;
    for key in &keys {
        let to = match (key.state, key.previous_since) {
            (KeyState::Current, _) => KeyState::Previous,
            (KeyState::Previous, Some(since)) if at.since(since) > LONGEST_TOKEN => KeyState::Revoked,
            _ => continue,
        };
        if !unit.keys().advance(&key.kid, key.state, to, at).await? {
            return Err(StoreError::Stale);
        }
    }
    if !unit.keys().advance(&next.kid, KeyState::Next, KeyState::Current, at).await? {
        return Err(StoreError::Stale);
    }
    unit.keys().insert(&spare).await?;
    event.details.insert("kid".to_owned(), next.kid.as_str().into());
    unit.events().insert(&event).await
}

async fn revoke(
    unit: &mut dyn UnitOfWork,
    kid: String,
    spare: SigningKey,
    event: AuditEvent,
) -> Result<bool, StoreError> {
    let keys = unit.keys().list().await?;
    let Some(key) = keys.iter().find(|key| key.kid == kid && key.state != KeyState::Revoked) else {
        return Ok(false);
    };
    let at = event.at;
    if !unit.keys().advance(&kid, key.state, KeyState::Revoked, at).await? {
        return Err(StoreError::Stale);
    }
    if key.state == KeyState::Current {
        let next = keys.iter().find(|key| key.state == KeyState::Next).ok_or(StoreError::Stale)?;
        if !unit.keys().advance(&next.kid, KeyState::Next, KeyState::Current, at).await? {
            return Err(StoreError::Stale);
        }
    }
    if matches!(key.state, KeyState::Current | KeyState::Next) {
        unit.keys().insert(&spare).await?;
    }
    unit.events().insert(&event).await?;
    Ok(true)
}

/// A new key, to be the next one. Made off the async threads: an RSA key takes a good part of a second.
async fn fresh(algorithm: Algorithm, at: Timestamp) -> Result<SigningKey, KeyError> {
    let made = tokio::task::spawn_blocking(move || match algorithm {
        Algorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
            let pkcs8: Pkcs8V1Der<'_> = pair.as_der().ok()?;
            let private = Zeroizing::new(pkcs8.as_ref().to_vec());
            Some((private, Jwk::rsa(pair.public_key().as_ref())?))
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
            let private = Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec());
            Some((private, Jwk::p256(pair.public_key().as_ref())?))
        }
    });
    let (private, public) = made.await.ok().flatten().ok_or(KeyError::Failed)?;
    Ok(SigningKey {
        kid: public.kid.clone(),
        alg: public.alg.clone(),
        private,
        public,
        state: KeyState::Next,
        created_at: at,
        current_since: None,
        previous_since: None,
    })
}

/// What the store held, ready for use.
#[derive(Default)]
struct Loaded {
    current: Option<String>,
    private: BTreeMap<String, Private>,
    published: Vec<Jwk>,
    verifiers: Arc<KeySet>,
}

impl Loaded {
    fn of(keys: Vec<SigningKey>) -> Result<Self, KeyError> {
        let mut keys: Vec<SigningKey> =
            keys.into_iter().filter(|key| key.state != KeyState::Revoked).collect();
        keys.sort_by_key(|key| match key.state {
            KeyState::Current => 0,
            KeyState::Next => 1,
            KeyState::Previous | KeyState::Revoked => 2,
        });
        let current = keys.iter().find(|key| key.state == KeyState::Current).map(|key| key.kid.clone());
        let published: Vec<Jwk> = keys.iter().map(|key| key.public.clone()).collect();
        let verifiers = Arc::new(KeySet::new(&published));
        let mut private = BTreeMap::new();
        for key in &keys {
            private.insert(key.kid.clone(), Private::parse(key)?);
        }
        Ok(Self { current, private, published, verifiers })
    }
}

enum Private {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Private {
    fn parse(key: &SigningKey) -> Result<Self, KeyError> {
        let parsed = match key.alg.as_str() {
            "RS256" => RsaKeyPair::from_pkcs8(&key.private).map(Self::Rsa).ok(),
            "ES256" => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.private).map(Self::Ecdsa).ok()
            }
            _ => None,
        };
        parsed.ok_or(KeyError::Failed)
    }

    const fn alg(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ecdsa(_) => "ES256",
        }
    }

    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, KeyError> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &random, payload, &mut signature);
                signed.map(|()| signature).map_err(|_unspecified| KeyError::Failed)
            }
            Self::Ecdsa(pair) => {
                let signature = pair.sign(&random, payload).map_err(|_unspecified| KeyError::Failed)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// The mark of the store whose value is the id of its first key.
const FIRST_KEY: &str = "signing_key";

/// How long a replaced key is published: longer than any token lives (contract §2.7 limits them to 30 days).
const LONGEST_TOKEN: Duration = Duration::from_hours(24 * 31);

/// An unknown key makes the ring look again this often, at the most.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
