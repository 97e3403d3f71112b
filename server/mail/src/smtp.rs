//! Owns delivery over SMTP.
//! Never touches retries: it says whether trying again makes sense.

use crate::{
    dial::{DialError, Dialer},
    message::compose,
    settings::SmtpSettings,
};
use async_trait::async_trait;
use lettre::{Message, message::Mailbox, transport::smtp::client::AsyncSmtpConnection};
use portico_core::port::{
    BoxError,
    mailer::{Mail, MailError, Mailer},
};
use std::sync::{Mutex, PoisonError};

/// Connections that are kept for the next message.
const KEPT: usize = 4;

/// Hands messages to one mail server, over connections that are used again.
pub struct SmtpMailer {
    dialer: Dialer,
    idle: Mutex<Vec<AsyncSmtpConnection>>,
    from: Mailbox,
    server: String,
}

impl SmtpMailer {
    /// For this server. Nothing is sent yet.
    pub fn new(settings: &SmtpSettings) -> Result<Self, BoxError> {
        Ok(Self {
            dialer: Dialer::new(settings)?,
            idle: Mutex::default(),
            from: settings.from.clone(),
            server: settings.server(),
        })
    }

    /// Whether the server answers and takes our password. For `portico check`.
    pub async fn reach(&self) -> Result<(), BoxError> {
        let mut connection = self.dialer.open().await?;
        let answers = connection.test_connected().await;
        connection.abort().await;
        if answers {
            Ok(())
        } else {
            Err(format!("{} answers, but not as a mail server should", self.server).into())
        }
    }

    async fn send(&self, message: &Message) -> Result<(), DialError> {
        let mut connection = self.connection().await?;
        // A connection that fails says good-bye by itself, and is not kept.
        connection.send(message.envelope(), &message.formatted()).await?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        Ok(())
    }

    /// One that was kept and still lives, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, DialError> {
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = kept else { return self.dialer.open().await };
            if connection.test_connected().await {
                return Ok(connection);
            }
        }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose(mail, &self.from)?;
        self.send(&message).await.map_err(judged)
    }
}

/// A server's 5xx is about the message (RFC 5321 §4.2.1), unless it is about us: a wrong password or missing TLS will be
/// put right by the operator, and the message should go then.
fn judged(error: DialError) -> MailError {
    if let DialError::Smtp(answer) = &error
        && answer.is_permanent()
        && !about_us(answer)
    {
        return MailError::Rejected(answer.to_string());
    }
    MailError::Deferred(Box::new(error))
}

fn about_us(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| [530, 534, 535, 538].contains(&u16::from(code)))
}
