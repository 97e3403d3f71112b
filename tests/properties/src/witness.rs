//! Owns what two other parsers read in a document: libxml2 in strict mode, and quick-xml.
//! Never touches the gate: it is held against this.

use libxml::{
    parser::{Parser, ParserOptions},
    readonly::RoNode,
    tree::NodeType,
    xpath::Context,
};
use quick_xml::{
    NsReader, XmlVersion,
    events::{BytesStart, Event},
    name::ResolveResult,
};
use std::collections::BTreeMap;

/// A document as somebody read it, element by element in the order of the document.
pub(crate) type Seen = Vec<Element>;

/// An element as somebody read it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Element {
    /// How many elements are around it.
    pub(crate) depth: usize,
    /// Its namespace; empty for none.
    pub(crate) namespace: String,
    /// Its local name.
    pub(crate) local: String,
    /// Its attributes by namespace and local name.
    pub(crate) attributes: BTreeMap<(String, String), String>,
    /// The text directly in it, put together.
    pub(crate) text: String,
    /// Whether elements are in it.
    pub(crate) is_leaf: bool,
}

/// What libxml2 reads, without recovery from faults. None: it does not take the document.
pub(crate) fn libxml2(document: &[u8]) -> Option<Seen> {
    let strict = ParserOptions { recover: false, no_net: true, ..ParserOptions::default() };
    let document = Parser::default().parse_string_with_options(document, strict).ok()?;
    let root = document.get_root_readonly()?;
    let mut attributes: BTreeMap<usize, BTreeMap<(String, String), String>> = BTreeMap::new();
    let all = Context::new(&document).ok()?.evaluate("//@*").ok()?;
    for attribute in all.get_readonly_nodes_as_vec() {
        let of = attribute.get_parent()?.to_hashable();
        let name = (namespace(attribute), attribute.get_name());
        attributes.entry(of).or_default().insert(name, attribute.get_content());
    }
    let mut seen = Vec::new();
    walk(root, 0, &mut attributes, &mut seen);
    Some(seen)
}

fn namespace(node: RoNode) -> String {
    node.get_namespace().map(|namespace| namespace.get_href()).unwrap_or_default()
}

fn walk(
    node: RoNode,
    depth: usize,
    attributes: &mut BTreeMap<usize, BTreeMap<(String, String), String>>,
    seen: &mut Seen,
) {
    let children = node.get_child_nodes();
    let is_text =
        |child: &&RoNode| matches!(child.get_type(), Some(NodeType::TextNode | NodeType::CDataSectionNode));
    let text = children.iter().filter(is_text).map(|child| child.get_content());
    seen.push(Element {
        depth,
        namespace: namespace(node),
        local: node.get_name(),
        attributes: attributes.remove(&node.to_hashable()).unwrap_or_default(),
        text: text.collect(),
        is_leaf: !children.iter().any(|child| child.is_element_node()),
    });
    for child in children.into_iter().filter(|child| child.is_element_node()) {
        walk(child, depth + 1, attributes, seen);
    }
}

/// What quick-xml reads. None: it does not take the document.
pub(crate) fn quick_xml(document: &str) -> Option<Seen> {
    let mut reader = NsReader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut seen: Seen = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    loop {
        let event = reader.read_event().ok()?;
        let text = match event {
            Event::Start(start) => {
                let element = element(&reader, &start, open.len())?;
                if let Some(parent) = open.last() {
                    seen[*parent].is_leaf = false;
                } else if !seen.is_empty() {
                    return None;
                }
                open.push(seen.len());
                seen.push(element);
                continue;
            }
            Event::End(_) => {
                open.pop()?;
                continue;
            }
            Event::Text(text) => text.xml_content(XmlVersion::Implicit1_0).ok()?.into_owned(),
            Event::CData(text) => text.xml_content(XmlVersion::Implicit1_0).ok()?.into_owned(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => character.to_string(),
                None => match &*reference.decode().ok()? {
                    "lt" => "<".to_owned(),
                    "gt" => ">".to_owned(),
                    "amp" => "&".to_owned(),
                    "quot" => "\"".to_owned(),
                    "apos" => "'".to_owned(),
                    _ => return None,
                },
            },
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {
                continue;
            }
        };
        match open.last() {
            Some(open) => seen[*open].text.push_str(&text),
            None if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() => {}
            None => return None,
        }
    }
    (open.is_empty() && !seen.is_empty()).then_some(seen)
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>, depth: usize) -> Option<Element> {
    let resolver = reader.resolver();
    let uri = |resolved: ResolveResult<'_>| match resolved {
        ResolveResult::Bound(namespace) => String::from_utf8(namespace.0.to_vec()).ok(),
        ResolveResult::Unbound => Some(String::new()),
        ResolveResult::Unknown(_) => None,
    };
    let (namespace, local) = resolver.resolve_element(start.name());
    let mut attributes = BTreeMap::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (namespace, local) = resolver.resolve_attribute(attribute.key);
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        let name = (uri(namespace)?, String::from_utf8(local.as_ref().to_vec()).ok()?);
        attributes.insert(name, value.into_owned());
    }
    Some(Element {
        depth,
        namespace: uri(namespace)?,
        local: String::from_utf8(local.as_ref().to_vec()).ok()?,
        attributes,
        text: String::new(),
        is_leaf: true,
    })
}
