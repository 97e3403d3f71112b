//! Owns journeys through a SAML identity provider of the organization's.
//! Never touches the provider's own checks, nor hostile documents: `security::saml` does.

use crate::world::{METAHEXA, World, query, seed::Invited};
use portico_core::{
    entropy::SystemEntropy,
    id::ConnectionId,
    model::{Connection, EventKind, OrganizationConnection, testing},
    port::store::StoreError,
    time::Clock,
};
use portico_fixtures::{
    browser::{Browser, Document},
    oidc_idp::IdpUser,
    saml_document::{Keys, Signing},
    saml_idp::{SamlIdp, SamlIdpConfig, Service},
};
use serde_json::{Value, json};
use std::sync::Arc;

const NAME: &str = "metahexa-saml";

/// A bank that speaks SAML, a gateway that has read its metadata, and the bank knows the gateway by its.
pub(crate) struct Bank {
    pub(crate) world: World,
    pub(crate) idp: SamlIdp,
    pub(crate) connection: ConnectionId,
}

impl Bank {
    pub(crate) async fn new(changes: Value) -> Self {
        let mut config = SamlIdpConfig::new("MetaHexa Bank");
        config.clock = Arc::new(portico_core::testing::FakeClock::default());
        for username in ["amintha", "boris"] {
            let email = format!("{username}@metahexa.test");
            config
                .users
                .push(IdpUser::new(username, "correct").claim("email", email).claim("name", username));
        }
        let idp = SamlIdp::start(config).await.expect("the identity provider starts");
        let world = World::with_idp(Some(&idp.base().parse().unwrap())).await;
        let mut options = json!({ "metadataUrl": idp.entity_id(), "signSAMLRequest": true });
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            options[name] = value;
        }
        let connection = ConnectionId::random(&SystemEntropy::default());
        let bank = Self { world, idp, connection };
        bank.connect(options).await;
        bank.introduce().await;
        bank
    }

    /// Make the connection, as the Management API does.
    async fn connect(&self, options: Value) {
        let connectors = &self.world.app.connectors;
        let options = connectors.complete("samlp", options).await.expect("the options are good");
        let connection = Connection {
            id: self.connection.clone(),
            name: NAME.to_owned(),
            strategy: "samlp".to_owned(),
            options,
            enabled_clients: vec![self.world.seed.metahexa_booking.clone()],
            ..testing::connection()
        };
        let place = OrganizationConnection {
            organization_id: self.world.seed.metahexa.clone(),
            connection_id: self.connection.clone(),
            ..testing::organization_connection()
        };
        self.world
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    unit.connections().insert(&connection).await?;
                    unit.organizations().insert_connection(&place).await
                })
            })
            .await
            .unwrap();
    }

    /// The bank reads what we publish.
    async fn introduce(&self) {
        let mut browser = self.world.browser();
        let metadata =
            browser.open(&format!("{}samlp/metadata?connection={NAME}", crate::world::ISSUER)).await.unwrap();
        self.idp.register(Service::of_metadata(&metadata.body).unwrap());
    }

    pub(crate) fn authorize(&self, more: &[(&str, &str)]) -> String {
        let seed = &self.world.seed;
        let more: Vec<_> = [("connection", NAME)].into_iter().chain(more.iter().copied()).collect();
        seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &more)
    }

    pub(crate) async fn sign_in(&self, browser: &mut Browser) -> Document {
        let page = browser.open(&self.authorize(&[])).await.unwrap().clone();
        let page = carried(browser, page).await;
        assert!(page.url.as_str().starts_with(self.idp.base()), "{} {}", page.url, page.text());
        at_the_bank(browser, "amintha").await
    }
}

/// Let the pages between there and here post themselves.
pub(crate) async fn carried(browser: &mut Browser, mut page: Document) -> Document {
    for _ in 0..3 {
        let carries = page.body.contains("id=\"onward\"") || page.body.contains("data-auto-post");
        if !carries {
            break;
        }
        page = browser.press(None).await.unwrap().clone();
    }
    page
}

/// Sign in at the bank.
async fn at_the_bank(browser: &mut Browser, username: &str) -> Document {
    let page = browser.submit(&[("username", username), ("password", "correct")]).await.unwrap().clone();
    carried(browser, page).await
}

pub(crate) fn at_the_application(page: &Document) -> bool {
    page.url.as_str().starts_with(&format!("{METAHEXA}/callback?code="))
}

#[tokio::test]
async fn amintha_accepts_her_invitation_through_her_bank_by_saml() {
    let bank = Bank::new(json!({})).await;
    let (world, seed) = (&bank.world, &bank.world.seed);
    let invited = Invited {
        organization: &seed.metahexa,
        client: &seed.metahexa_booking,
        connection: Some(&bank.connection),
        now: world.clock.now(),
    };
    let (_, ticket) = seed.invite(&*world.store, "amintha@metahexa.test", invited).await;
    let mut browser = world.browser();
    let url = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("invitation", &ticket)]);
    let page = browser.open(&url).await.unwrap();
    assert_eq!(page.url.path(), "/invitation", "{}", page.text());
    let page = browser.press(None).await.unwrap();
    assert!(page.url.as_str().starts_with(bank.idp.base()), "{} {}", page.url, page.text());
    let page = at_the_bank(&mut browser, "amintha").await;
    assert!(at_the_application(&page), "{} {} {:#?}", page.url, page.text(), world.events().await);
    assert_eq!(
        world.kinds().await,
        [EventKind::Login, EventKind::InvitationAccepted, EventKind::MemberAdded],
        "{:#?}",
        world.events().await
    );
    assert_eq!(query(&page.url)["state"], "app-state");
    assert_eq!(bank.idp.seen().refused, Vec::<&str>::new());
}

#[tokio::test]
async fn nobody_is_sent_to_the_bank_when_nobody_may_be_asked() {
    // Contract §1.2.1, OP-19: without a session of ours the answer is ours. So the bank is never asked passively.
    let bank = Bank::new(json!({})).await;
    let mut browser = bank.world.browser();
    let page = browser.open(&bank.authorize(&[("prompt", "none")])).await.unwrap();
    assert_eq!(query(&page.url)["error"], "login_required", "{} {}", page.url, page.text());
    assert_eq!(bank.idp.seen().last_request, None);
    // A bank that answers as if it had been, signed and all, is refused for its status.
    let signing = Signing::with(&Keys::of_this_run().current);
    bank.idp.answer_with(move |mut recipe| {
        recipe.status = ["Responder", "NoPassive"]
            .map(|code| format!("urn:oasis:names:tc:SAML:2.0:status:{code}"))
            .to_vec();
        let mut response = recipe.shell();
        signing.sign(&mut response);
        response
    });
    let page = bank.sign_in(&mut browser).await;
    assert_eq!(page.status, 400, "{} {}", page.url, page.text());
    let asked = bank.idp.seen().last_request.expect("the bank was asked");
    assert_eq!((asked.attribute("IsPassive"), asked.attribute("ForceAuthn")), ("", ""));
    let told = bank.told(EventKind::SignedAnswerRejected).await.pop().expect("an entry");
    assert_eq!(told.details["check"], "status");
    assert!(told.description.as_ref().is_some_and(|said| said.contains("NoPassive")), "{told:#?}");
    bank.idp.behave();
    let page = bank.sign_in(&mut bank.world.browser()).await;
    assert!(page.url.as_str().starts_with(METAHEXA), "the control: {} {}", page.url, page.text());
}

#[tokio::test]
async fn requests_travel_by_redirect_or_by_post_signed_or_not() {
    let post = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    for changes in [json!({}), json!({ "protocolBinding": post })] {
        let bank = Bank::new(changes.clone()).await;
        let page = bank.sign_in(&mut bank.world.browser()).await;
        // She is at her bank's, and no member of the organization.
        assert!(page.url.as_str().contains("error="), "{changes} {} {}", page.url, page.text());
        assert_eq!(bank.world.kinds().await, [EventKind::LoginFailed], "{:#?}", bank.world.events().await);
        assert_eq!(bank.idp.seen().refused, Vec::<&str>::new(), "{changes}");
    }
}
