//! Owns the proof of the scanner: what is refused, for which reason, and what is read out of the rest.
//! Never touches shapes.

use super::{code, plain};
use crate::gate::{MAX_DOCUMENT, Namespace, Tree, scan};

fn verdict(document: &[u8]) -> &'static str {
    code(&scan(document))
}

#[test]
fn ordinary_documents_are_read() {
    for document in [
        "<a/>",
        "<a></a>",
        " \n<a b='c' d=\"e\" />\n ",
        "<?xml version=\"1.0\"?><a/>",
        "<?xml version='1.0' encoding='utf-8' standalone='no' ?>\r\n<a\r\nb='c'/>",
        "<?xml  version = \"1.0\"  encoding=\"UTF-8\"?><a/>",
        "<a>text ]] > &lt;&gt;&amp;&quot;&apos;&#65;&#x41; é\u{1f600}\u{f8ff}</a>",
        "<a xmlns='urn:a' xmlns:b='urn:b' b:c='1' c='2'><b:d xmlns:b='urn:c' xml:lang='en'/></a>",
        "<a b='>'/>",
        "<a b='\"' c=\"'\"/>",
        "<a-b._1 _c='' d.e=''/>",
    ] {
        assert_eq!(verdict(document.as_bytes()), "accepted", "{document}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one table")]
fn what_is_no_strict_xml_is_refused_by_its_reason() {
    for (document, reason) in [
        ("", "truncated"),
        ("  ", "truncated"),
        ("x", "syntax"),
        ("<", "truncated"),
        ("<a", "truncated"),
        ("<a ", "truncated"),
        ("<a b", "truncated"),
        ("<a b=", "syntax"),
        ("<a b='", "truncated"),
        ("<a b=''", "truncated"),
        ("<a/", "truncated"),
        ("<a>", "truncated"),
        ("<a>x", "truncated"),
        ("<a><b></b>", "truncated"),
        ("<a></a", "truncated"),
        ("<a></", "truncated"),
        ("<a></b>", "syntax"),
        ("<a></ab>", "syntax"),
        ("<ab></a>", "syntax"),
        ("<a><b></a></b>", "syntax"),
        ("<x:a xmlns:x='urn:a' xmlns:y='urn:a'></y:a>", "syntax"),
        ("</a>", "syntax"),
        ("<a/></a>", "syntax"),
        ("<a/><b/>", "after_root"),
        ("<a/>x", "after_root"),
        ("<a/>&#32;", "after_root"),
        ("<a/>\0", "after_root"),
        ("< a/>", "syntax"),
        ("<1a/>", "syntax"),
        ("<a b/>", "syntax"),
        ("<a b=c/>", "syntax"),
        ("<a b='c'd='e'/>", "syntax"),
        ("<a b='<'/>", "syntax"),
        ("<a =''/>", "syntax"),
        ("<a / >", "syntax"),
        ("<a>]]></a>", "syntax"),
        ("<!ELEMENT a ANY><a/>", "syntax"),
        ("<é/>", "name"),
        ("<aé/>", "name"),
        ("<a é=''/>", "name"),
        ("<a:/>", "name"),
        ("<:a/>", "syntax"),
        ("<a:b:c xmlns:a='urn:a'/>", "name"),
        ("<a xmlns:=''/>", "name"),
        ("<a b='1' b='1'/>", "duplicate_attribute"),
        ("<a xmlns='urn:a' xmlns='urn:a'/>", "duplicate_attribute"),
        ("<a xmlns:x='urn:a' xmlns:x='urn:b'/>", "duplicate_attribute"),
        ("<a xmlns:x='urn:a' xmlns:y='urn:a' x:b='' y:b=''/>", "duplicate_attribute"),
        ("<x:a/>", "undeclared_prefix"),
        ("<a x:b=''/>", "undeclared_prefix"),
        ("<a><b xmlns:x='urn:x'/><x:c/></a>", "undeclared_prefix"),
        ("<xmlns:a/>", "undeclared_prefix"),
        ("<a xmlns:x='1'/>", "namespace"),
        ("<a xmlns=''/>", "namespace"),
        ("<a xmlns:x=''/>", "namespace"),
        ("<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>", "namespace"),
        ("<a xmlns:xmlns='urn:x'/>", "namespace"),
        ("<a xmlns:x='http://www.w3.org/2000/xmlns/'/>", "namespace"),
        ("<a xmlns:x='urn:&#97;'/>", "namespace"),
        ("<a xmlns:x='urn: a'/>", "namespace"),
        ("<a><!-- x --></a>", "comment"),
        ("<!-- x --><a/>", "comment"),
        ("<a/><!-- x -->", "comment"),
        ("<a><![CDATA[x]]></a>", "cdata"),
        ("<a><?x y?></a>", "processing_instruction"),
        ("<?x y?><a/>", "processing_instruction"),
        ("<?xml-stylesheet href='x'?><a/>", "processing_instruction"),
        (" <?xml version='1.0'?><a/>", "processing_instruction"),
        ("<a/><?x?>", "processing_instruction"),
        ("<!DOCTYPE a><a/>", "doctype"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "doctype"),
        ("<!DOCTYPE a SYSTEM 'http://evil.example/'><a/>", "doctype"),
        ("<a><!DOCTYPE a></a>", "doctype"),
        ("<a/><!DOCTYPE a>", "doctype"),
        ("<a>&b;</a>", "entity"),
        ("<a>&nbsp;</a>", "entity"),
        ("<a>& </a>", "entity"),
        ("<a>&#0;</a>", "entity"),
        ("<a>&#xfffe;</a>", "entity"),
        ("<a b='&c;'/>", "entity"),
        ("<a b='&#1;'/>", "entity"),
        ("<a>\0</a>", "character"),
        ("<a>\u{1}</a>", "character"),
        ("<a b='\u{1f}'/>", "character"),
        ("<a>\u{fffe}</a>", "character"),
        ("<a>\u{ffff}</a>", "character"),
        ("<a>\r</a>", "line_ends"),
        ("<a>\n\r\n</a>", "line_ends"),
        ("<a>\r\n\n</a>", "line_ends"),
        ("<a>\r\r\n</a>", "line_ends"),
        ("<a/>\r", "line_ends"),
        ("<?xml version='1.1'?><a/>", "declaration"),
        ("<?xml version=''?><a/>", "declaration"),
        ("<?xml encoding='utf-8'?><a/>", "declaration"),
        ("<?xml version='1.0' standalone='maybe'?><a/>", "declaration"),
        ("<?xml version='1.0' other='x'?><a/>", "declaration"),
        ("<?xml version='1.0\"?><a/>", "declaration"),
        ("<?xml version='1.0'", "declaration"),
        ("<?xml version='1.0' encoding='UTF-7'?><a/>", "encoding"),
        ("<?xml version='1.0' encoding='utf-16'?><a/>", "encoding"),
        ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "encoding"),
        ("\u{feff}<a/>", "encoding"),
    ] {
        assert_eq!(verdict(document.as_bytes()), reason, "{document:?}");
    }
    for document in [&b"\xff\xfe<\0a\0/\0>\0"[..], b"<a>\xc0\x80</a>", b"<a>\xed\xa0\x80</a>", b"<a>\xe9</a>"]
    {
        assert_eq!(verdict(document), "encoding", "{document:?}");
    }
}

#[test]
fn every_limit_has_its_last_good_value() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let elements = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    let numbered = |count: usize, each: &dyn Fn(usize) -> String| {
        (0..count).fold(String::new(), |text, number| text + &each(number))
    };
    let attributes = |count: usize| format!("<a{}/>", numbered(count, &|number| format!(" b{number}=''")));
    let declarations =
        |count: usize| format!("<a{}/>", numbered(count, &|number| format!(" xmlns:b{number}='urn:b'")));
    let in_force = |depth: usize| {
        let level = |level: usize| {
            format!("<a{}>", numbered(16, &|number| format!(" xmlns:b{level}x{number}='urn:b'")))
        };
        format!("{}{}", numbered(depth, &level), "</a>".repeat(depth))
    };
    let all_attributes = |last: &str| format!("<a>{}{last}</a>", "<b c='' d='' e='' f=''/>".repeat(2000));
    let name = |length: usize| format!("<{}/>", "a".repeat(length));
    let value = |length: usize| format!("<a b='{}'/>", "c".repeat(length));
    let document = |length: usize| format!("<a>{}</a>", "b".repeat(length - "<a></a>".len()));
    for (good, bad, reason) in [
        (nested(32), nested(33), "depth_limit"),
        (nested(32), nested(30_000), "depth_limit"),
        (elements(4000), elements(4001), "element_limit"),
        (attributes(32), attributes(33), "attribute_limit"),
        (attributes(32), attributes(20_000), "attribute_limit"),
        (all_attributes(""), all_attributes("<b c=''/>"), "attribute_limit"),
        (declarations(24), declarations(25), "namespace_limit"),
        (in_force(4), in_force(5), "namespace_limit"),
        (name(128), name(129), "name_limit"),
        (value(64 << 10), value((64 << 10) + 1), "attribute_value_limit"),
        (document(MAX_DOCUMENT), document(MAX_DOCUMENT + 1), "too_large"),
    ] {
        assert_eq!(verdict(good.as_bytes()), "accepted", "{reason}");
        assert_eq!(verdict(bad.as_bytes()), reason);
    }
}

#[test]
fn every_beginning_of_a_document_is_refused() {
    let document = plain();
    scan(document.as_bytes()).unwrap();
    for end in 0..document.len() {
        assert!(scan(&document.as_bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn the_tree_is_the_document() {
    let document =
        "<a xmlns='urn:a' b='1&amp;\r\n2'>\r\n<x:c xmlns:x='urn:x' x:b='3' b='4'>t&#65;\r\n</x:c><d/>e</a>";
    let tree: Tree<'_> = scan(document.as_bytes()).unwrap();
    let root = tree.root();
    assert!(root.is(Namespace::Other("urn:a"), "a"));
    assert_eq!(root.attribute("b").as_deref(), Some("1& 2"));
    assert_eq!(root.attribute("xmlns"), None);
    assert_eq!(root.text(), None);
    assert!(root.is_mixed());
    let [c, d] = root.children().collect::<Vec<_>>()[..] else { panic!("two children") };
    assert!(c.is(Namespace::Other("urn:x"), "c"));
    assert_eq!(c.attribute("b").as_deref(), Some("4"));
    assert_eq!(c.attribute_in(Namespace::Other("urn:x"), "b").as_deref(), Some("3"));
    assert_eq!(c.text().as_deref(), Some("tA\n"));
    assert_eq!(&document[c.span()], "<x:c xmlns:x='urn:x' x:b='3' b='4'>t&#65;\r\n</x:c>");
    assert!(c.parent().is_some_and(|parent| parent.is_same(root)));
    assert!(d.is_empty() && d.is_leaf());
    assert!(root.holds(c) && !c.holds(d) && c.holds(c));
    assert_eq!(d.text().as_deref(), Some(""));
    assert_eq!(c.to_string(), "`{urn:x}c`");
    assert_eq!(tree.nodes().count(), 3);
}
