//! Owns what a change of password does, all of it in one unit of work.
//! Never touches policies or hashing: the hash has been made.

use super::mail::{MailFacts, account_mail};
use crate::{
    connector::{Credential, NewPassword, Origin, Subject},
    entropy::Entropy,
    id::UserId,
    model::{Client, Connection, Organization, PasswordCredential, User},
    port::store::{StoreError, UnitOfWork},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// A new password for an account.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Whose, as they were read in the same unit.
    pub user: User,
    /// In which connection.
    pub connection: Connection,
    /// Where the new one is: it has been checked.
    pub password: NewPassword,
    /// How many earlier hashes are kept ([`crate::connector::Accounts::password_history`]).
    pub keep: usize,
    /// Whether it also shows that the address is theirs.
    pub proves_address: bool,
    /// From which application it was asked for.
    pub client: Option<Client>,
    /// In whose branding.
    pub organization: Option<Organization>,
    /// When.
    pub at: Timestamp,
}

/// Set the password, end everything that the old one opened (sessions, token families, mailed links), and tell its owner,
/// who may not be the one who did it (`security.md` DB-16). Whether there was such an account.
///
/// The one way a password is changed; the caller adds the log entry.
pub async fn set_password(
    unit: &mut (dyn UnitOfWork + '_),
    change: &PasswordChange,
    entropy: &dyn Entropy,
) -> Result<bool, StoreError> {
    let Some(subject) = subject_of(change) else { return Ok(false) };
    store(unit, change, subject).await?;
    let mut user = change.user.clone();
    user.last_password_reset = Some(change.at);
    user.email_verified |= change.proves_address;
    user.updated_at = change.at;
    unit.users().update(&user).await?;
    end_everything(unit, &user.id, change.at).await?;
    let facts = MailFacts {
        user: &user,
        connection: &change.connection,
        client: change.client.as_ref(),
        organization: change.organization.as_ref(),
        url: None,
    };
    if let Some(to) = &user.email {
        unit.outbox().push(&account_mail("password_changed", to, &facts, change.at, entropy)).await?;
    }
    Ok(true)
}

/// Store the hash, if there is one to store: in place of the old one, or as the first of an account that was kept elsewhere
/// so far (contract §5.2, forgotten password in import mode).
async fn store(
    unit: &mut (dyn UnitOfWork + '_),
    change: &PasswordChange,
    subject: &Subject,
) -> Result<(), StoreError> {
    let NewPassword::Hashed(hash) = &change.password else { return Ok(()) };
    let connection = &change.connection.id;
    if unit.credentials().change_password(connection, subject, hash, change.at, change.keep).await? {
        return Ok(());
    }
    let credential = Credential {
        password_hash: Some(hash.clone()),
        email: change.user.email.clone(),
        username: change.user.username.clone(),
        origin: Origin::Brought,
    };
    let first = PasswordCredential::new(connection, &change.user.id, subject.clone(), credential, change.at);
    unit.credentials().insert(&first).await
}

/// Void all sessions, token families and mailed links of a user: of a new password, or of a block (contract §1.4.2).
///
/// The one way in which all that a user opened ends.
pub(crate) async fn end_everything(
    unit: &mut (dyn UnitOfWork + '_),
    user: &UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    unit.users().next_epoch(user).await?;
    unit.sessions().delete_of(user, None).await?;
    unit.grants().revoke_of_user(user, None, at).await?;
    unit.tickets().delete_of(user).await?;
    Ok(())
}

/// What a new password may not contain, in the shape that connectors read.
pub(crate) fn profile_of(user: &User) -> Map<String, Value> {
    let mut profile = user.profile.clone();
    if let Some(email) = &user.email {
        profile.insert("email".to_owned(), email.canonical().into());
    }
    if let Some(username) = &user.username {
        profile.insert("username".to_owned(), username.as_str().into());
    }
    profile.insert("user_metadata".to_owned(), Value::Object(user.user_metadata.clone()));
    profile
}

fn subject_of(change: &PasswordChange) -> Option<&Subject> {
    change.user.identity_at(&change.connection.id).map(|identity| &identity.subject)
}
