//! Owns making an account for oneself without signing in (`/dbconnections/signup`), and whether that is allowed at all.
//! Never touches what a password must be like: that is the connector's.

use super::{
    AccountFault, Caller, ResetRequest, SelfService, mail::MailFacts, reset::found, throttle,
    verification::mail_verification,
};
use crate::{
    connector::{
        AccountError, Accounts, Assertion, ConnectorError, Kept, NewAccount, Occasion, PasswordFault, Subject,
    },
    email::Email,
    id::ClientId,
    login::{Keeper, fresh_user},
    model::{Client, Connection, EventKind, OrganizationConnection, PasswordCredential, User},
    oauth::AuthorizeRequest,
    port::store::StoreError,
    secret::Secret,
    time::Timestamp,
};
use serde_json::{Map, Value};

/// Why nobody may make an account here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoSignUp {
    /// The connection takes no sign-ups (`disable_signup`), or this organization takes none through it.
    Closed,
    /// The connection is not enabled for the application, or for the organization.
    NotEnabled,
}

/// Where somebody is who wants an account.
#[derive(Clone, Copy, Debug)]
pub enum Door<'d> {
    /// At an application, for no organization.
    Application(&'d ClientId),
    /// At an organization, which has this place for the connection, or none.
    Organization(Option<&'d OrganizationConnection>),
}

impl<'d> Door<'d> {
    /// Of a login, whose organization has this place for the connection.
    pub(crate) const fn of(request: &'d AuthorizeRequest, place: Option<&'d OrganizationConnection>) -> Self {
        match &request.organization {
            Some(_) => Self::Organization(place),
            None => Self::Application(&request.client_id),
        }
    }
}

/// Whether people may make accounts in a connection: for an organization, if it is about one, else for an application
/// (`security.md` DB-21). Every way to sign up asks this; a hidden button decides nothing.
pub fn may_sign_up(
    accounts: Option<&dyn Accounts>,
    connection: &Connection,
    door: Door<'_>,
) -> Result<(), NoSignUp> {
    let open = match door {
        Door::Application(client) if connection.enabled_clients.contains(client) => true,
        Door::Organization(Some(place)) if place.is_enabled && place.connection_id == connection.id => {
            // Contract §3.3: sign-up through an organization's connection means membership in it.
            place.is_signup_enabled && place.assign_membership_on_login
        }
        Door::Application(_) | Door::Organization(_) => return Err(NoSignUp::NotEnabled),
    };
    if open && accounts.is_some_and(Accounts::open_for_sign_up) { Ok(()) } else { Err(NoSignUp::Closed) }
}

/// An account that somebody wants.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// From which application.
    pub client_id: ClientId,
    /// In which connection, by its name.
    pub connection: String,
    /// With which address.
    pub email: String,
    /// With which user name.
    pub username: Option<String>,
    /// With which password.
    pub password: Secret,
    /// What else they say of themselves, by OIDC's claim names.
    pub profile: Map<String, Value>,
    /// And to the application.
    pub user_metadata: Map<String, Value>,
}

/// What whoever asked is told: the same for an address that has an account already, whose owner gets another message
/// (`security.md` DB-03).
#[derive(Clone, Debug)]
pub struct SignedUp {
    /// The account's identifier in the connection; one of nobody, if there was an account.
    pub subject: Subject,
    /// The address.
    pub email: Email,
    /// The user name.
    pub username: Option<String>,
}

/// Why no account was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotSignedUp {
    /// Nobody may, or nobody may from this application.
    Refused(NoSignUp),
    /// The address is none.
    EmailUnusable,
    /// The user name cannot be used, in words.
    UsernameUnusable(&'static str),
    /// The user name is another account's.
    UsernameTaken,
    /// The password does not meet the policy.
    Faults(Vec<PasswordFault>),
    /// Whoever keeps the accounts says no, with this code.
    NotTaken(Option<String>),
    /// Too much was asked; there is room again at this instant.
    TooMany(Timestamp),
}

/// What a sign-up is about, once it is known to be allowed.
#[derive(Clone)]
struct Place {
    client: Client,
    connection: Connection,
    /// Whether the address has to be verified.
    verifies: bool,
}

impl SelfService {
    /// Make an account, and mail a link that verifies its address. Where addresses are verified the account opens once
    /// this one is: whether there was one already is the mailbox's secret (DB-03).
    pub async fn sign_up(
        &self,
        wanted: SignUp,
        caller: &Caller,
    ) -> Result<Result<SignedUp, NotSignedUp>, AccountFault> {
        let Some((client, connection)) = self.named(&wanted).await? else {
            return Ok(Err(NotSignedUp::Refused(NoSignUp::NotEnabled)));
        };
        let connector = self.connectors.of(&connection)?;
        let allowed = may_sign_up(connector.accounts(), &connection, Door::Application(&client.id));
        let accounts = match (allowed, connector.accounts()) {
            (Ok(()), Some(accounts)) => accounts,
            (Ok(()), None) => return Ok(Err(NotSignedUp::Refused(NoSignUp::Closed))),
            (Err(refused), _) => return Ok(Err(NotSignedUp::Refused(refused))),
        };
        let place = Place { client, connection, verifies: accounts.verifies_addresses() };
        let Ok(email) = Email::parse(&wanted.email) else { return Ok(Err(NotSignedUp::EmailUnusable)) };
        let now = self.clock.now();
        let charges = throttle::sign_up(&place.connection.id, &email, caller.ip);
        let full = self.store.charge(&charges, now).await?;
        if let Some((_, room_at)) = full {
            return Ok(Err(NotSignedUp::TooMany(room_at)));
        }
        let mut profile = wanted.profile.clone();
        profile.insert("user_metadata".to_owned(), Value::Object(wanted.user_metadata.clone()));
        let account = NewAccount {
            email: Some(email.clone()),
            username: wanted.username.clone(),
            password: Some(wanted.password.clone()),
            profile,
            subject: None,
            occasion: Occasion { organization: None, client: Some(place.client.id.clone()) },
        };
        let made = match accounts.create(account).await {
            Ok(made) => made,
            Err(AccountError::Exists) => {
                return self.exists(&place, &wanted, (email, accounts), caller).await;
            }
            Err(AccountError::UsernameTaken) => return Ok(Err(NotSignedUp::UsernameTaken)),
            Err(AccountError::Refused { code, .. }) => return Ok(Err(NotSignedUp::NotTaken(code))),
            Err(AccountError::NotImplemented(what)) => return Err(ConnectorError::Misconfigured(what).into()),
            Err(AccountError::Password(faults)) => return Ok(Err(NotSignedUp::Faults(faults))),
            Err(AccountError::Username(reason)) => return Ok(Err(NotSignedUp::UsernameUnusable(reason))),
            Err(AccountError::Email) => return Ok(Err(NotSignedUp::EmailUnusable)),
            Err(AccountError::Connector(error)) => return Err(error.into()),
        };
        self.keep(place, wanted, (email, accounts), made, caller).await
    }

    async fn named(&self, wanted: &SignUp) -> Result<Option<(Client, Connection)>, AccountFault> {
        let found = self.store.read::<_, StoreError, _>(|unit| {
            Box::pin(async move {
                let client = unit.clients().find(&wanted.client_id).await?;
                let connection = unit.connections().find_by_name(&wanted.connection).await?;
                Ok(client.zip(connection))
            })
        });
        Ok(found.await?)
    }

    async fn keep(
        &self,
        place: Place,
        wanted: SignUp,
        (email, accounts): (Email, &dyn Accounts),
        made: Assertion,
        caller: &Caller,
    ) -> Result<Result<SignedUp, NotSignedUp>, AccountFault> {
        let username = made.credential.as_ref().and_then(|credential| credential.username.clone());
        // An identifier of a customer's own would tell that the account is new (DB-03).
        let tells = place.verifies && accounts.kept() == Kept::None;
        let subject = if tells { Subject(self.entropy.hex(24)) } else { made.subject.clone() };
        let signed_up = SignedUp { subject, email: email.clone(), username };
        match self.insert(place.clone(), wanted.clone(), made, caller).await {
            Ok(Made::Account) => Ok(Ok(signed_up)),
            Ok(Made::UsernameTaken) => Ok(Err(NotSignedUp::UsernameTaken)),
            // Made meanwhile: as if it had been there.
            Ok(Made::Exists) | Err(StoreError::Conflict(_)) => {
                self.exists(&place, &wanted, (email, accounts), caller).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// There is an account already: whoever has it is told, and nobody else (DB-03).
    async fn exists(
        &self,
        place: &Place,
        wanted: &SignUp,
        (email, accounts): (Email, &dyn Accounts),
        caller: &Caller,
    ) -> Result<Result<SignedUp, NotSignedUp>, AccountFault> {
        let signed_up = SignedUp {
            subject: Subject(self.entropy.hex(24)),
            email: email.clone(),
            username: wanted.username.as_ref().map(|name| name.trim().to_ascii_lowercase()),
        };
        let request = ResetRequest {
            connection: place.connection.id.clone(),
            email: wanted.email.clone(),
            client: Some(place.client.id.clone()),
            organization: None,
        };
        let found = found(accounts, &email, &request).await?;
        let exists = caller
            .event(EventKind::SignUpFailed, self.clock.now(), self.entropy.as_ref(), &place.connection)
            .because("user_exists", "there is an account with this address");
        let connection = place.connection.clone();
        self.mail_reset(connection, (email, found), &request, caller, Some(exists)).await?;
        Ok(Ok(signed_up))
    }

    async fn insert(
        &self,
        place: Place,
        wanted: SignUp,
        made: Assertion,
        caller: &Caller,
    ) -> Result<Made, StoreError> {
        let (now, entropy, settings) = (self.clock.now(), self.entropy.clone(), self.settings.clone());
        let event = caller.event(EventKind::SignUp, now, entropy.as_ref(), &place.connection);
        let work = self.store.write::<_, StoreError, _>(move |unit| {
            Box::pin(async move {
                let id = &place.connection.id;
                let address = made.credential.as_ref().and_then(|credential| credential.email.clone());
                let username = made.credential.as_ref().and_then(|credential| credential.username.clone());
                if let Some(username) = &username
                    && unit.credentials().find_by_identifier(id, username).await?.is_some()
                {
                    return Ok(Made::UsernameTaken);
                }
                if let Some(address) = &address
                    && unit.credentials().find_by_identifier(id, address.canonical()).await?.is_some()
                {
                    return Ok(Made::Exists);
                }
                let user = new_user(&place.connection, &made, wanted, now);
                unit.users().insert(&user).await?;
                if let Some(credential) = made.credential {
                    let made = PasswordCredential::new(id, &user.id, made.subject, credential, now);
                    let stored = PasswordCredential { awaits_verification: place.verifies, ..made };
                    unit.credentials().insert(&stored).await?;
                }
                let facts = MailFacts {
                    user: &user,
                    connection: &place.connection,
                    client: Some(&place.client),
                    organization: None,
                    url: None,
                };
                if place.verifies {
                    mail_verification(unit, &facts, &settings, now, entropy.as_ref()).await?;
                }
                let mut event = event.about(&user);
                event.client_id = Some(place.client.id.clone());
                event.client_name = Some(place.client.name.clone());
                unit.events().insert(&event).await?;
                Ok(Made::Account)
            })
        });
        work.await
    }
}

enum Made {
    Account,
    Exists,
    UsernameTaken,
}

/// What they say of themselves comes before what whoever keeps the account says.
fn new_user(connection: &Connection, made: &Assertion, wanted: SignUp, now: Timestamp) -> User {
    let mut assertion = made.clone();
    assertion.profile.extend(wanted.profile);
    let mut user = fresh_user((connection, Keeper::Us), &assertion, None, now);
    user.user_metadata.extend(wanted.user_metadata);
    user
}
