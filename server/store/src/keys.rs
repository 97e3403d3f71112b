//! Owns [`Keys`] in SQL. Private halves are sealed.
//! Never touches signing.

use crate::{
    seal::SIGNING_KEY_PRIVATE,
    sql::{FromRow, JsonText, Row, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    model::{KeyState, SigningKey},
    port::store::{Keys, StoreError},
    time::Timestamp,
};

impl FromRow for SigningKey {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let kid: String = row.get("kid")?;
        Ok(Self {
            alg: row.get("alg")?,
            private: row.open(&SIGNING_KEY_PRIVATE, &kid)?,
            public: row.json("public")?,
            state: state(&row.get::<String>("state")?)?,
            created_at: row.at("created_at")?,
            current_since: row.at_optional("current_since")?,
            previous_since: row.at_optional("previous_since")?,
            kid,
        })
    }
}

#[async_trait]
impl<S: Session> Keys for SqlUnit<S> {
    async fn list(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        self.all(sql!(
            "SELECT kid, alg, state, private, public, created_at, current_since, previous_since
             FROM signing_keys ORDER BY created_at, kid",
        ))
        .await
    }

    async fn insert(&mut self, key: &SigningKey) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO signing_keys (kid, alg, state, private, public, created_at, current_since, previous_since)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &key.kid,
            &key.alg,
            key.state.as_str(),
            self.vault.seal(&SIGNING_KEY_PRIVATE, &key.kid, &key.private)?,
            JsonText(&key.public).encode()?,
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
        self.changed(sql!(
            "UPDATE signing_keys SET state = $3,
                 current_since = CASE WHEN CAST($3 AS TEXT) = 'current' THEN $4 ELSE current_since END,
                 previous_since = CASE WHEN CAST($3 AS TEXT) = 'previous' THEN $4 ELSE previous_since END
             WHERE kid = $1 AND state = $2",
            kid,
            from.as_str(),
            to.as_str(),
            at,
        ))
        .await
    }
}

pub(crate) fn state(text: &str) -> Result<KeyState, StoreError> {
    [KeyState::Next, KeyState::Current, KeyState::Previous, KeyState::Revoked]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| StoreError::backend(format!("`{text}` is not a state of keys")))
}
