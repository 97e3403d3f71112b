//! Owns the deletion of what has expired.
//! Never touches what may still be used: everything here ended a while ago.

use portico_core::{
    port::store::{Store, StoreError},
    time::Clock,
};
use std::{sync::Arc, time::Duration};

/// Sweeps a store. Several nodes may do so at once: there is just less left for each.
pub struct Sweeps {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    keep_events: Duration,
}

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Sweeps {
    /// Of this store; entries of the log are kept this long.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, keep_events: Duration) -> Self {
        Self { store, clock, keep_events }
    }

    /// Once. What was used up is kept for a while, so that using it again is still told from nonsense.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let events_before = now.minus(self.keep_events);
        let swept = self
            .store
            .write::<_, StoreError, _>(move |unit| {
                Box::pin(async move {
                    Ok([
                        ("transactions", unit.transactions().sweep(now.minus(HOUR)).await?),
                        ("sessions", unit.sessions().sweep(now).await?),
                        ("codes", unit.codes().sweep(now.minus(DAY)).await?),
                        ("tokens", unit.grants().sweep(now.minus(DAY)).await?),
                        ("tickets", unit.tickets().sweep(now.minus(7 * DAY)).await?),
                        ("used answers", unit.answers().sweep(now.minus(HOUR)).await?),
                        ("limits", unit.limits().sweep(now).await?),
                        ("jobs", unit.jobs().sweep(now.minus(DAY)).await?),
                        ("mails", unit.outbox().sweep(now.minus(30 * DAY)).await?),
                        ("log entries", unit.events().sweep(events_before).await?),
                    ])
                })
            })
            .await?;
        for (what, count) in swept.into_iter().filter(|(_, count)| *count > 0) {
            tracing::debug!(count, "swept {what}");
        }
        Ok(())
    }
}
