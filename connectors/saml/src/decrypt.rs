//! Owns the decryption of an assertion that was encrypted for this connection (XML Encryption 1.1).
//! Never touches signatures. Whatever fails here has one reason, so that nobody learns by trying (SAML-58).

use crate::{
    expectations::Expectations,
    fault::Fault,
    gate::{
        Namespace, Node, Prefixes, decoded, scan_within,
        shape::{Kind, is_id},
    },
    key::DecryptionKey,
    reason::Reason,
};
use openssl::{
    md::{Md, MdRef},
    pkey_ctx::PkeyCtx,
    rsa::Padding,
    symm::{Cipher, Crypter, Mode, decrypt_aead},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

const OAEP_SHA1: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
const OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const ENCRYPTED_KEY: &str = "http://www.w3.org/2001/04/xmlenc#EncryptedKey";
const BLOCK: usize = 16;
const GCM_IV: usize = 12;
const GCM_TAG: usize = 16;

/// Whether a signature that was verified covers the encrypted assertion.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Covered {
    Yes,
    No,
}

/// A ciphertext and how it has to be decrypted. All of it is public, and every fault so far may say what it is.
pub(crate) struct Sealed<'t, 'i> {
    place: Node<'t, 'i>,
    covered: Covered,
    content: Content,
    ciphertext: Vec<u8>,
    transport: Transport,
    wrapped: Vec<u8>,
}

/// Whether the key of the content could be decrypted, or another one stands in for it.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Unwrapped {
    Yes,
    No,
}

/// How the content is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Content {
    Gcm(usize),
    Cbc(usize),
}

/// How the key is encrypted: the two digests of RSA-OAEP.
#[derive(Clone, Copy)]
struct Transport {
    digest: &'static MdRef,
    mask: &'static MdRef,
}

impl<'t, 'i> Sealed<'t, 'i> {
    /// Look at an `EncryptedAssertion` (SAML Core §2.3.4), without decrypting anything.
    pub(crate) fn inspect(
        encrypted: Node<'t, 'i>,
        covered: Covered,
        expectations: &Expectations<'_>,
    ) -> Result<Self, Fault> {
        let data = one(encrypted, "EncryptedData")?;
        if data.attribute("Type").is_some_and(|kind| kind != ELEMENT) {
            return Err(shape("it is not encrypted as an element"));
        }
        let content = content(one(data, "EncryptionMethod")?)?;
        if matches!(content.0, Content::Cbc(_))
            && covered == Covered::No
            && !expectations.policy.allow_unauthenticated_cbc
        {
            return Err(Fault::new(Reason::CbcUnauthenticated, "", content.1));
        }
        let key = encrypted_key(encrypted, data, expectations)?;
        let transport = transport(one(key, "EncryptionMethod")?)?;
        if expectations.decryption.is_empty() {
            return Err(Reason::DecryptionKeyMissing.into());
        }
        let (ciphertext, wrapped) = (cipher_value(data)?, cipher_value(key)?);
        Ok(Self { place: encrypted, covered, content: content.0, ciphertext, transport, wrapped })
    }

    /// Whether strangers can change the ciphertext so that something else is decrypted. Then nothing may be said of
    /// what was decrypted before a signature in it is verified.
    pub(crate) fn is_malleable(&self) -> bool {
        matches!(self.content, Content::Cbc(_)) && self.covered == Covered::No
    }

    /// Decrypt it to a document with the assertion as its root.
    ///
    /// A key that cannot be decrypted is replaced by one that nobody knows, and everything goes on as if it had been
    /// right: that takes as long, and fails with the same words.
    pub(crate) fn open(&self, keys: &[DecryptionKey]) -> Result<Zeroizing<String>, Fault> {
        let mut fault = Fault::from(Reason::DecryptionFailed);
        for key in keys {
            let (secret, unwrapped) = self.unwrap(key);
            let Some(plaintext) = self.decrypt(&secret).map(Zeroizing::new) else { continue };
            match alone(&plaintext, self.place.prefixes()) {
                Ok(document) => return Ok(document),
                Err(told) if unwrapped == Unwrapped::Yes && !self.is_malleable() => fault = told,
                Err(_) => {}
            }
        }
        Err(fault)
    }

    fn unwrap(&self, key: &DecryptionKey) -> (Zeroizing<Vec<u8>>, Unwrapped) {
        let length = match self.content {
            Content::Gcm(length) | Content::Cbc(length) => length,
        };
        let unwrapped = || {
            let mut context = PkeyCtx::new(key.private())?;
            context.decrypt_init()?;
            context.set_rsa_padding(Padding::PKCS1_OAEP)?;
            context.set_rsa_oaep_md(self.transport.digest)?;
            context.set_rsa_mgf1_md(self.transport.mask)?;
            let mut secret = Zeroizing::new(Vec::new());
            context.decrypt_to_vec(&self.wrapped, &mut secret)?;
            Ok::<_, openssl::error::ErrorStack>(secret)
        };
        let rejected = Sha256::new_with_prefix(key.rejection()).chain_update(&self.wrapped).finalize();
        match unwrapped() {
            Ok(secret) if secret.len() == length => (secret, Unwrapped::Yes),
            _ => (Zeroizing::new(rejected[..length].to_vec()), Unwrapped::No),
        }
    }

    fn decrypt(&self, secret: &[u8]) -> Option<Vec<u8>> {
        match self.content {
            Content::Gcm(length) => gcm(
                if length == 16 { Cipher::aes_128_gcm() } else { Cipher::aes_256_gcm() },
                secret,
                &self.ciphertext,
            ),
            Content::Cbc(length) => cbc(
                if length == 16 { Cipher::aes_128_cbc() } else { Cipher::aes_256_cbc() },
                secret,
                &self.ciphertext,
            ),
        }
    }
}

/// XML Encryption 1.1 §5.2.4: the vector, the ciphertext, the tag.
fn gcm(cipher: Cipher, secret: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let (vector, rest) = ciphertext.split_at_checked(GCM_IV)?;
    let (content, tag) = rest.split_at_checked(rest.len().checked_sub(GCM_TAG)?)?;
    decrypt_aead(cipher, secret, Some(vector), &[], content, tag).ok()
}

/// XML Encryption 1.1 §5.2.1, §5.2.2: the vector and the ciphertext; the last byte says how many are padding.
fn cbc(cipher: Cipher, secret: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
    let (vector, content) = ciphertext.split_at_checked(BLOCK)?;
    if content.is_empty() || content.len() % BLOCK != 0 {
        return None;
    }
    let mut crypter = Crypter::new(cipher, Mode::Decrypt, secret, Some(vector)).ok()?;
    crypter.pad(false);
    let mut plaintext = vec![0; content.len() + BLOCK];
    let mut length = crypter.update(content, &mut plaintext).ok()?;
    length += crypter.finalize(&mut plaintext[length..]).ok()?;
    plaintext.truncate(length);
    let padding = usize::from(*plaintext.last()?);
    if !(1..=BLOCK).contains(&padding) {
        return None;
    }
    plaintext.truncate(length.checked_sub(padding)?);
    Some(plaintext)
}

/// An element that stood at a place, as a document of its own: what the place declares, its root declares itself.
/// Exclusive canonicalization makes the same of both.
fn alone(plaintext: &[u8], prefixes: Prefixes<'_>) -> Result<Zeroizing<String>, Fault> {
    let declared: Vec<_> = prefixes.in_force().collect();
    let tree = scan_within(plaintext, prefixes)?;
    let (namespace, local) = Kind::Assertion.name();
    let root = tree.root();
    if !root.is(namespace, local) {
        return Err(Fault::new(Reason::Root, format_args!("`{local}`"), root));
    }
    let own: Vec<_> = root.declarations().map(|(prefix, _)| prefix).collect();
    let (before, after) = tree.source().split_at(root.after_name());
    let mut document = Zeroizing::new(before.to_owned());
    for (prefix, namespace) in declared.into_iter().filter(|(prefix, _)| !own.contains(prefix)) {
        let colon = if prefix.is_empty() { "" } else { ":" };
        document.extend([" xmlns", colon, prefix, "=\"", namespace.uri(), "\""]);
    }
    document.push_str(after);
    Ok(document)
}

fn shape(what: &str) -> Fault {
    Fault::new(Reason::EncryptionShape, "", what)
}

/// The one child of this name.
fn one<'t, 'i>(node: Node<'t, 'i>, local: &str) -> Result<Node<'t, 'i>, Fault> {
    let mut found = node.children_called(Namespace::Encryption, local);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(shape(&format!("{node} has no `{local}`"))),
        (Some(_), Some(_)) => Err(shape(&format!("{node} has more than one `{local}`"))),
    }
}

fn cipher_value(node: Node<'_, '_>) -> Result<Vec<u8>, Fault> {
    // A `CipherReference` instead would have to be fetched.
    decoded(one(one(node, "CipherData")?, "CipherValue")?)
        .ok_or_else(|| shape("a cipher value is not base64"))
}

fn algorithm(node: Node<'_, '_>) -> String {
    node.attribute("Algorithm").unwrap_or_default().into_owned()
}

fn content(method: Node<'_, '_>) -> Result<(Content, String), Fault> {
    let name = algorithm(method);
    let content = match &*name {
        "http://www.w3.org/2009/xmlenc11#aes128-gcm" => Content::Gcm(16),
        "http://www.w3.org/2009/xmlenc11#aes256-gcm" => Content::Gcm(32),
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc" => Content::Cbc(16),
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc" => Content::Cbc(32),
        _ => return Err(Fault::new(Reason::EncryptionAlgorithm, "", name)),
    };
    Ok((content, name))
}

/// XML Encryption 1.1 §5.5.2. The mask of `rsa-oaep-mgf1p` is SHA-1's; in this place, unlike in a signature, nothing
/// depends on collisions.
fn transport(method: Node<'_, '_>) -> Result<Transport, Fault> {
    let name = algorithm(method);
    let refused = |what: &str| Fault::new(Reason::KeyTransportAlgorithm, "", what);
    if name != OAEP_SHA1 && name != OAEP {
        return Err(refused(&name));
    }
    if method.child(Namespace::Encryption, "OAEPparams").is_some_and(|label| !label.is_empty()) {
        return Err(refused("RSA-OAEP with OAEPparams"));
    }
    let digest = match method.child(Namespace::Signature, "DigestMethod").map(algorithm) {
        None => Md::sha1(),
        Some(name) => match &*name {
            "http://www.w3.org/2000/09/xmldsig#sha1" => Md::sha1(),
            "http://www.w3.org/2001/04/xmlenc#sha256" => Md::sha256(),
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Md::sha384(),
            "http://www.w3.org/2001/04/xmlenc#sha512" => Md::sha512(),
            _ => return Err(refused(&format!("RSA-OAEP with {name}"))),
        },
    };
    let mask = match method.child(Namespace::Encryption11, "MGF").map(algorithm) {
        Some(name) if name != "http://www.w3.org/2009/xmlenc11#mgf1sha1" => match &*name {
            "http://www.w3.org/2009/xmlenc11#mgf1sha256" => Md::sha256(),
            "http://www.w3.org/2009/xmlenc11#mgf1sha384" => Md::sha384(),
            "http://www.w3.org/2009/xmlenc11#mgf1sha512" => Md::sha512(),
            _ => return Err(refused(&format!("RSA-OAEP with {name}"))),
        },
        _ => Md::sha1(),
    };
    Ok(Transport { digest, mask: if name == OAEP { mask } else { Md::sha1() } })
}

/// The one key for this connection: in the `KeyInfo` of the content, or beside it (SAML Core §2.3.4, SAML errata E43).
fn encrypted_key<'t, 'i>(
    encrypted: Node<'t, 'i>,
    data: Node<'t, 'i>,
    expectations: &Expectations<'_>,
) -> Result<Node<'t, 'i>, Fault> {
    let info = data.child(Namespace::Signature, "KeyInfo");
    let mut keys: Vec<_> = encrypted.children_called(Namespace::Encryption, "EncryptedKey").collect();
    keys.extend(
        info.into_iter().flat_map(|info| info.children_called(Namespace::Encryption, "EncryptedKey")),
    );
    if let Some(retrieval) = info.and_then(|info| info.child(Namespace::Signature, "RetrievalMethod")) {
        let uri = retrieval.attribute("URI").unwrap_or_default();
        let id = uri.strip_prefix('#').filter(|id| is_id(id));
        let id = id.ok_or_else(|| shape("the key has to be retrieved from elsewhere"))?;
        if retrieval.attribute("Type").is_some_and(|kind| kind != ENCRYPTED_KEY) || !retrieval.is_empty() {
            return Err(shape("the key has to be retrieved in an unknown way"));
        }
        keys.retain(|key| key.attribute("Id").is_some_and(|own| own == id));
    }
    if keys.is_empty() {
        return Err(shape("there is no EncryptedKey"));
    }
    let foreign = keys.first().and_then(|key| key.attribute("Recipient"));
    keys.retain(|key| {
        let recipient = key.attribute("Recipient").unwrap_or_default();
        recipient.is_empty() || recipient == expectations.service_provider
    });
    match keys[..] {
        [key] => Ok(key),
        [] => {
            let foreign = foreign.unwrap_or_default();
            Err(Fault::new(Reason::EncryptedKeyRecipient, expectations.service_provider, foreign))
        }
        _ => Err(shape("there is more than one EncryptedKey for this connection")),
    }
}
