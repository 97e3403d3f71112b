//! Owns [`CertifiedKeys`] in SQL. Private halves are sealed.
//! Never touches what is done with them.

use crate::{
    keys::{advance, state},
    seal::CERTIFIED_KEY_PRIVATE,
    sql::{FromRow, Row, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use portico_core::{
    model::{CertifiedKey, KeyPurpose, KeyState},
    port::store::{CertifiedKeys, StoreError},
    time::Timestamp,
};

impl FromRow for CertifiedKey {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let kid: String = row.get("kid")?;
        let purpose: String = row.get("purpose")?;
        Ok(Self {
            purpose: KeyPurpose::ALL
                .into_iter()
                .find(|known| known.as_str() == purpose)
                .ok_or_else(|| StoreError::backend(format!("`{purpose}` is not a purpose of keys")))?,
            certificate: STANDARD.decode(row.get::<String>("certificate")?).map_err(StoreError::backend)?,
            private: row.open(&CERTIFIED_KEY_PRIVATE, &kid)?,
            state: state(&row.get::<String>("state")?)?,
            created_at: row.at("created_at")?,
            current_since: row.at_optional("current_since")?,
            previous_since: row.at_optional("previous_since")?,
            kid,
        })
    }
}

#[async_trait]
impl<S: Session> CertifiedKeys for SqlUnit<S> {
    async fn list(&mut self) -> Result<Vec<CertifiedKey>, StoreError> {
        self.all(sql!(
            "SELECT kid, purpose, state, certificate, private, created_at, current_since, previous_since
             FROM certified_keys ORDER BY created_at, kid",
        ))
        .await
    }

    async fn insert(&mut self, key: &CertifiedKey) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO certified_keys
                 (kid, purpose, state, certificate, private, created_at, current_since, previous_since)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &key.kid,
            key.purpose.as_str(),
            key.state.as_str(),
            STANDARD.encode(&key.certificate),
            self.vault.seal(&CERTIFIED_KEY_PRIVATE, &key.kid, &key.private)?,
            key.created_at,
            key.current_since,
            key.previous_since,
        ))
        .await
        .map(drop)
    }

    async fn advance(
        &mut self,
        kid: &str,
        from: KeyState,
        to: KeyState,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        advance(self, "certified_keys", (kid, from, to), at).await
    }
}
