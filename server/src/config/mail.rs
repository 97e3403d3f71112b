//! Owns the section `[mail]`: through which server mail goes, and from whom.
//! Never touches messages.

use super::{ConfigError, SecretText};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[mail]`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSection {
    /// `smtp://`, `smtp+starttls://` or `smtps://`, with user and password if the server wants them; absent, mail stays
    /// in the outbox.
    pub smtp_url: Option<SecretText>,
    /// A file that holds it.
    pub smtp_url_file: Option<PathBuf>,
    /// The sender: an address, or a name and an address.
    pub from: String,
    /// How long sending is tried.
    pub give_up_after_hours: u32,
}

impl Default for MailSection {
    fn default() -> Self {
        Self {
            smtp_url: None,
            smtp_url_file: None,
            from: "no-reply@localhost".to_owned(),
            give_up_after_hours: 72,
        }
    }
}

impl MailSection {
    pub(super) fn settle(&self) -> Result<(), ConfigError> {
        let unfit = |key, problem: String| Err(ConfigError::Unfit { key, problem });
        if let Some(url) = &self.smtp_url
            && let Err(error) = portico_mail::SmtpSettings::parse(url.expose(), &self.from)
        {
            return unfit(error.key(), error.to_string());
        }
        if self.give_up_after_hours == 0 {
            return unfit("mail.give_up_after_hours", "is 0: a message must be given a chance".to_owned());
        }
        Ok(())
    }
}
