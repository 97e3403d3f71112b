//! Owns what becomes of trust and of sessions over time: certificates that change and end, sessions that end elsewhere.
//! Never touches single sign-ins.

use super::saml::{Bank, at_the_application, carried};
use crate::world::seed::Invited;
use portico_core::{
    connector::Explanation,
    entropy::SystemEntropy,
    model::{AuditEvent, Connection, EventKind},
    port::store::StoreError,
    time::{Clock, Timestamp},
};
use portico_fixtures::{browser::Browser, saml_document::Keys};
use portico_server::worker::Renewals;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const DAY: Duration = Duration::from_hours(24);

impl Bank {
    async fn renew(&self) {
        let world = &self.world;
        let renewals = Renewals::new(
            Arc::clone(&world.store),
            world.clock.clone(),
            Arc::new(SystemEntropy::default()),
            Arc::clone(&world.app.connectors),
        );
        renewals.renew().await.unwrap();
    }

    async fn stored(&self) -> Connection {
        let id = self.connection.clone();
        let found = self
            .world
            .store
            .read::<_, StoreError, _>(|unit| Box::pin(async move { unit.connections().find(&id).await }))
            .await;
        found.unwrap().unwrap()
    }

    async fn certificates(&self) -> usize {
        self.stored().await.options["published"]["certificates"].as_array().unwrap().len()
    }

    pub(super) async fn told(&self, kind: EventKind) -> Vec<AuditEvent> {
        let mut events = self.world.events().await;
        events.retain(|event| event.kind == kind);
        events
    }

    /// Amintha becomes a member, and signs in on the way.
    pub(super) async fn member(&self, browser: &mut Browser) {
        let (world, seed) = (&self.world, &self.world.seed);
        let invited = Invited {
            organization: &seed.metahexa,
            client: &seed.metahexa_booking,
            connection: Some(&self.connection),
            now: world.clock.now(),
        };
        let (_, ticket) = seed.invite(&*world.store, "amintha@metahexa.test", invited).await;
        let url = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("invitation", &ticket)]);
        browser.open(&url).await.unwrap();
        let page = browser.press(None).await.unwrap().clone();
        carried(browser, page).await;
        let page = browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap().clone();
        let page = carried(browser, page).await;
        assert!(at_the_application(&page), "{} {}", page.url, page.text());
    }
}

#[tokio::test]
async fn a_new_certificate_is_trusted_beside_the_old_one_for_a_day() {
    let bank = Bank::new(json!({})).await;
    bank.renew().await;
    assert_eq!((bank.certificates().await, bank.stored().await.revision), (1, 1), "nothing changed");
    let keys = Keys::of_this_run();
    bank.idp.publish(&[&keys.next]);
    bank.renew().await;
    assert_eq!(bank.certificates().await, 2);
    let told = bank.told(EventKind::ConnectionTrustChanged).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].connection_id.as_ref(), Some(&bank.connection));
    assert_eq!(told[0].details["added"].as_array().map(Vec::len), Some(1));
    // Either key signs meanwhile.
    for key in [&keys.current, &keys.next] {
        bank.idp.sign_with(key);
        let page = bank.sign_in(&mut bank.world.browser()).await;
        assert!(page.url.as_str().contains("error="), "{} {}", page.url, page.text());
    }
    assert_eq!(bank.told(EventKind::SignedAnswerRejected).await, vec![], "she is no member, and that is all");
    bank.world.clock.advance(DAY);
    bank.renew().await;
    assert_eq!(bank.certificates().await, 1);
    let told = bank.told(EventKind::ConnectionTrustChanged).await;
    assert!(
        told.iter().any(|event| event.details["removed"].as_array().map(Vec::len) == Some(1)),
        "{told:#?}"
    );
}

#[tokio::test]
async fn metadata_that_cannot_be_read_changes_nothing_and_is_told_once() {
    let bank = Bank::new(json!({})).await;
    bank.idp.publish(&[]);
    for _ in 0..3 {
        bank.renew().await;
    }
    assert_eq!(bank.certificates().await, 1, "what was trusted before still is");
    let told = bank.told(EventKind::Warning).await;
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].description.as_deref().unwrap().contains("no certificate"), "{told:#?}");
    assert!(bank.stored().await.options["published"]["problem"].is_string());
    bank.idp.publish(&[&Keys::of_this_run().current]);
    bank.renew().await;
    assert_eq!(bank.stored().await.options["published"].get("problem"), None);
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_told_of_at_60_30_7_and_1_days() {
    let bank = Bank::new(json!({})).await;
    let options = bank.stored().await.options;
    let ends =
        options["published"]["certificates"][0]["expires"].as_str().and_then(Timestamp::parse).unwrap();
    let mut days = Vec::new();
    for left in [61, 59, 40, 29, 20, 6, 3] {
        let at = ends.minus(left * DAY);
        bank.world.clock.advance(at.since(bank.world.clock.now()));
        bank.renew().await;
        bank.renew().await;
        days.push(bank.told(EventKind::CertificateExpiring).await.len());
    }
    assert_eq!(days, [0, 1, 1, 2, 2, 3, 3]);
    let told = bank.told(EventKind::CertificateExpiring).await;
    let steps: Vec<&Value> = told.iter().map(|event| &event.details["days"]).collect();
    assert_eq!(steps, [60, 30, 7]);
    assert_eq!(
        bank.stored().await.options["certificate_warnings"].as_object().map(serde_json::Map::len),
        Some(1)
    );
}

#[tokio::test]
async fn a_session_ends_here_when_it_ends_at_the_bank() {
    let bank = Bank::new(json!({})).await;
    let mut browser = bank.world.browser();
    bank.member(&mut browser).await;
    let silent = bank.authorize(&[("prompt", "none")]);
    let page = browser.open(&silent).await.unwrap().clone();
    assert!(at_the_application(&page), "the session answers: {} {}", page.url, page.text());
    let page = browser.open(&bank.idp.end_url()).await.unwrap().clone();
    assert!(page.url.as_str().starts_with(bank.idp.base()), "{} {}", page.url, page.text());
    assert_eq!(
        bank.idp.seen().logout_answer.as_deref(),
        Some("urn:oasis:names:tc:SAML:2.0:status:Success"),
        "{}",
        page.text()
    );
    let page = browser.open(&silent).await.unwrap().clone();
    assert!(page.url.as_str().contains("error=login_required"), "{} {}", page.url, page.text());
    let told = bank.told(EventKind::Logout).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].details["reason"], "ended_elsewhere");
}

#[tokio::test]
async fn saml_54_nobody_ends_a_session_without_the_banks_signature() {
    let bank = Bank::new(json!({})).await;
    let mut browser = bank.world.browser();
    bank.member(&mut browser).await;
    bank.idp.sign_with(&Keys::of_this_run().foreign);
    let page = browser.open(&bank.idp.end_url()).await.unwrap().clone();
    assert_eq!(page.url.path(), "/samlp/logout", "{} {}", page.url, page.text());
    assert!(page.status.is_client_error() || page.status.is_server_error(), "{}", page.status);
    let told = bank.told(EventKind::LogoutFailed).await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].details["check"], "signature_invalid");
    let page = browser.open(&bank.authorize(&[("prompt", "none")])).await.unwrap().clone();
    assert!(at_the_application(&page), "the session is still there: {} {}", page.url, page.text());
}

#[tokio::test]
async fn a_recorded_answer_is_explained_check_by_check() {
    let bank = Bank::new(json!({})).await;
    let mut browser = bank.world.browser();
    browser.open(&bank.authorize(&[])).await.unwrap();
    let page = browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap().clone();
    let recorded = page.body.split("name=\"SAMLResponse\"").nth(1).and_then(|rest| rest.split('"').nth(1));
    let recorded =
        recorded.expect("the page carries an answer").replace("&#x2b;", "+").replace("&#x3d;", "=");
    let recorded = recorded.replace("&#x2f;", "/");
    let connector = bank.world.app.connectors.get(&bank.connection).await.unwrap();
    let now = bank.world.clock.now();
    let explained = connector.explain(recorded.as_bytes(), now).await.unwrap().unwrap();
    let Explanation::Accepted { trace, attributes } = explained else { panic!("{explained:?}") };
    assert!(trace.as_array().unwrap().iter().all(|step| step["passed"] == true), "{trace}");
    assert!(attributes.iter().any(|name| name == "email"));
    assert!(!trace.to_string().contains("amintha"), "names of attributes, and no contents: {trace}");
    let explained = connector.explain(recorded.as_bytes(), now.plus(DAY)).await.unwrap().unwrap();
    let Explanation::Refused(rejection) = explained else { panic!("{explained:?}") };
    let steps = rejection.trace.as_array().unwrap();
    assert_eq!(rejection.check, "issued_too_long_ago");
    assert_eq!(steps.last().unwrap()["passed"], false);
    assert!(steps[..steps.len() - 1].iter().all(|step| step["passed"] == true));
}
