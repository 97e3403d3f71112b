//! Owns what else an assertion says of somebody: named values, in the order of the document (SAML Core §2.7.3).
//! Never touches what the names mean.

use crate::{
    assertion::Attribute,
    expectations::Policy,
    fault::Fault,
    gate::{Namespace, Node},
    reason::Reason,
};
use std::borrow::Cow;

pub(super) fn read(assertion: Node<'_, '_>, policy: &Policy) -> Result<Vec<Attribute>, Fault> {
    let statements = assertion.children_called(Namespace::Assertion, "AttributeStatement");
    let attributes = statements.flat_map(Node::children);
    attributes.map(|attribute| one(attribute, policy)).collect()
}

fn one(node: Node<'_, '_>, policy: &Policy) -> Result<Attribute, Fault> {
    let text = |name| node.attribute(name).map(Cow::into_owned).filter(|text: &String| !text.is_empty());
    let name = text("Name").ok_or(Reason::AttributeName)?;
    let mut values = Vec::new();
    for child in node.children() {
        let is_nil = child.attribute_in(Namespace::Instance, "nil");
        if is_nil.is_some_and(|nil| matches!(&*nil, "true" | "1")) {
            continue;
        }
        let value = value(child).ok_or_else(|| Fault::new(Reason::AttributeValue, "", &name))?;
        values.push(if policy.trim { value.trim().to_owned() } else { value.into_owned() });
    }
    Ok(Attribute { name, name_format: text("NameFormat"), friendly_name: text("FriendlyName"), values })
}

/// The text of a value. One element can be in it: a NameID, as `eduPersonTargetedID` has it, which is its text.
fn value<'i>(node: Node<'_, 'i>) -> Option<Cow<'i, str>> {
    if let Some(text) = node.text() {
        return Some(text);
    }
    let mut inside = node.children();
    let name_id = inside.next().filter(|child| child.is(Namespace::Assertion, "NameID"))?;
    if inside.next().is_some() || node.is_mixed() { None } else { name_id.text() }
}
