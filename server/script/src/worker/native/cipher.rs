//! Owns encryption: AES in the modes that `createCipheriv` is used with.
//! Never touches the engine, and keeps no state: a script's text is encrypted when it is complete.

use super::Outcome;
use aws_lc_rs::{
    aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{
        AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext,
        PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    iv::FixedLength,
};

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Cbc,
    Ctr,
    Ecb,
    Gcm,
}

/// `aes-256-cbc` and its like, and `aes256` for that one: the mode, and the bytes of its key.
fn named(name: &str) -> Outcome<(Mode, usize)> {
    let unknown = || format!("Unknown cipher: {name}");
    let lower = name.to_ascii_lowercase();
    let rest = lower.strip_prefix("id-").unwrap_or(&lower).strip_prefix("aes").ok_or_else(unknown)?;
    let mut parts = rest.trim_start_matches('-').split('-');
    let bits: usize = parts.next().and_then(|bits| bits.parse().ok()).ok_or_else(unknown)?;
    let mode = match parts.next() {
        None | Some("cbc") => Mode::Cbc,
        Some("ctr") => Mode::Ctr,
        Some("ecb") => Mode::Ecb,
        Some("gcm") => Mode::Gcm,
        Some(_) => return Err(unknown()),
    };
    if matches!(bits, 128 | 192 | 256) { Ok((mode, bits / 8)) } else { Err(unknown()) }
}

/// The bytes of its key and of its initialization vector, and whether it has a tag.
pub(super) fn lengths(name: &str) -> Outcome<(usize, usize, bool)> {
    let (mode, key) = named(name)?;
    let iv = match mode {
        Mode::Cbc | Mode::Ctr => 16,
        Mode::Ecb => 0,
        Mode::Gcm => 12,
    };
    Ok((key, iv, mode == Mode::Gcm))
}

/// Encrypt. With GCM the tag is behind the text; `extra` is what is authenticated with it.
pub(super) fn seal(name: &str, key: &[u8], iv: &[u8], mut text: Vec<u8>, extra: &[u8]) -> Outcome<Vec<u8>> {
    let (mode, _) = named(name)?;
    if mode == Mode::Gcm {
        let (key, nonce) = (sealing(key)?, nonce(iv)?);
        key.seal_in_place_append_tag(nonce, Aad::from(extra), &mut text).map_err(failed)?;
        return Ok(text);
    }
    let context = || Ok::<_, String>(EncryptionContext::Iv128(FixedLength::from(vector(iv)?)));
    match mode {
        Mode::Cbc => {
            let key = PaddedBlockEncryptingKey::cbc_pkcs7(unbound(key)?).map_err(failed)?;
            key.less_safe_encrypt(&mut text, context()?).map_err(failed)?;
        }
        Mode::Ctr => {
            let key = EncryptingKey::ctr(unbound(key)?).map_err(failed)?;
            key.less_safe_encrypt(&mut text, context()?).map_err(failed)?;
        }
        Mode::Ecb | Mode::Gcm => {
            let key = PaddedBlockEncryptingKey::ecb_pkcs7(unbound(key)?).map_err(failed)?;
            key.less_safe_encrypt(&mut text, EncryptionContext::None).map_err(failed)?;
        }
    }
    Ok(text)
}

/// Decrypt. With GCM the tag is behind the text.
pub(super) fn open(name: &str, key: &[u8], iv: &[u8], mut text: Vec<u8>, extra: &[u8]) -> Outcome<Vec<u8>> {
    let (mode, _) = named(name)?;
    if mode == Mode::Gcm {
        let (key, nonce) = (sealing(key)?, nonce(iv)?);
        let unable = |_unspecified| "Unsupported state or unable to authenticate data".to_owned();
        return key
            .open_in_place(nonce, Aad::from(extra), &mut text)
            .map(|text| text.to_vec())
            .map_err(unable);
    }
    let context = || Ok::<_, String>(DecryptionContext::Iv128(FixedLength::from(vector(iv)?)));
    let bad = |_unspecified| "bad decrypt".to_owned();
    let plain = match mode {
        Mode::Cbc => {
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(unbound(key)?).map_err(failed)?;
            key.decrypt(&mut text, context()?).map_err(bad)?.to_vec()
        }
        Mode::Ctr => {
            let key = DecryptingKey::ctr(unbound(key)?).map_err(failed)?;
            key.decrypt(&mut text, context()?).map_err(bad)?.to_vec()
        }
        Mode::Ecb | Mode::Gcm => {
            let key = PaddedBlockDecryptingKey::ecb_pkcs7(unbound(key)?).map_err(failed)?;
            key.decrypt(&mut text, DecryptionContext::None).map_err(bad)?.to_vec()
        }
    };
    Ok(plain)
}

fn unbound(key: &[u8]) -> Outcome<UnboundCipherKey> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        _ => &AES_256,
    };
    UnboundCipherKey::new(algorithm, key).map_err(|_length| "Invalid key length".to_owned())
}

fn sealing(key: &[u8]) -> Outcome<LessSafeKey> {
    let algorithm = match key.len() {
        16 => &AES_128_GCM,
        24 => &AES_192_GCM,
        _ => &AES_256_GCM,
    };
    let key = UnboundKey::new(algorithm, key).map_err(|_length| "Invalid key length".to_owned())?;
    Ok(LessSafeKey::new(key))
}

fn nonce(iv: &[u8]) -> Outcome<Nonce> {
    Nonce::try_assume_unique_for_key(iv).map_err(|_length| "Invalid initialization vector".to_owned())
}

fn vector(iv: &[u8]) -> Outcome<[u8; 16]> {
    iv.try_into().map_err(|_length| "Invalid initialization vector".to_owned())
}

fn failed(_unspecified: aws_lc_rs::error::Unspecified) -> String {
    "the cipher failed".to_owned()
}
