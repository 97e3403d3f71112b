//! Owns the way from bytes to a verified assertion, in the order of security.md §3.1: gate, signature, gate again,
//! decryption, meaning.
//! Never touches a clock, the network or a store: the same bytes and expectations have the same outcome.

use crate::{
    assertion::VerifiedAssertion,
    decrypt::{Covered, Sealed},
    expectations::Expectations,
    fault::Fault,
    gate::{
        Node, Tree, scan,
        shape::{self, Content, Kind, Signable},
    },
    key::{Family, TrustedKey},
    reason::Reason,
    response::{Exhibit, read},
    trace::{Check, Trace},
    verify::{Verified, verify},
};

/// Judge a response. Every check leaves a line in the trace; the first that fails is the last.
///
/// Takes a millisecond or less of CPU, most of it for the signature; call it where blocking is allowed.
pub fn judge(
    document: &[u8],
    expectations: &Expectations<'_>,
    trace: &mut Trace,
) -> Result<VerifiedAssertion, Fault> {
    run(document, expectations, trace).map_err(|fault| trace.failed(fault))
}

fn run(
    document: &[u8],
    expectations: &Expectations<'_>,
    trace: &mut Trace,
) -> Result<VerifiedAssertion, Fault> {
    let keys = trusted(expectations)?;
    trace.passed(Check::Trust, format!("{} certificate(s)", keys.len()));
    let original = scan(document)?;
    trace.passed(Check::WellFormed, format!("{} bytes", document.len()));
    let outer = shape::response(&original)?;
    trace.passed(Check::Shape, "");
    let signed = match (outer.signature, outer.content) {
        (Some(signature), _) => {
            let (family, _) = signature.inspect()?;
            if let Content::Plain(Signable { signature: Some(signature), .. }) = outer.content {
                signature.inspect()?;
            }
            Some((Kind::Response, outer.node, family))
        }
        (None, Content::Plain(Signable { node, signature: Some(signature) })) => {
            Some((Kind::Assertion, node, signature.inspect()?.0))
        }
        (None, _) => None,
    };
    wanted(&outer, expectations)?;
    let Some((kind, node, family)) = signed else {
        let Content::Encrypted(encrypted) = outer.content else {
            return Err(Reason::SignatureMissing.into());
        };
        let shell = Shell { response: outer.node, covered: Covered::No, tree: &original };
        return encrypted_in(&shell, encrypted, &keys, expectations, trace);
    };
    trace.passed(Check::Algorithms, "");
    trace.passed(Check::Signed, kind.name().1);
    let verified = verified(&original, (kind, node), family, &keys, trace)?;
    let tree = verified.tree()?;
    if kind == Kind::Assertion {
        let assertion = shape::message(&tree, kind)?.node;
        return read(
            Exhibit { response: outer.node, is_response_signed: false, assertion },
            expectations,
            trace,
        );
    }
    let inner = shape::response(&tree)?;
    match inner.content {
        Content::Plain(Signable { node: assertion, .. }) => {
            read(Exhibit { response: inner.node, is_response_signed: true, assertion }, expectations, trace)
        }
        Content::Encrypted(encrypted) => {
            let shell = Shell { response: inner.node, covered: Covered::Yes, tree: &tree };
            encrypted_in(&shell, encrypted, &keys, expectations, trace)
        }
    }
}

/// What is around an encrypted assertion.
struct Shell<'t> {
    tree: &'t Tree<'t>,
    response: Node<'t, 't>,
    covered: Covered,
}

/// Decrypt an assertion, and judge it like one that was not encrypted: the gate, its own signature if it has one, and
/// its meaning.
fn encrypted_in(
    shell: &Shell<'_>,
    encrypted: Node<'_, '_>,
    keys: &[&TrustedKey],
    expectations: &Expectations<'_>,
    trace: &mut Trace,
) -> Result<VerifiedAssertion, Fault> {
    let sealed = Sealed::inspect(encrypted, shell.covered, expectations)?;
    trace.passed(Check::Encryption, "");
    let document = sealed.open(expectations.decryption)?;
    // What could be told from one fault or another about a ciphertext that was changed is not told.
    let hush = |fault: Fault| if sealed.is_malleable() { Reason::DecryptionFailed.into() } else { fault };
    let tree = scan(document.as_bytes()).map_err(hush)?;
    let Signable { node, signature } = shape::message(&tree, Kind::Assertion).map_err(hush)?;
    let id = node.attribute("ID");
    if shell.tree.nodes().any(|outer| outer.attribute("ID").or_else(|| outer.attribute("Id")) == id) {
        return Err(hush(Reason::IdDuplicate.into()));
    }
    let is_response_signed = shell.covered == Covered::Yes;
    let exhibit = |assertion| Exhibit { response: shell.response, is_response_signed, assertion };
    let Some(signature) = signature else {
        let missing = if is_response_signed { Reason::AssertionUnsigned } else { Reason::SignatureMissing };
        if !is_response_signed || expectations.policy.want_assertion_signed {
            return Err(hush(missing.into()));
        }
        trace.passed(Check::Decryption, "an assertion that the signed response covers");
        return read(exhibit(node), expectations, trace);
    };
    let (family, _) = signature.inspect().map_err(hush)?;
    let mut inner = Trace::new();
    inner.passed(Check::Algorithms, "");
    inner.passed(Check::Signed, Kind::Assertion.name().1);
    let verified = verified(&tree, (Kind::Assertion, node), family, keys, &mut inner).map_err(hush)?;
    trace.passed(Check::Decryption, "a signed assertion");
    trace.extend(inner);
    let tree = verified.tree()?;
    let assertion = shape::message(&tree, Kind::Assertion)?.node;
    read(exhibit(assertion), expectations, trace)
}

fn verified<'k>(
    tree: &Tree<'_>,
    signed: (Kind, Node<'_, '_>),
    family: Family,
    keys: &[&'k TrustedKey],
    trace: &mut Trace,
) -> Result<Verified<'k>, Fault> {
    let verified = verify(tree, signed, family, keys)?;
    let found = format!("by the key of the certificate with sha256 {}", verified.key.fingerprint());
    trace.passed(Check::Signature, found);
    Ok(verified)
}

/// The keys that count now. None: an error before anything is parsed (F1, SAML-13).
fn trusted<'e>(expectations: &Expectations<'e>) -> Result<Vec<&'e TrustedKey>, Fault> {
    if expectations.trusted.is_empty() {
        return Err(Reason::NoTrustedKey.into());
    }
    let counts = |key: &&TrustedKey| {
        !expectations.policy.enforce_certificate_validity || key.is_valid_at(expectations.now)
    };
    let keys: Vec<_> = expectations.trusted.iter().filter(counts).collect();
    if keys.is_empty() {
        let dates = expectations.trusted.iter();
        let dates = dates.map(|key| format!("{} to {}", key.not_before().iso(), key.not_after().iso()));
        let dates: Vec<_> = dates.collect();
        return Err(Fault::new(Reason::CertificateExpired, expectations.now.iso(), dates.join(", ")));
    }
    Ok(keys)
}

/// What the connection wants signed beyond what has to be (SAML-14, SAML-15). An encrypted assertion is asked later.
fn wanted(response: &shape::Response<'_, '_>, expectations: &Expectations<'_>) -> Result<(), Fault> {
    let assertion = match response.content {
        Content::Plain(Signable { signature, .. }) => Some(signature.is_some()),
        Content::Encrypted(_) => None,
    };
    if response.signature.is_none() && assertion == Some(false) {
        return Err(Reason::SignatureMissing.into());
    }
    if response.signature.is_none() && expectations.policy.want_response_signed {
        return Err(Reason::ResponseUnsigned.into());
    }
    if assertion == Some(false) && expectations.policy.want_assertion_signed {
        return Err(Reason::AssertionUnsigned.into());
    }
    Ok(())
}
