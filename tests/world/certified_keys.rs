//! Owns the certified key pairs of the gateway in tests: fixed ones, since a fresh RSA key takes longer than most tests.
//! Never touches what is done with them.

use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::{
    model::{CertifiedKey, KeyPurpose, KeyState},
    testing::MemoryCertifiedKeys,
    time::Timestamp,
};
use std::sync::Arc;

const SIGNING: &str = include_str!("../../fixtures/keys/saml_sp_signing.pem");
const ENCRYPTION: &str = include_str!("../../fixtures/keys/saml_sp_encryption.pem");

/// One for each purpose.
pub(crate) fn certified_keys() -> MemoryCertifiedKeys {
    let pair = |pem: &str, purpose: KeyPurpose| {
        Arc::new(CertifiedKey {
            kid: purpose.as_str().to_owned(),
            purpose,
            certificate: block(pem, "CERTIFICATE"),
            private: block(pem, "PRIVATE KEY").into(),
            state: KeyState::Current,
            created_at: Timestamp(0),
            current_since: Some(Timestamp(0)),
            previous_since: None,
        })
    };
    MemoryCertifiedKeys(vec![pair(SIGNING, KeyPurpose::Signing), pair(ENCRYPTION, KeyPurpose::Encryption)])
}

/// The bytes of a block of PEM.
fn block(pem: &str, label: &str) -> Vec<u8> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let text = pem.split(&begin).nth(1).and_then(|rest| rest.split(&end).next()).expect("the block is there");
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).expect("it is base64")
}
