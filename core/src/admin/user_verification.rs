//! Owns the message by which a user of the Management API's making shows that their address is theirs.
//! Never touches what happens when its link is followed: that is `account`'s.

use super::{Admin, AdminError};
use crate::{
    account::{AccountSettings, MailFacts, mail_verification, verification_charges},
    entropy::Entropy,
    model::{Connection, User},
    port::store::UnitOfWork,
    time::Timestamp,
};
use std::sync::Arc;

/// What the message is made with, to be taken into a unit of work.
pub(super) struct VerificationMails {
    settings: AccountSettings,
    entropy: Arc<dyn Entropy>,
    at: Timestamp,
}

impl Admin {
    pub(super) fn verification_mails(&self) -> VerificationMails {
        VerificationMails {
            settings: self.accounts.clone(),
            entropy: Arc::clone(&self.entropy),
            at: self.clock.now(),
        }
    }
}

impl VerificationMails {
    /// Write the message and its ticket; refused when the mailbox has had too many of them.
    pub(super) async fn ask(
        &self,
        unit: &mut (dyn UnitOfWork + '_),
        user: &User,
        connection: &Connection,
    ) -> Result<(), AdminError> {
        let Some(email) = &user.email else {
            return Err(AdminError::body("The user does not have an email address."));
        };
        let charges = verification_charges(&connection.id, email);
        if let Some((_, until)) = unit.limits().charge(&charges, self.at).await? {
            let message = "Too many verification emails were asked for this address.".to_owned();
            return Err(AdminError::TooMany { until, message });
        }
        let facts = MailFacts { user, connection, client: None, organization: None, url: None };
        mail_verification(unit, &facts, &self.settings, self.at, self.entropy.as_ref()).await?;
        Ok(())
    }
}
