//! Owns a mailbox in memory, for tests.
//! Never touches the network.

use crate::message::compose;
use async_trait::async_trait;
use lettre::message::Mailbox;
use portico_core::port::mailer::{Mail, MailError, Mailer};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps messages that could have been sent.
#[derive(Debug, Default)]
pub struct MemoryMailer(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sent: Vec<Mail>,
    attempts: usize,
    outage: Option<Outage>,
}

/// How the "server" behaves when it does not take mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outage {
    /// It is away.
    Away,
    /// It takes the message, and its answer is lost.
    AnswerLost,
    /// It does not want it.
    Unwilling,
}

impl MemoryMailer {
    /// Messages so far, oldest first.
    pub fn sent(&self) -> Vec<Mail> {
        self.inner().sent.clone()
    }

    /// Take the messages out.
    pub fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.inner().sent)
    }

    /// How often sending was tried.
    pub fn attempts(&self) -> usize {
        self.inner().attempts
    }

    /// Behave like this from now on; `None` ends it.
    pub fn outage(&self, outage: Option<Outage>) {
        self.inner().outage = outage;
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for MemoryMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let from = "no-reply@localhost"
            .parse::<Mailbox>()
            .map_err(|error| MailError::Rejected(error.to_string()))?;
        compose(mail, &from)?;
        let mut inner = self.inner();
        inner.attempts += 1;
        match inner.outage {
            Some(Outage::Away) => Err(MailError::Deferred("the mail server is away".into())),
            Some(Outage::Unwilling) => Err(MailError::Rejected("550 no such mailbox".to_owned())),
            Some(Outage::AnswerLost) => {
                inner.sent.push(mail.clone());
                Err(MailError::Deferred("the connection was lost".into()))
            }
            None => {
                inner.sent.push(mail.clone());
                Ok(())
            }
        }
    }
}
