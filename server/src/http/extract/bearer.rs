//! Owns the check of bearer tokens of the Management API: whose they are, and what they may do at this instant.
//! Never touches routes: which scope each needs is the management table's.

use crate::http::voice::api::ApiFault;
use http::{HeaderMap, header::AUTHORIZATION};
use portico_core::{
    admin::bootstrap::management_audience,
    id::{ClientId, OrganizationId},
    jose::jwt::{AccessClaims, TokenFault, verify_access_token},
    port::{
        key_ring::KeyRing,
        store::{Store, StoreError},
    },
    time::Clock,
};
use std::{collections::BTreeSet, sync::Arc};
use url::Url;

/// Whose token it is, and what it is good for now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Caller {
    /// The application it was given to.
    pub client_id: ClientId,
    /// What the token states *and* the client grant still allows (API-13).
    pub scopes: BTreeSet<String>,
    /// The one organization it is for, if it is for one (ORG-17).
    pub organization: Option<OrganizationId>,
}

impl Caller {
    /// Whether it has one of these scopes, letter for letter.
    pub fn may(&self, any_of: &[&str]) -> bool {
        any_of.iter().any(|scope| self.scopes.contains(*scope))
    }

    /// Refuse it unless it has one of these scopes.
    pub fn require(&self, any_of: &[&str]) -> Result<(), ApiFault> {
        if self.may(any_of) { Ok(()) } else { Err(ApiFault::insufficient_scope(any_of)) }
    }
}

/// Checks bearer tokens.
pub struct Bearer {
    /// Public keys.
    pub keys: Arc<dyn KeyRing>,
    /// Clients and their grants.
    pub store: Arc<dyn Store>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Who issues tokens here.
    pub issuer: Url,
}

impl Bearer {
    /// The caller that these headers show, or 401 in the words of contract §2.1.
    ///
    /// A token of a person, even with the Management API's audience, has no scopes here: only what an application got
    /// in its own name counts (API-01).
    pub async fn caller(&self, headers: &HeaderMap) -> Result<Caller, ApiFault> {
        let token = token(headers)?;
        let keys = self.keys.verifiers(token).await;
        let audience = management_audience(&self.issuer);
        let claims = verify_access_token(token, &keys, self.issuer.as_str(), &audience, self.clock.now())
            .map_err(|fault| refused(&fault))?;
        let scopes = self.still_allowed(&claims, &audience).await?;
        Ok(Caller { client_id: claims.client_id, scopes, organization: claims.organization_id })
    }

    async fn still_allowed(
        &self,
        claims: &AccessClaims,
        audience: &str,
    ) -> Result<BTreeSet<String>, ApiFault> {
        let client = &claims.client_id;
        let found = self.store.read(|unit| {
            Box::pin(async move {
                let known = unit.clients().find(client).await?;
                let grant = unit.client_grants().find_for(client, audience).await?;
                Ok::<_, StoreError>((known, grant))
            })
        });
        let (known, grant) = found.await?;
        if known.is_none() {
            return Err(ApiFault::unauthorized("Invalid token"));
        }
        let own_name = claims.subject == format!("{client}@clients");
        let allowed = grant.filter(|_| own_name).map(|grant| grant.scope).unwrap_or_default();
        Ok(claims.scope.iter().filter(|scope| allowed.contains(scope)).cloned().collect())
    }
}

/// RFC 6750 §2.1, and nowhere else: not in the query, not in a form.
fn token(headers: &HeaderMap) -> Result<&str, ApiFault> {
    let missing = || ApiFault::unauthorized("Missing authentication");
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let one = all.next().ok_or_else(missing)?;
    if all.next().is_some() {
        return Err(ApiFault::unauthorized("Invalid token"));
    }
    let (scheme, token) = one.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    Ok(token.trim())
}

fn refused(fault: &TokenFault) -> ApiFault {
    tracing::debug!(%fault, "a bearer token was refused");
    ApiFault::unauthorized(if matches!(fault, TokenFault::Expired) {
        "Expired token received for JSON Web Token validation"
    } else if matches!(fault, TokenFault::Signature | TokenFault::UnknownKey) {
        "Invalid signature received for JSON Web Token validation"
    } else {
        "Invalid token"
    })
}
