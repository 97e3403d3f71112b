//! Owns the verification of signatures: what comes out are the bytes that were verified, and nothing else is used.
//! Never touches what the bytes say. The library does the cryptography; the gate stands before it and after it.

use crate::{
    fault::Fault,
    gate::{
        Namespace, Node, Tree, decoded, scan,
        shape::{self, Kind, Signable},
    },
    hardening,
    key::{Family, TrustedKey, fingerprint},
    reason::Reason,
};

/// Bytes that a trusted key signed.
#[derive(Debug)]
pub struct Verified<'k> {
    bytes: String,
    kind: Kind,
    id: String,
    /// The key that signed them.
    pub key: &'k TrustedKey,
}

impl Verified<'_> {
    /// The bytes, read again. They have to pass the same scanner as the document did, and to be the element that was to
    /// be verified: the gate has seen to it that there is no other way, and that is no reason to take it on trust.
    pub fn tree(&self) -> Result<Tree<'_>, Fault> {
        let tree = scan(self.bytes.as_bytes())?;
        let (namespace, local) = self.kind.name();
        let root = tree.root();
        let is_covered = root.is(namespace, local) && root.attribute("ID").is_some_and(|id| *id == self.id);
        if is_covered {
            Ok(tree)
        } else {
            Err(Fault::new(Reason::SignatureCoverage, format_args!("`{local}`"), ""))
        }
    }
}

/// Verify **all** signatures of a document that passed the shape gate, with one of these keys, and give the bytes of
/// `signed`: the response or message if that is signed, or else the assertion.
///
/// A document with two signatures has to be signed by the same key twice.
pub(crate) fn verify<'k>(
    tree: &Tree<'_>,
    (kind, signed): (Kind, Node<'_, '_>),
    family: Family,
    keys: &[&'k TrustedKey],
) -> Result<Verified<'k>, Fault> {
    hardening::harden().map_err(|hole| Fault::new(Reason::NotHardened, "", hole))?;
    let id = signed.attribute("ID").unwrap_or_default().into_owned();
    let mut fitting = keys.iter().filter(|key| key.family() == family);
    // CVE-2025-66568: a canonicalization that fails must not become an empty document that is verified; `covered` gives
    // none.
    let found = fitting.find_map(|key| Some((hardening::covered(tree.source(), key.public(), &id)?, *key)));
    let Some((bytes, key)) = found else {
        let trusted: Vec<_> = keys.iter().map(|key| format!("sha256 {}", key.fingerprint())).collect();
        return Err(Fault::new(Reason::SignatureInvalid, trusted.join(", "), brought(signed, keys)));
    };
    Ok(Verified { bytes, kind, id, key })
}

/// What `KeyInfo` says of a signature that is wrong: a hint for an administrator, and never a reason to trust anything.
fn brought(signed: Node<'_, '_>, trusted: &[&TrustedKey]) -> String {
    let path = ["Signature", "KeyInfo", "X509Data", "X509Certificate"];
    let found = path.into_iter().try_fold(signed, |node, local| node.child(Namespace::Signature, local));
    let certificate = found.and_then(decoded);
    let Some(certificate) = certificate else { return "it brings no certificate".to_owned() };
    if trusted.iter().any(|key| key.der() == certificate) {
        return "it brings a certificate that is trusted: it was changed after signing".to_owned();
    }
    format!("it brings the certificate with sha256 {}, which is not trusted", fingerprint(&certificate))
}

/// Judge the signature of a whole message that is no response (single logout by the POST binding), and give its bytes.
pub fn message<'k>(document: &[u8], kind: Kind, keys: &[&'k TrustedKey]) -> Result<Verified<'k>, Fault> {
    if keys.is_empty() {
        return Err(Reason::NoTrustedKey.into());
    }
    let tree = scan(document)?;
    let Signable { node, signature } = shape::message(&tree, kind)?;
    let (family, _) = signature.ok_or(Reason::MessageUnsigned)?.inspect()?;
    let verified = verify(&tree, (kind, node), family, keys)?;
    shape::message(&verified.tree()?, kind)?;
    Ok(verified)
}
