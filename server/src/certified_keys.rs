//! Owns the certified key pairs over the store: made once, held in memory, the same on every node.
//! Never touches what is signed or decrypted with them. Private keys leave it for the store, which encrypts them, and for
//! connectors.

use arc_swap::ArcSwap;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair as RsaKeyPair, KeySize},
};
use portico_core::{
    entropy::Entropy,
    model::{AuditEvent, CertifiedKey, EventKind, KeyPurpose, KeyState},
    port::{
        certified_keys::CertifiedKeyRing,
        key_ring::KeyError,
        store::{Store, StoreError, UnitOfWork},
    },
    time::{Clock, Timestamp},
};
use rcgen::{CertificateParams, DnType, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::Arc, time::Duration};
use time::OffsetDateTime;
use zeroize::Zeroizing;

/// The certified key pairs of this node. What it holds is what the store held when it last looked.
pub struct StoreCertifiedKeys {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Whose they are, as their certificates say.
    subject: String,
    loaded: ArcSwap<Vec<Arc<CertifiedKey>>>,
}

impl StoreCertifiedKeys {
    /// The ring over this store; an empty store gets its first pairs, however many nodes start at once. `subject` is what
    /// certificates call us: the issuer's host.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        subject: String,
    ) -> Result<Self, KeyError> {
        let ring = Self { store, clock, entropy, subject, loaded: ArcSwap::default() };
        ring.refresh().await?;
        for purpose in KeyPurpose::ALL {
            if ring.pairs(purpose).is_empty() {
                ring.begin(purpose).await?;
            }
        }
        ring.refresh().await?;
        Ok(ring)
    }

    /// Look at the store again: another node may have rotated. The worker does this every minute.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        let found = self.store.read(|unit| Box::pin(async move { unit.certified_keys().list().await })).await;
        let mut keys: Vec<_> = found.map_err(KeyError::Store)?.into_iter().map(Arc::new).collect();
        keys.retain(|key| key.state != KeyState::Revoked);
        keys.sort_by_key(|key| match key.state {
            KeyState::Current => 0,
            KeyState::Next => 1,
            KeyState::Previous | KeyState::Revoked => 2,
        });
        self.loaded.store(Arc::new(keys));
        Ok(())
    }

    /// Make the next pair for this purpose the current one, and a new next one. What was current stays good for messages
    /// that are under way, until the rotation after this.
    pub async fn rotate(&self, purpose: KeyPurpose) -> Result<String, KeyError> {
        let at = self.clock.now();
        let spare = self.fresh(purpose, at, KeyState::Next).await?;
        let mut event = AuditEvent::new(EventKind::KeyRotated, at, &*self.entropy);
        event.details.insert("purpose".to_owned(), purpose.as_str().into());
        let rotated: Result<String, StoreError> =
            self.store.write(move |unit| Box::pin(rotate(unit, spare, event))).await;
        let kid = rotated?;
        self.refresh().await?;
        Ok(kid)
    }

    /// Make a current and a next pair if nobody has.
    async fn begin(&self, purpose: KeyPurpose) -> Result<(), KeyError> {
        let at = self.clock.now();
        let (current, next) = tokio::try_join!(
            self.fresh(purpose, at, KeyState::Current),
            self.fresh(purpose, at, KeyState::Next)
        )?;
        let mark = format!("certified_key.{}", purpose.as_str());
        let made: Result<(), StoreError> = self
            .store
            .write(move |unit| {
                Box::pin(async move {
                    // The first to set the mark makes the pairs; the others find them.
                    if unit.tenant().set_mark(&mark, &current.kid).await? {
                        unit.certified_keys().insert(&current).await?;
                        unit.certified_keys().insert(&next).await?;
                    }
                    Ok(())
                })
            })
            .await;
        Ok(made?)
    }

    async fn fresh(
        &self,
        purpose: KeyPurpose,
        at: Timestamp,
        state: KeyState,
    ) -> Result<CertifiedKey, KeyError> {
        let subject = self.subject.clone();
        let made = tokio::task::spawn_blocking(move || pair(&subject, purpose, at)).await;
        let (certificate, private) = made.ok().flatten().ok_or(KeyError::Failed)?;
        let kid = Sha256::digest(&certificate).iter().fold(String::with_capacity(64), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(CertifiedKey {
            kid,
            purpose,
            certificate,
            private,
            state,
            created_at: at,
            current_since: (state == KeyState::Current).then_some(at),
            previous_since: None,
        })
    }
}

impl CertifiedKeyRing for StoreCertifiedKeys {
    fn pairs(&self, purpose: KeyPurpose) -> Vec<Arc<CertifiedKey>> {
        self.loaded.load().iter().filter(|key| key.purpose == purpose).cloned().collect()
    }
}

async fn rotate(
    unit: &mut dyn UnitOfWork,
    spare: CertifiedKey,
    mut event: AuditEvent,
) -> Result<String, StoreError> {
    let at = event.at;
    let keys = unit.certified_keys().list().await?;
    let of = |state| keys.iter().filter(move |key| key.purpose == spare.purpose && key.state == state);
    let next = of(KeyState::Next).next().ok_or(StoreError::Stale)?;
    for (key, to) in of(KeyState::Previous)
        .map(|key| (key, KeyState::Revoked))
        .chain(of(KeyState::Current).map(|key| (key, KeyState::Previous)))
        .chain([(next, KeyState::Current)])
    {
        if !unit.certified_keys().advance(&key.kid, key.state, to, at).await? {
            return Err(StoreError::Stale);
        }
    }
    unit.certified_keys().insert(&spare).await?;
    event.details.insert("kid".to_owned(), next.kid.as_str().into());
    unit.events().insert(&event).await?;
    Ok(next.kid.clone())
}

/// A new pair with a certificate that it signs itself: partners trust the key, not a chain. Takes a good part of a second.
fn pair(subject: &str, purpose: KeyPurpose, at: Timestamp) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).ok()?;
    let pkcs8: Pkcs8V1Der<'_> = rsa.as_der().ok()?;
    let private = Zeroizing::new(pkcs8.as_ref().to_vec());
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(private.as_slice()));
    let key = KeyPair::try_from(&der).ok()?;
    let instant = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.seconds()).ok();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, subject);
    parameters.key_usages = vec![match purpose {
        KeyPurpose::Signing => KeyUsagePurpose::DigitalSignature,
        KeyPurpose::Encryption => KeyUsagePurpose::KeyEncipherment,
    }];
    parameters.not_before = instant(at.minus(Duration::from_hours(1)))?;
    parameters.not_after = instant(at.plus(VALIDITY))?;
    let certificate = parameters.self_signed(&key).ok()?;
    Some((certificate.der().to_vec(), private))
}

/// How long a certificate says it is good for: partners configure it by hand, so it ends when it is rotated, not before.
const VALIDITY: Duration = Duration::from_hours(24 * 3650);

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::testing::{FakeClock, SeededEntropy};

    async fn ring(store: &Arc<dyn Store>) -> StoreCertifiedKeys {
        let (clock, entropy) = (Arc::new(FakeClock::default()), Arc::new(SeededEntropy::default()));
        StoreCertifiedKeys::open(Arc::clone(store), clock, entropy, "login.example".to_owned()).await.unwrap()
    }

    fn kids(ring: &StoreCertifiedKeys, purpose: KeyPurpose) -> Vec<String> {
        ring.pairs(purpose).iter().map(|key| key.kid.clone()).collect()
    }

    #[tokio::test]
    async fn every_node_has_the_same_pairs_and_a_rotation_moves_them_on() {
        let store = portico_store::temporary().await.unwrap();
        let one = ring(&store).await;
        let other = ring(&store).await;
        for purpose in KeyPurpose::ALL {
            assert_eq!(kids(&one, purpose), kids(&other, purpose));
        }
        assert_ne!(kids(&one, KeyPurpose::Signing), kids(&one, KeyPurpose::Encryption));
        let before = kids(&one, KeyPurpose::Signing);
        assert_eq!(before.len(), 2, "the current one and the next");
        assert_eq!(one.rotate(KeyPurpose::Signing).await.unwrap(), before[1]);
        other.refresh().await.unwrap();
        let after = kids(&other, KeyPurpose::Signing);
        assert_eq!((&after[0], &after[2], after.len()), (&before[1], &before[0], 3));
        one.rotate(KeyPurpose::Signing).await.unwrap();
        assert!(!kids(&one, KeyPurpose::Signing).contains(&before[0]), "it was replaced twice");
        let untouched: Vec<_> = kids(&one, KeyPurpose::Encryption);
        assert_eq!(untouched, kids(&other, KeyPurpose::Encryption));
    }
}
