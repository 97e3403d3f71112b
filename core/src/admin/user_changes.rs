//! Owns how administrators change a user.
//! Never touches how people change their own password: that is `account`'s.

use super::{
    Actor, Admin, AdminError, Change, Mailing,
    actor::About,
    change::merge,
    connections::keeps_accounts,
    users::{found, no_accounts, requires_username},
};
use crate::{
    account::{PasswordChange, end_everything, profile_of, set_password},
    connector::{Connector, Kept, NewNames, NewPassword, Occasion, Subject},
    email::Email,
    id::UserId,
    model::{AuditEvent, Connection, EventKind, Identity, User},
    port::store::UnitOfWork,
    secret::Secret,
    time::Timestamp,
};
use serde_json::{Map, Value};
use std::sync::Arc;

/// What is to become of a user.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Their address.
    pub email: Option<Email>,
    /// Whether an administrator vouches that it is theirs.
    pub email_verified: Option<bool>,
    /// Their user name.
    pub username: Option<String>,
    /// Their password.
    pub password: Option<Secret>,
    /// Of which connection the password, address or user name is.
    pub connection: Option<String>,
    /// `name`, `nickname`, `picture`, `given_name`, `family_name`, `phone_number`; `null` removes one.
    pub profile: Map<String, Value>,
    /// Merged at the first level; `null` removes a key, `Clear` all.
    pub user_metadata: Change<Map<String, Value>>,
    /// Likewise.
    pub app_metadata: Change<Map<String, Value>>,
    /// Whether they may not log in at all.
    pub blocked: Option<bool>,
    /// Whether a message asks them to show that the address is theirs.
    pub verification: Mailing,
}

impl UserChange {
    /// Whether it is about what the connection keeps, as opposed to what we do.
    fn is_about_account(&self) -> bool {
        self.email.is_some()
            || self.email_verified.is_some()
            || self.username.is_some()
            || self.password.is_some()
            || self.verification == Mailing::Send
            || !self.profile.is_empty()
    }
}

/// The account that a change is about.
#[derive(Clone)]
struct Account {
    connection: Connection,
    identity: Identity,
    connector: Arc<dyn Connector>,
    kept: Kept,
}

impl Admin {
    /// Change one.
    ///
    /// A block or a new password ends all sessions and tokens in the same unit of work (contract §1.4.2).
    pub async fn update_user(
        &self,
        actor: &Actor,
        id: &UserId,
        change: UserChange,
    ) -> Result<User, AdminError> {
        one_thing_at_a_time(&change)?;
        let (user, account) = self.user_and_account(id, &change).await?;
        if let (Some(account), true) = (&account, change.username.is_some())
            && !requires_username(&account.connection)
        {
            return Err(AdminError::body("Cannot set username for connection without requires_username"));
        }
        let password = match &account {
            Some(account) => tell(account, &user, &change).await?,
            None => None,
        };
        let event = self.wrote(actor, "Update a User", About::user(id));
        let changed = password.is_some().then(|| {
            self.event(
                actor,
                EventKind::PasswordChanged,
                "Password changed by an administrator",
                About::user(id),
            )
        });
        let mails = (change.verification == Mailing::Send).then(|| self.verification_mails());
        let (id, at, entropy) = (id.clone(), self.clock.now(), self.entropy.clone());
        self.write(event, move |unit| {
            Box::pin(async move {
                let mut user = found(unit, &id).await?;
                let blocks = change.blocked == Some(true) && !user.blocked;
                if let Some(account) = &account {
                    change_account(unit, account, &user, &change).await?;
                }
                if let (Some((password, keep)), Some(account)) = (password, &account) {
                    let connection = account.connection.clone();
                    let (proves_address, client, organization) = (false, None, None);
                    let change = PasswordChange {
                        user,
                        connection,
                        password,
                        keep,
                        proves_address,
                        client,
                        organization,
                        at,
                    };
                    if !set_password(unit, &change, &*entropy).await? {
                        return Err(no_connection());
                    }
                    user = found(unit, &id).await?;
                }
                if let (Some(true), Some(account)) = (change.email_verified, &account) {
                    unit.credentials().activate(&account.connection.id, &account.identity.subject).await?;
                }
                apply(&mut user, change, at);
                unit.users().update(&user).await?;
                if blocks {
                    end_everything(unit, &id, at).await?;
                }
                if let (Some(mails), Some(account)) = (mails, &account) {
                    mails.ask(unit, &user, &account.connection).await?;
                }
                note(unit, changed).await?;
                found(unit, &id).await
            })
        })
        .await
        .map_err(|error| {
            error.taken("", "auth0_idp_error", "The specified new email or username already exists")
        })
    }

    /// The user, and the connection and identity the change is about, if it is about an account.
    async fn user_and_account(
        &self,
        id: &UserId,
        change: &UserChange,
    ) -> Result<(User, Option<Account>), AdminError> {
        let about_account = change.is_about_account();
        let named = change.connection.clone();
        let (user, found) = self
            .store
            .read(|unit| {
                Box::pin(async move {
                    let user = found(unit, id).await?;
                    if !about_account {
                        return Ok((user, None));
                    }
                    let wanted = |identity: &&Identity| {
                        named.as_ref().is_none_or(|name| &identity.connection == name)
                    };
                    let Some(identity) = user.identities.iter().find(wanted).cloned() else {
                        return Err(no_connection());
                    };
                    let connection = unit.connections().find(&identity.connection_id).await?;
                    let connection = connection.ok_or_else(no_connection)?;
                    if !keeps_accounts(&connection.strategy) {
                        return Err(AdminError::Invalid {
                            code: "operation_not_supported",
                            message: format!(
                                "The following user attributes cannot be updated. The connection ({}) must be a \
                                 database connection.",
                                connection.name
                            ),
                        });
                    }
                    Ok((user, Some((connection, identity))))
                })
            })
            .await?;
        let Some((connection, identity)) = found else { return Ok((user, None)) };
        let connector = self.connectors.of(&connection)?;
        let kept = connector.accounts().ok_or_else(no_accounts)?.kept();
        Ok((user, Some(Account { connection, identity, connector, kept })))
    }
}

/// Have the change made by whoever keeps the account, before anything is stored; where a new password is then, and how many
/// earlier ones count (contract §5.2).
async fn tell(
    account: &Account,
    user: &User,
    change: &UserChange,
) -> Result<Option<(NewPassword, usize)>, AdminError> {
    let accounts = account.connector.accounts().ok_or_else(no_accounts)?;
    let occasion = Occasion::default();
    if let Some(new) = change.email.clone().filter(|new| user.email.as_ref() != Some(new)) {
        let verified = change.email_verified == Some(true);
        accounts.rename(&NewNames::Email { old: user.email.clone(), new, verified }, &occasion).await?;
    } else if let (Some(true), Some(email)) = (change.email_verified, &user.email) {
        accounts.verified(email, &occasion).await?;
    }
    if let Some(new) = change.username.clone() {
        accounts.rename(&NewNames::Username { old: user.username.clone(), new }, &occasion).await?;
    }
    let Some(password) = &change.password else { return Ok(None) };
    let (subject, profile) = (&account.identity.subject, profile_of(user));
    let new = accounts.change_password(subject, password.clone(), &profile, &occasion).await?;
    Ok(Some((new, accounts.password_history())))
}

async fn note(unit: &mut (dyn UnitOfWork + '_), event: Option<AuditEvent>) -> Result<(), AdminError> {
    if let Some(event) = event {
        unit.events().insert(&event).await?;
    }
    Ok(())
}

/// Let the account be found by its new address or user name.
async fn change_account(
    unit: &mut (dyn UnitOfWork + '_),
    account: &Account,
    user: &User,
    change: &UserChange,
) -> Result<(), AdminError> {
    if change.email.is_none() && change.username.is_none() {
        return Ok(());
    }
    if change.email.is_some() {
        // A link that was mailed to the old address proves nothing about the new one.
        unit.tickets().delete_of(&user.id).await?;
    }
    if account.kept == Kept::None {
        return Ok(());
    }
    let email = change.email.as_ref().or(user.email.as_ref()).map(Email::canonical);
    let username = change.username.as_ref().or(user.username.as_ref()).map(|name| name.to_lowercase());
    let (connection, subject): (_, &Subject) = (&account.connection.id, &account.identity.subject);
    let known =
        unit.credentials().change_identifiers(connection, subject, email, username.as_deref()).await?;
    if known || account.kept == Kept::Some { Ok(()) } else { Err(no_connection()) }
}

fn apply(user: &mut User, change: UserChange, at: Timestamp) {
    if let Some(email) = change.email {
        // Another address is one that nobody has shown to be theirs.
        user.email_verified &= user.email.as_ref() == Some(&email);
        user.email = Some(email);
    }
    user.email_verified = change.email_verified.unwrap_or(user.email_verified);
    if let Some(username) = change.username {
        user.username = Some(username);
    }
    merge(&mut user.profile, change.profile);
    for (metadata, change) in
        [(&mut user.user_metadata, change.user_metadata), (&mut user.app_metadata, change.app_metadata)]
    {
        match change {
            Change::Keep => {}
            Change::Clear => metadata.clear(),
            Change::Set(changes) => merge(metadata, changes),
        }
    }
    user.blocked = change.blocked.unwrap_or(user.blocked);
    user.updated_at = at;
}

/// Auth0's pairs that one request may not change together (contract §2.8).
fn one_thing_at_a_time(change: &UserChange) -> Result<(), AdminError> {
    let (password, username) = (change.password.is_some(), change.username.is_some());
    let pairs = [
        (password && change.email.is_some(), "password and email"),
        (password && change.email_verified.is_some(), "password and email_verified"),
        (username && change.email.is_some(), "username and email"),
        (username && change.email_verified.is_some(), "username and email_verified"),
        (username && password, "username and password"),
    ];
    match pairs.into_iter().find(|(both, _)| *both) {
        Some((_, pair)) => Err(AdminError::body(format!("Cannot update {pair} simultaneously."))),
        None => Ok(()),
    }
}

fn no_connection() -> AdminError {
    AdminError::Invalid {
        code: "inexistent_connection",
        message: "The connection does not exist.".to_owned(),
    }
}
