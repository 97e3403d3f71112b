//! Owns `security.md` §1.4: who may have a token for which organization.
//! Never touches the Management API's part of it; `org_admin` does.

use crate::{
    flows::enterprise::metahexa_idp,
    world::{ISSUER, World, query, seed::PASSWORD},
};
use portico_core::{
    id::OrganizationId,
    model::{EventKind, OrganizationUsage, RequireBehavior},
    port::store::StoreError,
};
use portico_fixtures::browser::Browser;

/// The error that the application was told, or what the page said instead.
async fn told(browser: &mut Browser, url: &str) -> (String, String) {
    let page = browser.open(url).await.unwrap();
    let answer = query(&page.url);
    match answer.get("error") {
        Some(error) => (error.clone(), answer["error_description"].clone()),
        None => (page.url.to_string(), page.text()),
    }
}

/// Let an application's logins be for organizations in this way.
async fn usage(world: &World, usage: OrganizationUsage, behavior: RequireBehavior) {
    let id = world.seed.booking.clone();
    world
        .change(move |unit| {
            Box::pin(async move {
                let mut client = unit.clients().find(&id).await?.ok_or(StoreError::Stale)?;
                client.organization_usage = usage;
                client.organization_require_behavior = behavior;
                unit.clients().update(&client).await.map(drop)
            })
        })
        .await;
}

#[tokio::test]
async fn org_01_an_application_that_requires_an_organization_gets_none_without_one() {
    let world = World::new().await;
    let (seed, mut browser) = (&world.seed, world.browser());
    let required =
        ("invalid_request".to_owned(), "parameter organization is required for this client".to_owned());
    let without = seed.authorize(&seed.booking, None, &[]);
    assert_eq!(told(&mut browser, &without).await, required);
    assert_eq!(told(&mut browser, &format!("{without}&organization=")).await, required, "empty is omitted");
    for wrong in ["org_unknown000000000", "hoekstra", "nobody"] {
        assert_eq!(
            told(&mut browser, &format!("{without}&organization={wrong}")).await,
            ("invalid_request".to_owned(), format!("parameter organization is invalid: {wrong}")),
            "names are not allowed in this installation"
        );
    }
    let twice = format!("{without}&organization={}&organization={}", seed.hoekstra, seed.metahexa);
    let page = browser.open(&twice).await.unwrap();
    assert_eq!((page.status.as_u16(), page.url.path()), (400, "/authorize"), "two values are no value");
    let page = world.begin(&mut browser, &seed.booking, &[]).await;
    assert_eq!(page.url.path(), "/u/login", "the control");
}

#[tokio::test]
async fn org_02_an_application_that_denies_organizations_refuses_one() {
    let world = World::new().await;
    let url = world.seed.authorize(&world.seed.plain, Some(&world.seed.hoekstra), &[]);
    assert_eq!(
        told(&mut world.browser(), &url).await,
        ("invalid_request".to_owned(), "parameter organization is not allowed for this client".to_owned())
    );
    let page = world.begin(&mut world.browser(), &world.seed.plain, &[]).await;
    assert_eq!(page.url.path(), "/u/login", "the control");
}

#[tokio::test]
async fn org_03_a_login_without_an_organization_has_no_organization_claims() {
    let world = World::new().await;
    usage(&world, OrganizationUsage::Allow, RequireBehavior::NoPrompt).await;
    let (seed, mut browser) = (&world.seed, world.browser());
    browser.open(&seed.authorize(&seed.booking, None, &[])).await.unwrap();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let tokens = world.redeem(&seed.booking, &query(&page.url)["code"]).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let claims = tokens.id_token();
    assert_eq!((claims.get("org_id"), claims.get("org_name")), (None, None));
    let code = world.sign_in(&mut world.browser()).await;
    let claims = world.redeem(&seed.booking, &code).await.id_token();
    assert_eq!(claims["org_id"], seed.hoekstra.as_str(), "the control");
}

#[tokio::test]
async fn org_04_a_session_of_one_organization_is_none_of_another() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let (seed, mut browser) = (&world.seed, world.browser());
    world.sign_in(&mut browser).await;
    let page = world.begin(&mut browser, &seed.metahexa_booking, &[]).await;
    assert!(page.url.as_str().starts_with(idp.issuer()), "a proper prompt: {}", page.url);
    let page = browser.submit(&[("username", "boris"), ("password", "correct")]).await.unwrap();
    let answer = query(&page.url);
    assert_eq!(answer["error"], "access_denied");
    assert!(
        answer["error_description"].contains("is not part of the") && !answer.contains_key("code"),
        "{answer:?}"
    );
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("not_a_member"));
    let none = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("prompt", "none")]);
    assert_eq!(told(&mut browser, &none).await.0, "login_required");
}

#[tokio::test]
async fn org_05_the_organization_is_fixed_when_the_login_begins() {
    let world = World::new().await;
    let (seed, mut browser) = (&world.seed, world.browser());
    world.begin(&mut browser, &seed.booking, &[]).await;
    let organization = seed.metahexa.to_string();
    let page = browser.page.clone().unwrap();
    let form = &page.forms()[0];
    let mut fields: Vec<(&str, &str)> =
        form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields.retain(|(name, _)| *name != "username" && *name != "password");
    fields.extend([
        ("username", "piet@hoekstra.test"),
        ("password", PASSWORD),
        ("organization", &organization),
    ]);
    let answer = browser
        .forge(page.url.as_str(), page.url.as_str().split('?').next().unwrap(), &fields)
        .await
        .unwrap();
    let onward = answer.refresh().expect("a way onward");
    let code = query(&onward.parse().unwrap()).remove("code").expect("a code");
    assert_eq!(world.redeem(&seed.booking, &code).await.id_token()["org_id"], seed.hoekstra.as_str());
    // A connection of the other organization cannot be named, nor reached by its domain.
    let mut browser = world.browser();
    let named = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[("connection", "metahexa-idp")]);
    let (error, description) = told(&mut browser, &named).await;
    assert_eq!(error, "invalid_request", "{description}");
    assert!(description.contains("not enabled"), "{description}");
    let hinted = world.begin(&mut browser, &seed.booking, &[("login_hint", "boris@metahexa.test")]).await;
    assert!(hinted.url.path().starts_with("/u/login"), "{}", hinted.url);
}

#[tokio::test]
async fn org_06_a_choice_of_organizations_is_checked_again() {
    let world = World::new().await;
    usage(&world, OrganizationUsage::Require, RequireBehavior::PostLoginPrompt).await;
    let (seed, now) = (&world.seed, portico_core::time::Clock::now(&*world.clock));
    let (other, user, database) = (seed.metahexa.clone(), seed.piet.clone(), seed.database.clone());
    world
        .change(move |unit| {
            Box::pin(async move {
                unit.members().insert(&other, &user, now).await?;
                let mut place = unit
                    .organizations()
                    .with_connection(&database, 1)
                    .await?
                    .pop()
                    .ok_or(StoreError::Stale)?;
                place.organization_id = other;
                unit.organizations().insert_connection(&place).await
            })
        })
        .await;
    let mut browser = world.browser();
    browser.open(&seed.authorize(&seed.booking, None, &[])).await.unwrap();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert_eq!(page.url.path(), "/u/organization-picker", "{} {}", page.url, page.text());
    assert!(page.text().contains("Hoekstra") && page.text().contains("MetaHexa"), "{}", page.text());
    let mut second = browser.clone();
    world.expel(&seed.piet).await;
    let page = browser.press(Some(("organizationName", seed.hoekstra.as_str()))).await.unwrap();
    let answer = query(&page.url);
    assert_eq!(answer["error"], "access_denied", "{} {}", page.url, page.text());
    assert_eq!(world.reason(EventKind::LoginFailed).await.as_deref(), Some("not_a_member"));
    let page = second.press(Some(("organizationName", seed.metahexa.as_str()))).await.unwrap();
    assert_eq!(page.status, 400, "the login is over: {}", page.url);
    // The control: chosen while a member.
    let mut browser = world.browser();
    browser.open(&seed.authorize(&seed.booking, None, &[])).await.unwrap();
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    let code = query(&page.url).remove("code").expect("one organization is no choice");
    assert_eq!(world.redeem(&seed.booking, &code).await.id_token()["org_id"], seed.metahexa.as_str());
}

#[tokio::test]
async fn org_07_a_code_is_worth_nothing_once_the_membership_is_gone() {
    let world = World::new().await;
    let code = world.sign_in(&mut world.browser()).await;
    world.expel(&world.seed.piet).await;
    let tokens = world.redeem(&world.seed.booking, &code).await;
    assert_eq!((tokens.status, tokens.text("error")), (403, "access_denied"), "{}", tokens.body);
    assert!(tokens.text("error_description").contains("is not part of the"), "{}", tokens.body);
}

#[tokio::test]
async fn org_08_a_removed_member_is_out_everywhere() {
    let world = World::new().await;
    let (seed, mut browser) = (&world.seed, world.browser());
    let code = world.sign_in(&mut browser).await;
    let tokens = world.redeem(&seed.booking, &code).await;
    let access = tokens.text("access_token").to_owned();
    let userinfo = format!("{ISSUER}userinfo?access_token={access}");
    assert_eq!(browser.open(&userinfo).await.unwrap().status, 200, "the control");
    let secret = format!("secret-of-{}", seed.booking);
    let refresh = async |token: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", seed.booking.as_str()),
            ("client_secret", &secret),
        ];
        world.token(&[fields.as_slice(), &[("refresh_token", token)]].concat()).await
    };
    let refreshed = refresh(tokens.text("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "the control: {}", refreshed.body);
    world.expel(&seed.piet).await;
    let refused = refresh(tokens.text("refresh_token")).await;
    assert_eq!((refused.status, refused.text("error")), (403, "invalid_grant"), "{}", refused.body);
    assert_eq!(browser.open(&userinfo).await.unwrap().status, 401);
    let none = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[("prompt", "none")]);
    assert_eq!(told(&mut browser, &none).await.0, "login_required");
    let page = world.begin(&mut browser, &seed.booking, &[]).await;
    assert_eq!(page.url.path(), "/u/login", "asked again");
    let page = browser.submit(&[("username", "piet@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert_eq!(query(&page.url)["error"], "access_denied");
}

#[tokio::test]
async fn org_11_a_member_must_come_through_a_connection_of_the_organization() {
    let world = World::new().await;
    let (seed, now) = (&world.seed, portico_core::time::Clock::now(&*world.clock));
    let (metahexa, piet) = (seed.metahexa.clone(), seed.piet.clone());
    world
        .change(move |unit| {
            Box::pin(async move { unit.members().insert(&metahexa, &piet, now).await.map(drop) })
        })
        .await;
    let mut browser = world.browser();
    world.sign_in(&mut browser).await;
    let none = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("prompt", "none")]);
    assert_eq!(
        told(&mut browser, &none).await.0,
        "login_required",
        "a member, but not through this connection"
    );
    let named =
        seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("connection", "hoekstra-db")]);
    assert!(told(&mut browser, &named).await.1.contains("not enabled"));
    let none = seed.authorize(&seed.booking, Some(&seed.hoekstra), &[("prompt", "none")]);
    assert!(told(&mut browser, &none).await.0.contains("code="), "the control");
}

#[tokio::test]
async fn org_12_a_login_makes_members_of_its_own_organization_alone() {
    let world = World::new().await;
    let seed = &world.seed;
    let login = async |organization: &OrganizationId, browser: &mut Browser| {
        browser.open(&seed.authorize(&seed.booking, Some(organization), &[])).await.unwrap();
        let page =
            browser.submit(&[("username", "eve@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
        query(&page.url)
    };
    assert_eq!(
        login(&seed.hoekstra, &mut world.browser()).await["error"],
        "access_denied",
        "no membership by default"
    );
    let (hoekstra, metahexa, database) =
        (seed.hoekstra.clone(), seed.metahexa.clone(), seed.database.clone());
    world
        .change(move |unit| {
            Box::pin(async move {
                let mut place =
                    unit.organizations().connection(&hoekstra, &database).await?.ok_or(StoreError::Stale)?;
                place.assign_membership_on_login = true;
                unit.organizations().update_connection(&place).await?;
                place.organization_id = metahexa;
                unit.organizations().insert_connection(&place).await
            })
        })
        .await;
    assert!(login(&seed.hoekstra, &mut world.browser()).await.contains_key("code"));
    assert!(
        world.people("eve@hoekstra.test", &seed.hoekstra).await[0].1,
        "a member of the organization of the login"
    );
    assert!(!world.people("eve@hoekstra.test", &seed.metahexa).await[0].1, "and of no other");
    // Without an organization it is not known which: nobody becomes a member.
    usage(&world, OrganizationUsage::Require, RequireBehavior::PostLoginPrompt).await;
    let (hoekstra, eve) = (seed.hoekstra.clone(), seed.eve.clone());
    world
        .change(move |unit| Box::pin(async move { unit.members().delete(&hoekstra, &eve).await.map(drop) }))
        .await;
    let mut browser = world.browser();
    browser.open(&seed.authorize(&seed.booking, None, &[])).await.unwrap();
    let page = browser.submit(&[("username", "eve@hoekstra.test"), ("password", PASSWORD)]).await.unwrap();
    assert_eq!(query(&page.url)["error"], "access_denied", "two organizations would take them");
    assert!(!world.people("eve@hoekstra.test", &seed.hoekstra).await[0].1);
}
