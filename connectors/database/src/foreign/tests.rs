//! Owns the cases of foreign hashes; their vectors come from other implementations (`tests/vectors/foreign_hashes`).
//! Never touches the pool of threads.

use super::*;
use portico_core::{connector::GivenHash, model::is_foreign};
use serde_json::{Map, Value, json};

const VECTORS: &str = include_str!("../../../../tests/vectors/foreign_hashes/vectors.json");

fn custom(value: &Value) -> GivenHash {
    GivenHash::Custom(value.as_object().cloned().unwrap_or_else(Map::new))
}

fn vectors() -> Vec<(String, String, GivenHash)> {
    let rows: Vec<Value> = serde_json::from_str(VECTORS).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let given = |row: &Value| match row["password_hash"].as_str() {
        Some(bcrypt) => GivenHash::Bcrypt(bcrypt.to_owned()),
        None => custom(&row["custom_password_hash"]),
    };
    rows.iter().map(|row| (text(row, "name"), text(row, "password"), given(row))).collect()
}

#[test]
fn every_vector_of_another_implementation_matches_its_password_and_no_other() {
    let (vectors, mut memory) = (vectors(), Vec::new());
    assert_eq!(vectors.len(), 120, "ten of each algorithm");
    for (name, password, given) in vectors {
        let hash = ForeignHash::read(&given).unwrap_or_else(|fault| panic!("{name}: {fault:?}"));
        let stored = hash.to_text();
        assert!(is_foreign(&stored), "the store will seal it");
        let hash = ForeignHash::parse(stored.expose()).unwrap_or_else(|| panic!("{name}: {stored:?}"));
        let right = Password::parse(&password).unwrap();
        assert!(hash.matches(&right, &mut memory), "{name}: {password:?}");
        let wrong = Password::parse(&format!("x{password}")).unwrap();
        assert!(!hash.matches(&wrong, &mut memory), "{name}");
    }
}

#[test]
fn a_password_is_compared_as_it_was_typed_too() {
    let decomposed = "cafe\u{301}";
    let value = STANDARD_NO_PAD.encode(Digest::Md5.of(decomposed.as_bytes()));
    let hash = json!({"algorithm": "md5", "hash": {"value": value, "encoding": "base64"}});
    let hash = ForeignHash::read(&custom(&hash)).unwrap();
    assert!(hash.matches(&Password::parse(decomposed).unwrap(), &mut Vec::new()));
    assert!(!hash.matches(&Password::parse("caf\u{e9}").unwrap(), &mut Vec::new()), "that is another text");
}

/// The code and the place of what is wrong with a hash.
fn refused(given: &GivenHash) -> (String, String) {
    let fault = ForeignHash::read(given).expect_err("it is refused");
    (fault.code.into_owned(), fault.path)
}

#[test]
fn db_19_a_hash_that_asks_for_too_much_is_refused() {
    let bcrypt = |cost: u32| format!("$2b${cost:02}$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u");
    let text = |algorithm: &str, value: &str| {
        custom(&json!({"algorithm": algorithm, "hash": {"value": value, "encoding": "utf8"}}))
    };
    let argon2 = |costs: &str| {
        text(
            "argon2",
            &format!("$argon2id$v=19${costs}$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI"),
        )
    };
    let pbkdf2 = |rounds: u64| {
        let hash = STANDARD_NO_PAD.encode([1; 32]);
        text("pbkdf2", &format!("$pbkdf2-sha256$i={rounds},l=32$c2FsdA${hash}"))
    };
    let scrypt = |cost: u64, block: u64, lanes: u64| {
        custom(&json!({
            "algorithm": "scrypt", "keylen": 32, "cost": cost, "blockSize": block, "parallelization": lanes,
            "hash": {"value": "00".repeat(32), "encoding": "hex"}, "salt": {"value": "ab", "encoding": "hex"},
        }))
    };
    for fits in [
        GivenHash::Bcrypt(bcrypt(14)),
        argon2("m=262144,t=8,p=16"),
        pbkdf2(2_000_000),
        scrypt(1 << 15, 8, 16),
    ] {
        assert!(ForeignHash::read(&fits).is_ok(), "the most there may be: {fits:?}");
    }
    for costly in [
        GivenHash::Bcrypt(bcrypt(31)),
        GivenHash::Bcrypt(bcrypt(15)),
        text("bcrypt", &bcrypt(31)),
        argon2("m=4194304,t=1,p=1"),
        argon2("m=262144,t=9,p=1"),
        argon2("m=65536,t=4000000000,p=1"),
        argon2("m=65536,t=2,p=17"),
        pbkdf2(1_000_000_000),
        pbkdf2(2_000_001),
        scrypt(1 << 20, 8, 1),
        scrypt(1 << 15, 8, 17),
        scrypt(1 << 62, 1 << 31, 1),
    ] {
        assert_eq!(refused(&costly).0, "MAXIMUM", "{costly:?}");
    }
    for malformed in [
        GivenHash::Bcrypt(bcrypt(3)),
        argon2("m=4,t=1,p=1"),
        argon2("m=65536,t=0,p=1"),
        argon2("m=65536,t=2"),
        argon2("m=65536,t=2,p=1,keyid=1"),
        pbkdf2(0),
        scrypt(1000, 8, 1),
    ] {
        assert_eq!(refused(&malformed).0, "PATTERN", "{malformed:?}");
    }
}

#[test]
fn db_19_a_stored_hash_that_asks_for_too_much_is_not_compared() {
    let hash = ForeignHash {
        scheme: Scheme::Pbkdf2 {
            digest: Digest::Sha256,
            rounds: 1_000_000_000,
            salt: Bytes(vec![1]),
            hash: Bytes(vec![2; 32]),
        },
        password: Encoding::Utf8,
    };
    assert_eq!(ForeignHash::parse(hash.to_text().expose()), None);
}

#[test]
fn a_spelling_that_is_not_the_contracts_is_refused_with_its_place() {
    let md5 = "5f4dcc3b5aa765d61d8327deb882cf99";
    let hash = || json!({"value": md5, "encoding": "hex"});
    let text = |value: &str| json!({"value": value, "encoding": "utf8"});
    let place = |more: &str| format!("custom_password_hash{more}");
    let argon2 = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$MTIzNDU2Nzg5MDEyMzQ1Ng";
    for (given, code, path) in [
        (json!({"hash": hash()}), "OBJECT_REQUIRED", ".algorithm"),
        (json!({"algorithm": "md5"}), "OBJECT_REQUIRED", ".hash"),
        (json!({"algorithm": "md5", "hash": md5}), "INVALID_TYPE", ".hash"),
        (json!({"algorithm": "rot13", "hash": hash()}), "ENUM_MISMATCH", ".algorithm"),
        (json!({"algorithm": "md5", "hash": {"value": md5}}), "OBJECT_REQUIRED", ".hash.encoding"),
        (json!({"algorithm": "md5", "hash": text(md5)}), "ENUM_MISMATCH", ".hash.encoding"),
        (json!({"algorithm": "sha1", "hash": hash()}), "PATTERN", ".hash.value"),
        (json!({"algorithm": "md5", "hash": {"value": "xyz", "encoding": "hex"}}), "PATTERN", ".hash.value"),
        (json!({"algorithm": "md5", "hash": hash(), "more": 1}), "NOT_PASSED", ""),
        (
            json!({"algorithm": "md5", "hash": {"value": md5, "encoding": "hex", "digest": "md5"}}),
            "NOT_PASSED",
            ".hash.digest",
        ),
        (
            json!({"algorithm": "md5", "hash": hash(), "salt": {"encoding": "hex"}}),
            "OBJECT_REQUIRED",
            ".salt.value",
        ),
        (
            json!({"algorithm": "md5", "hash": hash(), "salt": {"value": "a", "position": "middle"}}),
            "ENUM_MISMATCH",
            ".salt.position",
        ),
        (
            json!({"algorithm": "md5", "hash": hash(), "salt": {"value": "a", "encoding": "utf7"}}),
            "ENUM_MISMATCH",
            ".salt.encoding",
        ),
        (
            json!({"algorithm": "md5", "hash": hash(), "password": {"encoding": "ebcdic"}}),
            "ENUM_MISMATCH",
            ".password.encoding",
        ),
        (json!({"algorithm": "hmac", "hash": hash()}), "OBJECT_REQUIRED", ".hash.digest"),
        (
            json!({"algorithm": "hmac", "hash": {"value": md5, "encoding": "hex", "digest": "md5"}}),
            "OBJECT_REQUIRED",
            ".hash.key",
        ),
        (json!({"algorithm": "scrypt", "hash": hash()}), "OBJECT_REQUIRED", ".keylen"),
        (json!({"algorithm": "scrypt", "hash": hash(), "keylen": 64}), "PATTERN", ".hash.value"),
        (json!({"algorithm": "argon2", "hash": text(argon2), "salt": {"value": "a"}}), "NOT_PASSED", ".salt"),
        (
            json!({"algorithm": "argon2", "hash": {"value": argon2, "encoding": "hex"}}),
            "ENUM_MISMATCH",
            ".hash.encoding",
        ),
        (json!({"algorithm": "argon2", "hash": text("$argon2id$rubbish")}), "PATTERN", ".hash.value"),
        (
            json!({"algorithm": "pbkdf2", "hash": text("$pbkdf2-sha512$i=1$c2FsdA$AAAA")}),
            "PATTERN",
            ".hash.value",
        ),
        (json!({"algorithm": "ldap", "hash": text("{CRYPT}rqXexS6ZhobKA")}), "PATTERN", ".hash.value"),
        (json!({"algorithm": "ldap", "hash": text("{SSHA}AAAA")}), "PATTERN", ".hash.value"),
        (
            json!({"algorithm": "bcrypt", "hash": text("$2x$10$L6Bc/AlTQHyd9liGgGEZyOFLPHNgyxeEPfgYfBCVxJ7JIlwxyVU3u")}),
            "PATTERN",
            ".hash.value",
        ),
    ] {
        assert_eq!(refused(&custom(&given)), (code.to_owned(), place(path)), "{given}");
    }
    let good = json!({"algorithm": "md5", "hash": hash()});
    assert!(ForeignHash::read(&custom(&good)).is_ok(), "the control");
}
