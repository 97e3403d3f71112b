//! Owns how an import spells a hash of another system: `password_hash` and `custom_password_hash` (contract §2.10).
//! Never touches comparing.

use super::{Bytes, Cost, Encoding, ForeignHash, Position, Salt, Scheme, Unusable, Variant, digest::Digest};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use portico_core::connector::{AdoptionFault, GivenHash};
use serde_json::{Map, Value};

/// Base64 as Node.js reads it: with or without padding.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Where the hash is in a row.
const CUSTOM: &str = "custom_password_hash";

type Read<T> = Result<T, AdoptionFault>;

impl ForeignHash {
    /// Read a hash as an import gives it.
    pub fn read(given: &GivenHash) -> Result<Self, AdoptionFault> {
        match given {
            GivenHash::Bcrypt(text) => {
                let scheme = Scheme::Bcrypt { text: bcrypt(text, "password_hash")?, salt: None };
                checked(Self { scheme, password: Encoding::Utf8 }, "password_hash")
            }
            GivenHash::Custom(object) => {
                let hash = Custom::open(object)?;
                checked(Self { scheme: hash.scheme()?, password: hash.password()? }, CUSTOM)
            }
        }
    }
}

fn checked(hash: ForeignHash, path: &str) -> Read<ForeignHash> {
    match hash.check() {
        Ok(()) => Ok(hash),
        Err(why @ Unusable::Costly) => {
            Err(fault("MAXIMUM", path, format!("The hash cannot be imported: {why}.")))
        }
        Err(why @ Unusable::Parameters) => {
            Err(fault("PATTERN", path, format!("The hash cannot be imported: {why}.")))
        }
    }
}

fn fault(code: &'static str, path: &str, message: impl Into<String>) -> AdoptionFault {
    AdoptionFault { code: code.into(), path: path.to_owned(), message: message.into() }
}

fn malformed(path: &str, expected: &str) -> AdoptionFault {
    fault("PATTERN", path, format!("The value is not {expected}."))
}

/// `custom_password_hash`, its parts apart.
struct Custom<'a> {
    algorithm: &'a str,
    root: &'a Map<String, Value>,
    hash: &'a Map<String, Value>,
    value: &'a str,
}

impl<'a> Custom<'a> {
    fn open(root: &'a Map<String, Value>) -> Read<Self> {
        known(
            root,
            CUSTOM,
            &[
                "algorithm",
                "hash",
                "salt",
                "password",
                "keylen",
                "cost",
                "blockSize",
                "blocksize",
                "parallelization",
            ],
        )?;
        let hash = object(root, "hash", CUSTOM)?
            .ok_or_else(|| fault("OBJECT_REQUIRED", &path(CUSTOM, "hash"), "The hash is missing."))?;
        known(hash, &path(CUSTOM, "hash"), &["value", "encoding", "digest", "key"])?;
        let algorithm = required(root, "algorithm", CUSTOM)?;
        let value = required(hash, "value", &path(CUSTOM, "hash"))?;
        Ok(Self { algorithm, root, hash, value })
    }

    fn scheme(&self) -> Read<Scheme> {
        if self.algorithm != "hmac" {
            for name in ["digest", "key"] {
                if self.hash.contains_key(name) {
                    return Err(fault("NOT_PASSED", &path(HASH, name), "Only hmac has this property."));
                }
            }
        }
        match self.algorithm {
            "argon2" => self.own_salt().and_then(|()| argon2(self.value)),
            "pbkdf2" => self.own_salt().and_then(|()| pbkdf2(self.value)),
            "ldap" => self.own_salt().and_then(|()| ldap(self.value)),
            "bcrypt" => {
                self.text_only()?;
                Ok(Scheme::Bcrypt { text: bcrypt(self.value, VALUE)?, salt: self.salt()? })
            }
            "scrypt" => self.scrypt(),
            "hmac" => self.hmac(),
            plain @ ("md4" | "md5" | "sha1" | "sha256" | "sha512") => {
                let digest = Digest::named(plain).ok_or_else(|| unknown_algorithm(plain))?;
                Ok(Scheme::Digest { digest, salt: self.salt()?, hash: self.digested(digest)? })
            }
            other => Err(unknown_algorithm(other)),
        }
    }

    fn hmac(&self) -> Read<Scheme> {
        let name = required(self.hash, "digest", HASH)?;
        let at = path(HASH, "digest");
        let digest = Digest::named(name).ok_or_else(|| {
            fault("ENUM_MISMATCH", &at, format!("`{name}` is no digest that hmac is imported with."))
        })?;
        let key = object(self.hash, "key", HASH)?
            .ok_or_else(|| fault("OBJECT_REQUIRED", &path(HASH, "key"), "The key is missing."))?;
        let at = path(HASH, "key");
        known(key, &at, &["value", "encoding"])?;
        let encoding = optional(key, "encoding", &at)?.unwrap_or("utf8");
        let key = decode(required(key, "value", &at)?, encoding, &at)?;
        Ok(Scheme::Hmac { digest, key, salt: self.salt()?, hash: self.digested(digest)? })
    }

    fn scrypt(&self) -> Read<Scheme> {
        let length = self.number("keylen")?;
        let length = length.ok_or_else(|| {
            fault("OBJECT_REQUIRED", &path(CUSTOM, "keylen"), "The length of the key is missing.")
        })?;
        let cost = self.number("cost")?.unwrap_or(16_384);
        if !cost.is_power_of_two() || cost < 2 {
            return Err(malformed(&path(CUSTOM, "cost"), "a power of two above 1"));
        }
        let small = |name: &str, number: u64| {
            u32::try_from(number).map_err(|_large| fault("MAXIMUM", &path(CUSTOM, name), "It is too large."))
        };
        let block = self.number("blockSize")?.or(self.number("blocksize")?).unwrap_or(8);
        let hash = self.binary()?;
        if hash.0.len() as u64 != length {
            return Err(malformed(VALUE, "as long as keylen says"));
        }
        // For scrypt the salt is a parameter of its own, wherever it is said to be.
        let salt = self.salt()?.map_or_else(|| Bytes(Vec::new()), |salt| salt.value);
        Ok(Scheme::Scrypt {
            log_n: u8::try_from(cost.trailing_zeros()).unwrap_or(u8::MAX),
            r: small("blockSize", block)?,
            p: small("parallelization", self.number("parallelization")?.unwrap_or(1))?,
            salt,
            hash,
        })
    }

    /// A hash in hexadecimal or base64 that is as long as this digest makes them.
    fn digested(&self, digest: Digest) -> Read<Bytes> {
        let hash = self.binary()?;
        if hash.0.len() == digest.length() {
            Ok(hash)
        } else {
            Err(malformed(VALUE, "as long as its algorithm makes them"))
        }
    }

    fn binary(&self) -> Read<Bytes> {
        match optional(self.hash, "encoding", HASH)? {
            Some(encoding @ ("hex" | "base64")) => decode(self.value, encoding, VALUE),
            Some(_) => Err(fault(
                "ENUM_MISMATCH",
                &path(HASH, "encoding"),
                "The encoding of this hash must be hex or base64.",
            )),
            None => {
                Err(fault("OBJECT_REQUIRED", &path(HASH, "encoding"), "The encoding of the hash is missing."))
            }
        }
    }

    fn text_only(&self) -> Read<()> {
        match optional(self.hash, "encoding", HASH)? {
            None | Some("utf8") => Ok(()),
            Some(_) => Err(fault(
                "ENUM_MISMATCH",
                &path(HASH, "encoding"),
                "The encoding of this hash must be utf8.",
            )),
        }
    }

    /// Its text holds its salt: another one makes no sense.
    fn own_salt(&self) -> Read<()> {
        self.text_only()?;
        if self.root.contains_key("salt") {
            return Err(fault("NOT_PASSED", &path(CUSTOM, "salt"), "The hash holds its own salt."));
        }
        Ok(())
    }

    fn salt(&self) -> Read<Option<Salt>> {
        let at = path(CUSTOM, "salt");
        let Some(salt) = object(self.root, "salt", CUSTOM)? else { return Ok(None) };
        known(salt, &at, &["value", "encoding", "position"])?;
        let encoding = optional(salt, "encoding", &at)?.unwrap_or("utf8");
        let value = decode(required(salt, "value", &at)?, encoding, &at)?;
        let position = match optional(salt, "position", &at)? {
            None | Some("prefix") => Position::Prefix,
            Some("suffix") => Position::Suffix,
            Some(_) => {
                let message = "The position of the salt must be prefix or suffix.";
                return Err(fault("ENUM_MISMATCH", &path(&at, "position"), message));
            }
        };
        Ok(Some(Salt { value, position }))
    }

    fn password(&self) -> Read<Encoding> {
        let at = path(CUSTOM, "password");
        let Some(password) = object(self.root, "password", CUSTOM)? else { return Ok(Encoding::Utf8) };
        known(password, &at, &["encoding"])?;
        match optional(password, "encoding", &at)? {
            None | Some("utf8") => Ok(Encoding::Utf8),
            Some("utf16le" | "ucs2") => Ok(Encoding::Utf16le),
            Some("ascii" | "latin1" | "binary") => Ok(Encoding::Latin1),
            Some(_) => Err(fault(
                "ENUM_MISMATCH",
                &path(&at, "encoding"),
                "The encoding must be ascii, utf8, utf16le, ucs2, latin1 or binary.",
            )),
        }
    }

    fn number(&self, name: &str) -> Read<Option<u64>> {
        match self.root.get(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(fault("INVALID_TYPE", &path(CUSTOM, name), "It must be a whole number.")),
            },
        }
    }
}

const HASH: &str = "custom_password_hash.hash";
const VALUE: &str = "custom_password_hash.hash.value";

fn unknown_algorithm(name: &str) -> AdoptionFault {
    let message = format!("`{name}` is no algorithm whose hashes can be imported.");
    fault("ENUM_MISMATCH", &path(CUSTOM, "algorithm"), message)
}

fn path(parent: &str, name: &str) -> String {
    format!("{parent}.{name}")
}

fn known(object: &Map<String, Value>, at: &str, names: &[&str]) -> Read<()> {
    match object.keys().find(|name| !names.contains(&name.as_str())) {
        Some(name) => Err(fault("NOT_PASSED", at, format!("Additional properties not allowed: {name}"))),
        None => Ok(()),
    }
}

fn object<'a>(parent: &'a Map<String, Value>, name: &str, at: &str) -> Read<Option<&'a Map<String, Value>>> {
    match parent.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(fault("INVALID_TYPE", &path(at, name), "It must be an object.")),
    }
}

fn optional<'a>(parent: &'a Map<String, Value>, name: &str, at: &str) -> Read<Option<&'a str>> {
    match parent.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(fault("INVALID_TYPE", &path(at, name), "It must be a text.")),
    }
}

fn required<'a>(parent: &'a Map<String, Value>, name: &str, at: &str) -> Read<&'a str> {
    optional(parent, name, at)?.ok_or_else(|| {
        fault("OBJECT_REQUIRED", &path(at, name), format!("Missing required property: {name}"))
    })
}

fn decode(text: &str, encoding: &str, at: &str) -> Read<Bytes> {
    let bytes = match encoding {
        "utf8" => Some(text.as_bytes().to_vec()),
        "hex" => hexadecimal(text),
        "base64" => STANDARD.decode(text).or_else(|_not_standard| URL_SAFE.decode(text)).ok(),
        _ => {
            let message = "The encoding must be utf8, hex or base64.";
            return Err(fault("ENUM_MISMATCH", &path(at, "encoding"), message));
        }
    };
    bytes.map(Bytes).ok_or_else(|| malformed(at, &format!("{encoding}, as its encoding says")))
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.get(1)?)?)).collect()
}

fn bcrypt(text: &str, at: &str) -> Read<String> {
    let known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    if known && text.parse::<bcrypt::HashParts>().is_ok() {
        Ok(text.to_owned())
    } else {
        Err(malformed(at, "a bcrypt hash that begins with $2a$, $2b$ or $2y$"))
    }
}

/// `$argon2id$v=19$m=65536,t=2,p=1$salt$hash`; without `v` it is version 16.
fn argon2(text: &str) -> Read<Scheme> {
    let wrong = || malformed(VALUE, "an argon2 hash in the PHC string format");
    let mut parts = text.strip_prefix('$').ok_or_else(wrong)?.split('$').peekable();
    let variant = match parts.next() {
        Some("argon2d") => Variant::Argon2d,
        Some("argon2i") => Variant::Argon2i,
        Some("argon2id") => Variant::Argon2id,
        _ => return Err(wrong()),
    };
    let version = parts.next_if(|part| part.starts_with("v="));
    let version = version.map_or(Ok(0x10), |part| part[2..].parse()).map_err(|_no_number| wrong())?;
    let costs = parts.next().ok_or_else(wrong)?;
    let [salt, hash] = two(parts).ok_or_else(wrong)?;
    let number = |name: &str| parameter(costs, name).ok_or_else(wrong);
    let cost = Cost { memory_kib: number("m")?, iterations: number("t")?, parallelism: number("p")? };
    if costs.split(',').count() != 3 {
        return Err(wrong());
    }
    let bytes = |text: &str| STANDARD.decode(text).map(Bytes).map_err(|_not_base64| wrong());
    Ok(Scheme::Argon2 { variant, version, cost, salt: bytes(salt)?, hash: bytes(hash)? })
}

/// `$pbkdf2-sha512$i=100000,l=64$salt$hash`; these are the numbers when they are left out.
fn pbkdf2(text: &str) -> Read<Scheme> {
    let wrong = || malformed(VALUE, "a PBKDF2 hash in the PHC string format");
    let mut parts = text.strip_prefix("$pbkdf2-").ok_or_else(wrong)?.split('$').peekable();
    let digest = parts.next().and_then(Digest::named).ok_or_else(wrong)?;
    let costs = parts.next_if(|part| part.is_empty() || part.contains('=')).unwrap_or_default();
    let [salt, hash] = two(parts).ok_or_else(wrong)?;
    let said = |name: &str, default: u32| {
        let named = costs.split(',').any(|part| part.starts_with(&format!("{name}=")));
        if named { parameter(costs, name).ok_or_else(wrong) } else { Ok(default) }
    };
    let (rounds, length) = (said("i", 100_000)?, said("l", 64)?);
    let bytes = |text: &str| STANDARD.decode(text).map(Bytes).map_err(|_not_base64| wrong());
    let hash = bytes(hash)?;
    if hash.0.len() as u64 != u64::from(length) {
        return Err(malformed(VALUE, "as long as its parameter l says"));
    }
    Ok(Scheme::Pbkdf2 { digest, rounds, salt: bytes(salt)?, hash })
}

/// `{SSHA}…` and its kin (RFC 2307): a digest in base64, with the salt behind it.
fn ldap(text: &str) -> Read<Scheme> {
    let wrong = || malformed(VALUE, "an LDAP hash such as {SSHA}…");
    let (scheme, encoded) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or_else(wrong)?;
    let scheme = scheme.to_ascii_lowercase();
    let (name, salted) = match scheme.as_str() {
        "md5" | "sha" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => (scheme.as_str(), false),
        other => (other.strip_prefix('s').ok_or_else(wrong)?, true),
    };
    let digest = match name {
        "sha" => Digest::Sha1,
        "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512" => {
            Digest::named(name).ok_or_else(wrong)?
        }
        _ => return Err(wrong()),
    };
    let mut hash = STANDARD.decode(encoded).map_err(|_not_base64| wrong())?;
    if hash.len() < digest.length() || (hash.len() > digest.length()) != salted {
        return Err(wrong());
    }
    let salt = hash.split_off(digest.length());
    let salt = salted.then_some(Salt { value: Bytes(salt), position: Position::Suffix });
    Ok(Scheme::Digest { digest, salt, hash: Bytes(hash) })
}

fn two<'t>(mut parts: impl Iterator<Item = &'t str>) -> Option<[&'t str; 2]> {
    match (parts.next(), parts.next(), parts.next()) {
        (Some(one), Some(other), None) => Some([one, other]),
        _ => None,
    }
}

fn parameter(costs: &str, name: &str) -> Option<u32> {
    costs.split(',').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}
