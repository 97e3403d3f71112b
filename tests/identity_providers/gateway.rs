//! Owns the gateway's side of a sign-in through a provider: a connection made of the metadata it publishes, and a person
//! with a browser.
//! Never touches which provider it is.

mod farewell;

use crate::{
    running::{Login, Provider, ServiceDescription},
    world::{ISSUER, METAHEXA, World, query},
};
use portico_core::{
    entropy::SystemEntropy,
    id::ConnectionId,
    model::{Connection, OrganizationConnection, testing},
    port::store::StoreError,
    time::{Clock, SystemClock},
};
use portico_fixtures::{
    browser::{Browser, Document},
    saml_document::Element,
};
use serde_json::{Value, json};

const NAME: &str = "real-idp";

/// A gateway that is connected to a provider.
pub(crate) struct Gateway {
    world: World,
    provider: Provider,
}

impl Gateway {
    /// Import the provider's metadata by its address, and let the provider know ours. Requests are signed, and travel by
    /// this binding.
    pub(crate) async fn connected_by(binding: &str, provider: Provider) -> Self {
        let world = World::with_idp(Some(&provider.url())).await;
        // Real providers know one time only.
        world.clock.set(SystemClock.now());
        let gateway = Self { world, provider };
        let options = json!({
            "metadataUrl": gateway.provider.metadata,
            "signSAMLRequest": true,
            "protocolBinding": format!("urn:oasis:names:tc:SAML:2.0:bindings:{binding}"),
        });
        gateway.connect(options).await;
        let service = gateway.describe().await;
        gateway.provider.introduce(&service);
        gateway
    }

    async fn connect(&self, options: Value) {
        let completed = self.world.app.connectors.complete("samlp", options).await;
        let options = completed.unwrap_or_else(|problems| panic!("{problems:?}: {}", self.provider.said()));
        let seed = &self.world.seed;
        let connection = Connection {
            id: ConnectionId::random(&SystemEntropy::default()),
            name: NAME.to_owned(),
            strategy: "samlp".to_owned(),
            options,
            enabled_clients: vec![seed.metahexa_booking.clone()],
            ..testing::connection()
        };
        let place = OrganizationConnection {
            organization_id: seed.metahexa.clone(),
            connection_id: connection.id.clone(),
            assign_membership_on_login: true,
            ..testing::organization_connection()
        };
        let stored = self.world.store.write::<_, StoreError, _>(move |unit| {
            Box::pin(async move {
                unit.connections().insert(&connection).await?;
                unit.organizations().insert_connection(&place).await
            })
        });
        stored.await.expect("the connection is stored");
    }

    /// What we publish about the connection.
    async fn describe(&self) -> ServiceDescription {
        let address = format!("{ISSUER}samlp/metadata?connection={NAME}");
        let metadata = self.world.browser().open(&address).await.expect("metadata").body.clone();
        let read = Element::read(&metadata).expect("metadata is XML");
        let role = read.descendant("SPSSODescriptor").expect("a role");
        let location = |name: &str| {
            let service = role.elements().find(|child| child.local() == name);
            service.map(|service| service.attribute("Location").to_owned()).unwrap_or_default()
        };
        let key = |purpose: &str| {
            let key = role.elements().find(|child| {
                child.local() == "KeyDescriptor" && [purpose, ""].contains(&child.attribute("use"))
            });
            let certificate = key.and_then(|key| key.descendant("X509Certificate")).expect("a key").content();
            let letters: Vec<char> = certificate.chars().filter(|letter| !letter.is_whitespace()).collect();
            let lines: Vec<String> = letters.chunks(64).map(|line| line.iter().collect()).collect();
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
        };
        ServiceDescription {
            entity_id: read.attribute("entityID").to_owned(),
            acs: location("AssertionConsumerService"),
            logout: location("SingleLogoutService"),
            signing: key("signing"),
            encryption: key("encryption"),
            metadata,
        }
    }

    /// Sign Alice in while the provider answers so: the claims of her ID token, or the check that failed.
    pub(crate) async fn sign_in(&self, variant: &str) -> Result<Value, String> {
        Ok(self.visit(variant).await?.1)
    }

    /// Sign Alice in in each of these ways: every ID token has these claims.
    pub(crate) async fn signs_alice_in(&self, variants: &[&str], claims: &[(&str, Value)]) {
        for variant in variants {
            let token = self.sign_in(variant).await.unwrap_or_else(|why| panic!("{variant}: {why}"));
            for (name, expected) in claims {
                assert_eq!(&token[*name], expected, "{variant}: {name}");
            }
        }
    }

    /// Refuse each of these ways for its reason; and take the provider's usual one.
    pub(crate) async fn refuses(&self, variants: &[(&str, &str)]) {
        for (variant, expected) in variants {
            assert_eq!(self.sign_in(variant).await.err().as_deref(), Some(*expected), "{variant}");
        }
        assert!(self.sign_in("default").await.is_ok());
    }

    /// What the provider says to a request whose signature was spoiled.
    pub(crate) async fn refused_for_its_signature(&self) -> Document {
        self.refused_by_the_provider(|address| address.replace("&Signature=", "&Signature=AAAA")).await
    }

    /// The same, with her browser.
    async fn visit(&self, variant: &str) -> Result<(Browser, Value), String> {
        self.provider.vary(variant);
        let mut browser = self.world.browser();
        let page = self.at_the_provider(&mut browser).await;
        assert!(page.url.as_str().starts_with(&self.provider.base), "{} {}", page.url, page.text());
        let Login { name, password } = self.provider.login;
        let page = browser.submit(&[name, password]).await;
        page.unwrap_or_else(|error| panic!("{error}\n{}", self.provider.said()));
        let page = carried(&mut browser, METAHEXA).await;
        let Some(code) = query(&page.url).remove("code") else {
            let mut events = self.world.events().await;
            let newest = events.pop();
            let check = newest.as_ref().and_then(|event| {
                event.details.get("check").or_else(|| event.details.get("reason")).and_then(Value::as_str)
            });
            return Err(check.map_or_else(
                || format!("{} {} {}", self.provider.said(), page.text(), page.url),
                str::to_owned,
            ));
        };
        let redeemed = self.world.redeem(&self.world.seed.metahexa_booking, &code).await;
        Ok((browser, redeemed.id_token()))
    }

    /// Go to the application, which sends the browser to the provider's login page.
    async fn at_the_provider(&self, browser: &mut Browser) -> Document {
        let seed = &self.world.seed;
        let url = seed.authorize(&seed.metahexa_booking, Some(&seed.metahexa), &[("connection", NAME)]);
        browser.open(&url).await.expect("an answer");
        carried(browser, &self.provider.base).await
    }

    /// What the provider says to a request that was changed on its way.
    ///
    /// It may look at a request at once, or when it knows who asks.
    async fn refused_by_the_provider(&self, change: impl FnOnce(&str) -> String) -> Document {
        let mut browser = self.world.browser();
        self.at_the_provider(&mut browser).await;
        let sent = browser
            .history
            .iter()
            .find(|hop| hop.url.query().is_some_and(|query| query.contains("SAMLRequest=")))
            .expect("a request was sent");
        let changed = change(sent.url.as_str());
        assert_ne!(changed, sent.url.as_str());
        let mut browser = self.world.browser();
        let page = browser.open(&changed).await.expect("an answer").clone();
        if !page.forms().iter().any(|form| form.fields.iter().any(|(name, _)| name == "password")) {
            return page;
        }
        let Login { name, password } = self.provider.login;
        let signed_in = browser.submit(&[name, password]).await;
        signed_in.expect("an answer").clone()
    }
}

/// Let pages that post themselves do so, until the browser is there or a person has to do something.
async fn carried(browser: &mut Browser, there: &str) -> Document {
    for _ in 0..6 {
        let page = browser.page.clone().expect("a page");
        let carries = page.forms().iter().any(|form| {
            form.fields.iter().any(|(name, _)| name == "SAMLResponse" || name == "SAMLRequest")
                && !form.fields.iter().any(|(name, _)| name == "password")
        });
        if page.url.as_str().starts_with(&format!("{there}/callback")) || !carries {
            return page;
        }
        browser.press(None).await.expect("an answer");
    }
    browser.page.clone().expect("a page")
}
