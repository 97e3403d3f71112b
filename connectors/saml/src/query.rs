//! Owns messages that come in a query (SAML Bindings §3.4): which parameters there are, the signature over them as they
//! came, and what they unfold to.
//! Never touches what a message says.

use crate::{
    fault::Fault,
    key::{Family, TrustedKey},
    reason::Reason,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::DeflateDecoder;
use openssl::{bn::BigNum, ecdsa::EcdsaSig, hash::MessageDigest, sign::Verifier};
use std::io::Read;

/// The most bytes of a query.
const MAX_QUERY: usize = 64 << 10;
/// The most bytes that a message may unfold to (SAML-52).
const MAX_DOCUMENT: usize = 64 << 10;

/// A message, verified: the bytes of its document, and what came with it.
#[derive(Debug, Eq, PartialEq)]
pub struct Delivered {
    /// Whether it is `SAMLRequest`; otherwise it is `SAMLResponse`.
    pub is_request: bool,
    /// The document.
    pub document: Vec<u8>,
    /// `RelayState`, as its sender wants it back.
    pub relay_state: Option<String>,
}

/// Parameters as they came, octet by octet: what is signed is what was sent, however it was encoded.
#[derive(Default)]
struct Raw<'q> {
    request: Option<&'q str>,
    response: Option<&'q str>,
    relay_state: Option<&'q str>,
    algorithm: Option<&'q str>,
    signature: Option<&'q str>,
}

/// Verify the signature of a query with one of these keys, and unfold its message. Nothing is unfolded before.
pub fn verified(query: &str, keys: &[&TrustedKey]) -> Result<Delivered, Fault> {
    if query.len() > MAX_QUERY {
        return Err(Fault::new(Reason::TooLarge, MAX_QUERY, query.len()));
    }
    let raw = raw(query)?;
    let (name, message) = match (raw.request, raw.response) {
        (Some(request), None) => ("SAMLRequest", request),
        (None, Some(response)) => ("SAMLResponse", response),
        (Some(_), Some(_)) => {
            return Err(Fault::new(Reason::QueryShape, "", "both a request and a response"));
        }
        (None, None) => return Err(Fault::new(Reason::QueryShape, "", "neither a request nor a response")),
    };
    let (Some(algorithm), Some(signature)) = (raw.algorithm, raw.signature) else {
        return Err(Reason::MessageUnsigned.into());
    };
    let mut signed = format!("{name}={message}");
    if let Some(relay_state) = raw.relay_state {
        signed.push_str("&RelayState=");
        signed.push_str(relay_state);
    }
    signed.push_str("&SigAlg=");
    signed.push_str(algorithm);
    check(&signed, &decoded(algorithm), &decoded(signature), keys)?;
    Ok(Delivered {
        is_request: name == "SAMLRequest",
        document: unfolded(&decoded(message))?,
        relay_state: raw.relay_state.map(decoded),
    })
}

/// Each parameter of the binding at most once (SAML-53); others are no business of the binding's.
fn raw(query: &str) -> Result<Raw<'_>, Fault> {
    let mut raw = Raw::default();
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = match name {
            "SAMLRequest" => &mut raw.request,
            "SAMLResponse" => &mut raw.response,
            "RelayState" => &mut raw.relay_state,
            "SigAlg" => &mut raw.algorithm,
            "Signature" => &mut raw.signature,
            _ => {
                // A name in disguise would be read by nobody who signs, and by others who decode first.
                let plain = decoded(name);
                if ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature", "SAMLEncoding"]
                    .contains(&&*plain)
                {
                    return Err(Fault::new(Reason::QueryShape, "", format_args!("`{plain}`")));
                }
                continue;
            }
        };
        if place.replace(value).is_some() {
            return Err(Fault::new(Reason::QueryShape, "", format_args!("`{name}` twice")));
        }
    }
    Ok(raw)
}

fn check(signed: &str, algorithm: &str, signature: &str, keys: &[&TrustedKey]) -> Result<(), Fault> {
    let (family, digest) = match algorithm {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" => (Family::Rsa, MessageDigest::sha256()),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" => (Family::Rsa, MessageDigest::sha384()),
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" => (Family::Rsa, MessageDigest::sha512()),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" => (Family::Ecdsa, MessageDigest::sha256()),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" => (Family::Ecdsa, MessageDigest::sha384()),
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" => (Family::Ecdsa, MessageDigest::sha512()),
        other => return Err(Fault::new(Reason::SignatureAlgorithm, "", other)),
    };
    let packed: String = signature.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_not_base64| Fault::from(Reason::SignatureValue))?;
    let bytes = if family == Family::Ecdsa { der(&bytes) } else { Some(bytes) };
    let verifies = |key: &&&TrustedKey| {
        let check =
            |bytes: &[u8]| Verifier::new(digest, key.public())?.verify_oneshot(bytes, signed.as_bytes());
        key.family() == family && bytes.as_ref().is_some_and(|bytes| check(bytes).unwrap_or(false))
    };
    if keys.iter().any(|key| verifies(&key)) {
        return Ok(());
    }
    let trusted: Vec<_> = keys.iter().map(|key| format!("sha256 {}", key.fingerprint())).collect();
    Err(Fault::new(Reason::SignatureInvalid, trusted.join(", "), ""))
}

/// An ECDSA signature as XML Signature writes it (RFC 6931 §2.3.6: both numbers, one behind the other), for the library.
fn der(bytes: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = bytes.split_at_checked(bytes.len() / 2).filter(|(r, s)| r.len() == s.len())?;
    let signature =
        EcdsaSig::from_private_components(BigNum::from_slice(r).ok()?, BigNum::from_slice(s).ok()?);
    signature.ok()?.to_der().ok()
}

/// Base64 of a deflated document: all of it, nothing behind it, and never more than may be.
fn unfolded(text: &str) -> Result<Vec<u8>, Fault> {
    let packed: String = text.split_ascii_whitespace().collect();
    let deflated = STANDARD.decode(packed).map_err(|_not_base64| Fault::from(Reason::Base64))?;
    let mut decoder = DeflateDecoder::new(deflated.as_slice());
    let mut document = Vec::new();
    let most = u64::try_from(MAX_DOCUMENT).unwrap_or(u64::MAX) + 1;
    decoder
        .by_ref()
        .take(most)
        .read_to_end(&mut document)
        .map_err(|_not_deflated| Fault::from(Reason::Deflate))?;
    if document.len() > MAX_DOCUMENT {
        return Err(Fault::new(Reason::TooLarge, MAX_DOCUMENT, "more"));
    }
    let read = usize::try_from(decoder.total_in()).unwrap_or(usize::MAX);
    if read == deflated.len() { Ok(document) } else { Err(Reason::Deflate.into()) }
}

/// A value as it is meant.
fn decoded(value: &str) -> String {
    form_urlencoded::parse(format!("v={value}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        message::{Message, SAMLP},
        settings::Binding,
        testing::signing,
        xml::Element,
    };
    use flate2::{Compression, write::DeflateEncoder};
    use portico_core::connector::Interaction;
    use std::io::Write;

    fn sent(text: &str) -> (String, TrustedKey) {
        let (key, certificate) = signing();
        let message = Message {
            parameter: "SAMLRequest",
            id: "_a",
            root: Element::new("samlp:LogoutRequest").namespace("samlp", SAMLP).text(text),
            relay_state: Some("a b&c/%41"),
            signing: Some(&key),
        };
        let place = "https://login.test/samlp/logout".parse().unwrap();
        let Interaction::Redirect(url) = message.toward(&place, Binding::Redirect).unwrap() else { panic!() };
        (url.query().unwrap().to_owned(), TrustedKey::from_der(&certificate.to_der().unwrap()).unwrap())
    }

    fn reason(query: &str, key: &TrustedKey) -> Reason {
        verified(query, &[key]).unwrap_err().reason()
    }

    #[test]
    fn a_signed_query_is_verified_as_it_came_whatever_stands_around_it() {
        let (query, key) = sent("x");
        let delivered = verified(&query, &[&key]).unwrap();
        assert!(delivered.is_request);
        assert_eq!(delivered.relay_state.as_deref(), Some("a b&c/%41"));
        assert!(String::from_utf8(delivered.document).unwrap().ends_with(">x</samlp:LogoutRequest>"));
        assert!(verified(&format!("connection=metahexa&{query}&other=1"), &[&key]).is_ok());
        let mut reversed: Vec<&str> = query.split('&').collect();
        reversed.reverse();
        assert!(
            verified(&reversed.join("&"), &[&key]).is_ok(),
            "the order is the signature's, not the query's"
        );
    }

    #[test]
    fn saml_53_parameters_that_are_missing_doubled_or_written_otherwise_are_refused() {
        let (query, key) = sent("x");
        let pairs: Vec<&str> = query.split('&').collect();
        for missing in ["SigAlg", "Signature"] {
            let left: Vec<&str> = pairs.iter().copied().filter(|pair| !pair.starts_with(missing)).collect();
            assert_eq!(reason(&left.join("&"), &key), Reason::MessageUnsigned, "{missing}");
        }
        let state = pairs.iter().copied().filter(|pair| !pair.starts_with("RelayState")).collect::<Vec<_>>();
        assert_eq!(reason(&state.join("&"), &key), Reason::SignatureInvalid, "RelayState is signed");
        for pair in &pairs {
            assert_eq!(reason(&format!("{query}&{pair}"), &key), Reason::QueryShape, "{pair}");
        }
        assert_eq!(reason(&format!("{query}&SAMLResponse=x"), &key), Reason::QueryShape);
        assert_eq!(reason(&format!("{query}&%53AMLRequest=x"), &key), Reason::QueryShape);
        assert_eq!(reason(&format!("{query}&SAMLEncoding=x"), &key), Reason::QueryShape);
        assert_eq!(reason("", &key), Reason::QueryShape);
        let other = query.replace("%2F", "%2f");
        assert_ne!(other, query);
        assert_eq!(reason(&other, &key), Reason::SignatureInvalid, "encoded otherwise is signed otherwise");
        let weak = query.replace("rsa-sha256", "rsa-sha1");
        assert_eq!(reason(&weak, &key), Reason::SignatureAlgorithm);
        let (_, stranger) = sent("x");
        assert_eq!(reason(&query, &stranger), Reason::SignatureInvalid);
    }

    #[test]
    fn saml_52_a_message_unfolds_to_little_and_to_nothing_else() {
        let packed = |document: &[u8]| {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(document).unwrap();
            encoder.finish().unwrap()
        };
        let unfold = |bytes: &[u8]| unfolded(&STANDARD.encode(bytes)).map_err(|fault| fault.reason());
        assert_eq!(unfold(&packed(b"<a/>")).unwrap(), b"<a/>");
        assert_eq!(unfold(&packed(&vec![b' '; MAX_DOCUMENT])).unwrap().len(), MAX_DOCUMENT);
        assert_eq!(unfold(&packed(&vec![b' '; MAX_DOCUMENT + 1])), Err(Reason::TooLarge));
        let bomb = packed(&vec![0; 40 << 20]);
        assert!(bomb.len() < MAX_DOCUMENT, "it would fit into a query");
        assert_eq!(unfold(&bomb), Err(Reason::TooLarge));
        let mut trailing = packed(b"<a/>");
        trailing.extend(b"<b/>");
        assert_eq!(unfold(&trailing), Err(Reason::Deflate));
        for raw in [&b"<samlp:LogoutRequest/>"[..], b"", &packed(b"<a/>")[..3]] {
            assert_eq!(unfold(raw), Err(Reason::Deflate), "{raw:?}");
        }
    }
}
