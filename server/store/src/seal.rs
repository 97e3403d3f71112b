//! Owns encryption at rest: key-encryption keys, and the vault that seals single columns of single rows.
//! Never touches where key-encryption keys come from, nor the table that holds the wrapped data keys.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use portico_core::{
    entropy::{Entropy, SystemEntropy},
    port::store::StoreError,
};
use sha2::{Digest, Sha256};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a nonce. AES-GCM-SIV stays safe if a random one should ever repeat (RFC 8452 §1).
const NONCE: usize = 12;
/// Bytes of an authentication tag.
const TAG: usize = 16;

/// A key-encryption key: 32 random bytes that never are in the database (`security.md` §3.6).
///
/// Its id is made of the key, so that no configuration can mix ids up.
#[derive(Clone)]
pub struct Kek {
    id: String,
    key: Zeroizing<[u8; KEY]>,
}

impl Kek {
    /// Of these bytes.
    pub fn new(key: [u8; KEY]) -> Self {
        let digest = Sha256::new_with_prefix("portico key-encryption key").chain_update(key).finalize();
        Self { id: URL_SAFE_NO_PAD.encode(&digest[..9]), key: Zeroizing::new(key) }
    }

    /// Of a text: 32 bytes in base64, standard or URL-safe, with or without padding.
    pub fn parse(text: &str) -> Result<Self, KekError> {
        let plain = text.trim().trim_end_matches('=').replace('-', "+").replace('_', "/");
        let padded = Zeroizing::new(format!("{plain}{}", "=".repeat((4 - plain.len() % 4) % 4)));
        let bytes = Zeroizing::new(STANDARD.decode(padded.as_bytes()).map_err(|_undecodable| KekError)?);
        <[u8; KEY]>::try_from(bytes.as_slice()).map(Self::new).map_err(|_wrong_length| KekError)
    }

    /// A fresh one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self::new(entropy.bytes())
    }

    /// As [`parse`](Self::parse) takes it, for the file that is to hold it.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.key.as_slice()))
    }

    /// What it is called in the database and in errors.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn cipher(&self) -> Result<RandomizedNonceKey, StoreError> {
        cipher(self.key.as_ref())
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Kek({})", self.id)
    }
}

/// A text is not a key-encryption key.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a key-encryption key is 32 bytes in base64")]
pub struct KekError;

/// The key-encryption keys of an installation: the newest encrypts, the others only decrypt.
#[derive(Clone, Debug)]
pub struct Keks {
    newest: Kek,
    older: Vec<Kek>,
}

impl Keks {
    /// These.
    pub fn new(newest: Kek, older: Vec<Kek>) -> Self {
        Self { newest, older }
    }

    /// The one that encrypts.
    pub fn newest(&self) -> &Kek {
        &self.newest
    }

    fn find(&self, id: &str) -> Option<&Kek> {
        std::iter::once(&self.newest).chain(&self.older).find(|kek| kek.id == id)
    }
}

/// A sealed column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Its table.
    pub table: &'static str,
    /// That table's key.
    pub key: &'static str,
    /// The column.
    pub column: &'static str,
}

pub(crate) const ACTION_DRAFT: Place = Place { table: "actions", key: "action_id", column: "draft" };
pub(crate) const ACTION_VERSION_CONTENT: Place =
    Place { table: "action_versions", key: "version_id", column: "content" };
pub(crate) const CERTIFIED_KEY_PRIVATE: Place =
    Place { table: "certified_keys", key: "kid", column: "private" };
pub(crate) const CLIENT_SECRET: Place = Place { table: "clients", key: "client_id", column: "secret" };
pub(crate) const CONNECTION_OPTIONS: Place =
    Place { table: "connections", key: "connection_id", column: "options" };
pub(crate) const INVITATION_API_TICKET: Place =
    Place { table: "invitations", key: "invitation_id", column: "api_ticket" };
pub(crate) const INVITATION_MAIL_TICKET: Place =
    Place { table: "invitations", key: "invitation_id", column: "mail_ticket" };
pub(crate) const CREDENTIAL_IMPORTED_HASH: Place =
    Place { table: "credentials", key: "user_id", column: "imported_hash" };
pub(crate) const JOB_PART_CONTENT: Place = Place { table: "job_parts", key: "part_id", column: "content" };
pub(crate) const OUTBOX_DATA: Place = Place { table: "outbox", key: "mail_id", column: "data" };
pub(crate) const RULE_CONFIG_VALUE: Place =
    Place { table: "rule_configs", key: "config_key", column: "value" };
pub(crate) const SESSION_UPSTREAM: Place = Place { table: "sessions", key: "session_id", column: "upstream" };
pub(crate) const SIGNING_KEY_PRIVATE: Place = Place { table: "signing_keys", key: "kid", column: "private" };
pub(crate) const TRANSACTION_DOCUMENT: Place =
    Place { table: "transactions", key: "transaction_hash", column: "document" };

/// Every sealed column.
pub(crate) const SEALED: [Place; 14] = [
    ACTION_DRAFT,
    ACTION_VERSION_CONTENT,
    CERTIFIED_KEY_PRIVATE,
    CLIENT_SECRET,
    CONNECTION_OPTIONS,
    CREDENTIAL_IMPORTED_HASH,
    INVITATION_API_TICKET,
    INVITATION_MAIL_TICKET,
    JOB_PART_CONTENT,
    OUTBOX_DATA,
    RULE_CONFIG_VALUE,
    SESSION_UPSTREAM,
    SIGNING_KEY_PRIVATE,
    TRANSACTION_DOCUMENT,
];

/// A random key under which columns are sealed, as the table of data keys holds it.
pub(crate) struct WrappedKey {
    /// Its number; the highest one seals.
    pub number: i64,
    /// The key-encryption key it is wrapped under.
    pub kek: String,
    /// The wrapped key.
    pub wrapped: String,
}

/// Seals and opens single columns of single rows.
///
/// What is authenticated besides the text is `table|column|row|data key`: a ciphertext that is moved to another row
/// or column does not open (INF-09).
#[derive(Default)]
pub(crate) struct Vault {
    /// Data keys, in ascending order of their numbers.
    keys: Vec<(i64, RandomizedNonceKey)>,
}

impl Vault {
    /// Unwrap the data keys with the key-encryption keys at hand; all of them, or it fails.
    pub(crate) fn unlock(keks: &Keks, wrapped: &[WrappedKey]) -> Result<Self, StoreError> {
        let mut keys = wrapped
            .iter()
            .map(|wrapped| Ok((wrapped.number, cipher(unwrap(keks, wrapped)?.as_ref())?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        keys.sort_by_key(|(number, _)| *number);
        Ok(Self { keys })
    }

    /// Seal `text` for this column of the row with this key.
    pub(crate) fn seal(&self, place: &Place, row: &str, text: &[u8]) -> Result<String, StoreError> {
        let (number, key) = self.keys.last().ok_or_else(|| StoreError::backend("the vault is locked"))?;
        Ok(format!("{number}.{}", encrypt(key, &bound_to(place, row, *number), text)?))
    }

    /// Open what was sealed for this column of the row with this key.
    pub(crate) fn open(
        &self,
        place: &Place,
        row: &str,
        sealed: &str,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let unreadable = || {
            let Place { table, column, .. } = place;
            StoreError::backend(format!("`{table}.{column}` of a row cannot be decrypted"))
        };
        let (number, ciphertext) = sealed.split_once('.').ok_or_else(unreadable)?;
        let number: i64 = number.parse().map_err(|_not_a_number| unreadable())?;
        let key = self.keys.iter().find(|(known, _)| *known == number).ok_or_else(unreadable)?;
        decrypt(&key.1, &bound_to(place, row, number), ciphertext).ok_or_else(unreadable)
    }
}

/// Make a data key, wrapped under the newest key-encryption key.
pub(crate) fn new_data_key(keks: &Keks, number: i64) -> Result<WrappedKey, StoreError> {
    // Never from an entropy that is passed in: the keys of a store must not come from a test's seed.
    let entropy: &dyn Entropy = &SystemEntropy::default();
    wrap(&keks.newest, number, &Zeroizing::new(entropy.bytes()))
}

/// The same data key, wrapped under the newest key-encryption key; `None` if it is so already.
pub(crate) fn rewrap(keks: &Keks, wrapped: &WrappedKey) -> Result<Option<WrappedKey>, StoreError> {
    let key = unwrap(keks, wrapped)?;
    if wrapped.kek == keks.newest.id {
        return Ok(None);
    }
    wrap(&keks.newest, wrapped.number, &key).map(Some)
}

fn wrap(kek: &Kek, number: i64, key: &Zeroizing<[u8; KEY]>) -> Result<WrappedKey, StoreError> {
    let wrapped = encrypt(&kek.cipher()?, &wrapped_for(kek, number), key.as_slice())?;
    Ok(WrappedKey { number, kek: kek.id.clone(), wrapped })
}

fn unwrap(keks: &Keks, wrapped: &WrappedKey) -> Result<Zeroizing<[u8; KEY]>, StoreError> {
    let kek = keks.find(&wrapped.kek).ok_or_else(|| {
        let (number, id) = (wrapped.number, &wrapped.kek);
        StoreError::backend(format!(
            "data key {number} of this store is wrapped under the key-encryption key `{id}`, which is not among \
             those that were configured"
        ))
    })?;
    let key = decrypt(&kek.cipher()?, &wrapped_for(kek, wrapped.number), &wrapped.wrapped);
    key.and_then(|key| <[u8; KEY]>::try_from(key.as_slice()).ok()).map(Zeroizing::new).ok_or_else(|| {
        let (number, id) = (wrapped.number, &wrapped.kek);
        StoreError::backend(format!("data key {number} of this store does not decrypt under its key `{id}`"))
    })
}

fn bound_to(place: &Place, row: &str, number: i64) -> String {
    format!("{}|{}|{row}|{number}", place.table, place.column)
}

fn wrapped_for(kek: &Kek, number: i64) -> String {
    format!("data_keys|wrapped|{number}|{}", kek.id)
}

fn cipher(key: &[u8]) -> Result<RandomizedNonceKey, StoreError> {
    RandomizedNonceKey::new(&AES_256_GCM_SIV, key).map_err(StoreError::backend)
}

fn encrypt(key: &RandomizedNonceKey, bound_to: &str, text: &[u8]) -> Result<String, StoreError> {
    // Room for the tag, so that the text is encrypted where it lies and no copy of it is left behind.
    let mut buffer = Vec::with_capacity(text.len() + TAG);
    buffer.extend_from_slice(text);
    let nonce =
        key.seal_in_place_append_tag(Aad::from(bound_to), &mut buffer).map_err(StoreError::backend)?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut buffer);
    Ok(URL_SAFE_NO_PAD.encode(sealed))
}

fn decrypt(key: &RandomizedNonceKey, bound_to: &str, sealed: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut sealed = Zeroizing::new(URL_SAFE_NO_PAD.decode(sealed).ok()?);
    let (nonce, text) = sealed.split_at_mut_checked(NONCE)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    key.open_in_place(nonce, Aad::from(bound_to), text).ok().map(|text| Zeroizing::new(text.to_vec()))
}
