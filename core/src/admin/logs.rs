//! Owns reading the log.
//! Never touches what is written there.

use super::{Admin, AdminError};
use crate::{
    id::LogId,
    model::AuditEvent,
    port::store::{EventFilter, Page},
};

impl Admin {
    /// A page of the entries that fit.
    pub async fn logs(&self, filter: EventFilter, page: Page) -> Result<Vec<AuditEvent>, AdminError> {
        self.store.read(|unit| Box::pin(async move { Ok(unit.events().list(&filter, &page).await?) })).await
    }

    /// How many entries fit.
    pub async fn count_logs(&self, filter: EventFilter) -> Result<i64, AdminError> {
        self.store.read(|unit| Box::pin(async move { Ok(unit.events().count(&filter).await?) })).await
    }

    /// One entry.
    pub async fn log(&self, id: &LogId) -> Result<AuditEvent, AdminError> {
        self.store
            .read(|unit| {
                Box::pin(async move {
                    let missing = || AdminError::missing("inexistent_log", "Log not found.");
                    unit.events().find(id).await?.ok_or_else(missing)
                })
            })
            .await
    }
}
