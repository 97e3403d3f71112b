//! Owns the run of the rules when a token is refreshed (contract §4.1, protocol `oauth2-refresh-token`).
//! Never touches what rules may change: that is the pipeline's.

use super::{
    OpenIdProvider,
    entry::{Caller, Entry},
};
use crate::{
    login::{
        authorize_org::Granted,
        pipeline::{Method, Protocol, RuleFailed, RuleInput, RuleRequest, Verdict},
    },
    model::{Rule, RuleConfig, Session, TenantSettings, TokenFamily},
    port::store::{Page, StoreError, UnitOfWork},
};

/// What rules are told of.
pub(super) struct Ready {
    family: TokenFamily,
    granted: Granted,
    rules: Vec<Rule>,
    configs: Vec<RuleConfig>,
    roles: Vec<String>,
    session: Option<Session>,
    settings: TenantSettings,
}

impl Ready {
    /// Read it: only the rules, when there are none.
    pub(super) async fn load(
        unit: &mut dyn UnitOfWork,
        family: TokenFamily,
        granted: Granted,
    ) -> Result<Self, StoreError> {
        let rules = unit.rules().enabled().await?;
        let (configs, roles, session) = (Vec::new(), Vec::new(), None);
        let settings = TenantSettings::default();
        let mut ready = Self { family, granted, rules, configs, roles, session, settings };
        if ready.rules.is_empty() {
            return Ok(ready);
        }
        ready.configs = unit.rules().configs().await?;
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

/// Run them. No unit of work is open meanwhile.
pub(super) async fn run(
    provider: &OpenIdProvider,
    ready: &Ready,
    caller: &Caller,
) -> Result<Verdict, RuleFailed> {
    if ready.rules.is_empty() {
        return Ok(Verdict::Allow(Box::default()));
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
    };
    provider.pipeline.run(&ready.rules, &ready.configs, input).await
}

/// More roles than anybody has.
const MANY: i64 = 1000;
