//! Owns what has to hold for the gate: what it accepts, everybody reads in the same way.
//! Never touches signatures.

use crate::witness::{Element, libxml2, quick_xml};
use portico_saml::gate::{Tree, scan, shape};

/// What has to hold for any bytes: no panic; and of an accepted document libxml2 and quick-xml read the same elements,
/// attributes and text as the gate. Says whether it is accepted.
///
/// # Panics
/// If it does not hold.
pub fn gate(document: &[u8]) -> bool {
    let Ok(tree) = scan(document) else { return false };
    // Whatever the shape is: looking at it must not panic.
    let _shape = shape::response(&tree);
    agree(&tree);
    true
}

/// See that others read a document as the gate does.
pub(crate) fn agree(tree: &Tree<'_>) {
    let source = tree.source();
    let ours = read(tree);
    let witnesses = [("libxml2", libxml2(source.as_bytes())), ("quick-xml", quick_xml(source))];
    for (name, theirs) in witnesses {
        let Some(theirs) = theirs else { panic!("{name} does not take what the gate accepts: {source:?}") };
        assert_eq!(ours.len(), theirs.len(), "{name} sees other elements in {source:?}");
        for ((ours, is_mixed), theirs) in ours.iter().zip(theirs) {
            let is_said = theirs.text.chars().any(|letter| !matches!(letter, ' ' | '\t' | '\r' | '\n'));
            assert!(ours.is_leaf || *is_mixed || !is_said, "{name} sees text beside elements in {source:?}");
            let theirs = if theirs.is_leaf { theirs } else { Element { text: String::new(), ..theirs } };
            assert_eq!(*ours, theirs, "{name} reads something else in {source:?}");
        }
    }
}

/// The gate's tree, and of each element whether text stands between the elements in it.
fn read(tree: &Tree<'_>) -> Vec<(Element, bool)> {
    let depth = |node| {
        std::iter::successors(Some(node), |node: &portico_saml::gate::Node<'_, '_>| node.parent()).count() - 1
    };
    let nodes = tree.nodes().map(|node| {
        let attributes = node.attributes().map(|(namespace, local, value)| {
            ((namespace.uri().to_owned(), local.to_owned()), value.into_owned())
        });
        let element = Element {
            depth: depth(node),
            namespace: node.namespace().uri().to_owned(),
            local: node.local().to_owned(),
            attributes: attributes.collect(),
            text: node.text().unwrap_or_default().into_owned(),
            is_leaf: node.is_leaf(),
        };
        (element, node.is_mixed())
    });
    nodes.collect()
}

/// Documents to begin with: what is accepted and what is not, in every form that the generator writes, and what XML has
/// beyond that.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut all: Vec<String> =
        crate::judgement::documents().iter().map(portico_fixtures::saml_document::Element::written).collect();
    all.extend(
        [
            "<a/>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone='yes'?>\n<a b='c\"' d=\"&lt;&#65;&#x1F600;\"> e\r\n</a >\n",
            "<a xmlns=\"urn:a\" xmlns:b=\"urn:b\" b:c=\"1\" c=\"2\"><b:d xmlns:b=\"urn:c\"/><e xmlns=\"urn:e\">é</e>]] f</a>",
            "<a><!-- b --><?c d?><![CDATA[e]]></a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a xml:lang=\"en\" xml:id=\"b\">&amp;&quot;&apos;&gt;</a>",
        ]
        .map(str::to_owned),
    );
    all.into_iter().map(String::into_bytes).collect()
}
