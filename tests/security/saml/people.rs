//! Owns SAML-60, SAML-61, SAML-64 and SAML-66: who somebody is by the word of an identity provider, and who they are not.
//! Never touches whether that word is genuine: here it always is.

use super::hall::{Asked, Customer, Hall, SIGNED_IN, ended};
use crate::world::query;
use portico_fixtures::saml_document::{Attribute, Node, Recipe};
use serde_json::{Value, json};

const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";

/// Sign somebody in by what is made of the honest answer: the claims of their ID token, or why not.
async fn claims(
    hall: &Hall,
    customer: &Customer,
    change: impl FnOnce(Recipe) -> Recipe,
) -> Result<Value, String> {
    let mut browser = hall.world.browser();
    let asked: Asked = hall.begin(&mut browser, customer).await;
    let response = change(hall.recipe(customer, Some(&asked))).posted();
    let fields = [("SAMLResponse", response.as_str()), ("RelayState", asked.relay_state.as_str())];
    let page = hall.post_fields(&mut browser, customer, &fields).await;
    if ended(&page) != SIGNED_IN {
        return Err(hall.refusal().await);
    }
    let code = query(&page.url).remove("code").expect("a code");
    Ok(hall.world.redeem(&customer.client, &code).await.id_token())
}

fn named(recipe: Recipe, name: &str, format: &str) -> Recipe {
    let name_id = vec![Node::Text(name.to_owned())];
    Recipe { name_id, name_id_format: Some(format.to_owned()), ..recipe }
}

#[tokio::test]
async fn saml_60_an_identity_provider_speaks_for_nobody_elses_people() {
    let hall = Hall::open().await;
    let (seed, somebody) = (&hall.world.seed, "piet@hoekstra.test");
    let claims = claims(&hall, &hall.bank, |recipe| recipe.about(somebody)).await.unwrap();
    assert_eq!(claims["email"], somebody);
    assert_eq!(claims["email_verified"], false);
    assert_eq!(claims["org_id"], seed.metahexa.as_str());
    assert_ne!(claims["sub"], seed.piet.as_str());
    let people = hall.world.people(somebody, &seed.hoekstra).await;
    assert_eq!(people.len(), 2, "the member of Hoekstra and the stranger are two");
    for (user, is_member) in people {
        assert_eq!(is_member, user.id == seed.piet);
        assert_eq!(user.identities.len(), 1, "nobody is linked by an address");
    }
}

#[tokio::test]
async fn saml_61_the_same_address_at_two_identity_providers_is_two_people() {
    let hall = Hall::open().await;
    let somebody = "ceo@hoekstra.example";
    let about = |recipe: Recipe| recipe.about(somebody);
    let firms = claims(&hall, &hall.firm, about).await.unwrap();
    let banks = claims(&hall, &hall.bank, about).await.unwrap();
    assert_ne!(firms["sub"], banks["sub"]);
    assert_eq!(firms["org_id"], hall.firm.organization.as_str());
    assert_eq!(banks["org_id"], hall.bank.organization.as_str());
    // Each comes back as themselves.
    assert_eq!(claims(&hall, &hall.firm, about).await.unwrap()["sub"], firms["sub"]);
    // The bank's person does not get into Hoekstra: their connection is none of Hoekstra's.
    let more = [("connection", hall.bank.name)];
    let url = hall.world.seed.authorize(&hall.firm.client, Some(&hall.firm.organization), &more);
    let mut browser = hall.world.browser();
    let page = browser.open(&url).await.unwrap().clone();
    assert!(!page.url.as_str().starts_with(hall.bank.idp.base()), "{}", page.url);
    assert_ne!(ended(&page), SIGNED_IN);
}

#[tokio::test]
async fn saml_64_one_identity_provider_may_serve_two_connections_each_with_an_address_of_its_own() {
    let hall = Hall::open().await;
    let audience = hall.bank.place().audience;
    // Even a connection that takes the other's entity id has an address of its own.
    let twin = hall.twin(json!({"entityId": audience})).await;
    let (one, other) = (hall.service(&hall.bank).await, hall.service(&twin).await);
    assert_eq!(one.entity_id, other.entity_id);
    assert_ne!(one.acs, other.acs);
    let for_the_bank = claims(&hall, &twin, |recipe| {
        let place = hall.bank.place();
        let mut recipe = Recipe { destination: Some(place.acs.clone()), ..recipe };
        recipe.confirmations[0].recipient = Some(place.acs);
        recipe
    });
    assert_eq!(for_the_bank.await.unwrap_err(), "destination_wrong");
    let own = claims(&hall, &twin, |mut recipe| {
        recipe.conditions.as_mut().expect("conditions").audiences = vec![vec![audience]];
        recipe
    });
    assert_eq!(own.await.unwrap()["org_id"], twin.organization.as_str());
    hall.still_works().await;
}

#[tokio::test]
async fn saml_66_who_somebody_is_does_not_change_with_the_kind_of_name() {
    let hall = Hall::open().await;
    let as_named = async |name: &str, format: &str| {
        claims(&hall, &hall.bank, |recipe| named(recipe, name, format)).await
    };
    assert_eq!(as_named("_k3", TRANSIENT).await.unwrap_err(), "key_transient");
    let first = as_named("E-1001", PERSISTENT).await.unwrap();
    assert_eq!(as_named("E-1001", PERSISTENT).await.unwrap()["sub"], first["sub"]);
    assert_ne!(as_named("e-1001", PERSISTENT).await.unwrap()["sub"], first["sub"], "case counts");
    assert_ne!(
        as_named("E-1001 ", PERSISTENT).await.ok().map(|claims| claims["sub"].clone()),
        Some(first["sub"].clone())
    );
    // A connection whose key is an attribute does not look at the name.
    let options = hall.options(&hall.bank, &json!({"user_id_attribute": "employee"}));
    hall.replace_options(&hall.bank, options).await;
    let with = async |employees: &[&str], name: &str, format: &str| {
        claims(&hall, &hall.bank, |recipe| {
            let mut recipe = named(recipe, name, format);
            if !employees.is_empty() {
                recipe.attributes.push(Attribute::several("employee", employees.iter().copied()));
            }
            recipe
        })
        .await
    };
    let keyed = with(&["77"], "_k4", TRANSIENT).await.unwrap();
    assert_eq!(with(&["77"], "anything", PERSISTENT).await.unwrap()["sub"], keyed["sub"]);
    assert_ne!(with(&["78"], "anything", PERSISTENT).await.unwrap()["sub"], keyed["sub"]);
    assert_eq!(with(&[], "77", PERSISTENT).await.unwrap_err(), "key_missing");
    assert_eq!(with(&["77", "78"], "77", PERSISTENT).await.unwrap_err(), "key_ambiguous");
    assert_eq!(with(&[""], "77", PERSISTENT).await.unwrap_err(), "key_missing");
}
