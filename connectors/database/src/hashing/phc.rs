//! Owns the text of a hash: the PHC string format of argon2id.
//! Never touches hashing.

use argon2::Params;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use std::{fmt, str::FromStr};

/// A hash as it is stored: `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PhcHash {
    /// What the hash costs.
    pub parameters: Parameters,
    /// The salt.
    pub salt: Vec<u8>,
    /// The hash.
    pub output: Vec<u8>,
}

/// What an argon2id hash costs (RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Parameters {
    /// KiB of memory.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Parameters {
    /// The most KiB a stored hash may ask for: 256 MiB (`security.md` DB-19).
    pub const MOST_MEMORY_KIB: u32 = 256 << 10;
    /// The most passes.
    pub const MOST_ITERATIONS: u32 = 32;
    /// The most lanes.
    pub const MOST_PARALLELISM: u32 = 16;

    /// As argon2 takes them, for an output of so many bytes.
    pub(super) fn check(self, output: usize) -> Result<Params, PhcError> {
        let capped = self.memory_kib <= Self::MOST_MEMORY_KIB
            && self.iterations <= Self::MOST_ITERATIONS
            && self.parallelism <= Self::MOST_PARALLELISM;
        if !capped {
            return Err(PhcError::Costly);
        }
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(output))
            .map_err(|_out_of_range| PhcError::Parameters)
    }

    /// How many blocks of a KiB a hash writes: what it takes of time, in units that do not depend on the machine.
    pub(super) fn blocks(self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }
}

/// Why a text is not a hash we can check a password against.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PhcError {
    /// It is not in the PHC string format, or not argon2id, version 19.
    #[error("it is not an argon2id hash in the PHC string format")]
    Format,
    /// argon2 has no such parameters.
    #[error("its parameters are out of range")]
    Parameters,
    /// It would take more than this server gives to one hash.
    #[error("its parameters ask for too much memory or time")]
    Costly,
}

impl FromStr for PhcHash {
    type Err = PhcError;

    fn from_str(text: &str) -> Result<Self, PhcError> {
        let mut parts = text.strip_prefix("$argon2id$v=19$").ok_or(PhcError::Format)?.split('$');
        let (Some(costs), Some(salt), Some(output), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(PhcError::Format);
        };
        let mut costs = costs.split(',');
        let mut cost = |name: &str| {
            costs
                .next()
                .and_then(|pair| pair.strip_prefix(name))
                .and_then(|number| number.parse::<u32>().ok())
                .ok_or(PhcError::Format)
        };
        let parameters =
            Parameters { memory_kib: cost("m=")?, iterations: cost("t=")?, parallelism: cost("p=")? };
        if costs.next().is_some() {
            return Err(PhcError::Format);
        }
        let bytes = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_not_base64| PhcError::Format);
        let (salt, output) = (bytes(salt)?, bytes(output)?);
        if !(8..=64).contains(&salt.len()) || !(16..=64).contains(&output.len()) {
            return Err(PhcError::Parameters);
        }
        parameters.check(output.len())?;
        Ok(Self { parameters, salt, output })
    }
}

impl fmt::Display for PhcHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parameters { memory_kib, iterations, parallelism } = self.parameters;
        let (salt, output) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.output));
        write!(formatter, "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${output}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";

    #[test]
    fn a_hash_is_read_and_written_alike() {
        let hash: PhcHash = TEXT.parse().unwrap();
        assert_eq!(hash.parameters, Parameters { memory_kib: 19_456, iterations: 2, parallelism: 1 });
        assert_eq!(hash.salt, b"somesalt");
        assert_eq!(hash.to_string(), TEXT);
    }

    #[test]
    fn db_19_a_hash_that_asks_for_too_much_is_refused() {
        for (costs, error) in [
            ("m=4194304,t=2,p=1", PhcError::Costly),
            ("m=19456,t=1000000,p=1", PhcError::Costly),
            ("m=19456,t=2,p=17", PhcError::Costly),
            ("m=4,t=2,p=1", PhcError::Parameters),
            ("m=19456,t=0,p=1", PhcError::Parameters),
            ("m=99999999999,t=2,p=1", PhcError::Format),
            ("m=19456,t=2", PhcError::Format),
            ("m=19456,t=2,p=1,keyid=Zm9v", PhcError::Format),
        ] {
            assert_eq!(TEXT.replace("m=19456,t=2,p=1", costs).parse::<PhcHash>(), Err(error), "{costs}");
        }
    }

    #[test]
    fn another_kind_of_hash_is_refused() {
        for text in [
            "",
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI",
            "$argon2id$v=16$m=19456,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI",
            "$2b$10$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuabcdefghijklmno",
            "5f4dcc3b5aa765d61d8327deb882cf99",
        ] {
            assert_eq!(text.parse::<PhcHash>(), Err(PhcError::Format), "{text}");
        }
        assert_eq!(format!("{TEXT}$more").parse::<PhcHash>(), Err(PhcError::Format));
    }
}
