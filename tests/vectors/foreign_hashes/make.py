"""Makes vectors.json: hashes of passwords as other systems make them, by other implementations than ours.

    pip install -r requirements.txt && python3 make.py > vectors.json

Digests that Python's hashlib lacks come from the openssl program with its legacy provider.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import sys

import argon2.low_level as argon2
import bcrypt
from passlib.hash import ldap_md5, ldap_salted_md5, ldap_salted_sha1, ldap_salted_sha256, ldap_salted_sha512, ldap_sha1

PASSWORDS = [
    "Correct-Horse-7-Battery",
    "p",
    "Zoë's café 42",
    "пароль-Привет-9",
    "spaces in the middle  ",
    "quote\"back\\slash'7",
    "😀 smile 4 ever",
    "A" * 60 + "-long-1",
    "Ünïcödé-Straße-8",
    "tab\tinside-3",
]
SALTS = [b"a1b2c3d4", b"\x00\xff\x10binary\x80", b"s", b"0123456789abcdef" * 2, "söl".encode()]


def b64(data, pad=True):
    text = base64.b64encode(data).decode()
    return text if pad else text.rstrip("=")


def openssl(name, data):
    command = ["openssl", "dgst", "-provider", "legacy", "-provider", "default", f"-{name}", "-binary"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def digest(name, data):
    if name in ("md4", "whirlpool", "ripemd160"):
        return openssl({"ripemd160": "rmd160"}.get(name, name), data)
    return hashlib.new(name, data).digest()


def keyed(name, key, data):
    """RFC 2104 by hand for what hashlib lacks."""
    if name not in ("md4", "whirlpool", "ripemd160"):
        return hmac.new(key, data, name).digest()
    block = 64
    key = (digest(name, key) if len(key) > block else key).ljust(block, b"\0")
    inner = digest(name, bytes(b ^ 0x36 for b in key) + data)
    return digest(name, bytes(b ^ 0x5C for b in key) + inner)


def node_bytes(text, encoding):
    """As Node.js makes bytes of a text in this encoding."""
    if encoding in ("latin1", "binary", "ascii"):
        return text.encode("utf-16-le")[::2]
    if encoding in ("utf16le", "ucs2"):
        return text.encode("utf-16-le")
    return text.encode()


def salt_of(number):
    """A salt, how the import spells it, and where it goes; none for some."""
    if number % 5 == 0:
        return b"", None, "prefix"
    salt = SALTS[number % len(SALTS)]
    encoding = ["hex", "base64", "hex"][number % 3]
    if number % 5 == 2:
        salt, encoding = b"plain-text-salt", "utf8"
    spelt = {"hex": salt.hex(), "base64": b64(salt), "utf8": salt.decode(errors="replace")}[encoding]
    given = {"value": spelt}
    if encoding != "utf8" or number % 2:
        given["encoding"] = encoding
    position = "suffix" if number % 2 else "prefix"
    if position == "suffix" or number % 4:
        given["position"] = position
    return salt, given, position


def joined(password, salt, position):
    return salt + password if position == "prefix" else password + salt


PASSWORD_ENCODINGS = [None, "utf8", "utf16le", "ucs2", "latin1", "binary", "ascii", None, "utf16le", None]


def plain(name):
    for n, password in enumerate(PASSWORDS):
        encoding = PASSWORD_ENCODINGS[n]
        salt, given, position = salt_of(n)
        made = digest(name, joined(node_bytes(password, encoding), salt, position))
        spelling = "hex" if n % 2 else "base64"
        custom = {"algorithm": name, "hash": {"value": made.hex() if spelling == "hex" else b64(made), "encoding": spelling}}
        if given:
            custom["salt"] = given
        if encoding:
            custom["password"] = {"encoding": encoding}
        yield password, custom


def with_hmac():
    names = ["md4", "md5", "ripemd160", "sha1", "sha224", "sha256", "sha384", "sha512", "whirlpool", "sha256"]
    for n, (password, name) in enumerate(zip(PASSWORDS, names)):
        encoding = PASSWORD_ENCODINGS[n]
        key = [b"shared-pepper", b"\x01\x02\xfe", b"k" * 200][n % 3]
        spelling = ["utf8", "hex", "base64"][n % 3]
        salt, given, position = salt_of(n + 1)
        made = keyed(name, key, joined(node_bytes(password, encoding), salt, position))
        spelt = {"value": {"utf8": key.decode(errors="replace"), "hex": key.hex(), "base64": b64(key)}[spelling]}
        if spelling != "utf8":
            spelt["encoding"] = spelling
        custom = {"algorithm": "hmac", "hash": {"value": made.hex(), "encoding": "hex", "digest": name, "key": spelt}}
        if given:
            custom["salt"] = given
        if encoding:
            custom["password"] = {"encoding": encoding}
        yield password, custom


def with_bcrypt():
    for n, password in enumerate(PASSWORDS):
        prefix = [b"2a", b"2b", b"2y"][n % 3]
        cost = 4 + n % 3
        salt, given, position = (b"", None, "prefix") if n % 2 else (b"pepper", {"value": "pepper"}, "prefix")
        if n == 4:
            given["position"], position = "suffix", "suffix"
        made = bcrypt.hashpw(joined(password.encode(), salt, position)[:72], bcrypt.gensalt(cost))
        custom = {"algorithm": "bcrypt", "hash": {"value": (b"$" + prefix + made[3:]).decode(), "encoding": "utf8"}}
        if given:
            custom["salt"] = given
        yield password, custom


def with_password_hash():
    for n, password in enumerate(PASSWORDS):
        made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4 + n % 7))
        yield password, (b"$" + [b"2a", b"2b", b"2y"][n % 3] + made[3:]).decode()


def with_scrypt():
    for n, password in enumerate(PASSWORDS):
        cost, block, lanes, length = [(16384, 8, 1, 64), (1024, 8, 1, 32), (2048, 4, 2, 20), (4096, 1, 1, 64)][n % 4]
        salt = SALTS[n % len(SALTS)]
        spelling = "hex" if n % 2 else "base64"
        made = hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=lanes, dklen=length, maxmem=1 << 28)
        custom = {
            "algorithm": "scrypt",
            "keylen": length,
            "hash": {"value": made.hex() if spelling == "hex" else b64(made), "encoding": spelling},
            "salt": {"value": salt.hex(), "encoding": "hex"},
        }
        if n % 4:
            custom |= {"cost": cost, "blockSize": block, "parallelization": lanes}
        yield password, custom


def with_pbkdf2():
    for n, password in enumerate(PASSWORDS):
        name = ["sha512", "sha256", "sha1", "sha384", "sha224"][n % 5]
        rounds, length = [(100000, 64), (1000, 64), (4096, 32), (1, 20), (29000, 64)][n % 5]
        salt = SALTS[n % len(SALTS)] + bytes([n])
        made = hashlib.pbkdf2_hmac(name, password.encode(), salt, rounds, length)
        costs = f"i={rounds},l={length}$"
        if n == 0:
            costs = ""
        elif n == 1:
            costs = f"i={rounds}$"
        text = f"$pbkdf2-{name}${costs}{b64(salt, False)}${b64(made, False)}"
        yield password, {"algorithm": "pbkdf2", "hash": {"value": text, "encoding": "utf8"}}


def with_argon2():
    for n, password in enumerate(PASSWORDS):
        kind = [argon2.Type.ID, argon2.Type.I, argon2.Type.D][n % 3]
        version = 0x10 if n == 7 else 0x13
        memory, passes, lanes = [(256, 2, 1), (1024, 1, 2), (64, 3, 4)][n % 3]
        salt = b"0123456789abcdef"[: 8 + n % 9]
        made = argon2.hash_secret(password.encode(), salt, passes, memory, lanes, [32, 16, 64][n % 3], kind, version)
        text = made.decode()
        if version == 0x10:
            text = text.replace("$v=16", "")
        yield password, {"algorithm": "argon2", "hash": {"value": text, "encoding": "utf8"}}


def with_ldap():
    makers = [
        ldap_md5, ldap_sha1, ldap_salted_md5, ldap_salted_sha1, ldap_salted_sha256, ldap_salted_sha512,
        ldap_salted_sha1.using(salt_size=16), None, "sha256", "ssha384",
    ]
    for n, (password, maker) in enumerate(zip(PASSWORDS, makers)):
        if maker is None:
            text = ldap_salted_sha1.hash(password).replace("{SSHA}", "{ssha}")
        elif maker == "sha256":
            text = "{SHA256}" + b64(hashlib.sha256(password.encode()).digest())
        elif maker == "ssha384":
            text = "{SSHA384}" + b64(hashlib.sha384(password.encode() + b"salty").digest() + b"salty")
        else:
            text = maker.hash(password)
        yield password, {"algorithm": "ldap", "hash": {"value": text, "encoding": "utf8"}}


def main():
    families = {name: plain(name) for name in ("md4", "md5", "sha1", "sha256", "sha512")}
    families |= {
        "hmac": with_hmac(),
        "ldap": with_ldap(),
        "bcrypt": with_bcrypt(),
        "scrypt": with_scrypt(),
        "pbkdf2": with_pbkdf2(),
        "argon2": with_argon2(),
    }
    rows = [
        {"name": f"{family}-{n}", "password": password, "custom_password_hash": custom}
        for family, vectors in families.items()
        for n, (password, custom) in enumerate(vectors)
    ]
    rows += [
        {"name": f"password-hash-{n}", "password": password, "password_hash": text}
        for n, (password, text) in enumerate(with_password_hash())
    ]
    json.dump(rows, sys.stdout, indent=1, ensure_ascii=True)
    print()


main()
