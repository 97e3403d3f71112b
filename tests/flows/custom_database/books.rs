//! Owns a customer's database as tests keep it, with the scripts of its connection.
//! Never touches the gateway but through what its administrator would configure.

use crate::world::{HOEKSTRA, World, query, seed::Seed};
use portico_connectors::Registry;
use portico_core::{
    account::AccountSettings,
    admin::{Actor, Admin, AdminPorts},
    connector::Subject,
    id::ConnectionId,
    model::{Connection, OrganizationConnection, OutboxMail, User, testing},
    port::{
        script::ScriptError,
        store::{Page, StoreError},
    },
    testing::FakeClock,
    time::Clock,
};
use portico_fixtures::browser::{Browser, Document};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The connection's name.
pub(crate) const NAME: &str = "legacy-db";
/// What its owner chose long ago.
pub(crate) const PASSWORD: &str = "legacy";
/// One that our policy takes.
pub(crate) const STRONG: &str = "quiet Harbour 47 lamps";

/// Somebody in the customer's database.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) verified: bool,
}

#[derive(Default)]
struct State {
    people: Vec<Person>,
    calls: Vec<String>,
    down: bool,
}

/// A customer's database.
#[derive(Clone, Default)]
pub(crate) struct Books(Arc<Mutex<State>>);

impl Books {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scripts that ran since this was asked last.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// From now on nothing answers.
    pub(crate) fn go_down(&self) {
        self.state().down = true;
    }

    pub(crate) fn add(&self, id: &str, email: &str, password: &str) {
        let (id, email, password) = (id.to_owned(), email.to_owned(), password.to_owned());
        self.state().people.push(Person { id, email, password, verified: false });
    }

    pub(crate) fn person(&self, email: &str) -> Option<Person> {
        self.state().people.iter().find(|person| person.email == email).cloned()
    }

    fn called(&self, script: &str) -> Result<MutexGuard<'_, State>, ScriptError> {
        let mut state = self.state();
        state.calls.push(script.to_owned());
        if state.down {
            return Err(raised("Error", "connect ECONNREFUSED"));
        }
        Ok(state)
    }

    fn login(&self, args: &[Value]) -> Result<Vec<Value>, ScriptError> {
        let state = self.called("login")?;
        let person = state.people.iter().find(|person| args[0] == person.email);
        match person.filter(|person| args[1] == person.password) {
            Some(person) => Ok(vec![profile(person)]),
            None => Err(raised("WrongUsernameOrPasswordError", "no")),
        }
    }

    fn get_user(&self, args: &[Value]) -> Result<Vec<Value>, ScriptError> {
        let state = self.called("get_user")?;
        Ok(state.people.iter().find(|person| args[0] == person.email).map(profile).into_iter().collect())
    }

    fn create(&self, args: &[Value]) -> Result<Vec<Value>, ScriptError> {
        let mut state = self.called("create")?;
        let text = |name: &str| args[0][name].as_str().unwrap_or_default().to_owned();
        if state.people.iter().any(|person| person.email == text("email")) {
            return Err(ScriptError::Raised {
                name: "ValidationError".to_owned(),
                message: "taken".to_owned(),
                code: Some("user_exists".to_owned()),
                line: 1,
                console: Vec::new(),
            });
        }
        let id = format!("legacy-{}", state.people.len() + 1);
        state.people.push(Person { id, email: text("email"), password: text("password"), verified: false });
        Ok(Vec::new())
    }

    fn change(
        &self,
        script: &str,
        args: &[Value],
        change: impl FnOnce(&mut Person, &[Value]),
    ) -> Result<Vec<Value>, ScriptError> {
        let mut state = self.called(script)?;
        let found = state.people.iter_mut().find(|person| args[0] == person.email);
        let is_there = found.is_some();
        if let Some(person) = found {
            change(person, args);
        }
        Ok(vec![json!(is_there)])
    }

    /// Let the connection's scripts do this.
    fn behind(&self, world: &World) {
        let set =
            |script: &str, books: Self, what: fn(&Self, &[Value]) -> Result<Vec<Value>, ScriptError>| {
                world.scripts.set(&format!("{NAME}/{script}"), move |args| what(&books, &args));
            };
        set("login", self.clone(), Self::login);
        set("get_user", self.clone(), Self::get_user);
        set("create", self.clone(), Self::create);
        set("verify", self.clone(), |books, args| {
            books.change("verify", args, |person, _| person.verified = true)
        });
        set("change_password", self.clone(), |books, args| {
            books.change("change_password", args, |person, args| {
                args[1].as_str().unwrap_or_default().clone_into(&mut person.password);
            })
        });
        set("change_email", self.clone(), |books, args| {
            books.change("change_email", args, |person, args| {
                args[1].as_str().unwrap_or_default().clone_into(&mut person.email);
            })
        });
        set("delete", self.clone(), |books, args| {
            let mut state = books.called("delete")?;
            state.people.retain(|person| args[0] != person.id);
            Ok(Vec::new())
        });
    }
}

fn profile(person: &Person) -> Value {
    json!({"user_id": person.id, "email": person.email, "nickname": "jen", "email_verified": person.verified})
}

/// What a script calls back with when it says no.
pub(crate) fn raised(name: &str, message: &str) -> ScriptError {
    ScriptError::Raised {
        name: name.to_owned(),
        message: message.to_owned(),
        code: None,
        line: 1,
        console: Vec::new(),
    }
}

/// A text for every script: what they do is decided elsewhere.
fn texts() -> Value {
    let text = "function (email, password, callback) { callback(null); }";
    let names = ["login", "get_user", "create", "verify", "change_password", "change_email", "delete"];
    Value::Object(names.iter().map(|name| ((*name).to_owned(), json!(text))).collect())
}

/// Options of a custom database with every script, and these besides.
pub(crate) fn options(more: &Value) -> Value {
    let mut options = json!({
        "enabledDatabaseCustomization": true,
        "customScripts": texts(),
        "attributes": {"email": {"signup": {"verification": {"active": false}}}},
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        options[name.as_str()] = value.clone();
    }
    options
}

/// A gateway with a connection to a customer's database beside its own, which is empty but for Jennifer.
pub(crate) async fn gateway(more: &Value) -> (World, Books, ConnectionId) {
    let world = World::new().await;
    let books = Books::default();
    books.add("legacy-1", "jen@legacy.test", PASSWORD);
    books.behind(&world);
    let id = connect(&world, options(more)).await;
    (world, books, id)
}

/// Add the connection: for the application without organizations, and for Hoekstra, which takes whoever comes through it.
pub(crate) async fn connect(world: &World, options: Value) -> ConnectionId {
    let Seed { plain, booking, hoekstra, .. } = world.seed.clone();
    let id = ConnectionId::random(&portico_core::entropy::SystemEntropy::default());
    let connection = Connection {
        id: id.clone(),
        name: NAME.to_owned(),
        strategy: "auth0".to_owned(),
        options,
        enabled_clients: vec![plain, booking],
        created_at: world.clock.now(),
        ..testing::connection()
    };
    let place = OrganizationConnection {
        organization_id: hoekstra,
        connection_id: id.clone(),
        assign_membership_on_login: true,
        is_signup_enabled: true,
        ..testing::organization_connection()
    };
    world
        .change(move |unit| {
            Box::pin(async move {
                unit.connections().insert(&connection).await?;
                unit.organizations().insert_connection(&place).await
            })
        })
        .await;
    id
}

/// Replace the connection's options.
pub(crate) async fn configure(world: &World, id: &ConnectionId, options: Value) {
    let id = id.clone();
    world
        .change(move |unit| {
            Box::pin(async move {
                let old = unit.connections().find(&id).await?.expect("the connection is there");
                unit.connections().update(&Connection { revision: old.revision + 1, options, ..old }).await
            })
        })
        .await;
}

/// A browser at the connection's form.
pub(crate) async fn at_form(world: &World, more: &[(&str, &str)]) -> Browser {
    let mut browser = world.browser();
    let parameters: Vec<_> = more.iter().copied().chain([("connection", NAME)]).collect();
    world.begin(&mut browser, &world.seed.plain, &parameters).await;
    browser
}

/// Sign in; the page that comes of it.
pub(crate) async fn sign_in(world: &World, email: &str, password: &str) -> Document {
    let mut browser = at_form(world, &[]).await;
    browser.submit(&[("username", email), ("password", password)]).await.unwrap().clone()
}

/// Sign up likewise.
pub(crate) async fn sign_up(world: &World, email: &str, password: &str) -> Document {
    let mut browser = at_form(world, &[("screen_hint", "signup")]).await;
    browser.submit(&[("email", email), ("password", password)]).await.unwrap().clone()
}

/// Whether the application got its code.
pub(crate) fn is_in(page: &Document) -> bool {
    page.url.as_str().starts_with(HOEKSTRA) && query(&page.url).contains_key("code")
}

/// The user with this address.
pub(crate) async fn user(world: &World, email: &str) -> Option<User> {
    world.people(email, &world.seed.hoekstra).await.into_iter().next().map(|(user, _)| user)
}

/// Whether the store has a password of somebody.
pub(crate) async fn has_password(world: &World, id: &ConnectionId, subject: &str) -> bool {
    let (id, subject) = (id.clone(), Subject(subject.to_owned()));
    let found =
        world.store.read(|unit| Box::pin(async move { unit.credentials().find(&id, &subject).await }));
    found.await.unwrap().is_some_and(|credential| credential.password_hash.is_some())
}

/// The newest message of this kind.
pub(crate) async fn mail(world: &World, template: &str) -> Option<OutboxMail> {
    let mails: Result<_, StoreError> = world
        .store
        .read(|unit| Box::pin(async move { unit.outbox().list(None, &Page::first(100)).await }))
        .await;
    mails.unwrap().into_iter().filter(|mail| mail.template == template).max_by_key(|mail| mail.created_at)
}

/// Ask for a link by which a new password is chosen, and follow it if one was mailed.
pub(crate) async fn reset(world: &World, email: &str, password: &str) -> Option<Document> {
    ask_for_reset(world, email).await;
    let mail = mail(world, "reset_email").await?;
    let mut browser = world.browser();
    browser.open(mail.data["url"].as_str().unwrap()).await.unwrap();
    Some(browser.submit(&[("password", password)]).await.unwrap().clone())
}

/// Ask for such a link.
pub(crate) async fn ask_for_reset(world: &World, email: &str) {
    let mut browser = world.browser();
    let page = browser.open(&format!("{}u/reset-password/request/{NAME}", crate::world::ISSUER)).await;
    assert_eq!(page.unwrap().status, 200);
    let page = browser.submit(&[("email", email)]).await.unwrap();
    assert_eq!(page.status, 200, "{}", page.text());
}

/// The Management API's use cases.
pub(crate) fn admin(world: &World) -> Admin {
    let clock: Arc<FakeClock> = Arc::clone(&world.clock);
    let issuer = crate::world::ISSUER.parse().unwrap();
    Admin::new(AdminPorts {
        store: Arc::clone(&world.store),
        clock,
        entropy: Arc::new(portico_core::entropy::SystemEntropy::default()),
        scripts: world.scripts.clone(),
        factories: Arc::new(Registry::standard(Arc::clone(&world.hashing))),
        connectors: Arc::clone(&world.app.connectors),
        accounts: AccountSettings::of(issuer),
    })
}

/// An administrator.
pub(crate) fn actor() -> Actor {
    Actor {
        client_id: None,
        ip: None,
        user_agent: None,
        method: "POST".to_owned(),
        path: "/api/v2/users".to_owned(),
        organization: None,
    }
}

/// A user as an administrator makes one.
pub(crate) fn draft(email: &str, password: &str) -> portico_core::admin::UserDraft {
    portico_core::admin::UserDraft {
        connection: NAME.to_owned(),
        email: Some(portico_core::email::Email::parse(email).unwrap()),
        email_verified: false,
        username: None,
        password: Some(portico_core::secret::Secret::new(password)),
        user_id: None,
        profile: Map::new(),
        user_metadata: Map::new(),
        app_metadata: Map::new(),
        blocked: false,
        verification: portico_core::admin::Mailing::default(),
    }
}
