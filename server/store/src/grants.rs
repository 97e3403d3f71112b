//! Owns [`Grants`] in SQL: token families and the tokens in them.
//! Never touches tokens: it knows their hashes.

use crate::{
    sql::{FromRow, JsonText, Row, Sql, sql},
    unit::{Session, SqlUnit},
};
use async_trait::async_trait;
use portico_core::{
    id::{FamilyId, OrganizationId, SessionId, UserId},
    model::{AccessToken, RefreshToken, TokenFamily},
    port::store::{Grants, StoreError},
    secret::TokenHash,
    time::Timestamp,
};

impl FromRow for TokenFamily {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self { revoked_at: row.at_optional("revoked_at")?, ..row.json("document")? })
    }
}

impl FromRow for (AccessToken, TokenFamily) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let token = AccessToken {
            hash: row.hash("token_hash")?,
            family_id: row.parse("family_id")?,
            scope: words(&row.get::<String>("scope")?),
            expires_at: row.at("expires_at")?,
        };
        Ok((token, TokenFamily::from_row(row)?))
    }
}

impl FromRow for (RefreshToken, TokenFamily) {
    fn from_row(row: &Row<'_>) -> Result<Self, StoreError> {
        let token = RefreshToken {
            hash: row.hash("token_hash")?,
            family_id: row.parse("family_id")?,
            generation: row.get("generation")?,
            idle_expires_at: row.at_optional("idle_expires_at")?,
            expires_at: row.at_optional("expires_at")?,
            consumed_at: row.at_optional("consumed_at")?,
            heir: row.get("heir")?,
        };
        Ok((token, TokenFamily::from_row(row)?))
    }
}

#[async_trait]
impl<S: Session> Grants for SqlUnit<S> {
    async fn find_family(&mut self, id: &FamilyId) -> Result<Option<TokenFamily>, StoreError> {
        self.optional(sql!("SELECT document, revoked_at FROM token_families WHERE family_id = $1", id)).await
    }

    async fn insert_family(&mut self, family: &TokenFamily) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO token_families (family_id, client_id, user_id, organization_id, session_id, document,
                 created_at, revoked_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &family.id,
            &family.client_id,
            &family.user_id,
            family.organization_id.as_ref(),
            family.session_id.as_ref(),
            JsonText(family).encode()?,
            family.created_at,
            family.revoked_at,
        ))
        .await
        .map(drop)
    }

    async fn revoke_family(&mut self, id: &FamilyId, at: Timestamp) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE token_families SET revoked_at = $2 WHERE family_id = $1 AND revoked_at IS NULL",
            id,
            at,
        ))
        .await
    }

    async fn revoke_of_user(
        &mut self,
        user: &UserId,
        organization: Option<&OrganizationId>,
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        let update = Sql::new("UPDATE token_families SET revoked_at = ").bind(at);
        let mut update = update.push(" WHERE revoked_at IS NULL AND user_id = ").bind(user);
        if let Some(organization) = organization {
            update = update.push(" AND organization_id = ").bind(organization);
        }
        self.execute(update).await
    }

    async fn revoke_of_session(&mut self, session: &SessionId, at: Timestamp) -> Result<u64, StoreError> {
        self.execute(sql!(
            "UPDATE token_families SET revoked_at = $2
             WHERE session_id = $1 AND revoked_at IS NULL AND NOT EXISTS
                 (SELECT 1 FROM refresh_tokens AS r WHERE r.family_id = token_families.family_id)",
            session,
            at,
        ))
        .await
    }

    async fn insert_access_token(&mut self, token: &AccessToken) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO access_tokens (token_hash, family_id, scope, expires_at) VALUES ($1, $2, $3, $4)",
            &token.hash,
            &token.family_id,
            token.scope.join(" "),
            token.expires_at,
        ))
        .await
        .map(drop)
    }

    async fn find_access_token(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<(AccessToken, TokenFamily)>, StoreError> {
        self.optional(sql!(
            "SELECT t.token_hash, t.family_id, t.scope, t.expires_at, f.document, f.revoked_at
             FROM access_tokens AS t JOIN token_families AS f ON f.family_id = t.family_id
             WHERE t.token_hash = $1",
            hash,
        ))
        .await
    }

    async fn insert_refresh_token(&mut self, token: &RefreshToken) -> Result<(), StoreError> {
        self.execute(sql!(
            "INSERT INTO refresh_tokens (token_hash, family_id, generation, idle_expires_at, expires_at, consumed_at,
                 heir)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &token.hash,
            &token.family_id,
            token.generation,
            token.idle_expires_at,
            token.expires_at,
            token.consumed_at,
            token.heir.as_deref(),
        ))
        .await
        .map(drop)
    }

    async fn find_refresh_token(
        &mut self,
        hash: &TokenHash,
    ) -> Result<Option<(RefreshToken, TokenFamily)>, StoreError> {
        self.optional(sql!(
            "SELECT t.token_hash, t.family_id, t.generation, t.idle_expires_at, t.expires_at, t.consumed_at,
                 t.heir, f.document, f.revoked_at
             FROM refresh_tokens AS t JOIN token_families AS f ON f.family_id = t.family_id
             WHERE t.token_hash = $1",
            hash,
        ))
        .await
    }

    async fn consume_refresh_token(
        &mut self,
        hash: &TokenHash,
        at: Timestamp,
        heir: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE refresh_tokens SET consumed_at = $2, heir = $3 WHERE token_hash = $1 AND consumed_at IS NULL",
            hash,
            at,
            heir,
        ))
        .await
    }

    async fn extend_refresh_token(
        &mut self,
        hash: &TokenHash,
        idle_expires_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        self.changed(sql!(
            "UPDATE refresh_tokens SET idle_expires_at = $2 WHERE token_hash = $1 AND consumed_at IS NULL",
            hash,
            idle_expires_at,
        ))
        .await
    }

    async fn sweep(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let access = self.execute(sql!("DELETE FROM access_tokens WHERE expires_at < $1", before)).await?;
        let refresh = self
            .execute(sql!("DELETE FROM refresh_tokens WHERE expires_at < $1 OR idle_expires_at < $1", before))
            .await?;
        // A family that was begun since may be about to get its first token.
        self.execute(sql!(
            "DELETE FROM token_families WHERE created_at < $1
                 AND NOT EXISTS (SELECT 1 FROM access_tokens AS a WHERE a.family_id = token_families.family_id)
                 AND NOT EXISTS (SELECT 1 FROM refresh_tokens AS r WHERE r.family_id = token_families.family_id)",
            before,
        ))
        .await?;
        Ok(access + refresh)
    }
}

/// A scope as RFC 6749 §3.3 writes one.
fn words(scope: &str) -> Vec<String> {
    scope.split_ascii_whitespace().map(str::to_owned).collect()
}
