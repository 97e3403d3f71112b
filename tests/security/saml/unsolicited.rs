//! Owns SAML-42 to SAML-45 where the identity provider begins: when that is allowed, where it leads, and that it counts
//! once.
//! Never touches documents beyond that.

use super::hall::{Hall, SIGNED_IN, carried, ended};
use crate::world::{HOEKSTRA, METAHEXA};
use portico_core::{
    id::{ClientId, OrganizationId},
    model::EventKind,
    port::store::StoreError,
};
use portico_fixtures::{browser::Browser, saml_document::Recipe};
use serde_json::{Value, json};
use std::time::Duration;

/// A gateway where MetaHexa's identity provider may begin: into its own application.
async fn hall() -> Hall {
    let hall = Hall::with(json!({})).await;
    let options = hall.options(&hall.bank, &json!({"idpinitiated": landing(&hall)}));
    hall.replace_options(&hall.bank, options).await;
    hall
}

fn landing(hall: &Hall) -> Value {
    json!({
        "enabled": true,
        "client_id": hall.bank.client.as_str(),
        "client_protocol": "oidc",
        "client_authorizequery": format!("redirect_uri={METAHEXA}/callback&scope=openid%20email&state=none"),
    })
}

/// Post an answer that nobody asked for, for this organization; the first page, and how it ends if the visitor goes on.
async fn arrive(
    hall: &Hall,
    browser: &mut Browser,
    recipe: &Recipe,
    organization: Option<&OrganizationId>,
) -> (String, String) {
    let organization = organization.map(|organization| format!("&organization={organization}"));
    let address = format!("{}{}", hall.bank.place().acs, organization.unwrap_or_default());
    let response = recipe.posted();
    hall.world.clock.advance(Duration::from_millis(1));
    let from = format!("{}/", hall.bank.idp.base());
    browser.forge(&from, &address, &[("SAMLResponse", &response)]).await.expect("an answer");
    let page = carried(browser).await;
    let first = ended(&page);
    if page.forms().is_empty() || !page.status.is_success() {
        return (first.clone(), first);
    }
    browser.press(None).await.expect("an answer");
    (first, ended(&carried(browser).await))
}

#[tokio::test]
async fn saml_42_an_answer_that_nobody_asked_for_names_no_request() {
    let hall = hall().await;
    let organization = Some(&hall.bank.organization);
    let asked = hall.begin(&mut hall.world.browser(), &hall.bank).await;
    let naming = hall.recipe(&hall.bank, Some(&asked));
    let ended = arrive(&hall, &mut hall.world.browser(), &naming, organization).await;
    assert_ne!(ended.1, SIGNED_IN);
    assert_eq!(hall.refusal().await, "in_response_to_foreign");
    let honest = hall.recipe(&hall.bank, None);
    let ended = arrive(&hall, &mut hall.world.browser(), &honest, organization).await;
    assert_eq!(ended, ("page 200".to_owned(), SIGNED_IN.to_owned()), "{}", hall.refusal().await);
}

#[tokio::test]
async fn saml_43_nobody_begins_elsewhere_unless_the_connection_allows_it() {
    let hall = Hall::open().await;
    let organization = Some(&hall.bank.organization);
    let recipe = || hall.recipe(&hall.bank, None);
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), organization).await;
    assert_ne!(ended.1, SIGNED_IN);
    assert_eq!(hall.refusal().await, "unsolicited");
    let off = hall.options(&hall.bank, &json!({"idpinitiated": {"enabled": false}}));
    hall.replace_options(&hall.bank, off).await;
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), organization).await;
    assert_ne!(ended.1, SIGNED_IN);
    assert_eq!(hall.refusal().await, "unsolicited");
    let on = hall.options(&hall.bank, &json!({"idpinitiated": landing(&hall)}));
    hall.replace_options(&hall.bank, on).await;
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), organization).await;
    assert_eq!(ended.1, SIGNED_IN);
}

#[tokio::test]
async fn saml_43_a_connection_that_is_taken_away_leads_nowhere() {
    let hall = hall().await;
    let organization = hall.bank.organization.clone();
    let recipe = || hall.recipe(&hall.bank, None);
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), Some(&organization)).await;
    assert_eq!(ended.1, SIGNED_IN);
    let connection = hall.bank.connection.clone();
    let removed = hall.world.store.write::<_, StoreError, _>(move |unit| {
        Box::pin(async move {
            unit.organizations().delete_connection(&organization, &connection).await?;
            Ok(())
        })
    });
    removed.await.unwrap();
    let organization = Some(&hall.bank.organization);
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), organization).await;
    assert_ne!(ended.1, SIGNED_IN);
    assert_eq!(hall.refusal().await, "connection_not_enabled");
}

#[tokio::test]
async fn saml_43_an_application_that_is_gone_is_led_into_by_nobody() {
    let hall = hall().await;
    let organization = Some(&hall.bank.organization);
    let recipe = || hall.recipe(&hall.bank, None);
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), organization).await;
    assert_eq!(ended.1, SIGNED_IN);
    // There is no such application any more.
    let client = hall.bank.client.clone();
    let removed = hall
        .world
        .store
        .write::<_, StoreError, _>(move |unit| Box::pin(async move { unit.clients().delete(&client).await }));
    removed.await.unwrap();
    let logins = async || {
        let kinds = hall.world.kinds().await;
        kinds.into_iter().filter(|kind| *kind == EventKind::Login).count()
    };
    let before = logins().await;
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), organization).await;
    assert_ne!(ended.1, SIGNED_IN);
    assert_eq!(logins().await, before);
}

#[tokio::test]
async fn saml_43_without_an_organization_the_connection_is_one_of_the_applications() {
    // In an organization it counts that the organization has the connection; without one, that the application has it.
    let hall = Hall::open().await;
    let plain = &hall.world.seed.plain;
    let begins = json!({
        "enabled": true,
        "client_id": plain.as_str(),
        "client_protocol": "oidc",
        "client_authorizequery": format!("redirect_uri={HOEKSTRA}/callback&scope=openid&state=none"),
    });
    let options = hall.options(&hall.bank, &json!({"idpinitiated": begins}));
    hall.replace_options(&hall.bank, options).await;
    let recipe = || hall.recipe(&hall.bank, None);
    let enable = async |client: &ClientId, is_enabled: bool| {
        let (id, client) = (hall.bank.connection.clone(), client.clone());
        let changed = hall.world.store.write::<_, StoreError, _>(move |unit| {
            Box::pin(async move { unit.connections().enable(&id, &client, is_enabled).await })
        });
        changed.await.unwrap();
    };
    for is_enabled in [true, false] {
        enable(plain, is_enabled).await;
        let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), None).await;
        assert_eq!(ended.1 == SIGNED_IN, is_enabled, "{ended:?} {}", hall.refusal().await);
    }
    assert_eq!(hall.refusal().await, "connection_not_enabled");
}

#[tokio::test]
async fn saml_44_an_answer_never_leads_into_an_organization_that_has_not_this_connection() {
    let hall = hall().await;
    let recipe = || hall.recipe(&hall.bank, None);
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), Some(&hall.firm.organization)).await;
    assert_ne!(ended.1, SIGNED_IN);
    assert_eq!(hall.refusal().await, "connection_not_enabled");
    // Posted to the other organization's connection, it is not that connection's.
    let posted = recipe().posted();
    let stopped = hall.post(&mut hall.world.browser(), &hall.firm, (&posted, None)).await;
    assert_ne!(stopped, SIGNED_IN);
    assert_eq!(hall.refusal().await, "unsolicited");
    // RelayState names nothing of ours, and is left alone.
    let response = recipe().posted();
    let mut browser = hall.world.browser();
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", hall.firm.organization.as_str())];
    let page = hall.post_fields(&mut browser, &hall.bank, &fields).await;
    assert_ne!(self::ended(&page), SIGNED_IN, "the application needs an organization: {}", page.text());
    let ended = arrive(&hall, &mut hall.world.browser(), &recipe(), Some(&hall.bank.organization)).await;
    assert_eq!(ended.1, SIGNED_IN);
    let kinds = hall.world.kinds().await;
    assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::Login).count(), 1);
}

#[tokio::test]
async fn saml_45_an_answer_that_nobody_asked_for_counts_once_on_all_nodes() {
    let hall = hall().await;
    let node = hall.world.another_node().await;
    let recipe = hall.recipe(&hall.bank, None);
    let organization = Some(&hall.bank.organization);
    let attempts = (0..20).map(|number| {
        let mut browser = if number % 2 == 0 { hall.world.browser() } else { node.browser() };
        let (hall, recipe) = (&hall, &recipe);
        async move { arrive(hall, &mut browser, recipe, organization).await.1 }
    });
    let ended = futures_util::future::join_all(attempts).await;
    assert_eq!(ended.iter().filter(|ended| *ended == SIGNED_IN).count(), 1, "{ended:?}");
    let ended = arrive(&hall, &mut node.browser(), &hall.recipe(&hall.bank, None), organization).await;
    assert_eq!(ended.1, SIGNED_IN);
}

#[tokio::test]
async fn saml_68_an_answer_that_nobody_asked_for_signs_nobody_in_by_itself() {
    let hall = hall().await;
    let response = hall.recipe(&hall.bank, None).posted();
    let mut victim = hall.world.browser();
    let address = format!("{}&organization={}", hall.bank.place().acs, hall.bank.organization);
    victim.forge("https://evil.example/", &address, &[("SAMLResponse", &response)]).await.unwrap();
    let page = carried(&mut victim).await;
    assert!(page.status.is_success() && page.text().contains("low@metahexa.example"), "{}", page.text());
    assert_eq!(hall.world.kinds().await.into_iter().filter(|kind| *kind == EventKind::Login).count(), 0);
    let form = page.forms().remove(0);
    // The attacker cannot press the button for them.
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let action = page.url.join(&form.action).unwrap();
    let mut forged = victim.clone();
    forged.forge("https://evil.example/", action.as_str(), &fields).await.unwrap();
    assert_ne!(ended(&carried(&mut forged).await), SIGNED_IN);
    let other = &mut hall.world.browser();
    other.forge(crate::world::ISSUER, action.as_str(), &fields).await.unwrap();
    assert_ne!(ended(&carried(other).await), SIGNED_IN, "it is another browser");
    victim.press(None).await.unwrap();
    assert_eq!(ended(&carried(&mut victim).await), SIGNED_IN);
}
