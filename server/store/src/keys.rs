//! Owns [`Keys`] in SQL. Private halves are sealed.
//! Never touches signing.

use crate::{
    seal::SIGNING_KEY_PRIVATE,
    sql::{FromRow, JsonText, Row, Sql, sql},
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
        advance(self, "signing_keys", (kid, from, to), at).await
    }
}

/// Move a key from one state to the next in one of the tables of keys, and note since when it is there.
pub(crate) async fn advance<S: Session>(
    unit: &mut SqlUnit<S>,
    table: &'static str,
    (kid, from, to): (&str, KeyState, KeyState),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let query = Sql::new("UPDATE ").push(table).push(" SET state = ").bind(to.as_str());
    let query = match to {
        KeyState::Current => query.push(", current_since = ").bind(at),
        KeyState::Previous => query.push(", previous_since = ").bind(at),
        KeyState::Next | KeyState::Revoked => query,
    };
    unit.changed(query.push(" WHERE kid = ").bind(kid).push(" AND state = ").bind(from.as_str())).await
}

/// Where a key stands, as both tables of keys have it.
pub(crate) fn state(text: &str) -> Result<KeyState, StoreError> {
    [KeyState::Next, KeyState::Current, KeyState::Previous, KeyState::Revoked]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| StoreError::backend(format!("`{text}` is not a state of keys")))
}
