//! Owns SAML-16 to SAML-26: IDs, and what a signature says of what it covers.
//! Never touches keys.

use super::{ACCEPTED, Desk, forged, keys, signing};
use portico_fixtures::saml_document::{C14N, Digest, ENVELOPED, EXC_C14N, Element, Node, Recipe, Signing};

fn transform(algorithm: &str) -> Element {
    Element::new("ds:Transform").with("Algorithm", algorithm)
}

fn transformed(desk: &Desk, transforms: Vec<Element>) -> Element {
    Recipe { sign_assertion: Some(Signing { transforms, ..signing() }), ..desk.recipe() }.written()
}

#[test]
fn saml_16_no_id_is_given_twice() {
    let desk = Desk::open();
    let mut same = desk.recipe();
    same.id.clone_from(&same.assertion_id);
    let mut both = same.clone();
    both.sign_response = Some(signing());
    desk.expect([
        ("response and assertion", same.written(), "id_duplicate"),
        ("both signed", both.written(), "id_duplicate"),
    ]);
    desk.still_works();
}

#[test]
fn saml_17_nothing_else_may_look_like_an_id() {
    let desk = Desk::open();
    let id = "_of-the-signed-assertion";
    for name in ["Id", "id", "xml:id", "e:ID", "AssertionID"] {
        let shadowed = |change: &dyn Fn(&mut Element)| {
            let mut recipe = desk.recipe();
            id.clone_into(&mut recipe.assertion_id);
            let mut document = recipe.written();
            change(&mut document);
            document
        };
        // A signature may have one, but not the same.
        let signature = if name == "Id" { "id_duplicate" } else { "id_foreign" };
        let set = |element: &mut Element| {
            if name.starts_with("e:") {
                element.set("xmlns:e", "urn:e");
            }
            element.set(name, id);
        };
        desk.expect(
            [
                ("response", shadowed(&|document| set(document)), "id_foreign"),
                ("status", shadowed(&|document| set(document.part("samlp:Status"))), "id_foreign"),
                ("issuer", shadowed(&|document| set(document.part("saml:Issuer"))), "id_foreign"),
                ("signature", shadowed(&|document| set(document.part("ds:Signature"))), signature),
            ]
            .map(|(place, document, expected)| (format!("{name} of {place}"), document, expected)),
        );
    }
    desk.still_works();
}

#[test]
fn saml_18_an_id_is_a_plain_name() {
    let desk = Desk::open();
    let long = format!("_{}", "a".repeat(256));
    let cases = [
        "1starts-with-a-digit",
        "has space",
        "has:colon",
        "has/slash",
        "element(/1/3)",
        "xpointer(id('x'))",
        "%5Fpercent",
        "_\u{430}\u{455}",
        "_\u{200b}zero",
        "",
        long.as_str(),
    ];
    desk.expect(cases.map(|id| {
        let mut recipe = desk.recipe();
        id.clone_into(&mut recipe.assertion_id);
        (id, recipe.written(), "id_invalid")
    }));
    desk.expect(cases.map(|id| {
        let mut recipe = desk.response_signed();
        id.clone_into(&mut recipe.id);
        (id, recipe.written(), "id_invalid")
    }));
    let mut usual = desk.recipe();
    "id-3f.A_b".clone_into(&mut usual.assertion_id);
    assert_eq!(desk.serve(&usual), ACCEPTED);
}

#[tokio::test]
async fn saml_19_a_signature_covers_its_own_element_and_fetches_nothing() {
    let desk = Desk::open();
    let canary = crate::security::rp::Canary::listen().await;
    let recipe = desk.recipe();
    let refers = |uri: &str| {
        let signing = Signing { reference: Some(uri.to_owned()), ..signing() };
        Recipe { sign_assertion: Some(signing), ..recipe.clone() }.written()
    };
    let mut absent = refers("");
    absent.part("ds:Reference").unset("URI");
    let (http, response) = (format!("{}x", canary.url()), format!("#{}", recipe.id));
    let uris =
        ["", "#", "#xpointer(/)", "#xpointer(id('x'))", "file:///etc/passwd", "cid:x", &http, &response];
    desk.expect(uris.map(|uri| (uri, refers(uri), "reference_uri_foreign")));
    desk.expect([("none", absent, "reference_uri_foreign")]);
    assert_eq!(canary.hits(), 0);
    desk.still_works();
}

#[test]
fn saml_20_a_signature_has_one_reference() {
    let desk = Desk::open();
    let recipe = desk.recipe();
    let reference = |element: &Element| {
        let mut signature = signing().signature_of(element);
        signature.part("ds:SignedInfo").take("ds:Reference").expect("there is one")
    };
    let evil = forged(&recipe).assertion();
    let with = |references: Vec<Element>| {
        let mut assertion = recipe.assertion();
        assertion.insert(1, signing().signature_over(references));
        recipe.shell().holding(assertion)
    };
    let good = reference(&recipe.assertion());
    desk.expect([
        ("none", with(vec![]), "reference_count"),
        ("another's too", with(vec![good.clone(), reference(&evil)]), "reference_count"),
        ("another's first", with(vec![reference(&evil), good.clone()]), "reference_count"),
        ("the same twice", with(vec![good.clone(), good.clone()]), "reference_count"),
        ("two hundred", with(vec![good.clone(); 200]), "reference_count"),
        ("one", with(vec![good]), ACCEPTED),
    ]);
}

#[test]
fn saml_21_a_signature_has_one_of_each_part() {
    let desk = Desk::open();
    let recipe = desk.recipe();
    let twice = |name: &str| {
        let mut document = recipe.written();
        let signature = document.part("ds:Signature");
        let again = signature.find(name).expect("it is there").clone();
        signature.insert(1, again);
        document
    };
    let other = signing().signature_of(&forged(&recipe).assertion());
    let mut info_of_another = recipe.written();
    let info = other.find("ds:SignedInfo").expect("it is there").clone();
    info_of_another.part("ds:Signature").insert(0, info);
    let mut signatures = recipe.written();
    let signature = signatures.find("ds:Signature").expect("it is there").clone();
    signatures.part("saml:Assertion").insert(2, signature);
    let mut foreign = recipe.written();
    foreign.part("saml:Assertion").insert(2, other);
    desk.expect([
        ("SignedInfo", twice("ds:SignedInfo"), "signature_shape"),
        ("another SignedInfo first", info_of_another, "signature_shape"),
        ("SignatureValue", twice("ds:SignatureValue"), "signature_shape"),
        ("KeyInfo", twice("ds:KeyInfo"), "signature_shape"),
        ("Signature", signatures, "signature_several"),
        ("another's Signature", foreign, "signature_several"),
    ]);
    desk.still_works();
}

#[test]
fn saml_22_digests_and_signature_values_are_plain_base64() {
    let desk = Desk::open();
    let spoilt = |name: &str, change: &dyn Fn(&str) -> Vec<Node>| {
        let mut document = desk.recipe().written();
        let part = document.part(name);
        let text = part.content();
        part.children = change(&text);
        document
    };
    let text = |text: String| vec![Node::Text(text)];
    let commented = |value: &str| {
        let (a, b) = value.split_at(8);
        vec![Node::Text(a.to_owned()), Node::comment("x"), Node::Text(b.to_owned())]
    };
    let nested = |value: &str| vec![Node::Text(value.to_owned()), Node::Element(Element::new("ds:Object"))];
    let two = |value: &str| vec![Node::Text(format!("{}{value}", Digest::Sha256.of("")))];
    for (name, reason) in [("ds:DigestValue", "digest_value"), ("ds:SignatureValue", "signature_value")] {
        desk.expect([
            ("with a comment", spoilt(name, &commented), "comment"),
            ("with an element", spoilt(name, &nested), reason),
            ("empty", spoilt(name, &|_| vec![]), reason),
            ("with junk", spoilt(name, &|value| text(format!("{value}!"))), reason),
            ("in another alphabet", spoilt(name, &|value| text(format!("-_{}", &value[2..]))), reason),
        ]);
    }
    desk.expect([
        ("two digests", spoilt("ds:DigestValue", &two), "digest_value"),
        ("half a digest", spoilt("ds:DigestValue", &|value| text(value[..20].to_owned())), "digest_value"),
        ("another digest", spoilt("ds:DigestValue", &|_| text(Digest::Sha256.of("x"))), "signature_invalid"),
    ]);
    desk.still_works();
}

#[test]
fn saml_23_no_transform_runs_that_was_not_agreed_on() {
    let desk = Desk::open();
    let with = |algorithm: &str, inside: Option<Element>| {
        let extra = transform(algorithm).holding_all(inside);
        transformed(&desk, vec![transform(ENVELOPED), transform(EXC_C14N), extra])
    };
    let xpath = Element::text("ds:XPath", "count(//*[count(//*[count(//*) > 0]) > 0]) > 0");
    let loops = Element::new("xsl:stylesheet")
        .with("version", "1.0")
        .with("xmlns:xsl", "http://www.w3.org/1999/XSL/Transform")
        .holding(
            Element::new("xsl:template")
                .with("match", "/")
                .with("name", "t")
                .holding(Element::new("xsl:call-template").with("name", "t")),
        );
    let filter = Element::text("f2:XPath", "//*")
        .with("xmlns:f2", "http://www.w3.org/2002/06/xmldsig-filter2")
        .with("Filter", "intersect");
    desk.expect([
        ("XSLT", with("http://www.w3.org/TR/1999/REC-xslt-19991116", Some(loops)), "transform"),
        ("XPath", with("http://www.w3.org/TR/1999/REC-xpath-19991116", Some(xpath.clone())), "transform"),
        ("XPath filter 2", with("http://www.w3.org/2002/06/xmldsig-filter2", Some(filter)), "transform"),
        ("base64", with("http://www.w3.org/2000/09/xmldsig#base64", None), "transform"),
        (
            "relationship",
            with("http://schemas.openxmlformats.org/package/2006/RelationshipTransform", None),
            "transform",
        ),
        (
            "XPath in place of the second",
            transformed(
                &desk,
                vec![
                    transform(ENVELOPED),
                    transform("http://www.w3.org/TR/1999/REC-xpath-19991116").holding(xpath),
                ],
            ),
            "transform",
        ),
        ("none", transformed(&desk, vec![]), "transform"),
        ("the first alone", transformed(&desk, vec![transform(ENVELOPED)]), "transform"),
        ("the second alone", transformed(&desk, vec![transform(EXC_C14N)]), "transform"),
        ("the wrong order", transformed(&desk, vec![transform(EXC_C14N), transform(ENVELOPED)]), "transform"),
        (
            "one twice",
            transformed(&desk, vec![transform(ENVELOPED), transform(EXC_C14N), transform(EXC_C14N)]),
            "transform",
        ),
    ]);
    desk.still_works();
}

#[test]
fn saml_24_comments_are_never_part_of_what_is_signed() {
    let desk = Desk::open();
    let (exclusive, inclusive) = (format!("{EXC_C14N}WithComments"), format!("{C14N}#WithComments"));
    let canonical = |algorithm: &str| {
        let signing = Signing { canonicalization: algorithm.to_owned(), ..signing() };
        Recipe { sign_assertion: Some(signing), ..desk.recipe() }.written()
    };
    let second = |algorithm: &str| transformed(&desk, vec![transform(ENVELOPED), transform(algorithm)]);
    desk.expect([
        ("of SignedInfo, exclusive", canonical(&exclusive), "canonicalization"),
        ("of SignedInfo, inclusive", canonical(&inclusive), "canonicalization"),
        ("of SignedInfo, inclusive without", canonical(C14N), "canonicalization"),
        ("of the element, exclusive", second(&exclusive), "transform"),
        ("of the element, inclusive", second(&inclusive), "transform"),
        ("of the element, inclusive without", second(C14N), "transform"),
    ]);
    desk.still_works();
}

#[test]
fn saml_25_namespaces_are_absolute_and_prefix_lists_short() {
    let desk = Desk::open();
    let listed = |list: &str| {
        let prefixes =
            Element::new("ec:InclusiveNamespaces").with("xmlns:ec", EXC_C14N).with("PrefixList", list);
        transformed(&desk, vec![transform(ENVELOPED), transform(EXC_C14N).holding(prefixes)])
    };
    let many = (0..11).map(|number| format!("p{number}")).collect::<Vec<_>>().join(" ");
    let long = "p".repeat(5000);
    desk.expect([
        ("many prefixes", listed(&many), "prefix_list"),
        ("an endless prefix", listed(&long), "prefix_list"),
        ("odd prefixes", listed("a:b ../x"), "prefix_list"),
        ("a usual list", listed("xs xsi"), ACCEPTED),
        ("the default namespace", listed("#default xs"), "prefix_list"),
    ]);
    let relative = |part: Option<&str>| {
        let mut document = desk.recipe().written();
        let element = match part {
            Some(name) => document.part(name),
            None => &mut document,
        };
        element.set("xmlns:x", "1");
        document
    };
    desk.expect([
        ("relative on the root", relative(None), "namespace"),
        ("relative on the assertion", relative(Some("saml:Assertion")), "namespace"),
        ("relative on SignedInfo", relative(Some("ds:SignedInfo")), "namespace"),
    ]);
    desk.still_works();
}

#[test]
fn saml_26_the_digest_of_nothing_is_no_digest() {
    let desk = Desk::open();
    let recipe = forged(&desk.recipe());
    // Over an empty text a signature is right wherever canonicalization gives nothing.
    let captured = signing().value_of("");
    let with = |trigger: bool, value: Option<&str>| {
        let mut assertion = recipe.assertion();
        let mut signature = signing().signature_of(&assertion);
        signature.part("ds:DigestValue").say(Digest::Sha256.of(""));
        if let Some(value) = value {
            signature.part("ds:SignatureValue").say(value);
        }
        if trigger {
            signature.part("ds:SignedInfo").set("xmlns:x", "1");
        }
        assertion.insert(1, signature);
        recipe.shell().holding(assertion)
    };
    let foreign = {
        let mut assertion = recipe.assertion();
        let mut signature = Signing::with(&keys().foreign).signature_of(&assertion);
        signature.part("ds:DigestValue").say(Digest::Sha256.of(""));
        assertion.insert(1, signature);
        recipe.shell().holding(assertion)
    };
    desk.expect([
        ("with the trigger", with(true, None), "namespace"),
        ("without", with(false, None), "signature_invalid"),
        ("with the trigger and a signature of nothing", with(true, Some(&captured)), "namespace"),
        ("with a signature of nothing", with(false, Some(&captured)), "signature_invalid"),
        ("by somebody else", foreign, "signature_invalid"),
    ]);
    desk.still_works();
}
