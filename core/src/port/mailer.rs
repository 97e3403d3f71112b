//! Owns the port of outgoing mail.
//! Never touches the outbox: requests write there, and the worker calls this port.

use super::BoxError;
use async_trait::async_trait;

/// Hands one message to the world. Called by the worker, never inside a request: requests use the outbox.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Send it. Sending the same `id` twice is allowed, and must give it the same `Message-ID`.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// A message, rendered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mail {
    /// The outbox's id of it; becomes the `Message-ID`.
    pub id: String,
    /// The one recipient's address, as it was stored.
    pub to: String,
    /// The sender's name, before the configured address; without line breaks.
    pub from_name: Option<String>,
    /// The subject, without line breaks.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
}

/// Why a message has not gone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MailError {
    /// It will never go: do not try again.
    #[error("rejected: {0}")]
    Rejected(String),
    /// It may go later: try again.
    #[error("not delivered yet")]
    Deferred(#[source] BoxError),
}
