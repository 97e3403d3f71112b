//! Owns SAML-33 to SAML-42, and of SAML-62 and SAML-63 what documents say: for whom, when, and in answer to what.
//! Never touches signatures: everything here is signed as it should be.

use super::{ACCEPTED, ACS, AUDIENCE, Desk, REQUEST, signing};
use portico_core::time::Timestamp;
use portico_fixtures::saml_document::{Authn, Confirmation, Element, Recipe};
use portico_saml::expectations::Solicited;
use std::time::Duration;

const CROSS: &str = "https://login.portico.test/login/callback?connection=hoekstra-saml";
const SIBLING: &str = "urn:portico:hoekstra-saml";

/// Recipes with a change each, and what becomes of them.
fn expect<'c>(desk: &Desk, cases: impl IntoIterator<Item = (&'c str, Recipe, &'c str)>) {
    desk.expect(cases.into_iter().map(|(name, recipe, expected)| (name, recipe.written(), expected)));
}

fn changed(recipe: Recipe, change: impl FnOnce(&mut Recipe)) -> Recipe {
    let mut recipe = recipe;
    change(&mut recipe);
    recipe
}

/// The changed honest answer, its assertion signed.
fn but(desk: &Desk, change: impl FnOnce(&mut Recipe)) -> Recipe {
    changed(desk.recipe(), change)
}

fn confirmation(recipe: &mut Recipe) -> &mut Confirmation {
    &mut recipe.confirmations[0]
}

#[test]
fn saml_33_a_response_goes_where_it_was_sent() {
    let desk = Desk::open();
    let elsewhere = [
        "https://evil.example/login/callback?connection=metahexa-saml",
        CROSS,
        "https://login.portico.test/login/callback",
        "https://login.portico.test/login/callback?connection=metahexa-saml/",
        "https://login.portico.test/login/callback/?connection=metahexa-saml",
        "https://LOGIN.portico.test/login/callback?connection=metahexa-saml",
        "https://login.portico.test:443/login/callback?connection=metahexa-saml",
        "http://login.portico.test/login/callback?connection=metahexa-saml",
        "https://login.portico.test/login/callback?connection=metahexa-saml&connection=hoekstra-saml",
        " ",
    ];
    let to = |recipe: Recipe, place: Option<&str>| {
        changed(recipe, |recipe| recipe.destination = place.map(str::to_owned)).written()
    };
    desk.expect(elsewhere.map(|place| (place, to(desk.response_signed(), Some(place)), "destination_wrong")));
    desk.expect(elsewhere.map(|place| (place, to(desk.recipe(), Some(place)), "destination_wrong")));
    desk.expect([
        ("none, and the response is signed", to(desk.response_signed(), None), "destination_missing"),
        ("none, and the response is not signed", to(desk.recipe(), None), ACCEPTED),
    ]);
    desk.still_works();
}

#[test]
fn saml_34_an_assertion_is_delivered_to_its_recipient() {
    let desk = Desk::open();
    let for_whom = |recipient: Option<&str>| {
        but(&desk, |recipe| confirmation(recipe).recipient = recipient.map(str::to_owned))
    };
    expect(
        &desk,
        [
            ("another connection", for_whom(Some(CROSS)), "recipient_wrong"),
            ("another host", for_whom(Some("https://evil.example/")), "recipient_wrong"),
            ("in capitals", for_whom(Some(&ACS.to_uppercase())), "recipient_wrong"),
            ("empty", for_whom(Some("")), "recipient_wrong"),
            ("none", for_whom(None), "recipient_missing"),
        ],
    );
    desk.still_works();
}

#[test]
fn saml_35_the_bearer_is_confirmed_once() {
    let desk = Desk::open();
    let good = desk.recipe().confirmations.remove(0);
    let key =
        Confirmation { method: "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key".to_owned(), ..good.clone() };
    let bad = Confirmation { recipient: Some(CROSS.to_owned()), ..good.clone() };
    let with = |confirmations: Vec<Confirmation>| but(&desk, |recipe| recipe.confirmations = confirmations);
    let early = Confirmation { not_before: Some(desk.now.minus(Duration::from_mins(1))), ..good.clone() };
    let endless = Confirmation { not_on_or_after: None, ..good.clone() };
    expect(
        &desk,
        [
            ("none", with(vec![]), "confirmation_missing"),
            ("holder of a key", with(vec![key.clone()]), "confirmation_missing"),
            ("a bad one and a good one", with(vec![bad.clone(), good.clone()]), ACCEPTED),
            ("holder of a key, and the bearer", with(vec![key, good.clone()]), ACCEPTED),
            ("two bad ones", with(vec![bad.clone(), bad]), "recipient_wrong"),
            ("not before", with(vec![early]), "confirmation_not_before"),
            ("without an end", with(vec![endless]), "confirmation_endless"),
        ],
    );
    desk.still_works();
}

#[test]
fn saml_36_every_restriction_names_this_connection() {
    let desk = Desk::open();
    let with = |audiences: &[&[&str]]| {
        but(&desk, |recipe| {
            let audiences = audiences.iter().map(|all| all.iter().map(|one| (*one).to_owned()).collect());
            recipe.conditions.as_mut().expect("conditions").audiences = audiences.collect();
        })
    };
    expect(
        &desk,
        [
            ("none", with(&[]), "audience_missing"),
            ("an empty one", with(&[&[]]), "audience_wrong"),
            ("another's", with(&[&["urn:portico:other"]]), "audience_wrong"),
            ("the sibling's", with(&[&[SIBLING]]), "audience_wrong"),
            ("in capitals", with(&[&[&AUDIENCE.to_uppercase()]]), "audience_wrong"),
            ("longer", with(&[&["urn:portico:metahexa-saml:x"]]), "audience_wrong"),
            ("two, the first wrong", with(&[&[SIBLING], &[AUDIENCE]]), "audience_wrong"),
            ("two, the second wrong", with(&[&[AUDIENCE], &[SIBLING]]), "audience_wrong"),
            ("two, both right", with(&[&[AUDIENCE], &[SIBLING, AUDIENCE]]), ACCEPTED),
            ("among others", with(&[&[SIBLING, AUDIENCE]]), ACCEPTED),
        ],
    );
}

#[test]
fn saml_37_an_assertion_has_conditions_and_only_known_ones() {
    let desk = Desk::open();
    let with = |element: Element| {
        but(&desk, |recipe| recipe.conditions.as_mut().expect("conditions").others = vec![element])
    };
    let unknown = Element::new("saml:Condition")
        .with("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
        .with("xsi:type", "saml:ProxyRestriction");
    expect(
        &desk,
        [
            ("none", but(&desk, |recipe| recipe.conditions = None), "conditions_missing"),
            ("an unknown one", with(unknown), "condition_unknown"),
            ("to be used once", with(Element::new("saml:OneTimeUse")), ACCEPTED),
        ],
    );
}

#[test]
fn saml_38_clocks_may_differ_by_a_minute() {
    let desk = Desk::open();
    let now = desk.now;
    let (after, before) =
        (|seconds| now.plus(Duration::from_secs(seconds)), |seconds| now.minus(Duration::from_secs(seconds)));
    let conditions = |from: Timestamp, until: Timestamp| {
        but(&desk, |recipe| {
            let conditions = recipe.conditions.as_mut().expect("conditions");
            (conditions.not_before, conditions.not_on_or_after) = (Some(from), Some(until));
        })
    };
    let confirmed =
        |until: Timestamp| but(&desk, |recipe| confirmation(recipe).not_on_or_after = Some(until));
    let issued = |at: Timestamp| but(&desk, |recipe| recipe.issue_instant = at);
    let long = after(24 * 3600 + 1);
    expect(
        &desk,
        [
            ("not yet", conditions(after(61), after(300)), "not_yet_valid"),
            ("almost", conditions(after(59), after(300)), ACCEPTED),
            ("not any more", conditions(before(300), before(61)), "expired"),
            ("just still", conditions(before(300), before(59)), ACCEPTED),
            ("confirmed until a while ago", confirmed(before(61)), "confirmation_expired"),
            ("confirmed until just now", confirmed(before(59)), ACCEPTED),
            ("issued later", issued(after(61)), "issued_in_future"),
            ("issued a little later", issued(after(59)), ACCEPTED),
            ("issued next year", issued(after(365 * 24 * 3600)), "issued_in_future"),
            ("issued ten minutes ago", issued(before(600)), "issued_too_long_ago"),
            ("issued five minutes ago", issued(before(299)), ACCEPTED),
            ("for longer than a day", conditions(before(30), long), "lifetime"),
            ("for a day", conditions(before(30), after(24 * 3600)), ACCEPTED),
        ],
    );
    let written = |text: &str| {
        let mut assertion = desk.recipe().assertion();
        assertion.set("IssueInstant", text);
        signing().sign(&mut assertion);
        desk.recipe().shell().holding(assertion)
    };
    desk.expect([
        ("no instant", written("yesterday"), "time_format"),
        ("empty", written(""), "time_format"),
        ("a day that is none", written("2026-02-30T00:00:00Z"), "time_format"),
        ("no zone", written("2026-11-24T12:00:00"), "time_format"),
    ]);
    desk.still_works();
}

#[test]
fn saml_39_our_session_ends_with_theirs() {
    let desk = Desk::open();
    let until = |at: Timestamp| {
        but(&desk, |recipe| recipe.authn.as_mut().expect("a statement").session_not_on_or_after = Some(at))
    };
    let quarter = desk.now.plus(Duration::from_mins(15));
    assert_eq!(desk.serve(&until(desk.now.minus(Duration::from_secs(61)))), "session_over");
    let assertion = desk.verdict(until(quarter).written().written().as_bytes()).expect("it is accepted");
    assert_eq!(assertion.session_not_on_or_after(), Some(quarter));
    let endless = desk.verdict(desk.recipe().written().written().as_bytes()).expect("it is accepted");
    assert_eq!(endless.session_not_on_or_after(), None);
}

#[test]
fn saml_40_somebody_signed_in_and_as_they_were_asked_to() {
    let mut desk = Desk::open();
    let (later, earlier) = (desk.now.plus(Duration::from_mins(2)), desk.now.minus(Duration::from_mins(30)));
    let at = |desk: &Desk, instant: Timestamp| {
        but(desk, |recipe| recipe.authn.as_mut().expect("a statement").instant = instant)
    };
    expect(
        &desk,
        [
            ("nobody", but(&desk, |recipe| recipe.authn = None), "authn_statement_missing"),
            ("in the future", at(&desk, later), "authn_instant_in_future"),
            ("a while ago", at(&desk, earlier), ACCEPTED),
        ],
    );
    desk.signed_in_after = Some(desk.now.minus(Duration::from_mins(2)));
    expect(
        &desk,
        [
            ("a while ago, and a fresh sign-in was asked for", at(&desk, earlier), "authn_instant_old"),
            ("just now", desk.recipe(), ACCEPTED),
        ],
    );
    let strong = "https://refeds.org/profile/mfa";
    desk.policy.authn_contexts = vec![strong.to_owned()];
    let stronger = but(&desk, |recipe| {
        recipe.authn = recipe.authn.take().map(|authn| Authn { context: strong.to_owned(), ..authn });
    });
    expect(
        &desk,
        [("by a password alone", desk.recipe(), "authn_context"), ("as asked", stronger, ACCEPTED)],
    );
}

#[test]
fn saml_41_an_answer_names_the_request_it_answers() {
    let desk = Desk::open();
    let answering = |response: Option<&str>, subject: Option<&str>| {
        but(&desk, |recipe| {
            recipe.in_response_to = response.map(str::to_owned);
            confirmation(recipe).in_response_to = subject.map(str::to_owned);
        })
    };
    let other = Some("_another-request");
    let right = Some(REQUEST);
    expect(
        &desk,
        [
            ("neither", answering(None, None), "in_response_to_missing"),
            ("the response alone", answering(right, None), "in_response_to_missing"),
            ("the subject alone", answering(None, right), "in_response_to_missing"),
            ("another", answering(other, other), "in_response_to_wrong"),
            ("another in the response", answering(other, right), "in_response_to_wrong"),
            ("another in the subject", answering(right, other), "in_response_to_wrong"),
            ("this and more", answering(Some(&format!("{REQUEST}x")), right), "in_response_to_wrong"),
            ("this", answering(right, right), ACCEPTED),
        ],
    );
}

#[test]
fn saml_42_what_nobody_asked_for_answers_nothing() {
    let mut desk = Desk::open();
    desk.solicited = Solicited::ByNobody;
    let answering = |response: Option<&str>, subject: Option<&str>| {
        but(&desk, |recipe| {
            recipe.in_response_to = response.map(str::to_owned);
            confirmation(recipe).in_response_to = subject.map(str::to_owned);
        })
    };
    expect(
        &desk,
        [
            ("a request", answering(Some(REQUEST), Some(REQUEST)), "in_response_to_foreign"),
            ("a request in the response", answering(Some("_x"), None), "in_response_to_foreign"),
            ("a request in the subject", answering(None, Some("_x")), "in_response_to_foreign"),
            ("an empty one", answering(Some(""), None), "in_response_to_foreign"),
            ("none", answering(None, None), ACCEPTED),
        ],
    );
}

#[test]
fn saml_43_what_nobody_asked_for_is_refused_unless_the_connection_allows_it() {
    let mut desk = Desk::open();
    desk.solicited = Solicited::ByNobody;
    let unsolicited = desk.recipe();
    assert_eq!(desk.serve(&unsolicited), ACCEPTED);
    desk.solicited = Solicited::Forbidden;
    assert_eq!(desk.serve(&unsolicited), "unsolicited");
}

#[test]
fn saml_62_only_this_identity_provider_issues_for_this_connection() {
    let desk = Desk::open();
    let by = |response: Option<&str>, assertion: Option<&str>| {
        but(&desk, |recipe| {
            recipe.issuer = response.map(str::to_owned);
            recipe.assertion_issuer = assertion.map(str::to_owned);
        })
    };
    let (own, other) = (Some(super::ISSUER), Some("https://idp.hoekstra.example/metadata"));
    let mut nobody = desk.recipe().assertion().without("saml:Issuer");
    let signature = signing().signature_of(&nobody);
    nobody.insert(0, signature);
    let mut formatted = desk.recipe().assertion();
    formatted.part("saml:Issuer").set("Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");
    signing().sign(&mut formatted);
    expect(
        &desk,
        [
            ("another", by(other, other), "issuer_wrong"),
            ("another in the response", by(other, own), "issuer_wrong"),
            ("another in the assertion", by(own, other), "issuer_wrong"),
            ("with a slash", by(own, Some(&format!("{}/", super::ISSUER))), "issuer_wrong"),
            ("none in the response", by(None, own), "issuer_missing"),
        ],
    );
    desk.expect([
        ("none in the assertion", desk.recipe().shell().holding(nobody), "issuer_missing"),
        ("an issuer of another kind", desk.recipe().shell().holding(formatted), "issuer_wrong"),
    ]);
    desk.still_works();
}

#[test]
fn saml_63_of_two_connections_to_one_identity_provider_each_takes_its_own() {
    // One identity provider, one key: what it says to the sibling is as well signed as what it says to us.
    let desk = Desk::open();
    let whole = |recipe: &mut Recipe| {
        recipe.destination = Some(CROSS.to_owned());
        confirmation(recipe).recipient = Some(CROSS.to_owned());
        recipe.conditions.as_mut().expect("conditions").audiences = vec![vec![SIBLING.to_owned()]];
    };
    expect(
        &desk,
        [
            ("all of it", but(&desk, whole), "destination_wrong"),
            (
                "but the destination",
                but(&desk, |recipe| {
                    whole(recipe);
                    recipe.destination = Some(ACS.to_owned());
                }),
                "recipient_wrong",
            ),
            (
                "the audience alone",
                but(&desk, |recipe| {
                    recipe.conditions.as_mut().expect("conditions").audiences =
                        vec![vec![SIBLING.to_owned()]];
                }),
                "audience_wrong",
            ),
        ],
    );
    desk.still_works();
}
