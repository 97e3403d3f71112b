//! Owns journeys out through a SAML identity provider: of our session and of the provider's (`federated`, contract §1.8).
//! Never touches hostile messages: `security::saml` does.

use super::saml::{Bank, at_the_application, carried};
use crate::world::{ISSUER, METAHEXA};
use portico_core::model::EventKind;
use portico_fixtures::browser::{Browser, Document};
use serde_json::{Value, json};
use url::Url;

/// Where Amintha leaves: the address, with these parameters more.
fn logout(bank: &Bank, more: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&format!("{ISSUER}v2/logout")).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", bank.world.seed.metahexa_booking.as_str())
        .append_pair("returnTo", &format!("{METAHEXA}/"))
        .extend_pairs(more);
    url.into()
}

/// Leave, and let pages on the way post themselves.
async fn leave(bank: &Bank, browser: &mut Browser, more: &[(&str, &str)]) -> Document {
    let page = browser.open(&logout(bank, more)).await.unwrap().clone();
    carried(browser, page).await
}

/// Whether a login has to be done anew, at the bank.
async fn must_sign_in(bank: &Bank, browser: &mut Browser) -> bool {
    let page = browser.open(&bank.authorize(&[])).await.unwrap().clone();
    let page = carried(browser, page).await;
    if page.url.as_str().starts_with(bank.idp.base()) {
        return true;
    }
    assert!(at_the_application(&page), "{} {}", page.url, page.text());
    false
}

fn home(page: &Document) -> bool {
    page.url.as_str() == format!("{METAHEXA}/")
}

fn by(binding: &str) -> Value {
    json!({ "protocolBinding": format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}") })
}

#[tokio::test]
async fn a_federated_logout_ends_the_session_at_the_bank_too_and_goes_where_it_was_going() {
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        let bank = Bank::new(by(binding)).await;
        let mut browser = bank.world.browser();
        bank.member(&mut browser).await;

        assert!(home(&leave(&bank, &mut browser, &[]).await));
        assert_eq!(bank.idp.seen().logouts, 0, "the control: nobody asked for more");
        // Its cookie does not come with what another site posts.
        let knows = !must_sign_in(&bank, &mut browser).await;
        assert_eq!(knows, binding == "HTTP-Redirect", "the bank still knows her");
        let page = browser.open(&bank.authorize(&[("prompt", "none")])).await.unwrap().clone();
        if !at_the_application(&page) {
            bank.sign_in(&mut browser).await;
        }

        let page = leave(&bank, &mut browser, &[("federated", "")]).await;
        assert!(home(&page), "{binding}: {} {}", page.url, page.text());
        assert_eq!((bank.idp.seen().logouts, bank.idp.seen().refused), (1, vec![]), "{binding}");
        let page = browser.open(&bank.authorize(&[("prompt", "none")])).await.unwrap();
        assert!(page.url.as_str().contains("error=login_required"), "{} {}", page.url, page.text());
        assert!(must_sign_in(&bank, &mut browser).await, "nobody knows her any more");
        assert_eq!(bank.told(EventKind::Logout).await.len(), 2);
        assert_eq!(bank.told(EventKind::LogoutFailed).await, vec![]);
    }
}

#[tokio::test]
async fn the_banks_answer_leads_on_once() {
    let bank = Bank::new(by("HTTP-Redirect")).await;
    let mut browser = bank.world.browser();
    bank.member(&mut browser).await;
    assert!(home(&leave(&bank, &mut browser, &[("federated", "")]).await));
    let answer = browser.passed(&format!("{ISSUER}samlp/logout")).expect("the bank answered").url.clone();
    assert!(answer.query().is_some_and(|query| query.contains("SAMLResponse=")), "{answer}");
    let page = browser.open(answer.as_str()).await.unwrap();
    assert_eq!((page.status.as_u16(), page.url.path()), (200, "/samlp/logout"), "once, and then no more");
    // Whoever changes where it leads breaks the signature over it.
    let mut elsewhere = bank.world.browser();
    let page = elsewhere.open(&answer.as_str().replace("RelayState=", "RelayState=x")).await.unwrap();
    assert_eq!(page.status, 400, "{}", page.text());
}

#[tokio::test]
async fn a_connection_whose_sign_out_is_off_lets_the_bank_be() {
    let bank = Bank::new(json!({ "disableSignout": true })).await;
    let mut browser = bank.world.browser();
    bank.member(&mut browser).await;
    assert!(home(&leave(&bank, &mut browser, &[("federated", "")]).await));
    assert_eq!(bank.idp.seen().logouts, 0);
    let page = browser.open(&bank.authorize(&[("prompt", "none")])).await.unwrap();
    assert!(page.url.as_str().contains("error=login_required"), "ours is over: {} {}", page.url, page.text());
}
