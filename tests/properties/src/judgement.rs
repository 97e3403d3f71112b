//! Owns what has to hold for the whole judgement: whatever is made of genuine documents, an accepted one says exactly what
//! was signed.
//! Never touches the gate alone.

use crate::{
    choices::{Choices, Script},
    markup, trees,
    witness::{self, Seen},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::{secret::Secret, time::Timestamp};
use portico_fixtures::saml_document::{
    ASSERTION, Attribute, Content, Element, Encryption, Keys, Place, Recipe, Signing, wrapped_assertions,
    wrapped_responses,
};
use portico_saml::{
    assertion::VerifiedAssertion,
    expectations::{Expectations, Policy, Solicited},
    judge::judge,
    key::{DecryptionKey, TrustedKey},
    posted,
    trace::Trace,
};
use std::sync::{Arc, LazyLock};

/// 2026-11-24T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_521_600_000);
/// How many bytes one change takes of an input.
pub(crate) const STEP: usize = 12;
/// The most changes to one document.
const MOST: usize = 24;

/// Documents to begin with, and who judges them.
struct Stage {
    trusted: Vec<TrustedKey>,
    decryption: Vec<DecryptionKey>,
    policy: Policy,
    /// Documents that are accepted as they are, or hold one that would be.
    documents: Vec<Element>,
    /// How many of them, the first, are accepted as they are.
    genuine: usize,
    /// What may be accepted: the contents of the genuine ones, once each.
    contents: Vec<VerifiedAssertion>,
}

static STAGE: LazyLock<Stage> = LazyLock::new(Stage::new);

fn place() -> Place {
    Place {
        issuer: "https://idp.metahexa.example/metadata".to_owned(),
        audience: "urn:auth0:portico:metahexa".to_owned(),
        acs: "https://login.portico.test/login/callback?connection=metahexa".to_owned(),
    }
}

fn recipe(whom: &str) -> Recipe {
    let mut recipe = Recipe::new(&place(), Some("_request"), NOW).about(whom);
    recipe.attributes.push(Attribute::several("groups", ["red", "blue", " green & \"white\" "]));
    recipe
}

impl Stage {
    fn new() -> Self {
        let keys = Keys::of_this_run();
        let trust = |key: &portico_fixtures::saml_document::Key| {
            TrustedKey::read(&key.certificate()).expect("a good key")
        };
        let mut stage = Self {
            trusted: [&keys.current, &keys.p256, &keys.p384].map(|key| trust(key)).into(),
            decryption: vec![
                DecryptionKey::read(&Secret::new(keys.service.private_pem())).expect("a good key"),
            ],
            policy: Policy::default(),
            documents: Vec::new(),
            genuine: 0,
            contents: Vec::new(),
        };
        for whom in ["low@metahexa.example", "admin@metahexa.example"] {
            stage.documents.extend(genuine(whom));
        }
        stage.genuine = stage.documents.len();
        for document in &stage.documents {
            let judged = stage.judged(document.written().as_bytes()).expect("a genuine document is accepted");
            if !stage.contents.contains(&judged) {
                stage.contents.push(judged);
            }
        }
        let forged = recipe("forged@metahexa.example");
        let (assertion, response) = (&stage.documents[0], &stage.documents[1]);
        let attacks = wrapped_assertions(assertion, &forged.assertion());
        let attacks = attacks.into_iter().chain(wrapped_responses(response, &forged.written()));
        let attacks: Vec<Element> = attacks.map(|(_, document)| document).collect();
        stage.documents.extend(attacks);
        stage.documents.push(forged.written());
        let foreign = Recipe { sign_assertion: Some(Signing::with(&keys.foreign)), ..forged };
        stage.documents.push(foreign.written());
        stage
    }

    fn judged(&self, document: &[u8]) -> Option<VerifiedAssertion> {
        let place = place();
        let expectations = Expectations {
            identity_provider: &place.issuer,
            service_provider: &place.audience,
            destination: &place.acs,
            recipient: &place.acs,
            trusted: &self.trusted,
            decryption: &self.decryption,
            policy: &self.policy,
            solicited: Solicited::By("_request"),
            signed_in_after: None,
            now: NOW,
        };
        let mut trace = Trace::new();
        let judged = judge(document, &expectations, &mut trace);
        assert_eq!(trace.fault(), judged.as_ref().err(), "the trace tells the outcome");
        judged.ok()
    }
}

/// What an identity provider sends about somebody, signed and encrypted in every way that is accepted.
fn genuine(whom: &str) -> Vec<Element> {
    let keys = Keys::of_this_run();
    let signing = |key: &Arc<_>| Some(Signing::with(key));
    let encryption = Encryption::to(&keys.service);
    let plain = recipe(whom);
    let assertion = |key| Recipe { sign_assertion: signing(key), ..plain.clone() };
    let response = |key| Recipe { sign_response: signing(key), ..plain.clone() };
    let sealed = |recipe: Recipe, content| Recipe {
        encrypt: Some(Encryption { content, ..encryption.clone() }),
        ..recipe
    };
    let both = Recipe { sign_response: signing(&keys.current), ..assertion(&keys.current) };
    let recipes = [
        assertion(&keys.current),
        response(&keys.current),
        both.clone(),
        assertion(&keys.p256),
        response(&keys.p384),
        sealed(assertion(&keys.p256), Content::Aes256Gcm),
        sealed(response(&keys.p256), Content::Aes128Cbc),
        sealed(both, Content::Aes128Gcm),
    ];
    recipes.into_iter().map(|recipe| recipe.renewed().written()).collect()
}

/// What has to hold for any bytes, which say how a genuine document is changed: the judgement does not panic, and what it
/// accepts is what was signed. Says whether the result is accepted.
///
/// The first byte chooses the document, the second how it is changed: by a stranger, by a stranger who knows the
/// certificate that is encrypted for, or by an identity provider itself, which signs whatever came of it.
///
/// # Panics
/// If it does not hold.
pub fn judgement(input: &[u8]) -> bool {
    let (head, script) = input.split_at(input.len().min(2));
    let (which, how) = (head.first().copied().unwrap_or(0), head.get(1).copied().unwrap_or(0));
    let document = STAGE.documents[usize::from(which) % STAGE.documents.len()].clone();
    let steps: Vec<&[u8]> = script.chunks(STEP).take(MOST).collect();
    match how % 4 {
        0 | 1 => strangers(document, &steps, how),
        2 => sealed_by_strangers(&document, &steps),
        _ => providers(&steps, how),
    }
}

/// What a stranger makes of a document. It says what was signed, or is refused.
fn strangers(mut document: Element, steps: &[&[u8]], how: u8) -> bool {
    let donor = &STAGE.documents[usize::from(how >> 2) % STAGE.genuine];
    let mut text = changed(&mut document, donor, steps);
    if how % 4 == 1 {
        // By way of the form that is posted.
        let mut field = STANDARD.encode(&text).into_bytes();
        if let Some(step) = steps.last() {
            unfold(&mut field, &mut Script(step));
        }
        let Ok(posted) = posted::document(&String::from_utf8_lossy(&field)) else { return false };
        text = posted;
    }
    is_genuine_or_refused(&text)
}

/// White space, and what is no base64, in a field.
fn unfold(field: &mut Vec<u8>, script: &mut Script<'_>) {
    let at = script.below(field.len() + 1);
    match script.below(5) {
        0 => drop(field.splice(at..at, *b"\r\n")),
        1 => drop(field.splice(at..at, *b"=")),
        2 => field.truncate(at),
        3 => drop(field.splice(at..at, *b"-_")),
        _ => {
            for byte in field.get_mut(at..at + 1).unwrap_or_default() {
                *byte ^= 1;
            }
        }
    }
}

/// What a stranger encrypts of what was signed.
fn sealed_by_strangers(document: &Element, steps: &[&[u8]]) -> bool {
    let Some(mut assertion) = document.find("saml:Assertion").cloned() else { return false };
    let donor = &STAGE.documents[0];
    let text = changed(&mut assertion, donor, steps);
    let sealed = Encryption::to(&Keys::of_this_run().service).encrypt_text(&text);
    let mut shell = recipe("low@metahexa.example").shell();
    shell.push(sealed);
    is_genuine_or_refused(shell.written().as_bytes())
}

fn is_genuine_or_refused(document: &[u8]) -> bool {
    let Some(accepted) = STAGE.judged(document) else { return false };
    assert!(
        STAGE.contents.contains(&accepted),
        "accepted, and nobody signed it: {accepted:?} in {}",
        String::from_utf8_lossy(document)
    );
    true
}

/// What an identity provider signs that writes strange documents: others read the same in it.
fn providers(steps: &[&[u8]], how: u8) -> bool {
    let mut assertion = recipe("low@metahexa.example").assertion();
    let donor = &STAGE.documents[1];
    for step in steps {
        trees::change(&mut assertion, donor, &mut Script(step));
    }
    let signing = Signing::with(&Keys::of_this_run().p256);
    if assertion.children.is_empty() {
        return false;
    }
    signing.sign(&mut assertion);
    let mut shell = recipe("low@metahexa.example").shell();
    let plain = {
        let mut plain = shell.clone();
        plain.push(assertion.clone());
        plain.written()
    };
    if how & 4 == 0 {
        shell.push(assertion);
    } else {
        shell.push(Encryption::to(&Keys::of_this_run().service).encrypt(&assertion));
    }
    let Some(accepted) = STAGE.judged(shell.written().as_bytes()) else { return false };
    let seen = witness::libxml2(plain.as_bytes()).unwrap_or_default();
    let (name_id, attributes) = said(&seen);
    assert_eq!(accepted.name_id().map(|name_id| &name_id.value), name_id.as_ref(), "another name in {plain}");
    let ours =
        accepted.attributes().iter().map(|attribute| (attribute.name.clone(), attribute.values.clone()));
    assert_eq!(ours.collect::<Vec<_>>(), attributes, "other attributes in {plain}");
    true
}

/// The name and the attributes that somebody else reads in a response.
fn said(seen: &Seen) -> (Option<String>, Vec<(String, Vec<String>)>) {
    let is = |element: &witness::Element, depth, local: &str| {
        element.depth == depth && element.namespace == ASSERTION && element.local == local
    };
    let mut name_id = None;
    let mut attributes: Vec<(String, Vec<String>)> = Vec::new();
    let mut parents: Vec<&str> = Vec::new();
    let mut is_nil = false;
    for element in seen {
        parents.truncate(element.depth);
        let inside = parents.last().copied().unwrap_or_default();
        parents.push(&element.local);
        let get = |namespace: &str, name: &str| {
            element.attributes.get(&(namespace.to_owned(), name.to_owned())).cloned().unwrap_or_default()
        };
        if is(element, 3, "NameID") && inside == "Subject" {
            name_id = Some(element.text.clone());
        } else if is(element, 3, "Attribute") {
            attributes.push((get("", "Name"), Vec::new()));
        } else if is(element, 4, "AttributeValue") {
            is_nil = matches!(&*get("http://www.w3.org/2001/XMLSchema-instance", "nil"), "true" | "1");
            if element.is_leaf && !is_nil {
                attributes.last_mut().expect("a value is in an attribute").1.push(element.text.clone());
            }
        } else if is(element, 5, "NameID") && inside == "AttributeValue" && !is_nil {
            attributes.last_mut().expect("a value is in an attribute").1.push(element.text.clone());
        }
    }
    (name_id, attributes)
}

/// A document after these changes: those of the tree first, and then those of its text.
fn changed(document: &mut Element, donor: &Element, steps: &[&[u8]]) -> Vec<u8> {
    let is_text = |step: &&&[u8]| step.first().is_some_and(|first| *first >= 0xa0);
    for step in steps.iter().filter(|step| !is_text(step)) {
        trees::change(document, donor, &mut Script(&step[1..]));
    }
    let mut text = document.written().into_bytes();
    for step in steps.iter().filter(is_text) {
        markup::change(&mut text, &mut Script(&step[1..]));
    }
    text
}

/// Inputs to begin with: every document as it is, in every way.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let all = 0..u8::try_from(STAGE.documents.len()).unwrap_or(u8::MAX);
    all.flat_map(|which| (0..4).map(move |how| vec![which, how])).collect()
}

/// The documents to begin with.
pub(crate) fn documents() -> &'static [Element] {
    &STAGE.documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_nobody_touched_are_accepted_and_attacks_are_not() {
        for which in 0..STAGE.documents.len() {
            let is_accepted = judgement(&[u8::try_from(which).unwrap(), 0]);
            assert_eq!(is_accepted, which < STAGE.genuine, "{which}");
        }
        assert_eq!(STAGE.contents.len(), STAGE.genuine, "each has an ID of its own");
        assert!(judgement(&[0, 3]), "what an identity provider signs");
        assert!(judgement(&[0, 7]), "and encrypts");
        assert!(judgement(&[0, 2]), "a stranger may encrypt what was signed");
        assert!(STAGE.documents[0].written().contains("<saml:NameID"));
    }
}
