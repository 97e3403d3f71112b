//! Owns a whole gateway with two organizations, each with a SAML identity provider of its own.
//! Never touches the judgement by itself: everything goes through the gateway's doors.

use crate::world::{HOEKSTRA, ISSUER, METAHEXA, World, query};
use portico_core::{
    entropy::SystemEntropy,
    id::{ClientId, ConnectionId, OrganizationId},
    model::{AuditEvent, Connection, OrganizationConnection, testing},
    port::store::{Store, StoreError},
    time::Clock,
};
use portico_fixtures::{
    browser::{Browser, Document},
    oidc_idp::IdpUser,
    saml_document::{Element, Key, Keys, Place, Recipe, Signing, inflated},
    saml_idp::{SamlIdp, SamlIdpConfig, Service},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use url::Url;

/// What a login that worked ends with.
pub(super) const SIGNED_IN: &str = "signed in";

/// An organization with its identity provider and the connection to it.
pub(super) struct Customer {
    /// The connection's name.
    pub(super) name: &'static str,
    /// The connection.
    pub(super) connection: ConnectionId,
    /// The organization.
    pub(super) organization: OrganizationId,
    /// Its application.
    pub(super) client: ClientId,
    /// Its identity provider.
    pub(super) idp: Arc<SamlIdp>,
    key: Arc<Key>,
}

/// The gateway and both of them.
pub(super) struct Hall {
    /// The gateway.
    pub(super) world: World,
    /// MetaHexa Bank.
    pub(super) bank: Customer,
    /// Hoekstra & Associates.
    pub(super) firm: Customer,
}

/// What the gateway asked of an identity provider.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// The request's ID.
    pub(super) id: String,
    /// What has to come back with the answer.
    pub(super) relay_state: String,
}

impl Hall {
    /// Both, each with a key of its own.
    pub(super) async fn open() -> Self {
        Self::with(json!({})).await
    }

    /// Both; the options of MetaHexa's connection are changed so.
    pub(super) async fn with(changes: Value) -> Self {
        Self::over(portico_store::temporary().await.unwrap(), changes).await
    }

    /// Both, over this store.
    pub(super) async fn over(store: Arc<dyn Store>, changes: Value) -> Self {
        let keys = Keys::of_this_run();
        let world = World::over(store, None).await;
        let seed = &world.seed;
        let bank = Customer::open("metahexa-saml", (&seed.metahexa, &seed.metahexa_booking), &keys.current);
        let firm = Customer::open("hoekstra-saml", (&seed.hoekstra, &seed.booking), &keys.next);
        let (bank, firm) = (bank.await, firm.await);
        let hall = Self { world, bank, firm };
        hall.connect(&hall.bank, hall.options(&hall.bank, &changes))
            .await
            .expect("MetaHexa's options are good");
        hall.connect(&hall.firm, hall.options(&hall.firm, &json!({})))
            .await
            .expect("Hoekstra's options are good");
        for customer in [&hall.bank, &hall.firm] {
            customer.idp.register(hall.service(customer).await);
        }
        hall
    }

    /// Options of a connection to an identity provider, with these changes.
    pub(super) fn options(&self, customer: &Customer, changes: &Value) -> Value {
        let mut options = json!({"metadataXml": customer.idp.metadata(), "signSAMLRequest": true});
        for (name, value) in changes.as_object().cloned().unwrap_or_default() {
            options[name] = value;
        }
        assert!(self.world.seed.idp != customer.connection);
        options
    }

    /// Make a connection as the Management API does: the problems of its options, if there are any.
    pub(super) async fn connect(&self, customer: &Customer, options: Value) -> Result<(), Vec<String>> {
        let completed = self.world.app.connectors.complete("samlp", options).await;
        let options =
            completed.map_err(|problems| problems.into_iter().map(|one| one.pointer).collect::<Vec<_>>())?;
        self.store_connection(customer, options).await;
        Ok(())
    }

    /// Write a connection into the store, whatever its options are.
    pub(super) async fn store_connection(&self, customer: &Customer, options: Value) {
        let connection = Connection {
            id: customer.connection.clone(),
            name: customer.name.to_owned(),
            strategy: "samlp".to_owned(),
            options,
            enabled_clients: vec![customer.client.clone()],
            ..testing::connection()
        };
        let place = OrganizationConnection {
            organization_id: customer.organization.clone(),
            connection_id: customer.connection.clone(),
            assign_membership_on_login: true,
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
            .expect("the connection is stored");
    }

    /// Give a connection other options.
    pub(super) async fn replace_options(&self, customer: &Customer, options: Value) {
        let options =
            self.world.app.connectors.complete("samlp", options).await.expect("the options are good");
        let id = customer.connection.clone();
        self.world
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    let known = unit.connections().find(&id).await?.expect("the connection is there");
                    let revision = known.revision + 1;
                    unit.connections().update(&Connection { options, revision, ..known }).await
                })
            })
            .await
            .expect("the options are stored");
    }

    /// Another connection to MetaHexa's identity provider, which Hoekstra has: one key, one entity id.
    pub(super) async fn twin(&self, changes: Value) -> Customer {
        let twin = Customer {
            name: "metahexa-twin",
            connection: ConnectionId::random(&SystemEntropy::default()),
            organization: self.firm.organization.clone(),
            client: self.firm.client.clone(),
            idp: Arc::clone(&self.bank.idp),
            key: Arc::clone(&self.bank.key),
        };
        self.connect(&twin, self.options(&twin, &changes)).await.expect("the twin's options are good");
        twin.idp.register(self.service(&twin).await);
        twin
    }

    /// What the gateway publishes about a connection.
    pub(super) async fn service(&self, customer: &Customer) -> Service {
        let address = format!("{ISSUER}samlp/metadata?connection={}", customer.name);
        let metadata = self.world.browser().open(&address).await.unwrap().body.clone();
        Service::of_metadata(&metadata).expect("metadata")
    }

    /// Begin a login of a customer's application; what its identity provider is asked.
    pub(super) async fn begin(&self, browser: &mut Browser, customer: &Customer) -> Asked {
        let more = [("connection", customer.name)];
        let url = self.world.seed.authorize(&customer.client, Some(&customer.organization), &more);
        let page = browser.open(&url).await.unwrap().clone();
        assert!(page.url.as_str().starts_with(customer.idp.base()), "{} {}", page.url, page.text());
        let hop = browser.passed(&customer.idp.sign_on_url()).expect("the browser was sent there");
        let mut fields = query(&hop.url);
        let request = inflated(&fields["SAMLRequest"]).expect("a request");
        let request = Element::read(&request).expect("a request");
        let relay_state = fields.remove("RelayState").unwrap_or_default();
        Asked { id: request.attribute("ID").to_owned(), relay_state }
    }

    /// An honest answer of a customer's identity provider, its assertion signed.
    pub(super) fn recipe(&self, customer: &Customer, asked: Option<&Asked>) -> Recipe {
        let request = asked.map(|asked| asked.id.as_str());
        let mut recipe = Recipe::new(&customer.place(), request, self.world.clock.now());
        recipe.sign_assertion = Some(customer.signing());
        recipe
    }

    /// Let a browser post an answer from the identity provider's page, and go on as browsers do; how that ends.
    pub(super) async fn post(
        &self,
        browser: &mut Browser,
        customer: &Customer,
        (response, relay_state): (&str, Option<&str>),
    ) -> String {
        let mut fields = vec![("SAMLResponse", response)];
        fields.extend(relay_state.map(|relay_state| ("RelayState", relay_state)));
        ended(&self.post_fields(browser, customer, &fields).await)
    }

    /// The same with any fields; the page that it ends at.
    pub(super) async fn post_fields(
        &self,
        browser: &mut Browser,
        customer: &Customer,
        fields: &[(&str, &str)],
    ) -> Document {
        // Entries of one instant have no order: those that follow are of a later one.
        self.world.clock.advance(Duration::from_millis(1));
        let from = format!("{}/", customer.idp.base());
        browser.forge(&from, &customer.place().acs, fields).await.expect("an answer");
        carried(browser).await
    }

    /// The check that failed last, or the reason of the newest entry of the log if none did.
    pub(super) async fn refusal(&self) -> String {
        let events = self.world.events().await;
        let newest = events.last().expect("there is an entry");
        told(newest)
    }

    /// The control: a fresh login of each customer's works.
    pub(super) async fn still_works(&self) {
        for customer in [&self.bank, &self.firm] {
            let mut browser = self.world.browser();
            let asked = self.begin(&mut browser, customer).await;
            let response = self.recipe(customer, Some(&asked)).posted();
            let ended = self.post(&mut browser, customer, (&response, Some(&asked.relay_state))).await;
            assert_eq!(ended, SIGNED_IN, "{}: {}", customer.name, self.refusal().await);
        }
    }

    /// Answer a fresh login of MetaHexa's with what is made of the honest recipe; how it ends, and why.
    pub(super) async fn answer(&self, change: impl FnOnce(Recipe) -> Recipe) -> (String, String) {
        let mut browser = self.world.browser();
        let asked = self.begin(&mut browser, &self.bank).await;
        let response = change(self.recipe(&self.bank, Some(&asked))).posted();
        let ended = self.post(&mut browser, &self.bank, (&response, Some(&asked.relay_state))).await;
        (ended, self.refusal().await)
    }
}

impl Customer {
    async fn open(
        name: &'static str,
        (organization, client): (&OrganizationId, &ClientId),
        key: &Arc<Key>,
    ) -> Self {
        let mut config = SamlIdpConfig::new(name);
        config.clock = Arc::new(portico_core::testing::FakeClock::default());
        config.key = Arc::clone(key);
        config.users.push(IdpUser::new("low", "secret").claim("email", "low@metahexa.example"));
        Self {
            name,
            connection: ConnectionId::random(&SystemEntropy::default()),
            organization: organization.clone(),
            client: client.clone(),
            idp: Arc::new(SamlIdp::start(config).await.expect("the identity provider starts")),
            key: Arc::clone(key),
        }
    }

    /// Between whom its answers go.
    pub(super) fn place(&self) -> Place {
        Place {
            issuer: self.idp.entity_id(),
            audience: format!("urn:auth0:login:{}", self.name),
            acs: format!("{ISSUER}login/callback?connection={}", self.name),
        }
    }

    /// How its identity provider signs.
    pub(super) fn signing(&self) -> Signing {
        Signing::with(&self.key)
    }
}

/// Let pages that post themselves do so.
pub(super) async fn carried(browser: &mut Browser) -> Document {
    browser.carry_on().await.expect("an answer").clone()
}

/// How a login ended, in words: signed in, back at the application with an error, or a page of our own.
pub(super) fn ended(page: &Document) -> String {
    let at_the_application = [HOEKSTRA, METAHEXA].iter().any(|base| page.url.as_str().starts_with(base));
    let fields = query(&page.url);
    match (at_the_application, fields.get("code"), fields.get("error")) {
        (true, Some(_), None) => SIGNED_IN.to_owned(),
        (true, None, Some(error)) => format!("error: {error}"),
        _ => format!("page {}", page.status.as_u16()),
    }
}

/// The check that failed, as an entry of the log tells it, or its reason.
pub(super) fn told(event: &AuditEvent) -> String {
    let text = |name: &str| event.details.get(name).and_then(Value::as_str).map(str::to_owned);
    text("check").or_else(|| text("reason")).unwrap_or_else(|| format!("{:?}", event.kind))
}

/// An address as text is one.
pub(super) fn url(text: &str) -> Url {
    text.parse().expect("a URL")
}
