//! Owns changes to a tree of elements: what an attacker who has signed documents, and no key, puts together of them.
//! Never touches text.

use crate::choices::Choices;
use portico_fixtures::saml_document::{Element, Node};

/// Names that mean something to somebody who reads SAML.
const NAMES: &[&str] = &[
    "saml:Assertion",
    "saml:EncryptedAssertion",
    "saml:Issuer",
    "saml:Subject",
    "saml:NameID",
    "saml:Conditions",
    "saml:Advice",
    "saml:AttributeStatement",
    "saml:Attribute",
    "saml:AttributeValue",
    "saml:AuthnStatement",
    "saml:SubjectConfirmation",
    "samlp:Response",
    "samlp:Extensions",
    "samlp:Status",
    "samlp:StatusDetail",
    "ds:Signature",
    "ds:SignedInfo",
    "ds:Object",
    "ds:Reference",
    "ds:KeyInfo",
    "a:Assertion",
    "Assertion",
    "x",
];

/// Attributes that mean something, and values that do.
const ATTRIBUTES: &[&str] = &[
    "ID",
    "Id",
    "id",
    "xml:id",
    "AssertionID",
    "URI",
    "Algorithm",
    "Name",
    "Format",
    "Recipient",
    "InResponseTo",
    "NotOnOrAfter",
    "xmlns",
    "xmlns:saml",
    "xmlns:samlp",
    "xmlns:ds",
    "xsi:nil",
    "xmlns:xsi",
];
const VALUES: &[&str] = &[
    "",
    "_request",
    "admin@metahexa.example",
    "urn:oasis:names:tc:SAML:2.0:assertion",
    "urn:oasis:names:tc:SAML:2.0:protocol",
    "http://www.w3.org/2000/09/xmldsig#",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/TR/1999/REC-xpath-19991116",
    "http://www.w3.org/2000/09/xmldsig#sha1",
    "#xpointer(/)",
    "urn:a",
    "true",
    " x ",
    "a\nb\tc",
    "2030-01-01T00:00:00Z",
];

/// Change a tree once. `donor` is another signed document that parts are taken from.
pub(crate) fn change(root: &mut Element, donor: &Element, choices: &mut impl Choices) {
    let number = choices.below(12);
    let at = choices.below(count(root));
    match number {
        0 => drop(taken(root, at)),
        1 => {
            let part = nth(root, at).clone();
            put(root, part, choices);
        }
        2 | 3 => {
            if let Some(part) = taken(root, at) {
                put(root, part, choices);
            }
        }
        4 | 5 => {
            let mut donor = donor.clone();
            let at = choices.below(count(&donor));
            let part = nth(&mut donor, at).clone();
            put(root, part, choices);
        }
        6 => choices.of(NAMES).clone_into(&mut nth(root, at).name),
        7 => {
            let (name, value) = (choices.of(ATTRIBUTES), choices.of(VALUES));
            nth(root, at).set(name, value);
        }
        8 => {
            // The value of one place in another one: most of all IDs.
            let from = choices.below(count(root));
            let name = choices.of(ATTRIBUTES);
            let value = nth(root, from).attributes.first().map(|(_, value)| value.clone());
            nth(root, at).set(name, value.unwrap_or_default());
        }
        9 => {
            let place = nth(root, at);
            let which = choices.below(place.attributes.len());
            if !place.attributes.is_empty() {
                place.attributes.remove(which);
            }
        }
        10 => {
            let name = choices.of(NAMES);
            let place = nth(root, at);
            let inside = std::mem::replace(place, Element::new(name));
            place.push(inside);
        }
        _ => {
            let text = choices.of(VALUES);
            let place = nth(root, at);
            let index = choices.below(place.children.len() + 1);
            place.insert(index, Node::Text(text.to_owned()));
        }
    }
}

fn count(root: &Element) -> usize {
    let inner = root.children.iter().filter_map(|node| match node {
        Node::Element(element) => Some(count(element)),
        Node::Text(_) | Node::Raw { .. } => None,
    });
    1 + inner.sum::<usize>()
}

/// The element of this number, in the order of the document; the root if there is none.
fn nth(root: &mut Element, number: usize) -> &mut Element {
    let mut left = number;
    let path = path(root, &mut left).unwrap_or_default();
    let mut place = root;
    for step in path {
        match &mut place.children[step] {
            Node::Element(element) => place = element,
            Node::Text(_) | Node::Raw { .. } => unreachable!("a path goes through elements"),
        }
    }
    place
}

/// The way to an element, child by child.
fn path(root: &Element, left: &mut usize) -> Option<Vec<usize>> {
    if *left == 0 {
        return Some(Vec::new());
    }
    *left -= 1;
    for (step, node) in root.children.iter().enumerate() {
        let Node::Element(element) = node else { continue };
        if let Some(mut rest) = path(element, left) {
            rest.insert(0, step);
            return Some(rest);
        }
    }
    None
}

fn taken(root: &mut Element, number: usize) -> Option<Element> {
    let mut left = number;
    let mut path = path(root, &mut left)?;
    let last = path.pop()?;
    let mut place = root;
    for step in path {
        match &mut place.children[step] {
            Node::Element(element) => place = element,
            Node::Text(_) | Node::Raw { .. } => return None,
        }
    }
    match place.children.remove(last) {
        Node::Element(element) => Some(element),
        Node::Text(_) | Node::Raw { .. } => None,
    }
}

fn put(root: &mut Element, part: Element, choices: &mut impl Choices) {
    // What grows without end proves nothing.
    if count(root) + count(&part) > 400 {
        return;
    }
    let at = choices.below(count(root));
    let place = nth(root, at);
    let index = choices.below(place.children.len() + 1);
    place.insert(index, part);
}
