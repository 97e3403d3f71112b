//! Owns the digests that other systems hash passwords with.
//! Never touches salts: what is digested comes joined.

use hmac::{KeyInit, Mac, SimpleHmac};
use md4::Md4;
use md5::Md5;
use ripemd::Ripemd160;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};
use whirlpool::Whirlpool;
use zeroize::Zeroizing;

/// A digest. Those that are broken otherwise are still one-way.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Digest {
    Md4,
    Md5,
    Ripemd160,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    Whirlpool,
}

/// Do the same with the type of each digest.
macro_rules! each {
    ($digest:expr, $type:ident => $does:expr) => {
        match $digest {
            Digest::Md4 => each!(@ Md4, $type => $does),
            Digest::Md5 => each!(@ Md5, $type => $does),
            Digest::Ripemd160 => each!(@ Ripemd160, $type => $does),
            Digest::Sha1 => each!(@ Sha1, $type => $does),
            Digest::Sha224 => each!(@ Sha224, $type => $does),
            Digest::Sha256 => each!(@ Sha256, $type => $does),
            Digest::Sha384 => each!(@ Sha384, $type => $does),
            Digest::Sha512 => each!(@ Sha512, $type => $does),
            Digest::Whirlpool => each!(@ Whirlpool, $type => $does),
        }
    };
    (@ $concrete:ty, $type:ident => $does:expr) => {{
        type $type = $concrete;
        $does
    }};
}

impl Digest {
    /// By the name that an import gives it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "md4" => Self::Md4,
            "md5" => Self::Md5,
            "ripemd160" => Self::Ripemd160,
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            "whirlpool" => Self::Whirlpool,
            _ => return None,
        })
    }

    /// Bytes of its output.
    pub(super) fn length(self) -> usize {
        each!(self, D => <D as sha2::Digest>::output_size())
    }

    /// Of these bytes.
    pub(super) fn of(self, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(each!(self, D => D::digest(bytes).to_vec()))
    }

    /// HMAC (RFC 2104) of these bytes, under this key.
    pub(super) fn keyed(self, key: &[u8], bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(each!(self, D => {
            // A key may have any length; the error is of other MACs.
            let Ok(mac) = SimpleHmac::<D>::new_from_slice(key) else { return Zeroizing::default() };
            mac.chain_update(bytes).finalize().into_bytes().to_vec()
        }))
    }

    /// PBKDF2 with HMAC (RFC 8018 §5.2).
    pub(super) fn stretch(self, password: &[u8], salt: &[u8], rounds: u32, output: &mut [u8]) {
        each!(self, D => {
            let stretched = pbkdf2::pbkdf2::<SimpleHmac<D>>(password, salt, rounds, output);
            debug_assert!(stretched.is_ok(), "a key may have any length");
        });
    }
}
