//! Owns journeys through an identity provider of the organization's.
//! Never touches the provider's own checks.

use crate::world::{
    ISSUER, METAHEXA, World, query,
    seed::{IDP_CLIENT, IDP_SECRET, Invited},
};
use portico_core::{model::EventKind, time::Clock};
use portico_fixtures::oidc_idp::{IdpClient, IdpUser, OidcIdp, OidcIdpConfig};

/// MetaHexa's identity provider, with Amintha in it.
pub(crate) async fn metahexa_idp() -> OidcIdp {
    let mut config = OidcIdpConfig::new("MetaHexa Bank");
    config.clock = std::sync::Arc::new(portico_core::testing::FakeClock::default());
    config.clients.push(IdpClient {
        id: IDP_CLIENT.to_owned(),
        secret: IDP_SECRET.to_owned(),
        redirect_uris: vec![format!("{ISSUER}login/callback")],
        post_logout_redirect_uris: vec![format!("{ISSUER}logout")],
    });
    for (username, email) in [("amintha", "amintha@metahexa.test"), ("boris", "boris@metahexa.test")] {
        let user = IdpUser::new(username, "correct");
        config.users.push(user.claim("email", email).claim("email_verified", true).claim("name", username));
    }
    OidcIdp::start(config).await.expect("the identity provider starts")
}

#[tokio::test]
async fn amintha_accepts_her_invitation_through_her_bank() {
    let idp = metahexa_idp().await;
    let world = World::with_idp(Some(&idp.issuer().parse().unwrap())).await;
    let seed = &world.seed;
    let invited = Invited {
        organization: &seed.metahexa,
        client: &seed.metahexa_booking,
        connection: None,
        now: world.clock.now(),
    };
    let (_, ticket) = seed.invite(&*world.store, "amintha@metahexa.test", invited).await;
    let mut browser = world.browser();
    let url = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("invitation", &ticket)]);
    let page = browser.open(&url).await.unwrap();
    assert_eq!(page.url.path(), "/invitation", "{}", page.text());
    assert!(page.text().contains("MetaHexa Bank"), "{}", page.text());
    let page = browser.press(None).await.unwrap();
    assert!(page.url.as_str().starts_with(idp.issuer()), "{} {}", page.url, page.text());
    let page = browser.submit(&[("username", "amintha"), ("password", "correct")]).await.unwrap();
    assert!(
        page.url.as_str().starts_with(&format!("{METAHEXA}/callback?code=")),
        "{} {}",
        page.url,
        page.text()
    );
    assert_eq!(
        world.kinds().await,
        [EventKind::Login, EventKind::InvitationAccepted, EventKind::MemberAdded],
        "{:#?}",
        world.events().await
    );
    assert_eq!(query(&page.url)["state"], "app-state");
}
