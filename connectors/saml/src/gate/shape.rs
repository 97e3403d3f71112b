//! Owns the shape of messages: which elements there are, where, and how often (security.md §3.1.3).
//! Never touches what they say.

use super::{
    names::Namespace,
    signature::Signature,
    tree::{Node, Tree},
};
use crate::{fault::Fault, reason::Reason};
use std::borrow::Cow;

/// The status of a request that worked (SAML Core §3.2.2.2).
pub(crate) const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
/// The longest ID.
const MAX_ID: usize = 128;

/// A response with the one thing it is for.
#[derive(Clone, Copy, Debug)]
pub struct Response<'t, 'i> {
    /// The element itself.
    pub node: Node<'t, 'i>,
    /// Its own signature.
    pub signature: Option<Signature<'t, 'i>>,
    /// What it brings.
    pub content: Content<'t, 'i>,
}

/// What a response brings.
#[derive(Clone, Copy, Debug)]
pub enum Content<'t, 'i> {
    /// An assertion.
    Plain(Signable<'t, 'i>),
    /// An `EncryptedAssertion`.
    Encrypted(Node<'t, 'i>),
}

/// An element that has an ID and may have a signature.
#[derive(Clone, Copy, Debug)]
pub struct Signable<'t, 'i> {
    /// The element itself.
    pub node: Node<'t, 'i>,
    /// Its signature.
    pub signature: Option<Signature<'t, 'i>>,
}

/// A document whose root can be signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `samlp:Response`.
    Response,
    /// `saml:Assertion`, as it is signed by itself.
    Assertion,
    /// `samlp:LogoutRequest`.
    LogoutRequest,
    /// `samlp:LogoutResponse`.
    LogoutResponse,
}

impl Kind {
    pub(crate) const fn name(self) -> (Namespace<'static>, &'static str) {
        match self {
            Self::Response => (Namespace::Protocol, "Response"),
            Self::Assertion => (Namespace::Assertion, "Assertion"),
            Self::LogoutRequest => (Namespace::Protocol, "LogoutRequest"),
            Self::LogoutResponse => (Namespace::Protocol, "LogoutResponse"),
        }
    }
}

/// The shape of a response.
pub fn response<'t, 'i>(tree: &'t Tree<'i>) -> Result<Response<'t, 'i>, Fault> {
    let root = root(tree, Kind::Response)?;
    let assertions =
        || tree.nodes().filter(|node| matches!(node.local(), "Assertion" | "EncryptedAssertion"));
    let Some(content) = assertions().next() else {
        return Err(failure(root).unwrap_or_else(|| Reason::AssertionMissing.into()));
    };
    if assertions().nth(1).is_some() {
        return Err(Reason::AssertionSeveral.into());
    }
    whole(tree, root)?;
    // Where it is was looked at with everything else: it is a child of the root, or there was a fault.
    let content = if content.is(Namespace::Assertion, "EncryptedAssertion") {
        Content::Encrypted(content)
    } else {
        Content::Plain(signable(content))
    };
    Ok(Response { node: root, signature: signable(root).signature, content })
}

/// The shape of any message but a response.
pub fn message<'t, 'i>(tree: &'t Tree<'i>, kind: Kind) -> Result<Signable<'t, 'i>, Fault> {
    let root = root(tree, kind)?;
    whole(tree, root)?;
    Ok(signable(root))
}

/// What a response says went wrong, if it says that it did not work: its status codes, the outermost first.
fn failure(response: Node<'_, '_>) -> Option<Fault> {
    let status = response.child(Namespace::Protocol, "Status")?;
    let outer = status.child(Namespace::Protocol, "StatusCode")?;
    let value = outer.attribute("Value")?;
    if value == SUCCESS {
        return None;
    }
    let inner = outer.child(Namespace::Protocol, "StatusCode").and_then(|inner| inner.attribute("Value"));
    let inner = inner.unwrap_or_default();
    let came = if inner.is_empty() { format!("`{value}`") } else { format!("`{value}`, `{inner}`") };
    Some(Fault::new(Reason::Status, SUCCESS, came))
}

fn root<'t, 'i>(tree: &'t Tree<'i>, kind: Kind) -> Result<Node<'t, 'i>, Fault> {
    let (namespace, local) = kind.name();
    let root = tree.root();
    if root.is(namespace, local) {
        Ok(root)
    } else {
        Err(Fault::new(Reason::Root, format_args!("`{local}`"), root))
    }
}

fn signable<'t, 'i>(node: Node<'t, 'i>) -> Signable<'t, 'i> {
    let signature = node.child(Namespace::Signature, "Signature");
    Signable { node, signature: signature.map(|signature| Signature::new(signature, node)) }
}

/// What holds for all elements of a document, wherever they are.
fn whole(tree: &Tree<'_>, root: Node<'_, '_>) -> Result<(), Fault> {
    // Two readers may differ about a prefix that means two things. What is encrypted is a document of its own, and what
    // carries it is written by libraries that number their prefixes anew.
    let carries = |node: Node<'_, '_>| {
        std::iter::successors(Some(node), |node| node.parent())
            .any(|outer| outer.is(Namespace::Assertion, "EncryptedAssertion"))
    };
    if let Some(node) = tree.rebound().find(|node| !carries(*node)) {
        return Err(Fault::new(Reason::PrefixRebound, "", node));
    }
    for node in tree.nodes() {
        let Some(rule) = rule(node) else { continue };
        if rule.content == Allowed::Elements && (node.is_mixed() || node.is_leaf() && !node.is_empty()) {
            return Err(Fault::new(Reason::TextForeign, "", node));
        }
        children(node, &rule)?;
    }
    let is_signed = |parent: Node<'_, '_>| {
        parent.is_same(root)
            || parent.is(Namespace::Assertion, "Assertion")
                && parent.parent().is_some_and(|outer| outer.is_same(root))
    };
    for signature in tree.nodes().filter(|node| node.local() == "Signature") {
        let parent = signature.parent().unwrap_or(signature);
        if !is_signed(parent) || !signature.is(Namespace::Signature, "Signature") {
            return Err(Fault::new(Reason::SignaturePlace, "", parent));
        }
    }
    ids(tree)
}

/// What an element may hold.
struct Rule {
    content: Allowed,
    /// Elements that may be in it, and whether at most once.
    elements: &'static [(Namespace<'static>, &'static str, Times)],
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Allowed {
    Elements,
    Text,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Times {
    Once,
    Any,
}

/// The rules for elements of SAML. What is in an element without a rule is never looked at.
fn rule(node: Node<'_, '_>) -> Option<Rule> {
    use Namespace::{Assertion as A, Protocol as P, Signature as S};
    use Times::{Any, Once};
    let elements = |elements| Some(Rule { content: Allowed::Elements, elements });
    let text = Some(Rule { content: Allowed::Text, elements: &[] });
    match (node.namespace(), node.local()) {
        (P, "Response") => elements(&[
            (A, "Issuer", Once),
            (S, "Signature", Any),
            (P, "Extensions", Once),
            (P, "Status", Once),
            (A, "Assertion", Once),
            (A, "EncryptedAssertion", Once),
        ]),
        (P, "LogoutRequest") => elements(&[
            (A, "Issuer", Once),
            (S, "Signature", Any),
            (P, "Extensions", Once),
            (A, "NameID", Once),
            (A, "EncryptedID", Once),
            (P, "SessionIndex", Any),
        ]),
        (P, "LogoutResponse") => elements(&[
            (A, "Issuer", Once),
            (S, "Signature", Any),
            (P, "Extensions", Once),
            (P, "Status", Once),
        ]),
        (P, "Status") => {
            elements(&[(P, "StatusCode", Once), (P, "StatusMessage", Once), (P, "StatusDetail", Once)])
        }
        (P, "StatusCode") => elements(&[(P, "StatusCode", Once)]),
        (A, "Assertion") => elements(&[
            (A, "Issuer", Once),
            (S, "Signature", Any),
            (A, "Subject", Once),
            (A, "Conditions", Once),
            (A, "AuthnStatement", Any),
            (A, "AttributeStatement", Any),
        ]),
        (A, "Subject") => {
            elements(&[(A, "NameID", Once), (A, "EncryptedID", Once), (A, "SubjectConfirmation", Any)])
        }
        (A, "SubjectConfirmation") => {
            elements(&[(A, "NameID", Once), (A, "EncryptedID", Once), (A, "SubjectConfirmationData", Once)])
        }
        (A, "AudienceRestriction") => elements(&[(A, "Audience", Any)]),
        (A, "AuthnStatement") => elements(&[(A, "SubjectLocality", Once), (A, "AuthnContext", Once)]),
        (A, "AuthnContext") => elements(&[
            (A, "AuthnContextClassRef", Once),
            (A, "AuthnContextDecl", Once),
            (A, "AuthnContextDeclRef", Once),
            (A, "AuthenticatingAuthority", Any),
        ]),
        (A, "AttributeStatement") => elements(&[(A, "Attribute", Any), (A, "EncryptedAttribute", Any)]),
        (A, "Attribute") => elements(&[(A, "AttributeValue", Any)]),
        (A, "Issuer" | "NameID" | "Audience" | "AuthnContextClassRef")
        | (P, "SessionIndex" | "StatusMessage") => text,
        _ => None,
    }
}

fn children(node: Node<'_, '_>, rule: &Rule) -> Result<(), Fault> {
    let mut seen: u32 = 0;
    for child in node.children() {
        let allowed = rule.elements.iter().position(|(namespace, local, _)| child.is(*namespace, local));
        let Some(position) = allowed else { return Err(Fault::new(Reason::ElementForeign, "", child)) };
        let is_again = seen & (1 << position) != 0;
        seen |= 1 << position;
        if is_again && child.is(Namespace::Signature, "Signature") {
            return Err(Fault::new(Reason::SignatureSeveral, "", node));
        }
        if is_again && rule.elements[position].2 == Times::Once {
            return Err(Fault::new(Reason::ElementCount, child, ""));
        }
        if child.is(Namespace::Protocol, "Extensions") && !child.is_empty() {
            return Err(Reason::Extensions.into());
        }
        if matches!(child.local(), "EncryptedID" | "EncryptedAttribute") {
            return Err(Fault::new(Reason::EncryptedId, "", child));
        }
    }
    Ok(())
}

/// SAML Core §1.3.4: IDs are unique. Whatever some library takes for an ID counts (SAML-17).
fn ids(tree: &Tree<'_>) -> Result<(), Fault> {
    let mut seen: Vec<Cow<'_, str>> = Vec::new();
    for node in tree.nodes() {
        let is_message = is_message(node);
        for (namespace, local, value) in node.attributes() {
            if !local.eq_ignore_ascii_case("id") && local != "AssertionID" {
                continue;
            }
            let permitted = if is_message { "ID" } else { "Id" };
            let may_have =
                is_message || matches!(node.namespace(), Namespace::Signature | Namespace::Encryption);
            if namespace != Namespace::None || local != permitted || !may_have {
                return Err(Fault::new(Reason::IdForeign, local, node));
            }
            if !is_id(&value) {
                return Err(Reason::IdInvalid.into());
            }
            seen.push(value);
        }
        if is_message && node.attribute("ID").is_none() {
            return Err(Fault::new(Reason::IdMissing, "", node));
        }
    }
    seen.sort_unstable();
    if seen.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Reason::IdDuplicate.into());
    }
    Ok(())
}

fn is_message(node: Node<'_, '_>) -> bool {
    [Kind::Response, Kind::Assertion, Kind::LogoutRequest, Kind::LogoutResponse].into_iter().any(|kind| {
        let (namespace, local) = kind.name();
        node.is(namespace, local)
    })
}

/// Namespaces in XML §3: an `NCName`, in ASCII.
pub(crate) fn is_id(value: &str) -> bool {
    let mut bytes = value.bytes();
    value.len() <= MAX_ID
        && bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
