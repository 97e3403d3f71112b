//! Owns writing XML: elements that write themselves in exclusive canonical form.
//! Never touches reading: `gate` and `metadata` do.

use std::fmt::{self, Write};

/// An element. Attributes are written in the order of their names, namespaces before them, and nothing is abbreviated: as
/// Exclusive XML Canonicalization §3 wants it, provided that a prefix is declared where it is first used and no attribute
/// has a prefix.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    name: &'static str,
    namespaces: Vec<(&'static str, &'static str)>,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Content>,
}

#[derive(Clone, Debug)]
enum Content {
    Element(Element),
    Text(String),
}

impl Element {
    /// Of this name, with its prefix.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, namespaces: Vec::new(), attributes: Vec::new(), content: Vec::new() }
    }

    /// Declare a prefix.
    pub(crate) fn namespace(mut self, prefix: &'static str, uri: &'static str) -> Self {
        self.namespaces.push((prefix, uri));
        self.namespaces.sort_unstable();
        self
    }

    /// Set an attribute.
    pub(crate) fn attribute(mut self, name: &'static str, value: &str) -> Self {
        self.attributes.push((name, value.to_owned()));
        self.attributes.sort_unstable_by_key(|(name, _)| *name);
        self
    }

    /// Set an attribute, if there is a value.
    pub(crate) fn maybe(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.attribute(name, value),
            None => self,
        }
    }

    /// Add an element at the end.
    pub(crate) fn child(mut self, child: Self) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    /// Add an element behind the first.
    pub(crate) fn child_second(mut self, child: Self) -> Self {
        let place = self.content.len().min(1);
        self.content.insert(place, Content::Element(child));
        self
    }

    /// Add several.
    pub(crate) fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.content.extend(children.into_iter().map(Content::Element));
        self
    }

    /// Add text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.content.push(Content::Text(text.to_owned()));
        self
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<{}", self.name)?;
        for (prefix, uri) in &self.namespaces {
            write!(out, " xmlns:{prefix}=\"{uri}\"")?;
        }
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"")?;
            escape(out, value, Where::Attribute)?;
            out.write_char('"')?;
        }
        out.write_char('>')?;
        for content in &self.content {
            match content {
                Content::Element(element) => element.fmt(out)?,
                Content::Text(text) => escape(out, text, Where::Text)?,
            }
        }
        write!(out, "</{}>", self.name)
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Where {
    Attribute,
    Text,
}

/// Canonical XML §2.3. What XML 1.0 §2.2 does not allow becomes U+FFFD.
fn escape(out: &mut fmt::Formatter<'_>, text: &str, place: Where) -> fmt::Result {
    for character in text.chars() {
        match (character, place) {
            ('&', _) => out.write_str("&amp;")?,
            ('<', _) => out.write_str("&lt;")?,
            ('>', Where::Text) => out.write_str("&gt;")?,
            ('"', Where::Attribute) => out.write_str("&quot;")?,
            ('\t', Where::Attribute) => out.write_str("&#x9;")?,
            ('\n', Where::Attribute) => out.write_str("&#xA;")?,
            ('\r', _) => out.write_str("&#xD;")?,
            ('\t' | '\n', Where::Text) => out.write_char(character)?,
            ('\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}', _) => out.write_char('\u{fffd}')?,
            _ => out.write_char(character)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_written_in_canonical_form() {
        let element = Element::new("a:b")
            .namespace("a", "urn:a")
            .attribute("Version", "2.0")
            .attribute("ID", "x\"<&\t>")
            .child(Element::new("a:c").text("1 < 2 & \"3\" > \r\u{1}"));
        assert_eq!(
            element.to_string(),
            "<a:b xmlns:a=\"urn:a\" ID=\"x&quot;&lt;&amp;&#x9;>\" Version=\"2.0\">\
             <a:c>1 &lt; 2 &amp; \"3\" &gt; &#xD;\u{fffd}</a:c></a:b>"
        );
    }
}
