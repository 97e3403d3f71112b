//! Owns SAML-01 to SAML-12: what is signed is not what is read, or nothing is signed.
//! Never touches algorithms.

use super::{ACCEPTED, Desk, forged, signing};
use portico_fixtures::saml_document::{
    ASSERTION, Element, Encryption, wrapped_assertions, wrapped_responses,
};

/// The attacks on a signed response whose names begin so.
fn responses(desk: &Desk, name: &str) -> Vec<(&'static str, Element)> {
    let genuine = desk.response_signed();
    let mut all = wrapped_responses(&genuine.written(), &forged(&genuine).written());
    all.retain(|(attack, _)| attack.starts_with(name));
    all
}

/// The attacks on a signed assertion whose names begin so.
fn assertions(desk: &Desk, name: &str) -> Vec<(&'static str, Element)> {
    let genuine = desk.recipe();
    let mut all = wrapped_assertions(&genuine.written(), &forged(&genuine).assertion());
    all.retain(|(attack, _)| attack.starts_with(name));
    all
}

/// All of these are refused for this reason, and honest answers are not.
fn refuses(desk: &Desk, attacks: Vec<(&'static str, Element)>, reasons: &[&'static str]) {
    assert_eq!(attacks.len(), reasons.len(), "a reason for each: {attacks:?}");
    let cases = attacks.into_iter().zip(reasons).map(|((name, document), reason)| (name, document, *reason));
    desk.expect(cases);
    desk.still_works();
}

#[test]
fn saml_01_a_signed_response_inside_its_signature_in_a_forged_one() {
    let desk = Desk::open();
    let attacks = responses(&desk, "XSW1");
    refuses(&desk, attacks, &["assertion_several"; 3]);
    // With nothing beside the signature, so that what is in it is the only assertion.
    let mut signed = desk.response_signed().written();
    let mut signature = signed.take("ds:Signature").expect("it is signed");
    signature.push(signed);
    let mut around = forged(&desk.response_signed()).shell();
    around.insert(1, signature);
    desk.expect([("the only assertion is in the signature", around, "signature_shape")]);
}

#[test]
fn saml_02_a_signed_response_beside_its_signature_in_a_forged_one() {
    let desk = Desk::open();
    refuses(&desk, responses(&desk, "XSW2"), &["assertion_several"; 3]);
    refuses(&desk, responses(&desk, "the whole"), &["assertion_several"; 2]);
    let mut around = forged(&desk.response_signed()).shell();
    around.push(desk.response_signed().written());
    desk.expect([("a response in a response", around, "element_foreign")]);
}

#[test]
fn saml_03_a_forged_assertion_beside_the_signed_one() {
    let desk = Desk::open();
    let attacks = assertions(&desk, "XSW3");
    refuses(&desk, attacks, &["assertion_several"; 3]);
}

#[test]
fn saml_04_a_signed_assertion_inside_a_forged_one() {
    let desk = Desk::open();
    refuses(&desk, assertions(&desk, "XSW4"), &["assertion_several"]);
}

#[test]
fn saml_05_a_forged_assertion_with_the_signature_of_another() {
    let desk = Desk::open();
    refuses(&desk, assertions(&desk, "XSW5"), &["assertion_several"]);
    // Without the original beside it, the signature refers to nothing that is there.
    let genuine = desk.recipe();
    let signature = genuine.signed_assertion().take("ds:Signature").expect("it is signed");
    let mut alone = forged(&genuine).assertion();
    alone.insert(1, signature.clone());
    let mut same_id = forged(&genuine);
    same_id.assertion_id.clone_from(&genuine.assertion_id);
    let mut same_id = same_id.assertion();
    same_id.insert(1, signature);
    desk.expect([
        ("another's signature", genuine.shell().holding(alone), "reference_uri_foreign"),
        ("another's signature and ID", genuine.shell().holding(same_id), "signature_invalid"),
    ]);
}

#[test]
fn saml_06_a_forged_assertion_around_the_signature_around_the_signed_one() {
    let desk = Desk::open();
    refuses(&desk, assertions(&desk, "XSW6"), &["assertion_several"]);
    let genuine = desk.recipe();
    let mut child = genuine.assertion();
    let mut signature = signing().signature_of(&child);
    signature.push(Element::text("saml:NameID", "ADMIN").with("xmlns:saml", ASSERTION));
    child.insert(1, signature);
    desk.expect([("something else in the signature", genuine.shell().holding(child), "signature_shape")]);
}

#[test]
fn saml_07_an_assertion_in_the_extensions_forged_or_signed() {
    let desk = Desk::open();
    refuses(&desk, assertions(&desk, "XSW7"), &["assertion_several"; 2]);
    let mut empty = desk.recipe().written();
    empty.insert(1, Element::new("samlp:Extensions"));
    let mut harmless = desk.recipe().written();
    let unknown = Element::new("x:y").with("xmlns:x", "urn:x");
    harmless.insert(1, Element::new("samlp:Extensions").holding(unknown));
    let mut moved = desk.recipe().written();
    let assertion = moved.take("saml:Assertion").expect("it is there");
    moved.insert(1, Element::new("samlp:Extensions").holding(assertion));
    desk.expect([
        ("empty extensions hide nothing", empty, ACCEPTED),
        ("something unknown", harmless, "extensions"),
        ("the only assertion is in the extensions", moved, "extensions"),
    ]);
}

#[test]
fn saml_08_a_forged_assertion_around_an_object_in_the_signature() {
    let desk = Desk::open();
    refuses(&desk, assertions(&desk, "XSW8"), &["assertion_several"]);
    let mut object = desk.recipe().written();
    object.part("ds:Signature").push(Element::new("ds:Object"));
    desk.expect([("an empty object", object, "signature_shape")]);
}

#[test]
fn saml_09_a_signed_assertion_hidden_where_nobody_looks() {
    let desk = Desk::open();
    refuses(&desk, assertions(&desk, "hidden"), &["assertion_several"; 4]);
    let hidden = |part: &str| {
        let mut document = desk.recipe().written();
        let assertion = document.take("saml:Assertion").expect("it is there");
        document.part(part).push(assertion);
        document
    };
    desk.expect([
        ("the only one is in the status", hidden("samlp:Status"), "element_foreign"),
        ("the only one is in the issuer", hidden("saml:Issuer"), "element_foreign"),
    ]);
}

#[test]
fn saml_10_two_signed_assertions_about_two_people() {
    let desk = Desk::open();
    let (low, other) = (desk.recipe(), desk.recipe().renewed().about("high@metahexa.example"));
    let both = low.written().holding(other.signed_assertion());
    let mut response_signed = low.shell().holding(low.assertion()).holding(other.assertion());
    signing().sign(&mut response_signed);
    desk.expect([
        ("both assertions signed", both, "assertion_several"),
        ("the response around both signed", response_signed, "assertion_several"),
    ]);
    desk.still_works();
}

#[test]
fn saml_11_an_assertion_in_the_clear_and_one_encrypted() {
    let desk = Desk::open();
    let genuine = desk.recipe();
    let encryption = Encryption::to(&super::keys().service);
    let encrypted = encryption.encrypt(&genuine.signed_assertion());
    let shell = genuine.shell();
    let clear = forged(&genuine).assertion();
    desk.expect([
        (
            "clear, then encrypted",
            shell.clone().holding(clear.clone()).holding(encrypted.clone()),
            "assertion_several",
        ),
        (
            "encrypted, then clear",
            shell.clone().holding(encrypted.clone()).holding(clear),
            "assertion_several",
        ),
        (
            "two encrypted",
            shell.clone().holding(encrypted.clone()).holding(encrypted.clone()),
            "assertion_several",
        ),
        ("one encrypted", shell.holding(encrypted), ACCEPTED),
    ]);
    desk.still_works();
}

#[test]
fn saml_12_nothing_is_signed() {
    let desk = Desk::open();
    let genuine = desk.recipe();
    let forged = forged(&genuine);
    let stripped = genuine.shell().holding(genuine.signed_assertion().without("ds:Signature"));
    let mut empty = genuine.assertion();
    empty.insert(1, Element::new("ds:Signature").with("xmlns:ds", portico_fixtures::saml_document::DS));
    let mut other_space = genuine.assertion();
    let signature = signing().signature_of(&other_space);
    let mut renamed = signature.clone();
    renamed.set("xmlns:ds", "http://www.w3.org/2000/09/xmldsig");
    other_space.insert(1, renamed);
    let mut nobody = genuine.shell();
    nobody.push(Element::new("saml:Assertion").with("xmlns:saml", ASSERTION));
    desk.expect([
        ("forged", forged.written(), "signature_missing"),
        ("stripped", stripped, "signature_missing"),
        ("an empty signature", genuine.shell().holding(empty), "signature_shape"),
        ("a signature of another namespace", genuine.shell().holding(other_space), "element_foreign"),
        ("an assertion that says nothing", nobody, "id_missing"),
        ("no assertion", genuine.shell(), "assertion_missing"),
    ]);
    desk.still_works();
}
