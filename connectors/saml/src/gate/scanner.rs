//! Owns the reading of bytes as XML: one pass, linear, bounded, and stricter than XML itself (security.md §3.1.2).
//! Never touches which elements there may be.

use super::{
    characters::{CLASSES, Class, begins_name, continues_name, is_space, reference},
    names::{Namespace, Prefixes},
    tree::{Attribute, Element, Tree},
};
use crate::{fault::Fault, reason::Reason};

/// The most bytes a document may have.
pub const MAX_DOCUMENT: usize = 256 << 10;
const MAX_DEPTH: usize = 32;
const MAX_ELEMENTS: usize = 4_000;
/// The most attributes of an element, and of a document: libxml2 needs a microsecond and more for each.
const MAX_ATTRIBUTES: usize = 32;
const MAX_ALL_ATTRIBUTES: usize = 8_000;
const MAX_DECLARATIONS: usize = 24;
const MAX_NAME: usize = 128;
const MAX_VALUE: usize = 64 << 10;

/// Read a document.
pub fn scan(document: &[u8]) -> Result<Tree<'_>, Fault> {
    scan_within(document, Prefixes::default())
}

/// Read a document that stands in another one, where these prefixes are declared.
pub fn scan_within<'i>(document: &'i [u8], prefixes: Prefixes<'i>) -> Result<Tree<'i>, Fault> {
    if document.len() > MAX_DOCUMENT {
        return Err(Fault::new(Reason::TooLarge, MAX_DOCUMENT, document.len()));
    }
    if document.starts_with(b"\xef\xbb\xbf") {
        return Err(Fault::new(Reason::Encoding, "", "a byte order mark"));
    }
    let source = std::str::from_utf8(document)
        .map_err(|error| Fault::new(Reason::Encoding, "", format_args!("byte {}", error.valid_up_to())))?;
    if !line_ends_agree(document) {
        return Err(Reason::LineEnds.into());
    }
    let tree = Tree {
        source,
        elements: Vec::new(),
        attributes: Vec::new(),
        declarations: Vec::new(),
        rebound: Vec::new(),
    };
    let scanner =
        Scanner { bytes: document, source, at: 0, tree, open: Vec::new(), prefixes, tag: Tag::default() };
    scanner.document()
}

/// All lines end in a line feed, or all in carriage return and line feed.
fn line_ends_agree(document: &[u8]) -> bool {
    if !document.contains(&b'\r') {
        return true;
    }
    let mut before = 0;
    document.iter().all(|byte| {
        let agrees = (*byte == b'\n') == (before == b'\r');
        before = *byte;
        agrees
    }) && before != b'\r'
}

struct Scanner<'i> {
    bytes: &'i [u8],
    source: &'i str,
    at: usize,
    tree: Tree<'i>,
    /// The elements that have begun and not ended, with how many prefixes were declared before each.
    open: Vec<(usize, usize)>,
    prefixes: Prefixes<'i>,
    tag: Tag<'i>,
}

/// The attributes of the start tag that is being read.
#[derive(Default)]
struct Tag<'i> {
    declarations: Vec<(&'i str, &'i str)>,
    attributes: Vec<(&'i str, &'i str, &'i str)>,
}

impl<'i> Scanner<'i> {
    fn document(mut self) -> Result<Tree<'i>, Fault> {
        if self.rest().starts_with(b"<?xml") && self.bytes.get(5).copied().is_some_and(is_space) {
            self.declaration()?;
        }
        self.spaces();
        if self.at == self.bytes.len() {
            return Err(Reason::Truncated.into());
        }
        self.expect(b'<')?;
        self.start()?;
        while !self.open.is_empty() {
            self.text()?;
            self.at += 1;
            if self.peek() == Some(b'/') { self.end()? } else { self.start()? }
        }
        self.spaces();
        match self.rest() {
            [] => Ok(self.tree),
            [b'<', ..] => {
                self.at += 1;
                Err(self.markup().err().unwrap_or_else(|| Reason::AfterRoot.into()))
            }
            _ => Err(Reason::AfterRoot.into()),
        }
    }

    /// XML 1.0 §2.8: `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, of which the first part must be there.
    fn declaration(&mut self) -> Result<(), Fault> {
        const LONGEST: usize = 128;
        let window = &self.source[..self.source.floor_char_boundary(LONGEST)];
        let end = window.find("?>").ok_or(Reason::Declaration)?;
        let mut rest = window["<?xml".len()..end].trim_ascii_end();
        for (name, is_needed) in [("version", true), ("encoding", false), ("standalone", false)] {
            let trimmed = rest.trim_ascii_start();
            let Some(after) = trimmed.strip_prefix(name) else {
                if is_needed {
                    return Err(Reason::Declaration.into());
                }
                continue;
            };
            let after =
                after.trim_ascii_start().strip_prefix('=').ok_or(Reason::Declaration)?.trim_ascii_start();
            let quote = after
                .chars()
                .next()
                .filter(|quote| matches!(quote, '"' | '\''))
                .ok_or(Reason::Declaration)?;
            let (value, after) = after[1..].split_once(quote).ok_or(Reason::Declaration)?;
            match name {
                "encoding" if !value.eq_ignore_ascii_case("utf-8") => {
                    return Err(Fault::new(Reason::Encoding, "", value));
                }
                "version" if value != "1.0" => return Err(Reason::Declaration.into()),
                "standalone" if !matches!(value, "yes" | "no") => return Err(Reason::Declaration.into()),
                _ => {}
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Reason::Declaration.into());
        }
        self.at = end + 2;
        Ok(())
    }

    /// After `<`: nothing, if what follows begins an element; otherwise what it is that may not be there.
    fn markup(&self) -> Result<(), Fault> {
        let rest = self.rest();
        Err(match rest {
            [] => Reason::Truncated.into(),
            [b'?', ..] => Reason::ProcessingInstruction.into(),
            [b'!', ..] if rest.starts_with(b"!--") => Reason::Comment.into(),
            [b'!', ..] if rest.starts_with(b"![CDATA[") => Reason::Cdata.into(),
            [b'!', ..] if rest.starts_with(b"!DOCTYPE") => Reason::Doctype.into(),
            [byte, ..] if begins_name(*byte) => return Ok(()),
            // XML allows many more letters in names. SAML has none of them.
            [byte, ..] if !byte.is_ascii() => self.fault(Reason::Name),
            _ => self.fault(Reason::Syntax),
        })
    }

    /// A start tag, after its `<`.
    fn start(&mut self) -> Result<(), Fault> {
        self.markup()?;
        let begin = self.at - 1;
        let (prefix, local) = self.name()?;
        self.tag.declarations.clear();
        self.tag.attributes.clear();
        let is_closed = loop {
            let before = self.at;
            self.spaces();
            match self.peek() {
                None => return Err(Reason::Truncated.into()),
                Some(b'>') => break false,
                Some(b'/') => {
                    self.at += 1;
                    break true;
                }
                Some(_) if self.at > before => self.attribute()?,
                Some(_) => return Err(self.fault(Reason::Syntax)),
            }
        };
        self.expect(b'>')?;
        self.element(begin, prefix, local)?;
        if is_closed { self.close(self.at) } else { Ok(()) }
    }

    fn attribute(&mut self) -> Result<(), Fault> {
        if !self.peek().is_some_and(begins_name) {
            let is_letter = self.peek().is_some_and(|byte| !byte.is_ascii());
            return Err(self.fault(if is_letter { Reason::Name } else { Reason::Syntax }));
        }
        let (prefix, local) = self.name()?;
        self.spaces();
        self.expect(b'=')?;
        self.spaces();
        let raw = self.value()?;
        let declared = if prefix == "xmlns" { Some(local) } else { None };
        let declared = if prefix.is_empty() && local == "xmlns" { Some("") } else { declared };
        match declared {
            Some(_) if self.tag.declarations.len() == MAX_DECLARATIONS => {
                Err(Fault::new(Reason::NamespaceLimit, MAX_DECLARATIONS, ""))
            }
            Some(declared) if self.tag.declarations.iter().any(|(before, _)| *before == declared) => {
                Err(Fault::new(Reason::DuplicateAttribute, "", format_args!("xmlns:{declared}")))
            }
            Some(declared) => {
                self.tag.declarations.push((declared, raw));
                Ok(())
            }
            None if self.tag.attributes.len() == MAX_ATTRIBUTES => {
                Err(Fault::new(Reason::AttributeLimit, MAX_ATTRIBUTES, ""))
            }
            None => {
                self.tag.attributes.push((prefix, local, raw));
                Ok(())
            }
        }
    }

    /// A name: its prefix, which may be empty, and its local part.
    fn name(&mut self) -> Result<(&'i str, &'i str), Fault> {
        let begin = self.at;
        let first = self.part()?;
        let name = if self.peek() == Some(b':') {
            self.at += 1;
            (first, self.part()?)
        } else {
            ("", first)
        };
        if self.at - begin > MAX_NAME {
            return Err(Fault::new(Reason::NameLimit, MAX_NAME, ""));
        }
        match self.peek() {
            None => Err(Reason::Truncated.into()),
            Some(b':') => Err(self.fault(Reason::Name)),
            Some(byte) if !byte.is_ascii() => Err(self.fault(Reason::Name)),
            Some(_) => Ok(name),
        }
    }

    fn part(&mut self) -> Result<&'i str, Fault> {
        let begin = self.at;
        match self.peek() {
            None => return Err(Reason::Truncated.into()),
            Some(byte) if !begins_name(byte) => return Err(self.fault(Reason::Name)),
            Some(_) => {}
        }
        self.at += self.rest().iter().take_while(|byte| continues_name(**byte)).count();
        Ok(&self.source[begin..self.at])
    }

    /// A quoted value, as it stands.
    fn value(&mut self) -> Result<&'i str, Fault> {
        let quote = self.peek().filter(|byte| matches!(byte, b'"' | b'\''));
        let quote = quote.ok_or_else(|| self.fault(Reason::Syntax))?;
        self.at += 1;
        let begin = self.at;
        loop {
            let Some(byte) = self.skip_plain() else { return Err(Reason::Truncated.into()) };
            match CLASSES[usize::from(byte)] {
                Class::Quote if byte == quote => break,
                Class::Open => return Err(self.fault(Reason::Syntax)),
                Class::Quote | Class::Bracket => self.at += 1,
                class @ (Class::Reference | Class::High | Class::Control | Class::Plain) => {
                    self.special(class)?;
                }
            }
        }
        let raw = &self.source[begin..self.at];
        self.at += 1;
        if raw.len() > MAX_VALUE {
            return Err(Fault::new(Reason::AttributeValueLimit, MAX_VALUE, ""));
        }
        Ok(raw)
    }

    /// Text, up to the next `<`.
    fn text(&mut self) -> Result<(), Fault> {
        let begin = self.at;
        loop {
            let Some(byte) = self.skip_plain() else { return Err(Reason::Truncated.into()) };
            match CLASSES[usize::from(byte)] {
                Class::Open => break,
                Class::Bracket if self.rest().starts_with(b"]]>") => return Err(self.fault(Reason::Syntax)),
                Class::Quote | Class::Bracket => self.at += 1,
                class @ (Class::Reference | Class::High | Class::Control | Class::Plain) => {
                    self.special(class)?;
                }
            }
        }
        if let Some((current, _)) = self.open.last()
            && !self.bytes[begin..self.at].iter().all(|byte| is_space(*byte))
        {
            self.tree.elements[*current].has_text = true;
        }
        Ok(())
    }

    /// Go to the next byte that means something, and give it.
    fn skip_plain(&mut self) -> Option<u8> {
        let rest = self.rest();
        let plain = rest.iter().position(|byte| CLASSES[usize::from(*byte)] != Class::Plain);
        self.at += plain.unwrap_or(rest.len());
        self.peek()
    }

    /// A reference, or a byte of a character that may not be allowed.
    fn special(&mut self, class: Class) -> Result<(), Fault> {
        match class {
            Class::Reference => {
                let after = &self.source[self.at + 1..];
                let (_, length) = reference(after).map_err(|name| Fault::new(Reason::Entity, "", name))?;
                self.at += 1 + length;
                Ok(())
            }
            Class::High if !matches!(self.rest(), [0xef, 0xbf, 0xbe | 0xbf, ..]) => {
                self.at += 1;
                Ok(())
            }
            Class::High | Class::Control | Class::Open | Class::Bracket | Class::Quote | Class::Plain => {
                Err(self.fault(Reason::Character))
            }
        }
    }

    /// Put the element of a start tag into the tree.
    fn element(&mut self, begin: usize, prefix: &'i str, local: &'i str) -> Result<(), Fault> {
        if self.tree.elements.len() == MAX_ELEMENTS {
            return Err(Fault::new(Reason::ElementLimit, MAX_ELEMENTS, ""));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(Fault::new(Reason::DepthLimit, MAX_DEPTH, ""));
        }
        let index = self.tree.elements.len();
        self.open.push((index, self.prefixes.len()));
        let (first_attribute, first_declaration) = (self.tree.attributes.len(), self.tree.declarations.len());
        for (declared, raw) in &self.tag.declarations {
            if self.prefixes.declare(declared, raw)? {
                self.tree.rebound.push(index);
            }
            self.tree.declarations.push((declared, raw));
        }
        if first_attribute + self.tag.attributes.len() > MAX_ALL_ATTRIBUTES {
            return Err(Fault::new(Reason::AttributeLimit, MAX_ALL_ATTRIBUTES, ""));
        }
        for (prefix, local, raw) in &self.tag.attributes {
            // Namespaces in XML §6.2: an attribute without a prefix has no namespace.
            let namespace =
                if prefix.is_empty() { Namespace::None } else { self.prefixes.resolve(prefix)? };
            let before = &self.tree.attributes[first_attribute..];
            if before.iter().any(|before| before.local == *local && before.namespace == namespace) {
                return Err(Fault::new(Reason::DuplicateAttribute, "", local));
            }
            self.tree.attributes.push(Attribute { namespace, local, raw });
        }
        let parent = self.open.len().checked_sub(2).and_then(|outer| self.open.get(outer));
        self.tree.elements.push(Element {
            namespace: self.prefixes.resolve(prefix)?,
            local,
            attributes: first_attribute..self.tree.attributes.len(),
            declarations: first_declaration..self.tree.declarations.len(),
            parent: parent.map(|(index, _)| *index),
            after: index + 1,
            span: begin..self.at,
            inner: self.at..self.at,
            has_text: false,
        });
        Ok(())
    }

    /// An end tag, from its `/`.
    fn end(&mut self) -> Result<(), Fault> {
        let inner_end = self.at - 1;
        self.at += 1;
        let begin = self.at;
        self.name()?;
        let name = &self.source[begin..self.at];
        self.spaces();
        self.expect(b'>')?;
        let open = self.open.last().map(|(index, _)| &self.tree.elements[*index]);
        // Names are compared as they are written, prefix and all.
        let matches = open.is_some_and(|open| {
            let written = &self.source[open.span.start + 1..];
            written
                .strip_prefix(name)
                .is_some_and(|after| after.starts_with(['>', ' ', '\t', '\r', '\n', '/']))
        });
        if !matches {
            return Err(self.fault(Reason::Syntax));
        }
        self.close(inner_end)
    }

    fn close(&mut self, inner_end: usize) -> Result<(), Fault> {
        let (index, declared) = self.open.pop().ok_or_else(|| self.fault(Reason::Syntax))?;
        self.prefixes.truncate(declared);
        let after = self.tree.elements.len();
        let element = &mut self.tree.elements[index];
        element.after = after;
        element.inner.end = inner_end;
        element.span.end = self.at;
        Ok(())
    }

    fn rest(&self) -> &'i [u8] {
        &self.bytes[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn spaces(&mut self) {
        self.at += self.rest().iter().take_while(|byte| is_space(**byte)).count();
    }

    fn expect(&mut self, byte: u8) -> Result<(), Fault> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.fault(Reason::Syntax)),
            None => Err(Reason::Truncated.into()),
        }
    }

    fn fault(&self, reason: Reason) -> Fault {
        Fault::new(reason, "", self.at)
    }
}
