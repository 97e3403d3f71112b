//! Owns `security.md` §1.5 at the door: who may accept which invitation, and what becomes of everybody else's.
//! Never touches how invitations are made; `inv_admin` does.

use crate::{
    flows::enterprise::metahexa_idp,
    world::{HOEKSTRA, METAHEXA, World, query, seed::PASSWORD},
};
use portico_core::{model::EventKind, port::script::ScriptError, port::store::StoreError};
use portico_fixtures::browser::{Browser, Document};
use std::time::Duration;

const JENNIFER: &str = "jennifer@hoekstra.test";
const NEW_PASSWORD: &str = "Unusual-Harbour-93-Lantern";

/// Follow an invitation's link, as the application passes it on.
async fn follow(world: &World, browser: &mut Browser, ticket: &str) -> Document {
    world
        .begin(browser, &world.seed.booking, &[("invitation", ticket), ("organization_name", "hoekstra")])
        .await
}

/// The error that the application was told.
fn error(page: &Document) -> (String, String) {
    let answer = query(&page.url);
    let text = |name: &str| answer.get(name).cloned().unwrap_or_default();
    (text("error"), text("error_description"))
}

fn unusable() -> (String, String) {
    ("invalid_request".to_owned(), "invitation not found or already used".to_owned())
}

#[tokio::test]
async fn inv_01_a_ticket_is_not_guessed() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    let swapped: String = ticket
        .chars()
        .map(|c| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
        .collect();
    for wrong in ["0".repeat(32).as_str(), &ticket[..31], &ticket[..8], &format!("{ticket}x"), &swapped] {
        assert_eq!(error(&follow(&world, &mut browser, wrong).await), unusable(), "{wrong}");
    }
    let (_, of_metahexa) = world.invite(&world.seed.metahexa, JENNIFER).await;
    assert_eq!(
        error(&follow(&world, &mut browser, &of_metahexa).await),
        unusable(),
        "another organization's"
    );
    assert_eq!(world.reason(EventKind::InvitationFailed).await.as_deref(), Some("invitation_unusable"));
    assert_eq!(follow(&world, &mut browser, &ticket).await.url.path(), "/signup/invitation", "the control");
    let mut blocked = 0;
    for guess in 0..80 {
        let page = follow(&world, &mut browser, &format!("{guess:032}")).await;
        blocked += usize::from(page.status == 429);
    }
    assert!(blocked >= 10, "guesses from one address are limited: {blocked}");
}

#[tokio::test]
async fn inv_02_an_invitation_ends_at_its_instant() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    world.clock.advance(Duration::from_hours(24 * 7) - Duration::from_millis(1));
    let mut early = world.browser();
    assert_eq!(follow(&world, &mut early, &ticket).await.url.path(), "/signup/invitation", "the control");
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(error(&follow(&world, &mut world.browser(), &ticket).await), unusable());
    // One who was already at the page is too late as well.
    let page = early.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert_eq!(error(page), unusable(), "{} {}", page.url, page.text());
    assert!(world.people(JENNIFER, &world.seed.hoekstra).await.is_empty());
}

#[tokio::test]
async fn inv_03_a_spent_or_revoked_invitation_is_none() {
    let world = World::new().await;
    let seed = &world.seed;
    let (_, ticket) = world.invite(&seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    follow(&world, &mut browser, &ticket).await;
    let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "the control: {} {}", page.url, page.text());
    assert_eq!(error(&follow(&world, &mut browser, &ticket).await), unusable(), "accepted");
    let (_, revoked) = world.invite(&seed.hoekstra, "other@hoekstra.test").await;
    let organization = seed.hoekstra.clone();
    world
        .change(move |unit| {
            Box::pin(async move {
                let page = portico_core::port::store::Page::first(10);
                for invitation in unit.invitations().list(&organization, &page).await? {
                    unit.invitations().delete(&organization, &invitation.id).await?;
                }
                Ok(())
            })
        })
        .await;
    assert_eq!(error(&follow(&world, &mut browser, &revoked).await), unusable(), "revoked");
    let (_, orphan) = world.invite(&seed.hoekstra, "third@hoekstra.test").await;
    let (organization, now) = (seed.hoekstra.clone(), portico_core::time::Clock::now(&*world.clock));
    world
        .change(move |unit| {
            Box::pin(async move { unit.organizations().delete(&organization, now).await.map(drop) })
        })
        .await;
    let page = follow(&world, &mut browser, &orphan).await;
    assert_eq!(error(&page).0, "invalid_request", "its organization is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inv_04_fifty_submits_make_one_member() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    follow(&world, &mut browser, &ticket).await;
    // Half of them come from one page, half from pages of their own.
    let mut submits = Vec::new();
    for number in 0..50 {
        let mut other = if number % 2 == 0 { browser.clone() } else { world.browser() };
        if number % 2 == 1 {
            follow(&world, &mut other, &ticket).await;
        }
        submits.push(async move {
            let page = other.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
            query(&page.url).contains_key("code")
        });
    }
    let won = futures_util::future::join_all(submits).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    let people = world.people(JENNIFER, &world.seed.hoekstra).await;
    assert_eq!((people.len(), people[0].1), (1, true));
    let accepted =
        world.kinds().await.into_iter().filter(|kind| *kind == EventKind::InvitationAccepted).count();
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn inv_05_the_address_is_the_invited_one_whatever_the_form_says() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    let page = follow(&world, &mut browser, &ticket).await;
    let form = page.forms().into_iter().next().unwrap();
    let mut fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    fields.retain(|(name, _)| *name != "password");
    fields.extend([("email", "eve@hoekstra.test"), ("username", "jenn\u{131}fer@hoekstra.test")]);
    fields.push(("password", NEW_PASSWORD));
    let page = browser
        .forge(page.url.as_str(), "https://login.portico.test/signup/invitation", &fields)
        .await
        .unwrap();
    assert_eq!(page.status, 400, "another address is refused: {}", page.text());
    assert_eq!(world.reason(EventKind::InvitationFailed).await.as_deref(), Some("not_the_invitee"));
    assert!(world.people(JENNIFER, &world.seed.hoekstra).await.is_empty(), "and nobody is made");
    follow(&world, &mut browser, &ticket).await;
    let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "the control: {}", page.text());
    let people = world.people(JENNIFER, &world.seed.hoekstra).await;
    assert_eq!(people.len(), 1, "the account is the invitee's");
    assert!(people[0].1);
    assert!(!world.people("eve@hoekstra.test", &world.seed.hoekstra).await[0].1);
}

#[tokio::test]
async fn inv_06_an_invitation_is_accepted_through_its_connection_alone() {
    let world = World::new().await;
    let seed = &world.seed;
    let now = portico_core::time::Clock::now(&*world.clock);
    let (hoekstra, idp) = (seed.hoekstra.clone(), seed.idp.clone());
    world
        .change(move |unit| {
            Box::pin(async move {
                let mut place =
                    unit.organizations().with_connection(&idp, 1).await?.pop().ok_or(StoreError::Stale)?;
                place.organization_id = hoekstra;
                unit.organizations().insert_connection(&place).await
            })
        })
        .await;
    let invited = crate::world::seed::Invited {
        organization: &seed.hoekstra,
        client: &seed.booking,
        connection: Some(&seed.database),
        now,
    };
    let (_, ticket) = seed.invite(&*world.store, JENNIFER, invited).await;
    let mut browser = world.browser();
    let other = [("invitation", ticket.as_str()), ("connection", "metahexa-idp")];
    let page = world.begin(&mut browser, &seed.booking, &other).await;
    assert_eq!(error(&page).0, "invalid_request", "{}", page.url);
    let page = follow(&world, &mut browser, &ticket).await;
    assert_eq!(page.url.path(), "/signup/invitation", "the control: no other is offered");
}

#[tokio::test]
async fn inv_07_the_identity_provider_must_name_the_invitee() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let seed = &world.seed;
    let accept = async |claims: serde_json::Value| {
        let (_, ticket) = world.invite(&seed.metahexa, "amintha@metahexa.test").await;
        let mut mischief = portico_fixtures::oidc_idp::Mischief::default();
        mischief.claims = claims.as_object().cloned().unwrap_or_default();
        mischief.userinfo = mischief.claims.clone();
        idp.set_mischief(mischief);
        let mut browser = world.browser();
        world.begin(&mut browser, &seed.metahexa_booking, &[("invitation", &ticket)]).await;
        browser.press(None).await.unwrap();
        browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap().clone()
    };
    let refused = (
        "access_denied".to_owned(),
        "the specified account is not allowed to accept the current invitation".to_owned(),
    );
    // What is no address at all does not even pass the connector's own check: then a page of ours says no.
    for (claims, reason) in [
        (serde_json::json!({"email": "boris@metahexa.test"}), "not_the_invitee"),
        (serde_json::json!({"email": null}), "not_the_invitee"),
        (serde_json::json!({"email": ["amintha@metahexa.test"]}), "answer_rejected"),
        (serde_json::json!({"email": "amintha@metahexa.test, boris@metahexa.test"}), "not_the_invitee"),
    ] {
        world.clock.advance(Duration::from_secs(1));
        let page = accept(claims.clone()).await;
        assert_eq!(world.reason(EventKind::InvitationFailed).await.as_deref(), Some(reason), "{claims}");
        assert!(
            error(&page) == refused || reason == "answer_rejected" && page.status == 400,
            "{claims} {}",
            page.text()
        );
    }
    assert!(world.people("amintha@metahexa.test", &seed.metahexa).await.is_empty(), "nobody was made");
    let page = accept(serde_json::json!({"email": "Amintha@MetaHexa.test", "email_verified": false})).await;
    assert!(
        page.url.as_str().starts_with(&format!("{METAHEXA}/callback?code=")),
        "the control: {}",
        page.url
    );
}

#[tokio::test]
async fn inv_08_somebody_elses_session_is_ignored_and_replaced_on_success() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    world.sign_in(&mut browser).await;
    let piets = browser.jar.get("login.portico.test", "__Host-portico_session").map(str::to_owned);
    let names = browser.jar.names("login.portico.test").join(", ");
    assert!(piets.is_some(), "{names}");
    let page = follow(&world, &mut browser, &ticket).await;
    assert_eq!(page.url.path(), "/signup/invitation", "a page is always shown");
    assert!(page.body.contains(JENNIFER) && !page.body.contains("piet@"));
    browser.submit(&[("password", "short")]).await.unwrap();
    assert_eq!(
        browser.jar.get("login.portico.test", "__Host-portico_session").map(str::to_owned),
        piets,
        "untouched"
    );
    let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "{}", page.text());
    assert_ne!(
        browser.jar.get("login.portico.test", "__Host-portico_session").map(str::to_owned),
        piets,
        "replaced"
    );
    let people = world.people(JENNIFER, &world.seed.hoekstra).await;
    assert!(people[0].1, "Jennifer joined");
    assert_eq!(world.people("piet@hoekstra.test", &world.seed.hoekstra).await.len(), 1);
}

#[tokio::test]
async fn inv_09_the_invitees_own_session_is_ignored_too() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, "piet@hoekstra.test").await;
    let mut browser = world.browser();
    world.sign_in(&mut browser).await;
    let page = follow(&world, &mut browser, &ticket).await;
    assert_eq!(page.url.path(), "/signup/invitation");
    let page = browser.submit(&[("password", PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "{}", page.text());
}

#[tokio::test]
async fn inv_10_an_existing_account_is_asked_for_its_own_password() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, "eve@hoekstra.test").await;
    let mut browser = world.browser();
    let page = follow(&world, &mut browser, &ticket).await;
    assert_eq!(page.attribute("input[name=password]", "autocomplete").as_deref(), Some("current-password"));
    let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert_eq!(
        (page.status.as_u16(), page.url.path()),
        (400, "/signup/invitation"),
        "a new password is a wrong one"
    );
    let page = browser.submit(&[("password", PASSWORD)]).await.unwrap();
    assert!(query(&page.url).contains_key("code"), "the old one still is its own: {}", page.text());
    assert!(world.people("eve@hoekstra.test", &world.seed.hoekstra).await[0].1);
}

#[tokio::test]
async fn inv_11_the_tickets_of_api_and_mail_prove_different_things() {
    let world = World::new().await;
    for (email, by_mail) in [("api@hoekstra.test", false), ("mail@hoekstra.test", true)] {
        let (api, mail) = world.invite(&world.seed.hoekstra, email).await;
        assert_ne!(api, mail);
        let mut browser = world.browser();
        follow(&world, &mut browser, if by_mail { &mail } else { &api }).await;
        let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
        assert!(query(&page.url).contains_key("code"), "{}", page.text());
        let people = world.people(email, &world.seed.hoekstra).await;
        assert_eq!((people[0].1, people[0].0.email_verified), (true, by_mail), "{email}");
        let other = if by_mail { &api } else { &mail };
        assert_eq!(error(&follow(&world, &mut browser, other).await), unusable(), "both are spent at once");
    }
}

#[tokio::test]
async fn inv_16_an_invitation_is_bound_to_its_request() {
    let world = World::new().await;
    let seed = &world.seed;
    let (_, ticket) = world.invite(&seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    let silent = [("invitation", ticket.as_str()), ("prompt", "none")];
    assert_eq!(error(&world.begin(&mut browser, &seed.booking, &silent).await).0, "interaction_required");
    let page = world.begin(&mut browser, &seed.expenses, &[("invitation", &ticket)]).await;
    assert_eq!(error(&page), unusable(), "another application");
    let without = seed.authorize(&seed.booking, None, &[("invitation", &ticket)]);
    let page = browser.open(&without).await.unwrap();
    assert_eq!(error(page).0, "invalid_request", "no organization");
    let renamed = [("invitation", ticket.as_str()), ("organization_name", "metahexa")];
    let page = world.begin(&mut browser, &seed.booking, &renamed).await;
    assert_eq!(page.url.path(), "/signup/invitation", "the name decides nothing");
    assert!(page.text().contains("Hoekstra"), "{}", page.text());
}

#[tokio::test]
async fn inv_18_all_of_an_acceptance_happens_or_nothing() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    follow(&world, &mut browser, &ticket).await;
    // The organization goes away between the page and the answer: the unit that makes user and membership is undone.
    let (organization, now) = (world.seed.hoekstra.clone(), portico_core::time::Clock::now(&*world.clock));
    world
        .change(move |unit| {
            Box::pin(async move { unit.organizations().delete(&organization, now).await.map(drop) })
        })
        .await;
    let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert_eq!(error(page).0, "access_denied", "{} {}", page.url, page.text());
    assert!(world.people(JENNIFER, &world.seed.hoekstra).await.is_empty(), "no user without a membership");
}

#[tokio::test]
async fn inv_19_a_rule_that_denies_leaves_the_membership() {
    let world = World::new().await;
    let seed = &world.seed;
    seed.rule(&*world.store, "deny", 1).await;
    world.scripts.set("deny", |_| {
        Err(ScriptError::Raised {
            name: "UnauthorizedError".to_owned(),
            message: "not today".to_owned(),
            code: None,
            line: 1,
            console: Vec::new(),
        })
    });
    let (_, ticket) = world.invite(&seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    follow(&world, &mut browser, &ticket).await;
    let page = browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert_eq!(error(page), ("access_denied".to_owned(), "not today".to_owned()));
    assert!(world.people(JENNIFER, &seed.hoekstra).await[0].1, "the membership stays");
    let kinds = world.kinds().await;
    assert!(
        kinds.contains(&EventKind::LoginFailed) && !kinds.contains(&EventKind::InvitationFailed),
        "{kinds:?}"
    );
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("rule_denied"));
    world.scripts.set("deny", Ok);
    let mut browser = world.browser();
    world.begin(&mut browser, &seed.booking, &[]).await;
    let page = browser.submit(&[("username", JENNIFER), ("password", NEW_PASSWORD)]).await.unwrap();
    assert!(
        page.url.as_str().starts_with(&format!("{HOEKSTRA}/callback?code=")),
        "an ordinary login: {}",
        page.text()
    );
}

#[tokio::test]
async fn inv_21_a_ticket_leaves_no_trace_in_addresses() {
    let world = World::new().await;
    let (_, ticket) = world.invite(&world.seed.hoekstra, JENNIFER).await;
    let mut browser = world.browser();
    let page = follow(&world, &mut browser, &ticket).await;
    assert!(!page.url.as_str().contains(&ticket) && !page.body.contains(&ticket));
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    browser.submit(&[("password", NEW_PASSWORD)]).await.unwrap();
    assert!(browser.history.iter().all(|hop| !hop.url.as_str().contains(&ticket)));
    let log = serde_json::to_string(&world.events().await).unwrap();
    assert!(!log.contains(&ticket), "not in the log either");
}
