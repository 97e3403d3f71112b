//! Owns the sealing of a refresh token's child, for clients whose policy has a leeway (contract §1.4.2, OP-11).
//! Never touches policies.
//!
//! Whoever presents the parent once more within the leeway gets the same child: there are never two live ones. The child
//! is sealed with a key made of the parent, of which the store knows only a hash: a thief of the store can read neither.

use crate::entropy::Entropy;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Seal `child` for whoever has `parent`.
pub(super) fn seal(parent: &str, child: &str, entropy: &dyn Entropy) -> Option<String> {
    let nonce = entropy.bytes::<NONCE_LEN>();
    let mut sealed = child.as_bytes().to_vec();
    let key = key(parent)?;
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).ok()?;
    Some(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
}

/// The child, if `parent` is the one it was sealed for.
pub(super) fn open(parent: &str, sealed: &str) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut opened = sealed.to_vec();
    let child = key(parent)?.open_in_place(nonce, Aad::empty(), &mut opened).ok()?;
    String::from_utf8(child.to_vec()).ok()
}

fn key(parent: &str) -> Option<LessSafeKey> {
    let key = Sha256::new().chain_update("portico heir\n").chain_update(parent).finalize();
    UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn only_the_parent_opens_it() {
        let sealed = seal("rt_parent", "rt_child", &SystemEntropy::default()).unwrap();
        assert_eq!(open("rt_parent", &sealed).as_deref(), Some("rt_child"));
        assert_eq!(open("rt_other", &sealed), None);
        assert_eq!(open("rt_parent", &sealed[1..]), None);
        assert!(!sealed.contains("rt_child"));
    }
}
