//! Owns the run of the rules and actions when a token is refreshed (contract §4.1, protocol `oauth2-refresh-token`).
//! Never touches what rules may change: that is the pipeline's.

use super::{
    OpenIdProvider,
    entry::{Caller, Entry},
};
use crate::{
    login::{
        authorize_org::Granted,
        pipeline::{Asked, Method, Protocol, RuleFailed, RuleInput, RuleRequest, Verdict},
    },
    model::{LoginScripts, RuleConfig, Session, TenantSettings, TokenFamily},
    port::store::{Page, StoreError, UnitOfWork},
};

/// What rules are told of.
pub(super) struct Ready {
    family: TokenFamily,
    granted: Granted,
    scripts: LoginScripts,
    configs: Vec<RuleConfig>,
    roles: Vec<String>,
    session: Option<Session>,
    settings: TenantSettings,
}

impl Ready {
    /// Read it: nothing else, when nothing runs.
    pub(super) async fn load(
        unit: &mut dyn UnitOfWork,
        family: TokenFamily,
        granted: Granted,
    ) -> Result<Self, StoreError> {
        let scripts = unit.rules().at_login().await?;
        let (configs, roles, session) = (Vec::new(), Vec::new(), None);
        let settings = TenantSettings::default();
        let mut ready = Self { family, granted, scripts, configs, roles, session, settings };
        if ready.scripts.is_empty() {
            return Ok(ready);
        }
        if !ready.scripts.rules.is_empty() {
            ready.configs = unit.rules().configs().await?;
        }
        ready.settings = unit.tenant().settings().await?;
        let (user, page) = (&ready.granted.user.id, Page::first(MANY));
        let roles = match &ready.granted.organization {
            Some((organization, _)) => unit.members().roles(&organization.id, user, &page).await?,
            None => unit.roles().of_user(user, &page).await?,
        };
        ready.roles = roles.into_iter().map(|role| role.name).collect();
        if let Some(id) = &ready.family.session_id {
            ready.session = unit.sessions().find(id).await?;
        }
        Ok(ready)
    }

    pub(super) fn about(&self, entry: Entry) -> Entry {
        entry.of_family(&self.family).of_granted(&self.granted)
    }
}

/// Run them, and store what they changed of the user's metadata. No unit of work is open meanwhile.
pub(super) async fn run(
    provider: &OpenIdProvider,
    ready: &Ready,
    caller: &Caller,
) -> Result<Result<Verdict, RuleFailed>, StoreError> {
    if ready.scripts.is_empty() {
        return Ok(Ok(Verdict::Allow(Box::default())));
    }
    let at = ready.family.auth_time;
    let with_password = ready.family.amr.iter().any(|method| method == "pwd");
    let method = if with_password { "pwd" } else { "federated" };
    let input = RuleInput {
        tenant: ready.settings.friendly_name.as_deref().unwrap_or("portico"),
        user: &ready.granted.user,
        logins_count: ready.granted.user.logins_count,
        client: &ready.granted.client,
        connection: &ready.granted.connection,
        organization: ready.granted.organization.as_ref().map(|(organization, _)| organization),
        roles: &ready.roles,
        scope: &ready.family.scope,
        protocol: Protocol::RefreshToken,
        session: ready.family.session_id.as_ref(),
        session_clients: ready.session.as_ref().map(|session| session.clients.as_slice()).unwrap_or_default(),
        methods: &[Method { name: method.to_owned(), at }],
        request: Some(RuleRequest {
            ip: caller.ip.clone(),
            user_agent: caller.user_agent.clone(),
            hostname: provider.issuer.host_str().map(str::to_owned),
            ..RuleRequest::default()
        }),
        asked: Asked {
            issuer: provider.issuer.as_str(),
            audience: ready.family.audience.as_deref(),
            authenticated_at: ready.session.as_ref().map(|session| session.authenticated_at),
            ..Asked::default()
        },
    };
    let ran = Box::pin(provider.pipeline.run(&ready.scripts, &ready.configs, &input, None)).await;
    if !ran.metadata.is_empty() {
        let (updates, user, now) = (ran.metadata, ready.granted.user.id.clone(), provider.now());
        provider
            .store
            .write(move |unit| Box::pin(async move { updates.write(unit, &user, now).await }))
            .await?;
    }
    Ok(ran.verdict)
}

/// More roles than anybody has.
const MANY: i64 = 1000;
