//! Owns the delivery of the outbox: every message at least once, with retries, until it is given up (INV-20).
//! Never touches templates or SMTP: it is given a renderer and a mailer.

use super::Stop;
use crate::edge::{Metrics, OutgoingMail};
use async_trait::async_trait;
use portico_core::{
    entropy::Entropy,
    model::{AuditEvent, EventKind, OutboxMail, OutboxState},
    port::{
        BoxError,
        mailer::{Mail, MailError, Mailer},
        store::{Store, StoreError},
    },
    time::{Clock, Timestamp},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// Makes of an entry of the outbox the message that is sent.
#[async_trait]
pub trait MailRenderer: Send + Sync {
    /// Render it, in its organization's branding.
    async fn render(&self, mail: &OutboxMail) -> Result<Mail, RenderError>;
}

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There never will be: the template or its data are no good.
    #[error("it cannot be rendered: {0}")]
    Unusable(String),
    /// The store could not be read.
    #[error("what it is made of could not be read")]
    Unavailable(#[source] BoxError),
}

/// Delivers the outbox of a store.
pub struct OutboxDelivery {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    renderer: Arc<dyn MailRenderer>,
    mailer: Arc<dyn Mailer>,
    metrics: Arc<Metrics>,
    give_up_after: Duration,
}

/// What delivery needs.
pub struct DeliveryPorts {
    /// The store whose outbox it is.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// For jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Makes messages.
    pub renderer: Arc<dyn MailRenderer>,
    /// Sends them.
    pub mailer: Arc<dyn Mailer>,
}

/// Messages that are sent at once.
const BATCH: i64 = 8;
/// How long a node may work on a batch before another may take its messages: longer than sending can take.
const LEASE: Duration = Duration::from_mins(5);
/// How long one message may take.
const SENDING: Duration = Duration::from_mins(1);
/// How often the outbox is looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// The wait after the first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What became of one message.
enum Outcome {
    Sent,
    Deferred(String),
    Failed(String),
}

impl OutboxDelivery {
    /// Over these ports; a message that could not be sent for `give_up_after` is given up.
    pub fn new(ports: DeliveryPorts, metrics: Arc<Metrics>, give_up_after: Duration) -> Self {
        let DeliveryPorts { store, clock, entropy, renderer, mailer } = ports;
        Self { store, clock, entropy, renderer, mailer, metrics, give_up_after }
    }

    /// Deliver until asked to stop. A batch that was begun is finished.
    pub async fn run(&self, mut stop: Stop) {
        loop {
            let more = match self.deliver_due().await {
                Ok(count) => i64::try_from(count).unwrap_or(0) == BATCH,
                Err(error) => {
                    tracing::error!(%error, "the outbox cannot be read or written; trying again");
                    false
                }
            };
            if stop.requested_before_next(more, PERIOD).await {
                return;
            }
        }
    }

    /// Deliver one batch of what is due; how many messages it had.
    ///
    /// A message is claimed, then sent, then settled: a crash after sending means that it is sent again when the claim
    /// has run out, with the same `Message-ID`.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let until = now.plus(LEASE);
        let claimed = self
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move { unit.outbox().claim(now, until, BATCH).await })
            })
            .await?;
        let sent = futures_util::future::join_all(claimed.iter().map(|mail| self.send(mail))).await;
        let count = claimed.len();
        for (mail, outcome) in claimed.into_iter().zip(sent) {
            self.settle(mail, outcome).await?;
        }
        Ok(count)
    }

    async fn send(&self, mail: &OutboxMail) -> Outcome {
        let rendered = match self.renderer.render(mail).await {
            Ok(rendered) => rendered,
            Err(RenderError::Unusable(reason)) => return Outcome::Failed(reason),
            Err(error @ RenderError::Unavailable(_)) => return Outcome::Deferred(chain(&error)),
        };
        match tokio::time::timeout(SENDING, self.mailer.send(&rendered)).await {
            Ok(Ok(())) => Outcome::Sent,
            Ok(Err(MailError::Rejected(reason))) => Outcome::Failed(reason),
            Ok(Err(error)) => Outcome::Deferred(chain(&error)),
            Err(_elapsed) => Outcome::Deferred("the mail server did not answer in time".to_owned()),
        }
    }

    async fn settle(&self, mail: OutboxMail, outcome: Outcome) -> Result<(), StoreError> {
        let now = self.clock.now();
        let too_old = now.since(mail.created_at) >= self.give_up_after;
        let (state, error, next) = match outcome {
            Outcome::Sent => (OutboxState::Sent, None, now),
            Outcome::Deferred(reason) if !too_old => {
                tracing::warn!(mail.id = %mail.id, attempts = mail.attempts, reason, "a message is not delivered yet");
                (OutboxState::Pending, Some(reason), self.next_attempt(now, mail.attempts))
            }
            Outcome::Deferred(reason) | Outcome::Failed(reason) => {
                tracing::error!(mail.id = %mail.id, attempts = mail.attempts, reason, "a message is given up");
                (OutboxState::Failed, Some(reason), now)
            }
        };
        self.metrics.mail(match state {
            OutboxState::Sent => OutgoingMail::Sent,
            OutboxState::Pending => OutgoingMail::Deferred,
            OutboxState::Failed => OutgoingMail::Failed,
        });
        let event = (state == OutboxState::Failed).then(|| self.failure(&mail, error.as_deref(), now));
        self.store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    unit.outbox().settle(&mail.id, state, error.as_deref(), next).await?;
                    if let Some(event) = event {
                        unit.events().insert(&event).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Twice as long after each failure, and never quite the same, so that messages do not come back all at once.
    fn next_attempt(&self, now: Timestamp, attempts: i64) -> Timestamp {
        let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0).min(16);
        let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
        let [jitter] = self.entropy.bytes::<1>();
        now.plus(wait + wait.mul_f64(f64::from(jitter) / 1024.0))
    }

    fn failure(&self, mail: &OutboxMail, error: Option<&str>, at: Timestamp) -> AuditEvent {
        let mut event = AuditEvent::new(EventKind::MailFailed, at, &*self.entropy);
        event.description = error.map(str::to_owned);
        event.organization_id.clone_from(&mail.organization_id);
        event.user_name = Some(mail.to.clone());
        event.details.insert("template".to_owned(), Value::from(mail.template.as_str()));
        event.details.insert("mail_id".to_owned(), Value::from(mail.id.as_str()));
        event.details.insert("attempts".to_owned(), Value::from(mail.attempts));
        event
    }
}

/// An error with its causes, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
