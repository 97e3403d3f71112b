//! Owns the threats against us as a service provider (SAML-01 to SAML-68).
//! Never touches what happens after somebody is identified, but where the case is about just that.
//!
//! What a document says is judged by itself, without a login around it; what happens around a document is tested in a
//! whole gateway. A refusal counts only for its reason, and every test ends with a control that is accepted.

mod answers;
mod bytes;
mod configuration;
mod encryption;
mod hall;
mod logout;
mod names;
mod people;
mod references;
mod semantics;
mod signatures;
mod unsolicited;
mod weight;
mod wrapping;

use portico_core::{
    secret::Secret,
    time::{Clock, Timestamp},
};
use portico_fixtures::saml_document::{Element, Key, Keys, Place, Recipe, Signing};
use portico_saml::{
    assertion::VerifiedAssertion,
    expectations::{Expectations, Policy, Solicited},
    fault::Fault,
    judge::judge,
    key::{DecryptionKey, TrustedKey},
    trace::Trace,
};
use std::sync::Arc;

/// Where responses are posted to.
const ACS: &str = "https://login.portico.test/login/callback?connection=metahexa-saml";
/// The connection's entity id.
const AUDIENCE: &str = "urn:portico:metahexa-saml";
/// The identity provider's entity id.
const ISSUER: &str = "https://idp.metahexa.example/saml/metadata";
/// The request that honest responses answer.
const REQUEST: &str = "_0123456789abcdef0123456789abcdef01234567";
/// What an honest response is judged as.
const ACCEPTED: &str = "accepted: low@metahexa.example";

/// A connection's expectations, to be changed, and its identity provider's keys.
struct Desk {
    policy: Policy,
    trusted: Vec<Arc<Key>>,
    decryption: bool,
    solicited: Solicited<'static>,
    now: Timestamp,
    signed_in_after: Option<Timestamp>,
}

impl Desk {
    /// An ordinary connection, a moment after it asked for a sign-in.
    fn open() -> Self {
        Self {
            policy: Policy::default(),
            trusted: vec![Arc::clone(&keys().current)],
            decryption: true,
            solicited: Solicited::By(REQUEST),
            now: portico_core::testing::FakeClock::default().now(),
            signed_in_after: None,
        }
    }

    /// An honest answer; its assertion is signed.
    fn recipe(&self) -> Recipe {
        let place = Place { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), acs: ACS.to_owned() };
        let request = match self.solicited {
            Solicited::By(request) => Some(request),
            Solicited::ByNobody | Solicited::Forbidden => None,
        };
        let mut recipe = Recipe::new(&place, request, self.now);
        recipe.sign_assertion = Some(signing());
        recipe
    }

    /// The same, but the response is signed.
    fn response_signed(&self) -> Recipe {
        let mut recipe = self.recipe();
        recipe.sign_response = recipe.sign_assertion.take();
        recipe
    }

    /// Judge a document.
    fn verdict(&self, document: &[u8]) -> Result<VerifiedAssertion, &'static str> {
        let (judged, trace) = self.hearing(document);
        assert_eq!(trace.fault().map(Fault::code), judged.as_ref().err().copied(), "{trace}");
        judged
    }

    /// A judgement in words, with every check that ran.
    fn traced(&self, document: &[u8]) -> (String, Trace) {
        let (judged, trace) = self.hearing(document);
        (said(judged), trace)
    }

    fn hearing(&self, document: &[u8]) -> (Result<VerifiedAssertion, &'static str>, Trace) {
        let trusted: Vec<TrustedKey> = self
            .trusted
            .iter()
            .map(|key| TrustedKey::read(&key.certificate()).expect("a good key"))
            .collect();
        let decryption: Vec<DecryptionKey> = if self.decryption {
            vec![DecryptionKey::read(&Secret::new(keys().service.private_pem())).expect("a good key")]
        } else {
            Vec::new()
        };
        let expectations = Expectations {
            identity_provider: ISSUER,
            service_provider: AUDIENCE,
            destination: ACS,
            recipient: ACS,
            trusted: &trusted,
            decryption: &decryption,
            policy: &self.policy,
            solicited: self.solicited,
            signed_in_after: self.signed_in_after,
            now: self.now,
        };
        let mut trace = Trace::new();
        let judged = judge(document, &expectations, &mut trace).map_err(|fault| fault.code());
        (judged, trace)
    }

    /// What becomes of a document: the reason of its refusal, or whom it is about.
    fn judge_text(&self, document: &str) -> String {
        self.judge_bytes(document.as_bytes())
    }

    /// The same of bytes.
    fn judge_bytes(&self, document: &[u8]) -> String {
        said(self.verdict(document))
    }

    /// The same of a tree.
    fn judge(&self, document: &Element) -> String {
        self.judge_text(&document.written())
    }

    /// The same of a recipe.
    fn serve(&self, recipe: &Recipe) -> String {
        self.judge(&recipe.written())
    }

    /// Judge documents, each with its expected outcome. All that are judged otherwise are told at once.
    fn expect<'c, N: AsRef<str>>(&self, cases: impl IntoIterator<Item = (N, Element, &'c str)>) {
        self.expect_texts(
            cases.into_iter().map(|(name, document, expected)| (name, document.written(), expected)),
        );
    }

    /// The same of texts.
    fn expect_texts<'c, N: AsRef<str>>(&self, cases: impl IntoIterator<Item = (N, String, &'c str)>) {
        let mut count = 0;
        let otherwise: Vec<String> = cases
            .into_iter()
            .filter_map(|(name, document, expected)| {
                count += 1;
                let judged = self.judge_text(&document);
                (judged != expected).then(|| format!("{}: {judged}, not {expected}", name.as_ref()))
            })
            .collect();
        assert!(otherwise.is_empty(), "judged otherwise than expected:\n{}", otherwise.join("\n"));
        assert!(count > 0, "there are cases");
    }

    /// The control: honest answers are accepted, however they are signed.
    fn still_works(&self) {
        assert_eq!(self.serve(&self.recipe()), ACCEPTED);
        assert_eq!(self.serve(&self.response_signed()), ACCEPTED);
    }
}

/// A judgement in words.
fn said(judged: Result<VerifiedAssertion, &'static str>) -> String {
    match judged {
        Ok(assertion) => {
            let name = assertion.name_id().map(|name| name.value.as_str());
            format!("accepted: {}", name.unwrap_or("nobody"))
        }
        Err(code) => code.to_owned(),
    }
}

fn keys() -> &'static Keys {
    Keys::of_this_run()
}

/// As the identity provider signs.
fn signing() -> Signing {
    Signing::with(&keys().current)
}

/// What an attacker wants to be taken for.
fn forged(recipe: &Recipe) -> Recipe {
    let mut forged = recipe.clone().renewed().about("ADMIN@metahexa.example");
    forged.sign_assertion = None;
    forged.sign_response = None;
    forged
}
