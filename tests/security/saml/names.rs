//! Owns SAML-56 and SAML-57: what stands in names and values, and in which namespace.
//! Never touches who is meant by a name.

use super::{ACCEPTED, Desk, signing};
use portico_fixtures::saml_document::{ASSERTION, Attribute, Element, Node, PROTOCOL, Recipe};

fn text(text: &str) -> Node {
    Node::Text(text.to_owned())
}

#[test]
fn saml_56_a_name_is_one_piece_of_text() {
    let mut desk = Desk::open();
    let pieces = |middle: Node| vec![text("low@metahexa"), middle, text(".example")];
    let named = |desk: &Desk, name_id: Vec<Node>| Recipe { name_id, ..desk.recipe() }.written();
    let valued = |desk: &Desk, value: Vec<Node>| {
        let attribute = Attribute { values: vec![value], ..Attribute::new("email", "") };
        Recipe { attributes: vec![attribute], ..desk.recipe() }.written()
    };
    let instruction = || Node::raw("<?x y?>", "<?x y?>");
    let section = || Node::raw("<![CDATA[.evil]]>", ".evil");
    let child = || Node::Element(Element::text("saml:x", "y"));
    desk.expect([
        ("a comment in the name", named(&desk, pieces(Node::comment("x"))), "comment"),
        ("a comment in a value", valued(&desk, pieces(Node::comment("x"))), "comment"),
        ("an instruction in the name", named(&desk, pieces(instruction())), "processing_instruction"),
        ("an instruction in a value", valued(&desk, pieces(instruction())), "processing_instruction"),
        ("a section in the name", named(&desk, pieces(section())), "cdata"),
        ("a section in a value", valued(&desk, pieces(section())), "cdata"),
        ("an element in the name", named(&desk, pieces(child())), "element_foreign"),
        ("an element in a value", valued(&desk, pieces(child())), "attribute_value"),
        ("nothing in the name", named(&desk, vec![]), "name_id"),
        ("spaces alone", named(&desk, vec![text("   ")]), "name_id"),
        ("no width", named(&desk, vec![text("low\u{200b}@metahexa.example")]), "name_id"),
        ("the other direction", named(&desk, vec![text("low\u{202e}@metahexa.example")]), "name_id"),
        ("NUL", named(&desk, vec![Node::raw("low&#0;", "low")]), "entity"),
        ("a very long name", named(&desk, vec![text(&"a".repeat(5_000))]), "name_id"),
        ("nothing in a value", valued(&desk, vec![]), ACCEPTED),
    ]);
    let spaced = Recipe { name_id: vec![text("  low@metahexa.example\n")], ..desk.recipe() };
    let as_it_is = desk.verdict(spaced.written().written().as_bytes());
    assert!(
        as_it_is.as_ref().is_err_and(|code| *code == "name_id")
            || as_it_is.is_ok_and(|it| it.name_id().is_some_and(|name| name.value.starts_with("  "))),
        "a name with spaces is another name, or none"
    );
    desk.policy.trim = true;
    assert_eq!(desk.serve(&spaced), ACCEPTED, "unless the connection says that they do not count");
    desk.still_works();
}

#[test]
fn saml_57_an_assertion_is_one_by_its_namespace() {
    let desk = Desk::open();
    let within = |space: &str| {
        let mut assertion = desk.recipe().assertion();
        assertion.set("xmlns:saml", space);
        signing().sign(&mut assertion);
        desk.recipe().shell().holding(assertion)
    };
    let mut bare = desk.recipe().signed_assertion();
    bare.name = "Assertion".to_owned();
    let mut rebound = desk.recipe().written();
    rebound.part("saml:Assertion").set("xmlns:samlp", ASSERTION);
    let mut swapped = desk.recipe().written();
    swapped.set("xmlns:saml", PROTOCOL);
    // The same names by a default namespace: another way to write the same, signed as it is written.
    let mut plain = Element::read(
        &desk
            .recipe()
            .assertion()
            .written()
            .replace("saml:", "")
            .replace("xmlns:saml=", "xmlns=")
            .replace("urn:oasis:names:tc:SAML:2.0:assertion", ASSERTION),
    )
    .expect("it is well-formed");
    plain.unset("xmlns");
    plain.unset("xmlns:saml");
    plain.attributes.insert(0, ("xmlns".to_owned(), ASSERTION.to_owned()));
    let plain_signed = {
        let mut signed = plain.clone();
        signing().sign(&mut signed);
        desk.recipe().shell().holding(signed)
    };
    let mut inner = desk.recipe().assertion();
    inner.part("saml:NameID").set("xmlns:saml", "urn:other");
    signing().sign(&mut inner);
    let inner = desk.recipe().shell().holding(inner);
    let mut other = desk.recipe().assertion();
    let name = other.part("saml:NameID");
    name.name = "NameID".to_owned();
    name.set("xmlns", "urn:other");
    signing().sign(&mut other);
    let other = desk.recipe().shell().holding(other);
    let capitals = {
        let mut assertion = desk.recipe().assertion();
        assertion.name = "saml:ASSERTION".to_owned();
        signing().sign(&mut assertion);
        desk.recipe().shell().holding(assertion)
    };
    let mut root = desk.recipe().written();
    root.set("xmlns:samlp", "urn:oasis:names:tc:SAML:1.0:protocol");
    let mut undeclared = desk.recipe().written();
    undeclared.set("xmlns:q", "");
    let mut xml = desk.recipe().written();
    xml.set("xmlns:xml", "urn:x");
    desk.expect([
        ("SAML 1", within("urn:oasis:names:tc:SAML:1.0:assertion"), "element_foreign"),
        ("the protocol's", within(PROTOCOL), "element_foreign"),
        ("none", desk.recipe().shell().holding(bare), "element_foreign"),
        ("one that looks alike", within("urn:oasis:names:tc:SAML:2.0:assertion "), "namespace"),
        ("a root of another version", root, "root"),
        ("a name of another", other, "element_foreign"),
        ("a name of another, by the same prefix", inner, "prefix_rebound"),
        ("in capitals", capitals, "assertion_missing"),
        ("a prefix that means nothing", undeclared, "namespace"),
        ("the prefix of XML itself", xml, "namespace"),
        // Neither prefix is used where it is rebound, so what is signed does not change: refused all the same.
        ("the protocol's prefix rebound in the assertion", rebound, "prefix_rebound"),
        ("the assertion's prefix bound to the protocol around it", swapped, "prefix_rebound"),
        ("by the default namespace", plain_signed, ACCEPTED),
    ]);
    desk.still_works();
}
