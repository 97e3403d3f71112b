//! Owns the port of the key pairs that come with certificates.
//! Never touches how they are made, kept or rotated: that is the adapter's.

use crate::model::{CertifiedKey, KeyPurpose};
use std::sync::Arc;

/// The installation's certified key pairs. Unlike a [`KeyRing`](super::key_ring::KeyRing) it hands the pairs out: what
/// is decrypted, and how, is the business of the protocol that needs it.
pub trait CertifiedKeyRing: Send + Sync {
    /// The pairs for this purpose that partners may use now: the current one first, then the next, then those that
    /// were replaced. Empty when there is none yet.
    fn pairs(&self, purpose: KeyPurpose) -> Vec<Arc<CertifiedKey>>;
}
