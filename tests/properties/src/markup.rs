//! Owns changes to a document's text that know where its tags are: what somebody does who wants to be read in two ways.
//! Never touches whether the result is XML.

use crate::choices::Choices;
use std::ops::Range;

/// What is put into documents: what XML has that we refuse, what only looks harmless, and names that mean something.
const SNIPPETS: &[&str] = &[
    "<!-- x -->",
    "<?x y?>",
    "<![CDATA[x]]>",
    "<!DOCTYPE a [<!ENTITY e \"x\">]>",
    "&e;",
    "&amp;",
    "&#65;",
    "&#x41;",
    "&#0;",
    "&#xD;",
    "&#10;",
    "&#9;",
    "&#x20;",
    "&lt;",
    "]]>",
    "]]",
    "\r\n",
    "\n",
    "\r",
    "\t",
    " ",
    "\u{0}",
    "\u{1}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{fffd}",
    "\u{1f600}",
    "é",
    "<",
    ">",
    "/",
    "/>",
    "</",
    "=",
    "'",
    "\"",
    ":",
    "<a>",
    "</a>",
    "<a/>",
    "<a:b/>",
    " xmlns=\"\"",
    " xmlns=\"urn:a\"",
    " xmlns:a=\"urn:a\"",
    " xmlns:a=\"urn:b\"",
    " xmlns:xml=\"http://www.w3.org/XML/1998/namespace\"",
    " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"",
    " xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"",
    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"",
    " xmlns:x=\"1\"",
    " ID=\"a\"",
    " Id=\"a\"",
    " id=\"a\"",
    " xml:id=\"a\"",
    " xml:space=\"preserve\"",
    " a:b=\"c\"",
    " a='c\"d'",
    " use=\"encryption\"",
    " use=\"signing\"",
    "<?xml version=\"1.0\"?>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<?xml version=\"1.1\"?>",
    "<?xml version='1.0' encoding='utf-16'?>",
    "<saml:Assertion ID=\"a\">",
    "</saml:Assertion>",
    "<ds:Signature>",
    "</ds:Signature>",
    "<ds:Object>",
    "</ds:Object>",
    "<samlp:Extensions>",
    "</samlp:Extensions>",
];

/// Tags, and where text, names and values begin and end.
struct Map {
    tags: Vec<Range<usize>>,
}

impl Map {
    fn of(document: &[u8]) -> Self {
        let mut tags = Vec::new();
        let mut at = 0;
        while let Some(begin) = document[at..].iter().position(|byte| *byte == b'<') {
            let begin = at + begin;
            let length = document[begin..].iter().position(|byte| *byte == b'>').map_or(1, |end| end + 1);
            tags.push(begin..begin + length);
            at = begin + length;
        }
        Self { tags }
    }

    /// A whole element from its start tag on: up to the end tag of the same name at the same depth, more or less.
    fn element(&self, document: &[u8], tag: usize) -> Range<usize> {
        let mut depth = 0_usize;
        let Some(first) = self.tags.get(tag) else { return 0..0 };
        for range in &self.tags[tag..] {
            let text = &document[range.clone()];
            if text.starts_with(b"</") {
                depth = depth.saturating_sub(1);
            } else if !text.ends_with(b"/>") && text.get(1).is_some_and(u8::is_ascii_alphabetic) {
                depth += 1;
            }
            if depth == 0 {
                return first.start..range.end;
            }
        }
        first.start..document.len()
    }
}

/// Change a document once.
pub(crate) fn change(document: &mut Vec<u8>, choices: &mut impl Choices) {
    let map = Map::of(document);
    match choices.below(12) {
        0 | 1 => {
            let at = place(document, &map, choices);
            let snippet = choices.of(SNIPPETS);
            document.splice(at..at, snippet.bytes());
        }
        2 => {
            let element = map.element(document, choices.below(map.tags.len()));
            document.drain(element);
        }
        3 | 4 => {
            let element = map.element(document, choices.below(map.tags.len()));
            let copy = document[element.clone()].to_vec();
            if choices.below(2) == 0 {
                document.drain(element);
            }
            let map = Map::of(document);
            let at = map.tags.get(choices.below(map.tags.len())).map_or(0, |tag| tag.end);
            document.splice(at..at, copy);
        }
        5 => {
            let tag = map.tags.get(choices.below(map.tags.len())).cloned().unwrap_or_default();
            document.drain(tag);
        }
        6 => {
            // Around an element.
            let element = map.element(document, choices.below(map.tags.len()));
            let (open, close) = choices.of::<(&str, &str)>(&[
                &("<a>", "</a>"),
                &("<!--", "-->"),
                &("<![CDATA[", "]]>"),
                &("<ds:Object>", "</ds:Object>"),
                &("<a xmlns=\"urn:a\">", "</a>"),
                &("<x:a xmlns:x=\"urn:a\" xmlns:saml=\"urn:b\">", "</x:a>"),
            ]);
            document.splice(element.end..element.end, close.bytes());
            document.splice(element.start..element.start, open.bytes());
        }
        7 => {
            // Rename a prefix, in one place or in all.
            let (from, to) = (choices.of(PREFIXES), choices.of(PREFIXES));
            let times = if choices.below(2) == 0 { usize::MAX } else { 1 };
            replace(document, from.as_bytes(), to.as_bytes(), times);
        }
        8 => {
            let at = choices.below(document.len());
            if let Some(byte) = document.get_mut(at) {
                *byte = u8::try_from(choices.below(256)).unwrap_or(0);
            }
        }
        9 => {
            let at = choices.below(document.len());
            let length = choices.below(8).min(document.len() - at);
            document.drain(at..at + length);
        }
        10 => {
            // Text of one place into another one.
            let from = choices.below(document.len());
            let length = choices.below(64).min(document.len() - from);
            let piece = document[from..from + length].to_vec();
            let at = place(document, &map, choices);
            document.splice(at..at, piece);
        }
        _ => {
            let quotes = (b'"', b'\'');
            let (from, to) = if choices.below(2) == 0 { quotes } else { (quotes.1, quotes.0) };
            let tag = map.tags.get(choices.below(map.tags.len())).cloned().unwrap_or_default();
            for byte in &mut document[tag] {
                if *byte == from {
                    *byte = to;
                }
            }
        }
    }
}

const PREFIXES: &[&str] = &["saml:", "samlp:", "ds:", "md:", "xs:", "xml:", "xmlns:", "a:", ""];

/// A place where something may be put: beside a tag, in a tag, or anywhere.
fn place(document: &[u8], map: &Map, choices: &mut impl Choices) -> usize {
    let tag = map.tags.get(choices.below(map.tags.len())).cloned().unwrap_or_default();
    match choices.below(5) {
        0 => tag.start,
        1 => tag.end,
        2 => tag.end.saturating_sub(1).max(tag.start),
        3 => tag.start + choices.below(tag.len() + 1),
        _ => choices.below(document.len() + 1),
    }
}

fn replace(document: &mut Vec<u8>, from: &[u8], to: &[u8], times: usize) {
    if from.is_empty() {
        return;
    }
    let mut at = 0;
    for _ in 0..times.min(400) {
        let Some(found) = document[at..].windows(from.len()).position(|window| window == from) else {
            return;
        };
        document.splice(at + found..at + found + from.len(), to.iter().copied());
        at += found + to.len();
    }
}
