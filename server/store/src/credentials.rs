//! Owns [`Credentials`] in SQL. Hashes of ours are kept in PHC format: they are one-way already. Those of other systems are
//! sealed.
//! Never touches how passwords are hashed, or what a good one is.

use crate::{
    seal::CREDENTIAL_IMPORTED_HASH,
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
    users::batches,
};
use async_trait::async_trait;
use portico_core::{
    connector::Subject,
    id::{ConnectionId, UserId},
    model::{PasswordCredential, is_foreign},
    port::store::{Credentials, StoreError},
    secret::Secret,
    time::Timestamp,
};
use std::collections::BTreeMap;

const SELECT: &str =
    "SELECT connection_id, subject, user_id, email_normalized, username_normalized, password_hash,
        imported_hash, history, changed_at, awaits_verification FROM credentials WHERE connection_id = ";

/// A credential, and its imported hash as it is stored: sealing the same twice gives two texts.
struct Stored {
    credential: PasswordCredential,
    sealed: Option<String>,
}

impl FromRow for Stored {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let history: Vec<String> = row.json("history")?;
        let (user, sealed): (String, Option<String>) = (row.get("user_id")?, row.get("imported_hash")?);
        let imported = row.open_optional(&CREDENTIAL_IMPORTED_HASH, &user)?;
        let credential = PasswordCredential {
            connection_id: row.parse("connection_id")?,
            user_id: row.parse("user_id")?,
            subject: Subject(row.get("subject")?),
            email_normalized: row.get("email_normalized")?,
            username_normalized: row.get("username_normalized")?,
            password_hash: row.get::<Option<String>>("password_hash")?.map(Secret::new).or(imported),
            history: history.into_iter().map(Secret::new).collect(),
            changed_at: row.at("changed_at")?,
            awaits_verification: row.get("awaits_verification")?,
        };
        Ok(Self { credential, sealed })
    }
}

impl FromRow for PasswordCredential {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Stored::from_row(row).map(|stored| stored.credential)
    }
}

impl<S: Session> SqlUnit<S> {
    async fn stored(
        &mut self,
        connection: &ConnectionId,
        subject: &Subject,
    ) -> Result<Option<Stored>, StoreError> {
        self.optional(Sql::new(SELECT).bind(connection).push(" AND subject = ").bind(subject)).await
    }

    /// The columns `password_hash` and `imported_hash`, one of which has the hash.
    fn hash_columns<'v>(
        &self,
        user: &UserId,
        hash: Option<&'v Secret>,
    ) -> Result<[crate::sql::Value<'v>; 2], StoreError> {
        let (own, imported) = match hash {
            Some(hash) if is_foreign(hash) => {
                let place = &CREDENTIAL_IMPORTED_HASH;
                (None, Some(self.vault.seal(place, user.as_str(), hash.expose().as_bytes())?))
            }
            own => (own.map(Secret::expose), None),
        };
        Ok([own.into(), imported.into()])
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
        self.insert_all(std::slice::from_ref(credential)).await
    }

    async fn insert_all(&mut self, credentials: &[PasswordCredential]) -> Result<(), StoreError> {
        for some in batches(credentials) {
            let rows = some.iter().map(|credential| {
                let [own, imported] =
                    self.hash_columns(&credential.user_id, credential.password_hash.as_ref())?;
                Ok([
                    (&credential.connection_id).into(),
                    (&credential.subject).into(),
                    (&credential.user_id).into(),
                    credential.email_normalized.as_deref().into(),
                    credential.username_normalized.as_deref().into(),
                    own,
                    imported,
                    exposed(&credential.history)?,
                    credential.changed_at.into(),
                    credential.awaits_verification.into(),
                ])
            });
            let rows = rows.collect::<Result<Vec<[crate::sql::Value<'_>; 10]>, StoreError>>()?;
            let insert = Sql::new(
                "INSERT INTO credentials (connection_id, subject, user_id, email_normalized, username_normalized,
                     password_hash, imported_hash, history, changed_at, awaits_verification)
                 VALUES ",
            );
            self.execute(insert.bind_rows(rows)).await?;
        }
        Ok(())
    }

    async fn find_all(
        &mut self,
        connection: &ConnectionId,
        emails: &[String],
        usernames: &[String],
        subjects: &[String],
    ) -> Result<Vec<PasswordCredential>, StoreError> {
        let mut found: BTreeMap<String, PasswordCredential> = BTreeMap::new();
        for (column, wanted) in [
            (" AND email_normalized IN ", emails),
            (" AND username_normalized IN ", usernames),
            (" AND subject IN ", subjects),
        ] {
            if !wanted.is_empty() {
                let query = Sql::new(SELECT).bind(connection).push(column).bind_all(wanted);
                let some: Vec<PasswordCredential> = self.all(query).await?;
                found.extend(some.into_iter().map(|credential| (credential.subject.0.clone(), credential)));
            }
        }
        Ok(found.into_values().collect())
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
        let Some(Stored { credential: found, sealed }) = self.stored(connection, subject).await? else {
            return Ok(false);
        };
        let own = found.password_hash.filter(|hash| !is_foreign(hash));
        let earlier: Vec<Secret> = own.clone().into_iter().chain(found.history.clone()).take(keep).collect();
        let changed = self
            .changed(sql!(
                "UPDATE credentials SET password_hash = $3, imported_hash = NULL, history = $4, changed_at = $5,
                     awaits_verification = FALSE
                 WHERE connection_id = $1 AND subject = $2
                     AND password_hash IS NOT DISTINCT FROM CAST($6 AS TEXT) AND history = $7
                     AND imported_hash IS NOT DISTINCT FROM CAST($8 AS TEXT)",
                connection,
                subject,
                hash.expose(),
                exposed(&earlier)?,
                at,
                own.as_ref().map(Secret::expose),
                exposed(&found.history)?,
                sealed,
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
        if !is_foreign(old) && !is_foreign(new) {
            let swap = sql!(
                "UPDATE credentials SET password_hash = $4
                 WHERE connection_id = $1 AND subject = $2 AND password_hash = $3",
                connection,
                subject,
                old.expose(),
                new.expose(),
            );
            return self.changed(swap).await;
        }
        let Some(Stored { credential, sealed }) = self.stored(connection, subject).await? else {
            return Ok(false);
        };
        let Some(found) = credential.password_hash.filter(|hash| hash.matches(old)) else { return Ok(false) };
        let found_own = (!is_foreign(&found)).then(|| found.expose());
        let [own, imported] = self.hash_columns(&credential.user_id, Some(new))?;
        let swap = Sql::new("UPDATE credentials SET password_hash = ").bind(own).push(", imported_hash = ");
        let swap = swap.bind(imported).push(" WHERE connection_id = ").bind(connection);
        let swap = swap.push(" AND subject = ").bind(subject);
        let swap = swap.push(" AND password_hash IS NOT DISTINCT FROM CAST(").bind(found_own);
        let swap = swap.push(" AS TEXT) AND imported_hash IS NOT DISTINCT FROM CAST(").bind(sealed);
        self.changed(swap.push(" AS TEXT)")).await
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
