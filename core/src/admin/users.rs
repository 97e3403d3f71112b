//! Owns how administrators find, make and delete users.
//! Never touches changes of a user, which have a file of their own, or how users come to be at a login.

use super::{Actor, Admin, AdminError, Mailing, actor::About, connections::keeps_accounts};
use crate::{
    connector::{AccountError, Assertion, Connector, ConnectorError, NewAccount, Occasion, Subject},
    email::Email,
    id::{ConnectionId, UserId},
    model::{Connection, EventKind, PasswordCredential, User},
    port::store::{Page, UnitOfWork, UserFilter},
    secret::Secret,
    time::Timestamp,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A user to be.
#[derive(Clone, Debug)]
pub struct UserDraft {
    /// The connection's name.
    pub connection: String,
    /// Their address.
    pub email: Option<Email>,
    /// Whether an administrator vouches that it is theirs.
    pub email_verified: bool,
    /// Their user name, where the connection has them.
    pub username: Option<String>,
    /// Their password; none makes an account that cannot sign in before a reset.
    pub password: Option<Secret>,
    /// The key they are to have in the connection; a fresh one if none is given.
    pub user_id: Option<String>,
    /// `name`, `nickname`, `picture`, `given_name`, `family_name`, `phone_number`.
    pub profile: Map<String, Value>,
    /// What the person may change.
    pub user_metadata: Map<String, Value>,
    /// What only administrators and rules may change.
    pub app_metadata: Map<String, Value>,
    /// Whether they may not log in at all.
    pub blocked: bool,
    /// Whether a message asks them to show that the address is theirs.
    pub verification: Mailing,
}

impl Admin {
    /// A page of the users that fit, and how many do.
    pub async fn users(&self, filter: UserFilter, page: Page) -> Result<(Vec<User>, i64), AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let rows = unit.users().list(&filter, &page).await?;
                    Ok((rows, unit.users().count(&filter).await?))
                })
            })
            .await
    }

    /// All users with this address, whatever their connection.
    pub async fn users_by_email(&self, email: &Email) -> Result<Vec<User>, AdminError> {
        self.store.read(|unit| Box::pin(async move { Ok(unit.users().find_by_email(email).await?) })).await
    }

    /// One user.
    pub async fn user(&self, id: &UserId) -> Result<User, AdminError> {
        self.store.read(|unit| Box::pin(async move { found(unit, id).await })).await
    }

    /// Make one, with a credential under the connection's policy.
    ///
    /// The checks come in the order of contract §2.8. That the connection is enabled for an organization does not
    /// suffice: it must be enabled for an application (seed, "Users").
    pub async fn create_user(&self, actor: &Actor, draft: UserDraft) -> Result<User, AdminError> {
        let connection = self.connection_for_users(&draft.connection).await?;
        if draft.username.is_some() && !requires_username(&connection) {
            return Err(AdminError::body("Cannot set username for connection without requires_username"));
        }
        let subject = draft.user_id.clone().map(Subject);
        let account = NewAccount {
            email: draft.email.clone(),
            username: draft.username.clone(),
            password: draft.password.clone(),
            profile: draft.profile.clone(),
            subject,
            occasion: Occasion::default(),
        };
        let made = self.new_account(&connection, account).await?;
        let at = self.clock.now();
        let mails = (draft.verification == Mailing::Send).then(|| self.verification_mails());
        let user = new_user(draft, &connection, &made, at)?;
        let Assertion { subject, credential, .. } = made;
        let credential = credential
            .map(|credential| PasswordCredential::new(&connection.id, &user.id, subject, credential, at));
        let event = self.wrote(actor, "Create a User", About::user(&user.id));
        self.write(event, move |unit| {
            Box::pin(async move {
                unit.users().insert(&user).await?;
                if let Some(credential) = &credential {
                    unit.credentials().insert(credential).await?;
                }
                if let Some(mails) = mails {
                    mails.ask(unit, &user, &connection).await?;
                }
                Ok(user)
            })
        })
        .await
        .map_err(|error| error.taken("", "auth0_idp_error", "The user already exists."))
    }

    /// Delete one, with all that is theirs. Nothing happens if there is none. Whoever keeps their account is told first:
    /// what they do not take stays with us too.
    pub async fn delete_user(&self, actor: &Actor, id: &UserId) -> Result<(), AdminError> {
        for (connector, subject) in self.keepers(id).await? {
            if let Some(accounts) = connector.accounts() {
                accounts.delete(&subject).await?;
            }
        }
        let event = self.wrote(actor, "Delete a User", About::user(id));
        let deleted = self.event(actor, EventKind::UserDeleted, "User successfully deleted", About::user(id));
        let id = id.clone();
        self.write(event, move |unit| {
            Box::pin(async move {
                if unit.users().delete(&id).await? {
                    unit.events().insert(&deleted).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Delete the user who has this address in a connection (contract §2.5). Nothing happens if there is none.
    pub async fn delete_user_of_connection(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        email: &Email,
    ) -> Result<(), AdminError> {
        let found = self.store.read(|unit| {
            Box::pin(async move {
                let Some(connection) = unit.connections().find(id).await? else {
                    return Err(AdminError::body("The connection does not exist"));
                };
                if !keeps_accounts(&connection.strategy) {
                    return Err(AdminError::body("Connection must be a database connection"));
                }
                let users = unit.users().find_by_email(email).await?;
                Ok(users.into_iter().find(|user| user.identity_at(id).is_some()))
            })
        });
        match found.await? {
            Some(user) => self.delete_user(actor, &user.id).await,
            None => Ok(()),
        }
    }

    /// The connectors that keep accounts of a user, and who they are there.
    async fn keepers(&self, id: &UserId) -> Result<Vec<(Arc<dyn Connector>, Subject)>, AdminError> {
        let found = self.store.read(|unit| {
            Box::pin(async move {
                let Some(user) = unit.users().find(id).await? else { return Ok::<_, AdminError>(Vec::new()) };
                let ids: Vec<_> =
                    user.identities.iter().map(|identity| identity.connection_id.clone()).collect();
                let connections = unit.connections().find_all(&ids).await?;
                let with_subject = |connection: Connection| {
                    let subject = user.identity_at(&connection.id)?.subject.clone();
                    keeps_accounts(&connection.strategy).then_some((connection, subject))
                };
                Ok(connections.into_iter().filter_map(with_subject).collect())
            })
        });
        let found = found.await?.into_iter();
        found.map(|(connection, subject)| Ok((self.connectors.of(&connection)?, subject))).collect()
    }

    async fn connection_for_users(&self, name: &str) -> Result<Connection, AdminError> {
        let found = self.store.read(|unit| {
            Box::pin(async move { Ok::<_, AdminError>(unit.connections().find_by_name(name).await?) })
        });
        let Some(connection) = found.await? else {
            return Err(AdminError::Invalid {
                code: "inexistent_connection",
                message: "The connection does not exist.".to_owned(),
            });
        };
        if !keeps_accounts(&connection.strategy) {
            return Err(AdminError::body(
                "Connection does not support user creation through the API. It must either be a database or \
                 passwordless connection.",
            ));
        }
        if connection.enabled_clients.is_empty() {
            return Err(AdminError::Invalid {
                code: "connection_disabled",
                message: "connection is disabled".to_owned(),
            });
        }
        Ok(connection)
    }

    async fn new_account(
        &self,
        connection: &Connection,
        account: NewAccount,
    ) -> Result<Assertion, AdminError> {
        let connector = self.connectors.get(&connection.id).await?;
        let Some(accounts) = connector.accounts() else {
            return Err(no_accounts());
        };
        accounts.create(account).await.map_err(|error| {
            if let AccountError::Username(why) = error {
                return AdminError::property(why, "username", "The user's username");
            }
            error.into()
        })
    }
}

/// The user, or Auth0's words for there being none.
pub(super) async fn found(unit: &mut (dyn UnitOfWork + '_), id: &UserId) -> Result<User, AdminError> {
    let missing = || AdminError::missing("inexistent_user", "The user does not exist.");
    unit.users().find(id).await?.ok_or_else(missing)
}

pub(super) fn no_accounts() -> AdminError {
    ConnectorError::Misconfigured("it keeps no accounts".to_owned()).into()
}

/// Whether people in this connection have user names: `requires_username`, or the newer `attributes` (contract §2.5.1).
pub(super) fn requires_username(connection: &Connection) -> bool {
    let options = &connection.options;
    let status = options.pointer("/attributes/username/signup/status").and_then(Value::as_str);
    let identifier = options.pointer("/attributes/username/identifier/active").and_then(Value::as_bool);
    options.get("requires_username").and_then(Value::as_bool) == Some(true)
        || identifier == Some(true)
        || status.is_some_and(|status| status != "inactive")
}

fn new_user(
    draft: UserDraft,
    connection: &Connection,
    made: &Assertion,
    at: Timestamp,
) -> Result<User, AdminError> {
    let subject = &made.subject;

    let id = UserId::parse(format!("{}|{}", connection.strategy, subject.0)).map_err(|_unusable| {
        AdminError::property("The id cannot be used", "user_id", "The external user's id")
    })?;
    let mut profile = is_said_by(made);
    profile.extend(draft.profile);
    let local_part = draft.email.as_ref().map(|email| email.local_part().to_owned());
    let known_by = draft.email.as_ref().map(|email| email.canonical().to_owned());
    let name = known_by.or_else(|| draft.username.clone());
    let nickname = local_part.or_else(|| draft.username.clone());
    for (claim, text) in [("name", name), ("nickname", nickname)] {
        if let (false, Some(text)) = (profile.contains_key(claim), text) {
            profile.insert(claim.to_owned(), Value::from(text));
        }
    }
    Ok(User {
        email: draft.email,
        email_verified: draft.email_verified,
        username: made.credential.as_ref().and_then(|made| made.username.clone()).or(draft.username),
        profile,
        user_metadata: draft.user_metadata,
        app_metadata: draft.app_metadata,
        blocked: draft.blocked,
        ..User::new(id, connection, subject.clone(), at)
    })
}

/// The part of the profile that whoever keeps the account says, and that is a profile's to say.
fn is_said_by(made: &Assertion) -> Map<String, Value> {
    const OURS: &[&str] = &["email", "email_verified", "username"];
    let said = made.profile.iter().filter(|(name, _)| !OURS.contains(&name.as_str()));
    said.map(|(name, value)| (name.clone(), value.clone())).collect()
}
