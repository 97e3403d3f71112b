//! Owns the tree of a document that passed the scanner: small, in document order, borrowing from the input.
//! Never touches meanings, and copies nothing.

use super::{
    characters,
    names::{Namespace, Prefixes},
};
use std::{borrow::Cow, fmt, ops::Range};

/// A document as the scanner read it. It has one element at least.
#[derive(Clone, Debug)]
pub struct Tree<'i> {
    pub(super) source: &'i str,
    pub(super) elements: Vec<Element<'i>>,
    pub(super) attributes: Vec<Attribute<'i>>,
    pub(super) declarations: Vec<(&'i str, &'i str)>,
    /// Elements that give a prefix another meaning than it has around them.
    pub(super) rebound: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Element<'i> {
    pub(super) namespace: Namespace<'i>,
    pub(super) local: &'i str,
    /// Its own attributes, declarations apart.
    pub(super) attributes: Range<usize>,
    pub(super) declarations: Range<usize>,
    pub(super) parent: Option<usize>,
    /// The first element that is not within this one.
    pub(super) after: usize,
    /// From `<` of its start to `>` of its end.
    pub(super) span: Range<usize>,
    /// What is between its tags.
    pub(super) inner: Range<usize>,
    /// Whether it has text of its own that is more than white space.
    pub(super) has_text: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Attribute<'i> {
    pub(super) namespace: Namespace<'i>,
    pub(super) local: &'i str,
    pub(super) raw: &'i str,
}

impl<'i> Tree<'i> {
    /// The root element.
    pub const fn root(&self) -> Node<'_, 'i> {
        Node { tree: self, index: 0 }
    }

    /// All elements, in document order.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'_, 'i>> {
        (0..self.elements.len()).map(|index| Node { tree: self, index })
    }

    /// The elements that give a prefix another meaning than it has around them.
    pub(super) fn rebound(&self) -> impl Iterator<Item = Node<'_, 'i>> {
        self.rebound.iter().map(|index| Node { tree: self, index: *index })
    }

    /// The whole document.
    pub const fn source(&self) -> &'i str {
        self.source
    }
}

/// An element.
#[derive(Clone, Copy)]
pub struct Node<'t, 'i> {
    tree: &'t Tree<'i>,
    index: usize,
}

impl<'t, 'i> Node<'t, 'i> {
    fn element(self) -> &'t Element<'i> {
        &self.tree.elements[self.index]
    }

    /// Its local name.
    pub fn local(self) -> &'i str {
        self.element().local
    }

    /// Its namespace.
    pub fn namespace(self) -> Namespace<'i> {
        self.element().namespace
    }

    /// Whether it is called that.
    pub fn is(self, namespace: Namespace<'_>, local: &str) -> bool {
        self.element().local == local && self.element().namespace == namespace
    }

    /// Whether both are the same element.
    pub fn is_same(self, other: Self) -> bool {
        self.index == other.index
    }

    /// What it is in.
    pub fn parent(self) -> Option<Self> {
        self.element().parent.map(|index| Self { index, ..self })
    }

    /// The elements directly in it.
    pub fn children(self) -> impl Iterator<Item = Self> {
        let (tree, after) = (self.tree, self.element().after);
        let at = move |index: usize| (index < after).then_some(Self { tree, index });
        std::iter::successors(at(self.index + 1), move |child| at(child.element().after))
    }

    /// The elements directly in it that are called that.
    pub fn children_called(self, namespace: Namespace<'static>, local: &str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.is(namespace, local))
    }

    /// The first element directly in it that is called that.
    pub fn child(self, namespace: Namespace<'_>, local: &str) -> Option<Self> {
        self.children().find(|child| child.is(namespace, local))
    }

    /// Whether another element is in it, however deeply, or is it.
    pub fn holds(self, other: Self) -> bool {
        (self.index..self.element().after).contains(&other.index)
    }

    /// An attribute of no namespace.
    pub fn attribute(self, local: &str) -> Option<Cow<'i, str>> {
        self.attribute_in(Namespace::None, local)
    }

    /// An attribute of a namespace.
    pub fn attribute_in(self, namespace: Namespace<'_>, local: &str) -> Option<Cow<'i, str>> {
        let found = self.own().iter().find(|own| own.local == local && own.namespace == namespace);
        found.map(|own| characters::value(own.raw))
    }

    /// All attributes: namespace, local name, value.
    pub fn attributes(self) -> impl Iterator<Item = (Namespace<'i>, &'i str, Cow<'i, str>)> {
        self.own().iter().map(|own| (own.namespace, own.local, characters::value(own.raw)))
    }

    fn own(self) -> &'t [Attribute<'i>] {
        &self.tree.attributes[self.element().attributes.clone()]
    }

    /// Its text, if it has no elements in it. Text that an element interrupts is never put together.
    pub fn text(self) -> Option<Cow<'i, str>> {
        self.is_leaf().then(|| characters::text(&self.tree.source[self.element().inner.clone()]))
    }

    /// Whether there is text between the elements in it.
    pub fn is_mixed(self) -> bool {
        self.element().has_text && !self.is_leaf()
    }

    /// Whether no element is in it.
    pub fn is_leaf(self) -> bool {
        self.element().after == self.index + 1
    }

    /// Whether nothing is in it, white space apart.
    pub fn is_empty(self) -> bool {
        self.is_leaf() && !self.element().has_text
    }

    /// Where it stands in the document, in bytes.
    pub fn span(self) -> Range<usize> {
        self.element().span.clone()
    }

    /// The prefixes that it declares itself, with their namespaces.
    pub(crate) fn declarations(self) -> impl Iterator<Item = (&'i str, &'i str)> {
        self.tree.declarations[self.element().declarations.clone()].iter().copied()
    }

    /// Where its name ends in its start tag, in bytes.
    pub(crate) fn after_name(self) -> usize {
        let begin = self.element().span.start + 1;
        let ends = |byte: &u8| characters::is_space(*byte) || matches!(byte, b'>' | b'/');
        let tag = &self.tree.source.as_bytes()[begin..];
        begin + tag.iter().position(ends).unwrap_or(tag.len())
    }

    /// Which prefixes stand for what in it.
    pub fn prefixes(self) -> Prefixes<'i> {
        let mut lineage: Vec<_> = std::iter::successors(Some(self), |node| node.parent()).collect();
        lineage.reverse();
        let declarations = lineage
            .iter()
            .flat_map(|node| self.tree.declarations[node.element().declarations.clone()].iter().copied());
        declarations.collect()
    }
}

/// As in the standards' examples: `samlp:Response`.
impl fmt::Display for Node<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.namespace() {
            Namespace::Assertion => "saml",
            Namespace::Protocol => "samlp",
            Namespace::Signature => "ds",
            Namespace::Encryption => "xenc",
            Namespace::Encryption11 => "xenc11",
            Namespace::ExclusiveC14n => "ec",
            Namespace::Instance => "xsi",
            Namespace::Xml => "xml",
            other @ (Namespace::None | Namespace::Other(_)) => {
                return write!(formatter, "`{{{other}}}{}`", self.local());
            }
        };
        write!(formatter, "`{prefix}:{}`", self.local())
    }
}

impl fmt::Debug for Node<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
