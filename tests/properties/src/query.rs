//! Owns what has to hold for messages in a query: what is accepted is what was signed, octet by octet.
//! Never touches what the messages say.

use crate::{
    choices::{Choices, Script},
    markup,
};
use portico_fixtures::saml_document::{Keys, Signing, signed_query};
use portico_saml::{
    gate::{scan, shape},
    key::TrustedKey,
    query::verified,
};
use std::sync::LazyLock;

const REQUEST: &str = concat!(
    r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0" "#,
    r#"IssueInstant="2026-11-24T12:00:00Z" Destination="https://login.portico.test/samlp/logout?connection=metahexa">"#,
    r#"<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://idp.metahexa.example/metadata</saml:Issuer>"#,
    r#"<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">low@metahexa.example</saml:NameID>"#,
    "<samlp:SessionIndex>_s</samlp:SessionIndex></samlp:LogoutRequest>"
);
const RESPONSE: &str = concat!(
    r#"<samlp:LogoutResponse xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_b" Version="2.0" "#,
    r#"IssueInstant="2026-11-24T12:00:00Z" InResponseTo="_a"><samlp:Status><samlp:StatusCode "#,
    r#"Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>"#
);

/// The most bytes that a query may have, and that a message may unfold to (SAML-52).
const MOST: usize = 64 << 10;

/// A signed query, and what it says.
struct Genuine {
    query: String,
    is_request: bool,
    document: &'static str,
    relay_state: Option<&'static str>,
}

static TRUSTED: LazyLock<[TrustedKey; 2]> = LazyLock::new(|| {
    let keys = Keys::of_this_run();
    [&keys.current, &keys.p256].map(|key| TrustedKey::read(&key.certificate()).expect("a good key"))
});

static GENUINE: LazyLock<Vec<Genuine>> = LazyLock::new(|| {
    let keys = Keys::of_this_run();
    let mut all = Vec::new();
    for key in [&keys.current, &keys.p256] {
        for (is_request, document) in [(true, REQUEST), (false, RESPONSE)] {
            for relay_state in [None, Some("a b&c/%41=é"), Some("")] {
                let name = if is_request { "SAMLRequest" } else { "SAMLResponse" };
                let query = signed_query(name, document, relay_state, &Signing::with(key));
                all.push(Genuine { query, is_request, document, relay_state });
            }
        }
    }
    all
});

/// What has to hold for any bytes, which say how a signed query is changed: no panic, and what is accepted is what was
/// signed. Says whether it is accepted.
///
/// The first byte chooses the query; if it is 128 or more, the identity provider signs whatever came of its message.
///
/// # Panics
/// If it does not hold.
pub fn query(input: &[u8]) -> bool {
    let (first, script) = input.split_first().unwrap_or((&0, &[]));
    let genuine = &GENUINE[usize::from(*first) % GENUINE.len()];
    let steps: Vec<&[u8]> = script.chunks(super::judgement::STEP).take(24).collect();
    if *first >= 128 { signed_after(genuine, &steps) } else { strangers(genuine, &steps) }
}

fn strangers(genuine: &Genuine, steps: &[&[u8]]) -> bool {
    let mut query = genuine.query.clone().into_bytes();
    for step in steps {
        change(&mut query, &mut Script(step));
    }
    let query = String::from_utf8_lossy(&query);
    let keys: Vec<&TrustedKey> = TRUSTED.iter().collect();
    let Ok(delivered) = verified(&query, &keys) else { return false };
    let is_signed = GENUINE.iter().any(|genuine| {
        delivered.is_request == genuine.is_request
            && delivered.document == genuine.document.as_bytes()
            && delivered.relay_state.as_deref() == genuine.relay_state
    });
    assert!(is_signed, "accepted, and nobody signed it: {delivered:?} in {query}");
    true
}

fn signed_after(genuine: &Genuine, steps: &[&[u8]]) -> bool {
    let mut message = genuine.document.as_bytes().to_vec();
    for step in steps {
        markup::change(&mut message, &mut Script(step));
    }
    let message = String::from_utf8_lossy(&message);
    let name = if genuine.is_request { "SAMLRequest" } else { "SAMLResponse" };
    let query = signed_query(name, &message, genuine.relay_state, &Signing::with(&Keys::of_this_run().p256));
    let keys: Vec<&TrustedKey> = TRUSTED.iter().collect();
    let delivered = match verified(&query, &keys) {
        Ok(delivered) => delivered,
        Err(_) if message.len() > MOST || query.len() > MOST => return false,
        Err(fault) => panic!("what the identity provider signs is delivered: {fault}"),
    };
    assert_eq!(String::from_utf8_lossy(&delivered.document), message);
    let kind = if genuine.is_request { shape::Kind::LogoutRequest } else { shape::Kind::LogoutResponse };
    let Ok(tree) = scan(&delivered.document) else { return false };
    crate::gate::agree(&tree);
    shape::message(&tree, kind).is_ok()
}

const SNIPPETS: &[&str] = &[
    "&",
    "=",
    "%",
    "%25",
    "%3D",
    "%3d",
    "%26",
    "+",
    "%20",
    "#",
    "?",
    ";",
    "\0",
    "é",
    "&&",
    "&a=b",
    "a=b&",
    "SAMLRequest",
    "&SAMLRequest=",
    "&SAMLResponse=",
    "&RelayState=",
    "&RelayState=x",
    "&SigAlg=",
    "&Signature=",
    "&SAMLEncoding=",
    "&saml%52equest=x",
    "&SAMLReq%75est=x",
    "&Relay%53tate=x",
    "&Sig%41lg=x",
    "[]",
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
];

/// Change a query once.
fn change(query: &mut Vec<u8>, choices: &mut impl Choices) {
    let at = choices.below(query.len() + 1);
    match choices.below(8) {
        0 | 1 => drop(query.splice(at..at, choices.of(SNIPPETS).bytes())),
        2 => {
            // A letter in disguise.
            if let Some(byte) = query.get(at).copied() {
                let written = format!("%{byte:02x}");
                let written = if choices.below(2) == 0 { written } else { written.to_uppercase() };
                query.splice(at..=at, written.bytes());
            }
        }
        3 => {
            for byte in query.get_mut(at..at + 1).unwrap_or_default() {
                *byte = u8::try_from(choices.below(256)).unwrap_or(0);
            }
        }
        4 => {
            let length = choices.below(16).min(query.len() - at);
            query.drain(at..at + length);
        }
        // Parameters: one more time, elsewhere, left out, or those of another query.
        number => {
            let mut pairs: Vec<Vec<u8>> = query.split(|byte| *byte == b'&').map(<[u8]>::to_vec).collect();
            let which = choices.below(pairs.len());
            let to = choices.below(pairs.len() + 1);
            match number {
                5 => {
                    let pair = pairs[which].clone();
                    pairs.insert(to, pair);
                }
                6 => {
                    let pair = pairs.remove(which);
                    pairs.insert(to.min(pairs.len()), pair);
                }
                _ => {
                    let other = &GENUINE[choices.below(GENUINE.len())].query;
                    let others: Vec<&str> = other.split('&').collect();
                    others[choices.below(others.len())].as_bytes().clone_into(&mut pairs[which]);
                }
            }
            *query = pairs.join(&b'&');
        }
    }
}

/// Inputs to begin with.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let all = 0..u8::try_from(GENUINE.len()).unwrap_or(u8::MAX);
    all.flat_map(|which| [vec![which], vec![which + 132]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_nobody_touched_are_accepted() {
        for which in 0..GENUINE.len() {
            assert!(query(&[u8::try_from(which).unwrap()]), "{which}");
        }
        assert!(query(&[132]), "what the identity provider signs");
    }
}
