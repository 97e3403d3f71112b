//! Owns SAML-48 to SAML-51 and SAML-55: what the bytes of a document may be.
//! Never touches what a document says.

use super::{ACCEPTED, Desk, signing};
use crate::security::rp::Canary;
use portico_fixtures::saml_document::{Attribute, Element, Node, Recipe};
use std::{fmt::Write as _, io::Write as _};

/// The text of an honest answer, changed after it was signed.
fn spoilt(desk: &Desk, change: impl FnOnce(&str) -> String) -> String {
    change(&desk.recipe().written().written())
}

fn before(prolog: &str) -> impl FnOnce(&str) -> String {
    let prolog = prolog.to_owned();
    move |text| format!("{prolog}{text}")
}

#[tokio::test]
async fn saml_48_there_are_no_document_types() {
    let desk = Desk::open();
    let canary = Canary::listen().await;
    let there = canary.url();
    let types = [
        "<!DOCTYPE Response>".to_owned(),
        "<!DOCTYPE Response []>".to_owned(),
        "<!DOCTYPE Response [<!ENTITY e \"x\">]>".to_owned(),
        "<!DOCTYPE Response [<!ATTLIST a id ID #IMPLIED>]>".to_owned(),
        format!("<!DOCTYPE Response SYSTEM \"{there}x.dtd\">"),
        format!("<!DOCTYPE Response PUBLIC \"x\" \"{there}x.dtd\">"),
        format!("<!DOCTYPE Response [<!ENTITY % p SYSTEM \"{there}p\"> %p;]>"),
        format!("<!DOCTYPE Response [<!ENTITY e SYSTEM \"{there}e\">]>"),
        "<!DOCTYPE Response [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        "<!doctype Response>".to_owned(),
    ];
    for (at, declared) in types.iter().enumerate() {
        let expected = if declared.starts_with("<!DOCTYPE") { "doctype" } else { "syntax" };
        desk.expect_texts([
            (format!("{at} alone"), spoilt(&desk, before(declared)), expected),
            (
                format!("{at} behind a declaration"),
                spoilt(&desk, before(&format!("<?xml version=\"1.0\"?>{declared}"))),
                expected,
            ),
        ]);
    }
    desk.expect_texts([
        (
            "inside",
            spoilt(&desk, |text| text.replacen("<samlp:Status>", "<!DOCTYPE x><samlp:Status>", 1)),
            "doctype",
        ),
        ("no type", spoilt(&desk, before("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")), ACCEPTED),
    ]);
    assert_eq!(canary.hits(), 0);
}

#[test]
fn saml_49_nothing_grows_while_it_is_read() {
    let desk = Desk::open();
    let mut laughs = "<!DOCTYPE r [<!ENTITY a0 \"ha\">".to_owned();
    for level in 1..30 {
        let below = level - 1;
        write!(laughs, "<!ENTITY a{level} \"&a{below};&a{below};&a{below};&a{below};&a{below};\">").unwrap();
    }
    laughs.push_str("]>");
    let quadratic = format!("<!DOCTYPE r [<!ENTITY a \"{}\">]>", "a".repeat(50_000));
    let used = |text: &str, name: &str| text.replacen("low@", &format!("{name}low@"), 1);
    let flood =
        Recipe { name_id: vec![Node::raw("&#97;".repeat(30_000), "a".repeat(30_000))], ..desk.recipe() };
    desk.expect_texts([
        ("billion laughs", spoilt(&desk, |text| format!("{laughs}{}", used(text, "&a29;"))), "doctype"),
        (
            "quadratic",
            spoilt(&desk, |text| format!("{quadratic}{}", used(text, &"&a;".repeat(5_000)))),
            "doctype",
        ),
        ("a flood of references to characters", flood.written().written(), "name_id"),
        ("a parameter entity", spoilt(&desk, before("<!DOCTYPE r [<!ENTITY % a \"%a;\">%a;]>")), "doctype"),
    ]);
    desk.still_works();
}

#[test]
fn saml_50_entities_are_those_of_xml_alone() {
    let desk = Desk::open();
    let inside = |from: &str, to: &str| spoilt(&desk, |text| text.replacen(from, to, 1));
    let declared = |from: &str, to: &str| {
        let text = inside(from, to);
        format!("<!DOCTYPE r [<!ENTITY e \"x\"><!ENTITY low \"low\">]>{text}")
    };
    let honest = Recipe {
        name_id: vec![Node::raw("&#108;&#x6F;w&#64;metahexa.example", "low@metahexa.example")],
        ..desk.recipe()
    };
    let named =
        Recipe { attributes: vec![Attribute::new("name", "Low & <Sons> \"of\" 'Hexa'")], ..desk.recipe() };
    desk.expect_texts([
        ("in the ID", inside(" ID=\"_", " ID=\"&e;_"), "entity"),
        ("in the issuer", inside("</saml:Issuer>", "&e;</saml:Issuer>"), "entity"),
        ("in the name", inside(">low@", ">&low;@"), "entity"),
        ("of HTML", inside(">low@", ">&nbsp;low@"), "entity"),
        ("in the ID, declared", declared(" ID=\"_", " ID=\"&e;_"), "doctype"),
        ("in the issuer, declared", declared("</saml:Issuer>", "&e;</saml:Issuer>"), "doctype"),
        ("in the name, declared", declared(">low@", ">&low;@"), "doctype"),
        ("no character at all", inside(">low@", ">&#0;low@"), "entity"),
        ("a character that XML has not", inside(">low@", ">&#xFFFF;low@"), "entity"),
        ("half of a pair", inside(">low@", ">&#xD800;low@"), "entity"),
        ("beyond all characters", inside(">low@", ">&#x110000;low@"), "entity"),
        ("without an end", inside(">low@", ">&low@"), "entity"),
        ("references to characters", honest.written().written(), ACCEPTED),
        ("the five of XML", named.written().written(), ACCEPTED),
    ]);
}

#[test]
fn saml_51_sizes_are_bounded() {
    let desk = Desk::open();
    let huge = "A".repeat(10 << 20);
    let wide: String = (0..80_000).fold(String::new(), |mut text, at| {
        write!(text, " a{at}=\"\"").unwrap();
        text
    });
    let attributes = |count: usize| {
        let text: String = wide.split_inclusive('"').take(count * 2).collect();
        spoilt(&desk, |document| document.replacen("<samlp:Status>", &format!("<samlp:Status{text}>"), 1))
    };
    let spaces: String = (0..2_000).fold(String::new(), |mut text, at| {
        write!(text, " xmlns:p{at}=\"urn:p\"").unwrap();
        text
    });
    let spaced =
        spoilt(&desk, |document| document.replacen("<samlp:Status>", &format!("<samlp:Status{spaces}>"), 1));
    let deep = |depth: usize| {
        let nested = format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        spoilt(&desk, |document| document.replacen("<samlp:Status>", &format!("<samlp:Status>{nested}"), 1))
    };
    let siblings = |count: usize| {
        let many = "<a/>".repeat(count);
        spoilt(&desk, |document| document.replacen("<samlp:Status>", &format!("<samlp:Status>{many}"), 1))
    };
    let long_name = "n".repeat(200);
    let named = spoilt(&desk, |document| {
        document.replacen("<samlp:Status>", &format!("<samlp:Status><{long_name}/>"), 1)
    });
    desk.expect_texts([
        ("10 MB", huge, "too_large"),
        ("80 000 attributes", attributes(80_000), "too_large"),
        ("1 000 attributes", attributes(1_000), "attribute_limit"),
        ("2 000 namespaces", spaced, "namespace_limit"),
        ("300 deep", deep(300), "depth_limit"),
        ("30 000 deep", deep(30_000), "depth_limit"),
        ("20 000 siblings", siblings(20_000), "element_limit"),
        ("a million siblings", siblings(1_000_000), "too_large"),
        ("a long name", named, "name_limit"),
    ]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(desk.recipe().written().written().as_bytes()).unwrap();
    assert_eq!(desk.judge_bytes(&packed.finish().unwrap()), "encoding");
    let groups: Vec<String> = (0..2_000).map(|number| format!("CN=Group {number},DC=metahexa")).collect();
    let many = Attribute::several("groups", groups.iter().map(String::as_str));
    assert_eq!(desk.serve(&Recipe { attributes: vec![many], ..desk.recipe() }), ACCEPTED, "2 000 groups");
    desk.still_works();
}

#[test]
fn saml_55_there_is_one_way_to_read_a_document() {
    let desk = Desk::open();
    let inside = |from: &str, to: &str| spoilt(&desk, |text| text.replacen(from, to, 1));
    desk.expect_texts([
        ("an undeclared prefix", inside("<samlp:Status>", "<samlp:Status><q:x/>"), "undeclared_prefix"),
        (
            "an undeclared prefix of an attribute",
            inside("<samlp:Status>", "<samlp:Status q:x=\"1\">"),
            "undeclared_prefix",
        ),
        (
            "an attribute twice",
            inside("<samlp:Status>", "<samlp:Status a=\"1\" a=\"1\">"),
            "duplicate_attribute",
        ),
        (
            "an attribute twice by two prefixes",
            inside(
                "<samlp:Status>",
                "<samlp:Status xmlns:p=\"urn:p\" xmlns:q=\"urn:p\" p:a=\"1\" q:a=\"1\">",
            ),
            "duplicate_attribute",
        ),
        ("NUL", inside(">low@", ">\0low@"), "character"),
        ("a control character", inside(">low@", ">\u{1}low@"), "character"),
        ("no character", inside(">low@", ">\u{ffff}low@"), "character"),
        (
            "another encoding",
            spoilt(&desk, before("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>")),
            "encoding",
        ),
        ("UTF-16, it says", spoilt(&desk, before("<?xml version=\"1.0\" encoding=\"UTF-16\"?>")), "encoding"),
        ("UTF-7, it says", spoilt(&desk, before("<?xml version=\"1.0\" encoding=\"UTF-7\"?>")), "encoding"),
        ("a byte order mark", spoilt(&desk, before("\u{feff}")), "encoding"),
        ("XML 1.1", spoilt(&desk, before("<?xml version=\"1.1\"?>")), "declaration"),
        ("two ends of line", inside("<samlp:Status>", "\r\n<samlp:Status>\n"), "line_ends"),
        ("an end of a section in text", inside(">low@", ">]]>low@"), "syntax"),
        ("a second root", spoilt(&desk, |text| format!("{text}<x/>")), "after_root"),
        ("the same root again", spoilt(&desk, |text| format!("{text}{text}")), "after_root"),
        ("text behind the root", spoilt(&desk, |text| format!("{text}x")), "after_root"),
        ("a truncated tail", spoilt(&desk, |text| text[..text.len() - 3].to_owned()), "truncated"),
        ("no last tag", spoilt(&desk, |text| text.replace("</samlp:Response>", "")), "truncated"),
        ("tags that cross", inside("</samlp:Status>", "</samlp:StatusCode>"), "syntax"),
        ("text before the root", spoilt(&desk, before("x")), "syntax"),
        (
            "spaces before the declaration",
            spoilt(&desk, before(" <?xml version=\"1.0\"?>")),
            "processing_instruction",
        ),
        ("nothing", String::new(), "truncated"),
        ("spaces around the root", spoilt(&desk, |text| format!("\n{text}\n")), ACCEPTED),
    ]);
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(desk.recipe().written().written().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(desk.judge_bytes(&utf16), "encoding");
    let mut latin = desk.recipe().written().written().into_bytes();
    let at = latin.windows(4).position(|window| window == b"low@").unwrap();
    latin[at] = 0xe9;
    assert_eq!(desk.judge_bytes(&latin), "encoding");
    let mut long = desk.recipe().written().written().into_bytes();
    long.splice(at..=at, [0xc1, 0xac]);
    assert_eq!(desk.judge_bytes(&long), "encoding", "a letter in more bytes than it needs");
    assert_eq!(desk.judge_text("<a/>"), "root");
    let mut other = Element::new("samlp:LogoutResponse")
        .with("xmlns:samlp", portico_fixtures::saml_document::PROTOCOL)
        .with("ID", "_x");
    signing().sign(&mut other);
    assert_eq!(desk.judge(&other), "root");
    desk.still_works();
}
