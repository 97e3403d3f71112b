//! Owns the shape of a signature: enveloped, over the element it is in, by algorithms of the list (security.md §3.1.3).
//! Never touches whether it is right. What `KeyInfo` says is never read.

use super::{names::Namespace, shape::is_id, tree::Node};
use crate::{fault::Fault, key::Family, reason::Reason};
use base64::{
    Engine,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use samael::crypto::AllowedSignatureAlgorithm;

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// The most prefixes of `InclusiveNamespaces`.
const MAX_PREFIXES: usize = 10;
/// The most bytes of a signature: RSA of 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// The signature algorithms that are accepted.
const SIGNATURES: [(Family, AllowedSignatureAlgorithm); 6] = [
    (Family::Rsa, AllowedSignatureAlgorithm::RsaSha256),
    (Family::Rsa, AllowedSignatureAlgorithm::RsaSha384),
    (Family::Rsa, AllowedSignatureAlgorithm::RsaSha512),
    (Family::Ecdsa, AllowedSignatureAlgorithm::EcdsaSha256),
    (Family::Ecdsa, AllowedSignatureAlgorithm::EcdsaSha384),
    (Family::Ecdsa, AllowedSignatureAlgorithm::EcdsaSha512),
];

/// The digest algorithms that are accepted, and how many bytes they make.
const DIGESTS: [(&str, usize); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", 32),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", 48),
    ("http://www.w3.org/2001/04/xmlenc#sha512", 64),
];

/// Canonical base64 only: what two decoders could read in two ways is refused.
const BASE64: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new());

/// A signature and what it is in.
#[derive(Clone, Copy, Debug)]
pub struct Signature<'t, 'i> {
    node: Node<'t, 'i>,
    signed: Node<'t, 'i>,
}

impl<'t, 'i> Signature<'t, 'i> {
    pub(super) const fn new(node: Node<'t, 'i>, signed: Node<'t, 'i>) -> Self {
        Self { node, signed }
    }

    /// Look at all of its parts, and say what it was made with.
    pub(crate) fn inspect(self) -> Result<(Family, AllowedSignatureAlgorithm), Fault> {
        let shape = || Fault::new(Reason::SignatureShape, "", self.signed);
        let mut parts = self.node.children();
        let (Some(info), Some(value)) = (parts.next(), parts.next()) else { return Err(shape()) };
        let key_info = parts.next();
        let is_right = info.is(Namespace::Signature, "SignedInfo")
            && value.is(Namespace::Signature, "SignatureValue")
            && key_info.is_none_or(|part| part.is(Namespace::Signature, "KeyInfo"))
            && parts.next().is_none()
            && !self.node.is_mixed();
        if !is_right {
            return Err(shape());
        }
        let made = self.signed_info(info)?;
        let length = decoded(value).map(|bytes| bytes.len());
        if !length.is_some_and(|length| (1..=MAX_SIGNATURE).contains(&length)) {
            return Err(Reason::SignatureValue.into());
        }
        Ok(made)
    }

    fn signed_info(self, info: Node<'_, '_>) -> Result<(Family, AllowedSignatureAlgorithm), Fault> {
        let shape = || Fault::new(Reason::SignedInfoShape, "", self.signed);
        let mut parts = info.children();
        let (Some(canonicalization), Some(method)) = (parts.next(), parts.next()) else {
            return Err(shape());
        };
        let is_right = canonicalization.is(Namespace::Signature, "CanonicalizationMethod")
            && method.is(Namespace::Signature, "SignatureMethod")
            && !info.is_mixed();
        if !is_right {
            return Err(shape());
        }
        if algorithm(canonicalization) != EXCLUSIVE {
            return Err(Fault::new(Reason::Canonicalization, EXCLUSIVE, algorithm(canonicalization)));
        }
        let name = algorithm(method);
        let made = SIGNATURES.into_iter().find(|(_, known)| known.signature_uri() == name);
        let made = made.ok_or_else(|| Fault::new(Reason::SignatureAlgorithm, "", &name))?;
        if !canonicalization.is_empty() || !method.is_empty() {
            return Err(shape());
        }
        let reference = parts.next().filter(|part| part.is(Namespace::Signature, "Reference"));
        let Some(reference) = reference else {
            return Err(Fault::new(Reason::ReferenceCount, "", self.signed));
        };
        match parts.next() {
            None => {}
            Some(another) if another.is(Namespace::Signature, "Reference") => {
                return Err(Fault::new(Reason::ReferenceCount, "", self.signed));
            }
            Some(_) => return Err(shape()),
        }
        self.reference(reference)?;
        Ok(made)
    }

    fn reference(self, reference: Node<'_, '_>) -> Result<(), Fault> {
        let uri = reference.attribute("URI").unwrap_or_default();
        let id = self.signed.attribute("ID").unwrap_or_default();
        if !is_id(&id) || uri.strip_prefix('#') != Some(&*id) {
            return Err(Fault::new(Reason::ReferenceForeign, self.signed, uri));
        }
        let shape = || Fault::new(Reason::SignedInfoShape, "", self.signed);
        let is_plain = reference
            .attributes()
            .all(|(namespace, local, _)| namespace == Namespace::None && matches!(local, "URI" | "Id"));
        let mut parts = reference.children();
        let (Some(transforms), Some(method), Some(value), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(shape());
        };
        let is_right = transforms.is(Namespace::Signature, "Transforms")
            && method.is(Namespace::Signature, "DigestMethod")
            && value.is(Namespace::Signature, "DigestValue");
        if !is_right || !is_plain || reference.is_mixed() {
            return Err(shape());
        }
        self.transforms(transforms)?;
        let name = algorithm(method);
        let digest = DIGESTS.into_iter().find(|(known, _)| *known == name);
        let (_, length) = digest.ok_or_else(|| Fault::new(Reason::DigestAlgorithm, "", &name))?;
        if !method.is_empty() {
            return Err(shape());
        }
        if decoded(value).is_some_and(|bytes| bytes.len() == length) {
            Ok(())
        } else {
            Err(Fault::new(Reason::DigestValue, length, ""))
        }
    }

    /// The enveloped signature, and then exclusive canonicalization without comments: no more, no less.
    fn transforms(self, transforms: Node<'_, '_>) -> Result<(), Fault> {
        let mut wanted = [ENVELOPED, EXCLUSIVE].into_iter();
        for transform in transforms.children() {
            let name = algorithm(transform);
            if !transform.is(Namespace::Signature, "Transform") || wanted.next() != Some(&*name) {
                return Err(Fault::new(Reason::Transform, "", name));
            }
            let mut inside = transform.children();
            match inside.next() {
                None if transform.is_empty() => {}
                Some(prefixes)
                    if name == EXCLUSIVE
                        && prefixes.is(Namespace::ExclusiveC14n, "InclusiveNamespaces")
                        && inside.next().is_none()
                        && !transform.is_mixed() =>
                {
                    prefix_list(prefixes)?;
                }
                _ => return Err(Fault::new(Reason::Transform, "", name)),
            }
        }
        if wanted.next().is_some() || transforms.is_mixed() {
            return Err(Fault::new(Reason::Transform, "", "too few transforms"));
        }
        Ok(())
    }
}

fn prefix_list(prefixes: Node<'_, '_>) -> Result<(), Fault> {
    let list = prefixes.attribute("PrefixList").unwrap_or_default();
    let is_right = list.split(' ').filter(|name| !name.is_empty()).all(is_id)
        && list.split(' ').filter(|name| !name.is_empty()).count() <= MAX_PREFIXES
        && prefixes.is_empty();
    if is_right { Ok(()) } else { Err(Fault::new(Reason::PrefixList, MAX_PREFIXES, "")) }
}

fn algorithm(node: Node<'_, '_>) -> String {
    node.attribute("Algorithm").unwrap_or_default().into_owned()
}

/// The bytes of a leaf in base64. Lines may be broken, as they are by xmlsec.
pub(crate) fn decoded(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let text = node.text()?;
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(text).ok()
}
