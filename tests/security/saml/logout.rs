//! Owns SAML-52 to SAML-54: messages about ended sessions, which anybody can send.
//! Never touches how sessions end here, but that they do only when they should.

use super::hall::{Asked, Customer, Hall, SIGNED_IN, ended};
use crate::world::ISSUER;
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::model::EventKind;
use portico_fixtures::{
    browser::Browser,
    saml_document::{ASSERTION, Element, PROTOCOL, Signing, deflated, signed_query},
};
use std::time::Duration;
use url::form_urlencoded::byte_serialize;

const LOW: &str = "low@metahexa.example";

/// Where messages about a customer's sessions go.
fn place(customer: &Customer) -> String {
    format!("{ISSUER}samlp/logout?connection={}", customer.name)
}

/// A request to end the sessions of somebody, as the customer's identity provider writes it.
fn request(hall: &Hall, customer: &Customer, to: &str) -> Element {
    use portico_core::time::Clock;
    Element::new("samlp:LogoutRequest")
        .with("xmlns:samlp", PROTOCOL)
        .with("ID", "_logout")
        .with("Version", "2.0")
        .with("IssueInstant", hall.world.clock.now().iso())
        .with("Destination", to)
        .holding(Element::text("saml:Issuer", customer.idp.entity_id()).with("xmlns:saml", ASSERTION))
        .holding(Element::text("saml:NameID", LOW).with("xmlns:saml", ASSERTION))
}

/// The query of an honest request of the bank's.
fn honest(hall: &Hall) -> String {
    let request = request(hall, &hall.bank, &place(&hall.bank));
    signed_query("SAMLRequest", &request.written(), Some("state"), &hall.bank.signing())
}

/// A query of these parameters, signed as it stands.
fn signed(parameters: &str, signing: &Signing) -> String {
    let method: String = byte_serialize(signing.method.uri(&signing.key).as_bytes()).collect();
    let query = format!("{parameters}&SigAlg={method}");
    let signature: String = byte_serialize(signing.value_of(&query).as_bytes()).collect();
    format!("{query}&Signature={signature}")
}

/// Sign somebody in at MetaHexa's application, through its identity provider.
async fn signed_in(hall: &Hall) -> Browser {
    let mut browser = hall.world.browser();
    let asked: Asked = hall.begin(&mut browser, &hall.bank).await;
    let response = hall.recipe(&hall.bank, Some(&asked)).posted();
    let answered = hall.post(&mut browser, &hall.bank, (&response, Some(&asked.relay_state))).await;
    assert_eq!(answered, SIGNED_IN);
    browser
}

/// Whether a live session signs this browser in again.
async fn is_signed_in(hall: &Hall, browser: &Browser) -> bool {
    let more = [("connection", hall.bank.name), ("prompt", "none")];
    let url = hall.world.seed.authorize(&hall.bank.client, Some(&hall.bank.organization), &more);
    let mut browser = browser.clone();
    ended(browser.open(&url).await.expect("an answer")) == SIGNED_IN
}

/// Send a query to the bank's place; the status of the answer, and the check that failed if one did.
async fn send(hall: &Hall, query: &str) -> (u16, String) {
    hall.world.clock.advance(Duration::from_millis(1));
    let address = format!("{}&{query}", place(&hall.bank));
    let mut browser = hall.world.browser();
    let status = browser.open_only(&address).await.expect("an answer").status.as_u16();
    (status, hall.refusal().await)
}

/// All of these queries are refused for their reasons, and nobody is signed out by them; an honest one signs out.
async fn refuses(hall: &Hall, cases: Vec<(&str, String, &str)>) {
    let browser = signed_in(hall).await;
    for (name, query, expected) in cases {
        let (status, check) = send(hall, &query).await;
        assert_eq!((status, check.as_str()), (400, expected), "{name}");
    }
    assert!(is_signed_in(hall, &browser).await);
    let (status, _) = send(hall, &honest(hall)).await;
    assert_eq!(status, 303, "{}", hall.refusal().await);
    assert!(!is_signed_in(hall, &browser).await, "an honest request ends the session");
}

#[tokio::test]
async fn saml_52_what_unfolds_is_bounded() {
    let hall = Hall::open().await;
    let (signing, honest) = (hall.bank.signing(), request(&hall, &hall.bank, &place(&hall.bank)).written());
    let escaped = |value: &str| byte_serialize(value.as_bytes()).collect::<String>();
    let unsigned = |value: &str| format!("SAMLRequest={}", escaped(value));
    let with = |value: &str| signed(&unsigned(value), &signing);
    let bomb = deflated(&format!("{honest}{}", " ".repeat(8 << 20)));
    let trailing =
        STANDARD.encode([STANDARD.decode(deflated(&honest)).unwrap(), b"garbage".to_vec()].concat());
    let cut = deflated(&honest);
    let cases = vec![
        ("a bomb", with(&bomb), "too_large"),
        ("a bomb that nobody signed", unsigned(&bomb), "message_unsigned"),
        ("not deflated", with(&STANDARD.encode(&honest)), "deflate"),
        ("garbage behind it", with(&trailing), "deflate"),
        ("a part", with(&STANDARD.encode(&STANDARD.decode(&cut).unwrap()[..40])), "deflate"),
        ("no base64", with("!!!"), "base64"),
        ("nothing", with(""), "deflate"),
    ];
    refuses(&hall, cases).await;
}

#[tokio::test]
async fn saml_53_a_query_says_everything_once_and_as_it_was_signed() {
    let hall = Hall::open().await;
    let query = honest(&hall);
    let part = |name: &str| -> String {
        query.split('&').find(|pair| pair.starts_with(&format!("{name}="))).expect("it is there").to_owned()
    };
    let without = |name: &str| -> String {
        let kept: Vec<_> = query.split('&').filter(|pair| !pair.starts_with(&format!("{name}="))).collect();
        kept.join("&")
    };
    let twice = |name: &str| format!("{query}&{}", part(name));
    let other_order = {
        let mut parts: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("Sig")).collect();
        parts.reverse();
        signed(&parts.join("&"), &hall.bank.signing())
    };
    let lower = {
        let signature = part("Signature");
        let rest = without("Signature");
        // The same values, escaped otherwise than they were signed.
        format!("{}&{signature}", rest.replace("%3A", "%3a").replace("%2F", "%2f"))
    };
    let cases = vec![
        ("SAMLRequest twice", twice("SAMLRequest"), "query_shape"),
        ("RelayState twice", twice("RelayState"), "query_shape"),
        ("SigAlg twice", twice("SigAlg"), "query_shape"),
        ("Signature twice", twice("Signature"), "query_shape"),
        ("a response too", format!("{query}&SAMLResponse=x"), "query_shape"),
        ("a name in disguise", format!("{query}&%53AMLRequest=x"), "query_shape"),
        ("no message", without("SAMLRequest"), "query_shape"),
        ("no algorithm", without("SigAlg"), "message_unsigned"),
        ("no signature", without("Signature"), "message_unsigned"),
        ("no RelayState", without("RelayState"), "signature_invalid"),
        ("another RelayState", query.replace("RelayState=state", "RelayState=other"), "signature_invalid"),
        ("signed in another order", other_order, "signature_invalid"),
        ("escaped otherwise", lower, "signature_invalid"),
        (
            "a SHA-1 algorithm",
            query.replace("2001%2F04%2Fxmldsig-more%23rsa-sha256", "2000%2F09%2Fxmldsig%23rsa-sha1"),
            "signature_algorithm",
        ),
        ("no base64", format!("{}&Signature=!", without("Signature")), "signature_value"),
    ];
    refuses(&hall, cases).await;
}

#[tokio::test]
async fn saml_54_a_request_ends_sessions_once() {
    let hall = Hall::open().await;
    let node = hall.world.another_node().await;
    let kept = honest(&hall);
    let browser = signed_in(&hall).await;
    assert_eq!(send(&hall, &kept).await.0, 303);
    assert!(!is_signed_in(&hall, &browser).await);
    // Whoever has kept the address ends no session that began later: here, at another node, or with more around it.
    let browser = signed_in(&hall).await;
    for again in [kept.clone(), format!("{kept}&more=1")] {
        assert_eq!(send(&hall, &again).await, (400, "replayed".to_owned()));
    }
    let mut elsewhere = node.browser();
    let page = elsewhere.open_only(&format!("{}&{kept}", place(&hall.bank))).await.expect("an answer");
    assert_eq!(page.status, 400);
    assert!(is_signed_in(&hall, &browser).await);
    let ended = hall.world.events().await.into_iter().filter(|event| event.kind == EventKind::Logout).count();
    assert_eq!(ended, 1);
    // Until nobody would take it any more for being old.
    hall.world.clock.advance(Duration::from_mins(7));
    assert_eq!(send(&hall, &kept).await, (400, "issued_too_long_ago".to_owned()));
    // A new request with the same words is another one.
    let mut fresh = request(&hall, &hall.bank, &place(&hall.bank));
    fresh.set("ID", "_another");
    let fresh = signed_query("SAMLRequest", &fresh.written(), None, &hall.bank.signing());
    assert_eq!(send(&hall, &fresh).await.0, 303);
    assert!(!is_signed_in(&hall, &browser).await);
}

#[tokio::test]
async fn saml_54_only_the_connections_own_identity_provider_ends_its_sessions() {
    let hall = Hall::open().await;
    let there = place(&hall.bank);
    let (bank, firm) = (hall.bank.signing(), hall.firm.signing());
    let own = request(&hall, &hall.bank, &there);
    let query =
        |message: &Element, signing: &Signing| signed_query("SAMLRequest", &message.written(), None, signing);
    let mut stranger = own.clone();
    stranger.part("saml:Issuer").say(hall.firm.idp.entity_id());
    let mut astray = own.clone();
    astray.set("Destination", place(&hall.firm));
    let mut nowhere = own.clone();
    nowhere.unset("Destination");
    let mut old = own.clone();
    old.set("IssueInstant", "2026-11-24T11:00:00Z");
    let mut nobody = own.clone();
    nobody.part("saml:NameID").say(" ");
    let unsigned: String = byte_serialize(deflated(&own.written()).as_bytes()).collect();
    let cases = vec![
        ("unsigned", format!("SAMLRequest={unsigned}"), "message_unsigned"),
        ("signed by another's provider", query(&own, &firm), "signature_invalid"),
        ("another's provider, signed by it", query(&stranger, &firm), "signature_invalid"),
        ("another's provider, signed by ours", query(&stranger, &bank), "issuer_wrong"),
        ("meant for another connection", query(&astray, &bank), "destination_wrong"),
        ("meant for no place", query(&nowhere, &bank), "destination_missing"),
        ("an hour old", query(&old, &bank), "issued_too_long_ago"),
        ("about nobody", query(&nobody, &bank), "name_id"),
    ];
    refuses(&hall, cases).await;
}

#[tokio::test]
async fn saml_54_a_posted_request_is_signed_itself_and_not_a_part_of_it() {
    let hall = Hall::open().await;
    let browser = signed_in(&hall).await;
    let there = place(&hall.bank);
    let own = request(&hall, &hall.bank, &there);
    let mut good = own.clone();
    hall.bank.signing().sign(&mut good);
    let mut foreign = own.clone();
    hall.firm.signing().sign(&mut foreign);
    // What the attacker has: an assertion that the bank signed, of a login of their own.
    let assertion = hall.recipe(&hall.bank, None).signed_assertion();
    let holding = own.clone().holding(assertion.clone());
    let mut extended = own.clone();
    extended.insert(1, Element::new("samlp:Extensions").holding(assertion.clone()));
    let mut stolen = own.clone();
    stolen.insert(1, assertion.find("ds:Signature").expect("it is signed").clone());
    let mut other = good.clone();
    other.part("saml:NameID").say("high@metahexa.example");
    let post = async |message: &Element| {
        hall.world.clock.advance(Duration::from_millis(1));
        let from = format!("{}/", hall.bank.idp.base());
        let fields = [("SAMLRequest", STANDARD.encode(message.written()))];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut sender = hall.world.browser();
        sender.forge(&from, &there, &fields).await.expect("an answer");
        (sender.page.expect("a page").status.as_u16(), hall.refusal().await)
    };
    for (name, message, expected) in [
        ("unsigned", own, "message_unsigned"),
        ("signed by another's provider", foreign, "signature_invalid"),
        ("around a signed assertion", holding, "element_foreign"),
        ("a signed assertion in the extensions", extended, "extensions"),
        ("with the signature of an assertion", stolen, "reference_uri_foreign"),
        ("changed after it was signed", other, "signature_invalid"),
    ] {
        let (status, check) = post(&message).await;
        assert_eq!((status, check.as_str()), (400, expected), "{name}");
    }
    assert!(is_signed_in(&hall, &browser).await);
    let (status, check) = post(&good).await;
    assert!(status < 400, "{check}");
    assert!(!is_signed_in(&hall, &browser).await);
}
