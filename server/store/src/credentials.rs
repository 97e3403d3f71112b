//! Owns [`Credentials`] in SQL. Hashes are kept in PHC format: they are one-way already.
//! Never touches how passwords are hashed, or what a good one is.

use crate::{
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    connector::Subject,
    id::ConnectionId,
    model::PasswordCredential,
    port::store::{Credentials, StoreError},
    secret::Secret,
    time::Timestamp,
};

const SELECT: &str =
    "SELECT connection_id, subject, user_id, email_normalized, username_normalized, password_hash,
        history, changed_at, awaits_verification FROM credentials WHERE connection_id = ";

impl FromRow for PasswordCredential {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let history: Vec<String> = row.json("history")?;
        Ok(Self {
            connection_id: row.parse("connection_id")?,
            user_id: row.parse("user_id")?,
            subject: Subject(row.get("subject")?),
            email_normalized: row.get("email_normalized")?,
            username_normalized: row.get("username_normalized")?,
            password_hash: row.get::<Option<String>>("password_hash")?.map(Secret::new),
            history: history.into_iter().map(Secret::new).collect(),
            changed_at: row.at("changed_at")?,
            awaits_verification: row.get("awaits_verification")?,
        })
    }
}

#[async_trait]
impl<S: Session> Credentials for SqlUnit<S> {
    async fn find_by_identifier(
        &mut self,
        connection: &ConnectionId,
        identifier: &str,
    ) -> Result<Option<PasswordCredential>, StoreError> {
        // Somebody's user name may look like another's address: the address wins.
        let query = Sql::new(SELECT).bind(connection).push(" AND (email_normalized = ").bind(identifier);
        let query = query.push(" OR username_normalized = ").bind(identifier);
        let query = query.push(") ORDER BY CASE WHEN email_normalized = ").bind(identifier);
        self.optional(query.push(" THEN 0 ELSE 1 END LIMIT 1")).await
    }

    async fn find(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
    ) -> Result<Option<PasswordCredential>, StoreError> {
        self.optional(Sql::new(SELECT).bind(connection).push(" AND subject = ").bind(subject)).await
    }

    async fn insert(&mut self, credential: &PasswordCredential) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO credentials (connection_id, subject, user_id, email_normalized, username_normalized,
                 password_hash, history, changed_at, awaits_verification)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            &credential.connection_id,
            &credential.subject,
            &credential.user_id,
            credential.email_normalized.as_deref(),
            credential.username_normalized.as_deref(),
            credential.password_hash.as_ref().map(Secret::expose),
            exposed(&credential.history)?,
            credential.changed_at,
            credential.awaits_verification,
        ))
        .await
        .map(drop)
    }

    async fn activate(&mut self, connection: &ConnectionId, subject: &Subject) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE credentials SET awaits_verification = FALSE
             WHERE connection_id = $1 AND subject = $2 AND awaits_verification",
            connection,
            subject,
        ))
        .await
    }

    async fn change_password(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
        hash: &Secret,
        at: Timestamp,
        keep: usize,
    ) -> Result<bool, StoreError> {
        let Some(found) = Credentials::find(self, connection, subject).await? else { return Ok(false) };
        let earlier: Vec<Secret> =
            found.password_hash.clone().into_iter().chain(found.history.clone()).take(keep).collect();
        let changed = self
            .changed(sql!(
                "UPDATE credentials SET password_hash = $3, history = $4, changed_at = $5, awaits_verification = FALSE
                 WHERE connection_id = $1 AND subject = $2
                     AND password_hash IS NOT DISTINCT FROM CAST($6 AS TEXT) AND history = $7",
                connection,
                subject,
                hash.expose(),
                exposed(&earlier)?,
                at,
                found.password_hash.as_ref().map(Secret::expose),
                exposed(&found.history)?,
            ))
            .await?;
        // Another unit changed it in between: its hash must not be missing from the history.
        if changed { Ok(true) } else { Err(StoreError::Stale) }
    }

    async fn rehash(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
        old: &Secret,
        new: &Secret,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE credentials SET password_hash = $4
             WHERE connection_id = $1 AND subject = $2 AND password_hash = $3",
            connection,
            subject,
            old.expose(),
            new.expose(),
        ))
        .await
    }

    async fn change_identifiers(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
        email_normalized: Option<&str>,
        username_normalized: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE credentials SET email_normalized = $3, username_normalized = $4
             WHERE connection_id = $1 AND subject = $2",
            connection,
            subject,
            email_normalized,
            username_normalized,
        ))
        .await
    }
}

fn exposed(hashes: &[Secret]) -> Result<crate::sql::Value<'static>, StoreError> {
    JsonText(hashes.iter().map(Secret::expose).collect::<Vec<_>>()).encode()
}
