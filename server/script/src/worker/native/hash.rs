//! Owns hashes, HMACs, random bytes and the comparison that does not tell where it ended.
//! Never touches the engine.

use super::Outcome;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Digest;

/// Call a function for the algorithm of a name as Node.js and OpenSSL write it.
macro_rules! with_digest {
    ($name:expr, $function:ident ( $($argument:expr),* )) => {
        match super::hash::plain(&$name).as_str() {
            "md5" => Ok($function::<md5::Md5>($($argument),*)),
            "sha1" => Ok($function::<sha1::Sha1>($($argument),*)),
            "sha224" => Ok($function::<sha2::Sha224>($($argument),*)),
            "sha256" => Ok($function::<sha2::Sha256>($($argument),*)),
            "sha384" => Ok($function::<sha2::Sha384>($($argument),*)),
            "sha512" => Ok($function::<sha2::Sha512>($($argument),*)),
            "ripemd160" | "rmd160" => Ok($function::<ripemd::Ripemd160>($($argument),*)),
            _ => Err(format!("Digest method not supported: {}", $name)),
        }
    };
}
pub(super) use with_digest;

/// `SHA-256`, `RSA-SHA256` and `sha256` are one.
pub(super) fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.strip_prefix("rsa-").unwrap_or(&name).replace("sha-", "sha")
}

pub(super) fn digest(name: &str, bytes: &[u8]) -> Outcome<Vec<u8>> {
    fn of<D: Digest>(bytes: &[u8]) -> Vec<u8> {
        D::digest(bytes).to_vec()
    }
    with_digest!(name, of(bytes))
}

pub(super) fn hmac(name: &str, key: &[u8], bytes: &[u8]) -> Outcome<Vec<u8>> {
    fn of<D: hmac::EagerHash>(key: &[u8], bytes: &[u8]) -> Result<Vec<u8>, String> {
        let mac = Hmac::<D>::new_from_slice(key).map_err(|error| error.to_string())?;
        Ok(mac.chain_update(bytes).finalize().into_bytes().to_vec())
    }
    with_digest!(name, of(key, bytes))?
}

/// From the kernel.
pub(super) fn random(length: usize) -> Outcome<Vec<u8>> {
    if length > MOST_RANDOM {
        return Err(format!("no more than {MOST_RANDOM} random bytes are given at a time"));
    }
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::rand::getrandom(&mut bytes[filled..], flags).map_err(|error| error.to_string())?;
    }
    Ok(bytes)
}

/// Takes as long whatever they are, if they are as long as each other.
pub(super) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |seen, (one, other)| seen | (one ^ other)) == 0
}

const MOST_RANDOM: usize = 64 << 10;
