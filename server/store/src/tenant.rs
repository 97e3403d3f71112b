//! Owns [`Tenant`] in SQL: the settings of the installation, and marks.
//! Never touches configuration files.

use crate::{
    sql::{FromRow, JsonText, Row, Scalar, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    model::TenantSettings,
    port::store::{StoreError, Tenant},
};

impl FromRow for TenantSettings {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        row.json("document")
    }
}

#[async_trait]
impl<S: Session> Tenant for SqlUnit<S> {
    async fn settings(&mut self) -> Result<TenantSettings, StoreError> {
        let stored = self.optional(sql!("SELECT document FROM settings WHERE name = 'tenant'")).await?;
        Ok(stored.unwrap_or_default())
    }

    async fn set_settings(&mut self, settings: &TenantSettings) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO settings (name, document) VALUES ('tenant', $1)
             ON CONFLICT (name) DO UPDATE SET document = excluded.document",
            JsonText(settings).encode()?,
        ))
        .await
        .map(drop)
    }

    async fn mark(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        let mark = self.optional(sql!("SELECT value FROM marks WHERE name = $1", name)).await?;
        Ok(mark.map(|Scalar(value)| value))
    }

    async fn set_mark(&mut self, name: &str, value: &str) -> Result<bool, StoreError> {
        self.changed(sql!(
            "INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            name,
            value,
        ))
        .await
    }
}
