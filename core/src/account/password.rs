//! Owns what a change of password does, all of it in one unit of work.
//! Never touches policies or hashing: the hash has been made.

use super::mail::{MailFacts, account_mail};
use crate::{
    connector::Subject,
    entropy::Entropy,
    model::{Connection, OutboxMail, User},
    port::store::{StoreError, UnitOfWork},
    secret::Secret,
    time::Timestamp,
};

/// A new password for an account.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// Whose, as they were read in the same unit.
    pub user: User,
    /// In which connection.
    pub connection: Connection,
    /// The new hash.
    pub hash: Secret,
    /// How many earlier hashes are kept ([`crate::connector::Accounts::password_history`]).
    pub keep: usize,
    /// Whether it also shows that the address is theirs.
    pub proves_address: bool,
    /// When.
    pub at: Timestamp,
}

impl PasswordChange {
    /// The notice to its owner, who may not be the one who did it (`security.md` DB-16). None without an address.
    pub fn notice(&self, facts: &MailFacts<'_>, entropy: &dyn Entropy) -> Option<OutboxMail> {
        let to = self.user.email.as_ref()?;
        Some(account_mail("password_changed", to, facts, self.at, entropy))
    }
}

/// Set the password, and end everything that the old one opened: sessions, token families, and mailed links
/// (`security.md` DB-16). Whether there was such an account.
///
/// The one way a password is changed; the caller adds the log entry and the notice.
pub async fn set_password(
    unit: &mut (dyn UnitOfWork + '_),
    change: &PasswordChange,
) -> Result<bool, StoreError> {
    let Some(subject) = subject_of(change) else { return Ok(false) };
    let connection = &change.connection.id;
    let changed =
        unit.credentials().change_password(connection, subject, &change.hash, change.at, change.keep).await?;
    if !changed {
        return Ok(false);
    }
    let mut user = change.user.clone();
    user.last_password_reset = Some(change.at);
    user.email_verified |= change.proves_address;
    user.updated_at = change.at;
    unit.users().update(&user).await?;
    unit.users().next_epoch(&user.id).await?;
    unit.sessions().delete_of(&user.id, None).await?;
    unit.grants().revoke_of_user(&user.id, None, change.at).await?;
    unit.tickets().delete_of(&user.id).await?;
    Ok(true)
}

fn subject_of(change: &PasswordChange) -> Option<&Subject> {
    change.user.identity_at(&change.connection.id).map(|identity| &identity.subject)
}
