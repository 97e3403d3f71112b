//! Owns the hashes of passwords: pbkdf2, scrypt, bcrypt, and what each may cost.
//! Never touches the engine. What a cost below these caps takes is bounded by the time of the run (`security.md` §3.8).

use super::{Outcome, hash, hash::with_digest, text};

pub(super) fn pbkdf2(
    name: &str,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Outcome<Vec<u8>> {
    fn of<D: hmac::EagerHash>(password: &[u8], salt: &[u8], rounds: u32, length: usize) -> Vec<u8> {
        let mut key = vec![0; length];
        pbkdf2::pbkdf2_hmac::<D>(password, salt, rounds, &mut key);
        key
    }
    if rounds == 0 || rounds > MOST_ROUNDS || length > MOST_KEY {
        return Err(format!("pbkdf2 takes up to {MOST_ROUNDS} rounds and gives up to {MOST_KEY} bytes"));
    }
    with_digest!(name, of(password, salt, rounds, length))
}

/// `cost` is N, r and p.
pub(super) fn scrypt(password: &[u8], salt: &[u8], cost: (u32, u32, u32), length: usize) -> Outcome<Vec<u8>> {
    let (n, r, p) = cost;
    let memory = 128 * u64::from(n) * u64::from(r);
    if !n.is_power_of_two() || n < 2 || memory > MOST_MEMORY || p > MOST_LANES || length > MOST_KEY {
        return Err(format!("scrypt takes a power of two as N, and up to {} MiB", MOST_MEMORY >> 20));
    }
    let log_n = u8::try_from(n.ilog2()).unwrap_or(u8::MAX);
    let parameters = scrypt::Params::new(log_n, r, p).map_err(|error| error.to_string())?;
    let mut key = vec![0; length];
    scrypt::scrypt(password, salt, &parameters, &mut key).map_err(|error| error.to_string())?;
    Ok(key)
}

/// The hash of a password with the version, cost and salt that `salt` begins with: a salt, or a whole hash to compare with.
pub(super) fn bcrypt(password: &[u8], salt: &str) -> Outcome<String> {
    let not_a_salt =
        || "Invalid salt. Salt must be in the form of: $Vers$log2(NumRounds)$saltvalue".to_owned();
    let mut parts = salt.split('$').skip(1);
    let (version, cost, rest) = (parts.next(), parts.next(), parts.next());
    let version = match version {
        Some("2a") => bcrypt::Version::TwoA,
        Some("2b") => bcrypt::Version::TwoB,
        Some("2y") => bcrypt::Version::TwoY,
        Some("2x") => bcrypt::Version::TwoX,
        _ => return Err(not_a_salt()),
    };
    let cost = capped(cost.and_then(|cost| cost.parse().ok()).ok_or_else(not_a_salt)?)?;
    let salt = rest.and_then(|rest| rest.get(..22)).and_then(salt_of).ok_or_else(not_a_salt)?;
    // Like every implementation: what is behind 72 bytes does not count.
    let parts = bcrypt::hash_with_salt(password, cost, salt).map_err(|error| error.to_string())?;
    Ok(parts.format_for_version(version))
}

/// A fresh salt.
pub(super) fn bcrypt_salt(cost: u32) -> Outcome<String> {
    let cost = capped(cost.max(4))?;
    let salt = hash::random(16)?;
    Ok(format!("$2b${cost:02}${}", in_alphabet(&text::decode(&salt, "base64")?, FROM, TO)))
}

fn capped(cost: u32) -> Outcome<u32> {
    match cost {
        4..=MOST_COST => Ok(cost),
        _ => Err(format!("bcrypt's cost is 4 to {MOST_COST} in a script, not {cost}")),
    }
}

fn salt_of(text: &str) -> Option<[u8; 16]> {
    text::from_base64(&in_alphabet(text, TO, FROM)).try_into().ok()
}

/// bcrypt has base64 with an alphabet of its own, without padding.
fn in_alphabet(text: &str, from: &str, to: &str) -> String {
    let translate = |digit: char| to.chars().nth(from.find(digit)?);
    text.chars().filter_map(translate).collect()
}

const FROM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const TO: &str = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const MOST_ROUNDS: u32 = 2_000_000;
const MOST_KEY: usize = 1 << 10;
const MOST_MEMORY: u64 = 32 << 20;
const MOST_LANES: u32 = 16;
/// Takes about half a second.
const MOST_COST: u32 = 13;
