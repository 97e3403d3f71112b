//! Owns single sign-on: a session answers for its person, and for nobody else.
//! Never touches how the session came about.

use crate::world::{World, query, seed::PASSWORD};
use portico_core::model::EventKind;

#[tokio::test]
async fn a_session_answers_for_another_application_of_the_organization() {
    let world = World::new().await;
    let seed = &world.seed;
    let mut browser = world.browser();
    browser.open(&seed.authorize(&seed.booking, Some(&seed.hoekstra), &[])).await.unwrap();
    browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let page = browser.open(&seed.authorize(&seed.expenses, Some(&seed.hoekstra), &[])).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "{} {}", page.url, page.text());
    assert_eq!(browser.history.len(), 2, "one redirect, nothing shown");
    assert_eq!(world.kinds().await, [EventKind::Login, EventKind::SilentLogin]);
}
