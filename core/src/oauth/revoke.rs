//! Owns revocation by clients (RFC 7009, contract §1.6).
//! Never touches revocation by administrators.

use super::{
    OpenIdProvider,
    client_auth::ClientCredentials,
    entry::Entry,
    error::{OAuthError, Refusal},
    token::TokenRequest,
};
use crate::{
    id::ClientId,
    model::{EventKind, TokenFamily},
    port::store::{StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};

impl OpenIdProvider {
    /// End the family of a refresh token, or of an access token without an API, if it is this client's. An unknown token,
    /// or another client's, is no error: nobody learns which tokens exist (OP-34).
    pub async fn revoke(&self, request: &TokenRequest<'_>) -> Result<(), OAuthError> {
        let credentials = ClientCredentials::read(request.parameters, request.authorization)?;
        let found = self.find_client(&credentials).await?;
        let client =
            credentials.authenticate(found).map_err(|refusal| Refusal::invalid_client(refusal.reason()))?;
        let token = TokenHash::of(request.require("token")?);
        let now = self.now();
        let kinds = (EventKind::RefreshRevoked, EventKind::RefreshRevoked);
        let entry = Entry::new(kinds, Some(&client), &request.caller, (now, &*self.entropy));
        let revoked: Result<(), StoreError> = self
            .store
            .write(move |unit| Box::pin(async move { end(unit, &client.id, &token, (entry, now)).await }))
            .await;
        Ok(revoked?)
    }
}

async fn end(
    unit: &mut dyn UnitOfWork,
    client: &ClientId,
    token: &TokenHash,
    (entry, now): (Entry, Timestamp),
) -> Result<(), StoreError> {
    let family: Option<TokenFamily> = match unit.grants().find_refresh_token(token).await? {
        Some((_, family)) => Some(family),
        None => unit.grants().find_access_token(token).await?.map(|(_, family)| family),
    };
    let Some(family) = family.filter(|family| family.client_id == *client) else { return Ok(()) };
    if unit.grants().revoke_family(&family.id, now).await? {
        unit.events().insert(&entry.of_family(&family).succeeded(&[])).await?;
    }
    Ok(())
}
