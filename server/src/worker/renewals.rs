//! Owns looking again, now and then, at what identity providers publish.
//! Never touches what is looked at: each connection's factory does.

use portico_core::{
    connector::{Notice, Renewal},
    entropy::Entropy,
    login::Connectors,
    model::{AuditEvent, Connection},
    port::store::{ConnectionFilter, Page, Store, StoreError},
    time::Clock,
};
use std::sync::Arc;

/// Renews connections. Several nodes may do so at once: the revision is compared, and the slower one finds nothing to do.
pub struct Renewals {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    connectors: Arc<dyn Connectors>,
}

/// How many connections are read at once.
const BATCH: u32 = 100;

impl Renewals {
    /// Of the connections in this store.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        connectors: Arc<dyn Connectors>,
    ) -> Self {
        Self { store, clock, entropy, connectors }
    }

    /// Once over all connections. One that cannot be renewed keeps nobody from the others.
    pub async fn renew(&self) -> Result<(), StoreError> {
        let mut page = Page::first(BATCH.into());
        loop {
            let (filter, of) = (ConnectionFilter::default(), page.clone());
            let connections = self
                .store
                .read::<_, StoreError, _>(|unit| {
                    Box::pin(async move { unit.connections().list(&filter, &of).await })
                })
                .await?;
            let more = connections.len() >= BATCH as usize;
            for connection in connections {
                self.renew_one(connection).await?;
            }
            if !more {
                return Ok(());
            }
            page.skip += i64::from(BATCH);
        }
    }

    async fn renew_one(&self, connection: Connection) -> Result<(), StoreError> {
        let Renewal { options, notices } = match self.connectors.renew(&connection).await {
            Ok(Some(renewal)) => renewal,
            Ok(None) => return Ok(()),
            Err(error) => {
                tracing::warn!(connection.id = %connection.id, "connection `{}` cannot be renewed: {error}", connection.name);
                return Ok(());
            }
        };
        let now = self.clock.now();
        let events: Vec<AuditEvent> =
            notices.into_iter().map(|notice| self.event(&connection, notice)).collect();
        let renewed =
            Connection { options, revision: connection.revision + 1, updated_at: now, ..connection };
        let written = self
            .store
            .write(move |unit| {
                Box::pin(async move {
                    unit.connections().update(&renewed).await?;
                    for event in &events {
                        unit.events().insert(event).await?;
                    }
                    Ok::<(), StoreError>(())
                })
            })
            .await;
        match written {
            // Somebody changed it meanwhile, or another node was faster: the next time will do.
            Err(StoreError::Stale) => Ok(()),
            written => written,
        }
    }

    fn event(&self, connection: &Connection, notice: Notice) -> AuditEvent {
        let Notice { kind, description, details } = notice;
        let event = AuditEvent::new(kind, self.clock.now(), &*self.entropy).through(connection);
        AuditEvent { description: Some(description), details, ..event }
    }
}
