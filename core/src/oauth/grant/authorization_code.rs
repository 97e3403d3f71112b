//! Owns the exchange of a code (RFC 6749 §4.1.3): once, by its client, for its address, with its verifier.
//! Never touches signing.

use super::super::{
    OpenIdProvider,
    entry::{Decided, Entry},
    error::{OAuthError, Refusal},
    issue::{Fresh, Issue, question},
    pkce,
    token::{Draft, TokenRequest},
};
use super::refresh_token::Lifetimes;
use crate::{
    login::authorize_org::{Facts, Granted, authorize_org},
    model::{AuthorizationCode, Client, EventKind, RefreshToken, TokenFamily},
    port::store::{StoreError, UnitOfWork},
    secret::TokenHash,
    time::Timestamp,
};

/// Exchange it. Using the code up and storing what it gives is one unit of work.
pub(in crate::oauth) async fn redeem(
    provider: &OpenIdProvider,
    client: Client,
    request: &TokenRequest<'_>,
    entry: Entry,
) -> Result<Draft, OAuthError> {
    let code = match request.require("code") {
        Ok(code) => TokenHash::of(code),
        Err(refusal) => return provider.refuse(entry, refusal).await,
    };
    let presented = Presented {
        code,
        client,
        redirect_uri: request.get("redirect_uri").map(str::to_owned),
        verifier: request.get("code_verifier").map(str::to_owned),
    };
    let fresh = Fresh::new(&*provider.entropy, provider.issuer.as_str(), provider.now());
    let decided: Result<Decided<Draft>, StoreError> =
        provider.store.write(move |unit| Box::pin(presented.exchange(unit, entry, fresh))).await;
    Ok(decided??)
}

struct Presented {
    code: TokenHash,
    client: Client,
    redirect_uri: Option<String>,
    verifier: Option<String>,
}

impl Presented {
    async fn exchange(
        self,
        unit: &mut dyn UnitOfWork,
        entry: Entry,
        fresh: Fresh,
    ) -> Result<Decided<Draft>, StoreError> {
        let Some(code) = unit.codes().find(&self.code).await? else {
            return entry.refuse(unit, Refusal::invalid_code("unknown_code")).await;
        };
        let entry = entry.of_family(&code.family);
        if code.family.client_id != self.client.id {
            return entry.refuse(unit, Refusal::invalid_code("other_client")).await;
        }
        if code.consumed_at.is_some() {
            return reused(unit, entry, &code.family, fresh.now).await;
        }
        if let Err(refusal) = self.check(&code, fresh.now) {
            return entry.refuse(unit, refusal).await;
        }
        // Whoever is first here gets tokens; the others come after the first has committed, and end what it got (OP-05).
        if !unit.codes().consume(&self.code, fresh.now).await? {
            return reused(unit, entry, &code.family, fresh.now).await;
        }
        let question = question(&code.family);
        let granted = match authorize_org(&question, Facts::load(unit, &question).await?) {
            Ok(granted) => granted,
            Err(denied) => return entry.refuse(unit, Refusal::denied(&denied, &question)).await,
        };
        self.issue(unit, entry.of_granted(&granted), fresh, (code, granted)).await
    }

    fn check(&self, code: &AuthorizationCode, now: Timestamp) -> Result<(), Refusal> {
        if now >= code.expires_at {
            return Err(Refusal::invalid_code("code_expired"));
        }
        // RFC 6749 §4.1.3: repeated exactly, if the request named it.
        match &self.redirect_uri {
            Some(uri) if *uri != code.redirect_uri => Err(Refusal::invalid_code("other_redirect_uri")),
            None if code.redirect_uri_given => Err(Refusal::invalid_code("redirect_uri_missing")),
            _ => pkce::verify(code.code_challenge.as_ref(), self.verifier.as_deref()),
        }
    }

    async fn issue(
        &self,
        unit: &mut dyn UnitOfWork,
        entry: Entry,
        fresh: Fresh,
        (code, granted): (AuthorizationCode, Granted),
    ) -> Result<Decided<Draft>, StoreError> {
        let family = &code.family;
        unit.grants().insert_family(family).await?;
        let issue = Issue {
            fresh: &fresh,
            family,
            scope: &family.scope,
            granted: &granted,
            nonce: code.nonce.as_deref(),
            id_token_claims: &code.id_token_claims,
            access_token_claims: &code.access_token_claims,
        };
        let mut draft = match issue.write(unit).await? {
            Ok(draft) => draft,
            Err(refusal) => return entry.refuse(unit, refusal).await,
        };
        if draft.scope.iter().any(|scope| scope == "offline_access")
            && granted.client.may_use("refresh_token")
        {
            let lifetimes = Lifetimes::begin(&granted.client.refresh_token, fresh.now);
            let token = RefreshToken {
                hash: TokenHash::of(&fresh.refresh_token),
                family_id: family.id.clone(),
                generation: 1,
                idle_expires_at: lifetimes.idle,
                expires_at: lifetimes.absolute,
                consumed_at: None,
                heir: None,
            };
            unit.grants().insert_refresh_token(&token).await?;
            draft.refresh_token = Some(fresh.refresh_token);
        }
        unit.events().insert(&entry.succeeded(&draft.scope)).await?;
        Ok(Ok(draft))
    }
}

/// A code is used at most once (RFC 6749 §4.1.2): whoever has it twice, what came of it is no longer safe (OP-04).
async fn reused(
    unit: &mut dyn UnitOfWork,
    entry: Entry,
    family: &TokenFamily,
    now: Timestamp,
) -> Result<Decided<Draft>, StoreError> {
    let revoked = unit.grants().revoke_family(&family.id, now).await?;
    let entry = entry.with("family_revoked", revoked);
    entry.alarm(EventKind::CodeExchangeFailed, unit, Refusal::invalid_code("code_reused")).await
}
