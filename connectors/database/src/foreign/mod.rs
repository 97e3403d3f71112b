//! Owns hashes that other systems made: how they are kept, what they may cost, and whether a password is theirs.
//! Never touches how an import spells them: that is `read`'s.

mod digest;
mod read;
#[cfg(test)]
mod tests;

use crate::{Password, hashing::Parameters};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use digest::Digest;
use portico_core::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A hash that another system made of a password (contract §2.10, `custom_password_hash`).
///
/// It is kept as given, and compared as its maker would, until the first login replaces it by a hash of ours.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ForeignHash {
    #[serde(flatten)]
    scheme: Scheme,
    #[serde(default, skip_serializing_if = "Encoding::is_utf8")]
    password: Encoding,
}

/// How the hash was made.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "scheme")]
enum Scheme {
    /// One pass of a digest: `md5`, `sha1`, … and LDAP's schemes.
    Digest { digest: Digest, salt: Option<Salt>, hash: Bytes },
    /// RFC 2104, with a key that all of that system's users shared.
    Hmac { digest: Digest, key: Bytes, salt: Option<Salt>, hash: Bytes },
    /// RFC 8018.
    Pbkdf2 { digest: Digest, rounds: u32, salt: Bytes, hash: Bytes },
    /// RFC 7914.
    Scrypt { log_n: u8, r: u32, p: u32, salt: Bytes, hash: Bytes },
    /// RFC 9106, any variant and version.
    Argon2 { variant: Variant, version: u32, cost: Cost, salt: Bytes, hash: Bytes },
    /// `$2a$`, `$2b$` or `$2y$`.
    Bcrypt { text: String, salt: Option<Salt> },
}

/// Bytes; base64 in the stored text.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        STANDARD_NO_PAD.encode(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD_NO_PAD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A salt that was joined to the password.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Salt {
    value: Bytes,
    position: Position,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Position {
    /// Before the password.
    #[default]
    Prefix,
    /// Behind it.
    Suffix,
}

/// Which bytes the other system took a password for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Encoding {
    #[default]
    Utf8,
    /// Two bytes a code unit, the lower one first; `ucs2` is the same.
    Utf16le,
    /// The lower byte of each code unit: what Node.js makes of `latin1`, `binary` and `ascii`.
    Latin1,
}

impl Encoding {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
    fn is_utf8(&self) -> bool {
        *self == Self::Utf8
    }

    fn bytes(self, text: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Latin1 => text.encode_utf16().map(|unit| unit.to_le_bytes()[0]).collect(),
        })
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Variant {
    Argon2d,
    Argon2i,
    Argon2id,
}

/// What an argon2 hash costs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Cost {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

/// What is wrong with a hash whose form is right.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
enum Unusable {
    /// It would take more than this server gives to one login.
    #[error("it asks for more memory or time than a login may take")]
    Costly,
    /// Its algorithm has no such parameters.
    #[error("its parameters are out of range")]
    Parameters,
}

/// The most a single comparison may cost (`security.md` DB-19): about two seconds of one core, and 256 MiB.
mod most {
    /// bcrypt's cost: a doubling each.
    pub(super) const BCRYPT_COST: u32 = 14;
    /// Rounds of PBKDF2, for all blocks of its output together.
    pub(super) const PBKDF2_ROUNDS: u64 = 2_000_000;
    /// Bytes that scrypt fills.
    pub(super) const SCRYPT_MEMORY: u64 = 256 << 20;
    /// Blocks that scrypt mixes: N · r · p.
    pub(super) const SCRYPT_BLOCKS: u64 = 1 << 22;
    /// Blocks that argon2 writes: KiB times passes.
    pub(super) const ARGON2_BLOCKS: u64 = 1 << 21;
    /// Bytes of a derived hash.
    pub(super) const OUTPUT: usize = 512;
}

impl ForeignHash {
    /// What stored texts begin with: the mark by which the store knows what to seal, and the version of what follows.
    const TAG: &'static str = "foreign:1:";

    /// The text it is stored as. The store seals it.
    pub fn to_text(&self) -> Secret {
        Secret::new(format!("{}{}", Self::TAG, serde_json::json!(self)))
    }

    /// Read a stored text; none if it is no foreign hash, or asks for too much.
    pub fn parse(text: &str) -> Option<Self> {
        let hash: Self = serde_json::from_str(text.strip_prefix(Self::TAG)?).ok()?;
        hash.check().is_ok().then_some(hash)
    }

    /// Whether it may be compared with.
    fn check(&self) -> Result<(), Unusable> {
        match &self.scheme {
            Scheme::Digest { .. } | Scheme::Hmac { .. } => Ok(()),
            Scheme::Pbkdf2 { digest, rounds, hash, .. } => {
                let blocks = hash.0.len().div_ceil(digest.length()) as u64;
                if hash.0.is_empty() || *rounds == 0 {
                    return Err(Unusable::Parameters);
                }
                within(hash.0.len() <= most::OUTPUT && u64::from(*rounds) * blocks <= most::PBKDF2_ROUNDS)
            }
            Scheme::Scrypt { log_n, r, p, hash, .. } => {
                let n = 1_u64.checked_shl((*log_n).into()).filter(|n| *n > 1).ok_or(Unusable::Parameters)?;
                let (r, p) = (u64::from(*r), u64::from(*p));
                let memory = n.saturating_mul(r).saturating_mul(128);
                let blocks = n.saturating_mul(r).saturating_mul(p);
                within(
                    memory <= most::SCRYPT_MEMORY
                        && blocks <= most::SCRYPT_BLOCKS
                        && hash.0.len() <= most::OUTPUT,
                )?;
                // Shorter ones are refused by the library, and are no hashes.
                if hash.0.len() < 10 || self.scrypt_parameters().is_none() {
                    return Err(Unusable::Parameters);
                }
                Ok(())
            }
            Scheme::Argon2 { cost, version, hash, salt, .. } => {
                let Cost { memory_kib, iterations, parallelism } = *cost;
                within(
                    memory_kib <= Parameters::MOST_MEMORY_KIB
                        && parallelism <= Parameters::MOST_PARALLELISM
                        && u64::from(memory_kib) * u64::from(iterations) <= most::ARGON2_BLOCKS
                        && hash.0.len() <= most::OUTPUT,
                )?;
                let known = [0x10, 0x13].contains(version) && salt.0.len() >= 8;
                if known && cost.parameters(hash.0.len()).is_some() {
                    Ok(())
                } else {
                    Err(Unusable::Parameters)
                }
            }
            Scheme::Bcrypt { text, .. } => {
                let parts: bcrypt::HashParts = text.parse().map_err(|_malformed| Unusable::Parameters)?;
                if parts.get_cost() < 4 {
                    return Err(Unusable::Parameters);
                }
                within(parts.get_cost() <= most::BCRYPT_COST)
            }
        }
    }

    /// About as many blocks of argon2 as take the time that a comparison takes: what a pool has to add, so that it takes
    /// as long as a comparison with a hash of ours.
    pub(crate) fn blocks(&self) -> u64 {
        match &self.scheme {
            Scheme::Digest { .. } | Scheme::Hmac { .. } => 0,
            Scheme::Pbkdf2 { rounds, .. } => u64::from(*rounds) / 2,
            Scheme::Scrypt { log_n, r, p, .. } => {
                (1_u64 << (*log_n).min(32)).saturating_mul(u64::from(*r) * u64::from(*p)) / 4
            }
            Scheme::Argon2 { cost, .. } => u64::from(cost.memory_kib) * u64::from(cost.iterations),
            Scheme::Bcrypt { text, .. } => {
                let cost = text.get(4..6).and_then(|cost| cost.parse::<u32>().ok()).unwrap_or(0);
                32 << cost.min(most::BCRYPT_COST)
            }
        }
    }

    /// Whether it was made of this password: as it was typed, or in the one form that passwords have here.
    pub(crate) fn matches(&self, password: &Password, memory: &mut Vec<Block>) -> bool {
        let mut forms = password.forms();
        forms.any(|form| self.is_of(&self.password.bytes(form), memory))
    }

    fn is_of(&self, password: &[u8], memory: &mut Vec<Block>) -> bool {
        match &self.scheme {
            Scheme::Digest { digest, salt, hash } => same(&digest.of(&salted(password, salt.as_ref())), hash),
            Scheme::Hmac { digest, key, salt, hash } => {
                same(&digest.keyed(&key.0, &salted(password, salt.as_ref())), hash)
            }
            Scheme::Pbkdf2 { digest, rounds, salt, hash } => {
                let mut output = Zeroizing::new(vec![0; hash.0.len()]);
                digest.stretch(password, &salt.0, *rounds, &mut output);
                same(&output, hash)
            }
            Scheme::Scrypt { salt, hash, .. } => {
                let Some(parameters) = self.scrypt_parameters() else { return false };
                let mut output = Zeroizing::new(vec![0; hash.0.len()]);
                scrypt::scrypt(password, &salt.0, &parameters, &mut output).is_ok() && same(&output, hash)
            }
            Scheme::Argon2 { variant, version, cost, salt, hash } => {
                let Some(parameters) = cost.parameters(hash.0.len()) else { return false };
                let blocks = parameters.block_count();
                if memory.len() < blocks {
                    memory.resize(blocks, Block::new());
                }
                let version = if *version == 0x10 { Version::V0x10 } else { Version::V0x13 };
                let mut output = Zeroizing::new(vec![0; hash.0.len()]);
                let made = Argon2::new(variant.algorithm(), version, parameters)
                    .hash_password_into_with_memory(password, &salt.0, &mut output, &mut memory[..blocks]);
                made.is_ok() && same(&output, hash)
            }
            Scheme::Bcrypt { text, salt } => {
                bcrypt::verify(salted(password, salt.as_ref()), text).unwrap_or(false)
            }
        }
    }

    fn scrypt_parameters(&self) -> Option<scrypt::Params> {
        match &self.scheme {
            Scheme::Scrypt { log_n, r, p, .. } => scrypt::Params::new(*log_n, *r, *p).ok(),
            Scheme::Digest { .. }
            | Scheme::Hmac { .. }
            | Scheme::Pbkdf2 { .. }
            | Scheme::Argon2 { .. }
            | Scheme::Bcrypt { .. } => None,
        }
    }
}

impl Variant {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Argon2d => Algorithm::Argon2d,
            Self::Argon2i => Algorithm::Argon2i,
            Self::Argon2id => Algorithm::Argon2id,
        }
    }
}

impl Cost {
    fn parameters(self, output: usize) -> Option<Params> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(output)).ok()
    }
}

fn within(fits: bool) -> Result<(), Unusable> {
    if fits { Ok(()) } else { Err(Unusable::Costly) }
}

fn salted(password: &[u8], salt: Option<&Salt>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match salt {
        None => password.to_vec(),
        Some(Salt { value, position: Position::Prefix }) => [&value.0, password].concat(),
        Some(Salt { value, position: Position::Suffix }) => [password, &value.0].concat(),
    })
}

/// In a time that does not depend on where they differ.
fn same(made: &[u8], hash: &Bytes) -> bool {
    bool::from(made.ct_eq(&hash.0))
}
