//! Owns the exchange of a refresh token (RFC 6749 §6, RFC 9700 §4.14, contract §1.4.2): families, generations, reuse.
//! Never touches signing.

use super::super::{
    OpenIdProvider,
    entry::{Decided, Entry},
    error::{OAuthError, Refusal},
    heir,
    issue::{Fresh, Issue, question, seconds},
    rules::{self, Ready},
    token::{Draft, TokenRequest},
};
use crate::{
    login::{
        authorize_org::{Facts, Granted, authorize_org},
        pipeline::{Changes, Verdict},
    },
    model::{Client, EventKind, ExpirationType, RefreshToken, RefreshTokenPolicy, RotationType, TokenFamily},
    port::store::{StoreError, UnitOfWork},
    secret::{Secret, TokenHash},
    time::Timestamp,
};
use serde_json::json;

/// Exchange it: look, let the rules speak, then look again and store, in one unit of work.
pub(in crate::oauth) async fn refresh(
    provider: &OpenIdProvider,
    client: Client,
    request: &TokenRequest<'_>,
    entry: Entry,
) -> Result<Draft, OAuthError> {
    let raw = match request.require("refresh_token") {
        Ok(token) => Secret::new(token),
        Err(refusal) => return provider.refuse(entry, refusal).await,
    };
    let presented = Presented {
        token: TokenHash::of(raw.expose()),
        raw,
        client,
        scope: request.get("scope").map(|scope| scope.split_ascii_whitespace().map(str::to_owned).collect()),
        audience: request.get("audience").map(str::to_owned),
        organization: request.get("organization").map(str::to_owned),
    };
    let now = provider.now();
    let looked = provider.store.read(|unit| Box::pin(presented.look(unit, now))).await?;
    // What is refused here is refused again below, where it can be written down.
    let (entry, changes) = match looked {
        Ok(ready) => match rules::run(provider, &ready, &request.caller).await? {
            Ok(Verdict::Allow(changes)) => (entry, Some(*changes)),
            Ok(Verdict::Deny { by, reason, console } | Verdict::Invalid { by, message: reason, console }) => {
                let refusal = Refusal::by_rule(reason, by.kind.denial());
                let details = json!({ "name": by.name, "console": console });
                return provider.refuse(ready.about(entry).with(by.kind.as_str(), details), refusal).await;
            }
            // Contract §4.1: there is no browser that could go anywhere.
            Ok(Verdict::Pause { by, .. }) => {
                let entry = ready.about(entry).with(by.kind.as_str(), json!({ "name": by.name }));
                return provider.refuse(entry, Refusal::interaction_required()).await;
            }
            Err(failed) => {
                let details = json!({ "name": failed.by.name, "console": failed.console() });
                let entry = ready.about(entry).with(failed.by.kind.as_str(), details);
                return provider.refuse(entry, Refusal::by_rule(failed.description(), failed.reason())).await;
            }
        },
        Err(_refused) => (entry, None),
    };
    let fresh = Fresh::new(&*provider.entropy, provider.issuer.as_str(), provider.now());
    let heir = match presented.client.refresh_token.leeway {
        0 => None,
        _ => heir::seal(presented.raw.expose(), &fresh.refresh_token, &*provider.entropy),
    };
    let decided: Result<Decided<Draft>, StoreError> = provider
        .store
        .write(move |unit| Box::pin(presented.exchange(unit, entry, (fresh, heir), changes)))
        .await;
    Ok(decided??)
}

struct Presented {
    raw: Secret,
    token: TokenHash,
    client: Client,
    scope: Option<Vec<String>>,
    audience: Option<String>,
    organization: Option<String>,
}

/// A token that may be exchanged.
struct Live {
    token: RefreshToken,
    family: TokenFamily,
    granted: Granted,
    /// Its child, when it comes once more within the leeway.
    child: Option<String>,
}

impl Presented {
    /// What rules need to know; nothing is changed.
    async fn look(&self, unit: &mut dyn UnitOfWork, now: Timestamp) -> Result<Decided<Ready>, StoreError> {
        match self.find(unit, now).await? {
            Ok(live) => Ok(Ok(Ready::load(unit, live.family, live.granted).await?)),
            Err((_, refusal)) => Ok(Err(refusal)),
        }
    }

    async fn exchange(
        self,
        unit: &mut dyn UnitOfWork,
        entry: Entry,
        (fresh, heir): (Fresh, Option<String>),
        changes: Option<Changes>,
    ) -> Result<Decided<Draft>, StoreError> {
        let live = match self.find(unit, fresh.now).await? {
            Ok(live) => live,
            Err((family, refusal)) => {
                let entry = family.iter().fold(entry, Entry::of_family);
                return match family {
                    Some(family) if refusal.reason() == REUSED => {
                        reused(unit, entry, &family, fresh.now).await
                    }
                    _ => entry.refuse(unit, refusal).await,
                };
            }
        };
        let entry = entry.of_family(&live.family).of_granted(&live.granted);
        // It could not be exchanged when the rules were to be asked, and now it could: nobody asked them.
        let Some(changes) = changes else {
            return entry.refuse(unit, Refusal::invalid_refresh_token("rules_not_run")).await;
        };
        let policy = &self.client.refresh_token;
        let lifetimes = Lifetimes::go_on(policy, &live.token, fresh.now);
        let mut refresh_token = None;
        if live.child.is_some() {
            refresh_token.clone_from(&live.child);
        } else if policy.rotation_type == RotationType::Rotating {
            if !unit.grants().consume_refresh_token(&self.token, fresh.now, heir.as_deref()).await? {
                return reused(unit, entry, &live.family, fresh.now).await;
            }
            let child = RefreshToken {
                hash: TokenHash::of(&fresh.refresh_token),
                family_id: live.family.id.clone(),
                generation: live.token.generation + 1,
                idle_expires_at: lifetimes.idle,
                expires_at: lifetimes.absolute,
                consumed_at: None,
                heir: None,
            };
            unit.grants().insert_refresh_token(&child).await?;
            refresh_token = Some(fresh.refresh_token.clone());
        } else {
            unit.grants().extend_refresh_token(&self.token, lifetimes.idle).await?;
        }
        self.issue(unit, entry, (&fresh, live, changes), refresh_token).await
    }

    async fn issue(
        &self,
        unit: &mut dyn UnitOfWork,
        entry: Entry,
        (fresh, live, changes): (&Fresh, Live, Changes),
        refresh_token: Option<String>,
    ) -> Result<Decided<Draft>, StoreError> {
        let asked = self.scope.as_ref().unwrap_or(&live.family.scope);
        let mut id_token_claims = changes.profile;
        id_token_claims.extend(changes.id_token);
        let issue = Issue {
            fresh,
            family: &live.family,
            scope: changes.scope.as_ref().unwrap_or(asked),
            granted: &live.granted,
            nonce: None,
            id_token_claims: &id_token_claims,
            access_token_claims: &changes.access_token,
        };
        match issue.write(unit).await? {
            Ok(draft) => {
                unit.events().insert(&entry.succeeded(&draft.scope)).await?;
                Ok(Ok(Draft { refresh_token, ..draft }))
            }
            // The token was used up in this unit, and stays so: its API is gone.
            Err(refusal) => entry.refuse(unit, refusal).await,
        }
    }

    /// The token, if it may be exchanged now; else its family, if there is one, and why not.
    async fn find(
        &self,
        unit: &mut dyn UnitOfWork,
        now: Timestamp,
    ) -> Result<Result<Live, (Option<TokenFamily>, Refusal)>, StoreError> {
        let Some((token, family)) = unit.grants().find_refresh_token(&self.token).await? else {
            return Ok(Err((None, Refusal::invalid_refresh_token("unknown_refresh_token"))));
        };
        if let Err(refusal) = self.check(&token, &family, now) {
            return Ok(Err((Some(family), refusal)));
        }
        let child = match (token.consumed_at, self.child(unit, &token).await?) {
            (Some(_), None) => return Ok(Err((Some(family), Refusal::invalid_refresh_token(REUSED)))),
            (_, child) => child,
        };
        let question = question(&family);
        let granted = match authorize_org(&question, Facts::load(unit, &question).await?) {
            Ok(granted) => granted,
            Err(denied) => return Ok(Err((Some(family), Refusal::denied_refresh(&denied)))),
        };
        if !self.fits(&granted) {
            let refusal = Refusal::invalid_refresh_token("other_organization");
            return Ok(Err((Some(family), refusal)));
        }
        Ok(Ok(Live { token, family, granted, child }))
    }

    /// The child of a token that was used up, while the child itself was not: then it is given once more (OP-11).
    async fn child(
        &self,
        unit: &mut dyn UnitOfWork,
        token: &RefreshToken,
    ) -> Result<Option<String>, StoreError> {
        let Some(child) = token.heir.as_ref().and_then(|sealed| heir::open(self.raw.expose(), sealed)) else {
            return Ok(None);
        };
        let found = unit.grants().find_refresh_token(&TokenHash::of(&child)).await?;
        Ok(found.filter(|(row, _)| row.consumed_at.is_none()).map(|_| child))
    }

    fn check(&self, token: &RefreshToken, family: &TokenFamily, now: Timestamp) -> Result<(), Refusal> {
        let over = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
        let refused = if family.client_id != self.client.id {
            "other_client"
        } else if family.revoked_at.is_some() {
            "family_revoked"
        } else if token
            .consumed_at
            .is_some_and(|at| now.since(at) >= seconds(self.client.refresh_token.leeway))
        {
            REUSED
        } else if over(token.expires_at) {
            "refresh_token_expired"
        } else if over(token.idle_expires_at) {
            "refresh_token_idle"
        } else if self.audience.is_some() && self.audience != family.audience {
            "other_audience"
        } else if self.scope.iter().flatten().any(|scope| !family.scope.contains(scope)) {
            return Err(Refusal::invalid_scope());
        } else {
            return Ok(());
        };
        Err(Refusal::invalid_refresh_token(refused))
    }

    /// Some clients name the organization again (contract §1.4.1). It is the token's, or there is no token (OP-12).
    fn fits(&self, granted: &Granted) -> bool {
        match (&self.organization, &granted.organization) {
            (None, _) => true,
            (Some(named), Some((organization, _))) => {
                named == organization.id.as_str() || named.to_lowercase() == organization.name.as_str()
            }
            (Some(_), None) => false,
        }
    }
}

/// An old token again: whoever has it, the family is no longer safe (OP-10).
async fn reused(
    unit: &mut dyn UnitOfWork,
    entry: Entry,
    family: &TokenFamily,
    now: Timestamp,
) -> Result<Decided<Draft>, StoreError> {
    unit.grants().revoke_family(&family.id, now).await?;
    entry.alarm(EventKind::RefreshReused, unit, Refusal::invalid_refresh_token(REUSED)).await
}

/// When a refresh token ends: without use, and in any case (OP-14).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::oauth) struct Lifetimes {
    pub(in crate::oauth) idle: Option<Timestamp>,
    pub(in crate::oauth) absolute: Option<Timestamp>,
}

impl Lifetimes {
    /// Of the first one.
    pub(in crate::oauth) fn begin(policy: &RefreshTokenPolicy, now: Timestamp) -> Self {
        let expiring = policy.expiration_type == ExpirationType::Expiring;
        let end =
            |infinite: bool, lifetime: i64| (expiring && !infinite).then(|| now.plus(seconds(lifetime)));
        Self {
            idle: end(policy.infinite_idle_token_lifetime, policy.idle_token_lifetime),
            absolute: end(policy.infinite_token_lifetime, policy.token_lifetime),
        }
    }

    /// After a use: the idle time begins anew, the end in any case stays where it is.
    fn go_on(policy: &RefreshTokenPolicy, token: &RefreshToken, now: Timestamp) -> Self {
        Self { absolute: token.expires_at, ..Self::begin(policy, now) }
    }
}

const REUSED: &str = "refresh_token_reused";
