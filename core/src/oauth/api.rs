//! Owns what an access token for an API may hold: which scopes, which permissions, for how long (contract §1.5, §2.7).
//! Never touches whether there is a token at all: that is `authorize_org`'s.

use super::authorize::OIDC_SCOPES;
use crate::{
    login::authorize_org::Granted,
    model::{Permission, ResourceServer},
    port::store::{Page, StoreError, UnitOfWork},
};
use std::collections::BTreeSet;

/// What one access token may hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Access {
    /// The API, by its identifier.
    pub(super) audience: String,
    /// The scopes, each once.
    pub(super) scope: Vec<String>,
    /// The permissions, for dialects that show them.
    pub(super) permissions: Option<Vec<String>>,
    /// Seconds.
    pub(super) lifetime: i64,
    dialect: String,
}

impl Access {
    /// Whether it has this scope.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|held| held == scope)
    }

    /// Whether the API wants tokens of RFC 9068.
    pub(super) fn is_rfc9068(&self) -> bool {
        self.dialect.starts_with("rfc9068_profile")
    }

    /// The `typ` of its header.
    pub(super) fn typ(&self) -> &'static str {
        if self.is_rfc9068() { "at+jwt" } else { "JWT" }
    }

    /// Of a client in its own name: `scope` is what its grant has (contract §1.4.3).
    pub(super) fn of_client(server: &ResourceServer, scope: Vec<String>) -> Self {
        let permissions = shows_permissions(server).then(|| scope.clone());
        Self::new(server, scope, permissions)
    }

    /// Of a user: of the scopes that were asked for, those that the API has, and where it enforces its policies (the
    /// Management API always does) those that the user has a permission for.
    pub(super) fn of_user(server: &ResourceServer, permitted: &BTreeSet<String>, asked: &[String]) -> Self {
        let enforced = enforces(server);
        let held = |scope: &str| {
            server.scopes.iter().any(|known| known.value == scope) && (!enforced || permitted.contains(scope))
        };
        let is_ours = |scope: &str| OIDC_SCOPES.contains(&scope);
        let scope = asked.iter().filter(|scope| is_ours(scope) || held(scope)).cloned().collect();
        let permissions =
            (enforced && shows_permissions(server)).then(|| permitted.iter().cloned().collect());
        Self::new(server, scope, permissions)
    }

    fn new(server: &ResourceServer, scope: Vec<String>, permissions: Option<Vec<String>>) -> Self {
        Self {
            audience: server.identifier.clone(),
            scope,
            permissions,
            lifetime: server.token_lifetime,
            dialect: server.token_dialect.clone(),
        }
    }
}

/// What the user may do at this API. In an organization only the member's roles there count (contract §1.5, ORG-14).
pub(super) async fn permissions(
    unit: &mut dyn UnitOfWork,
    granted: &Granted,
    server: &ResourceServer,
) -> Result<BTreeSet<String>, StoreError> {
    if !enforces(server) {
        return Ok(BTreeSet::new());
    }
    let mut all: Vec<Permission> = Vec::new();
    let roles = if let Some((_, membership)) = &granted.organization {
        membership.roles.clone()
    } else {
        all.extend(unit.roles().permissions_of_user(&granted.user.id, &Page::first(MANY)).await?);
        let roles = unit.roles().of_user(&granted.user.id, &Page::first(MANY)).await?;
        roles.into_iter().map(|role| role.id).collect()
    };
    if !roles.is_empty() {
        all.extend(unit.roles().permissions_of(&roles).await?);
    }
    let here = all.into_iter().filter(|one| one.resource_server_identifier == server.identifier);
    Ok(here.map(|one| one.permission_name).collect())
}

/// A user gets nothing of the Management API by asking for it: each of its scopes is a permission.
fn enforces(server: &ResourceServer) -> bool {
    server.enforce_policies || server.is_system
}

fn shows_permissions(server: &ResourceServer) -> bool {
    server.token_dialect.ends_with("_authz")
}

/// More roles or permissions than anybody has.
const MANY: i64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::ResourceServerId, model::Scope, time::Timestamp};

    fn server(enforce_policies: bool, is_system: bool, dialect: &str) -> ResourceServer {
        let scope = |value: &str| Scope { value: value.to_owned(), description: None };
        ResourceServer {
            id: ResourceServerId::parse("0123456789abcdef01234567").unwrap(),
            identifier: "https://api.test".to_owned(),
            name: None,
            scopes: vec![scope("read"), scope("write")],
            allow_offline_access: false,
            token_lifetime: 60,
            token_lifetime_for_web: 60,
            enforce_policies,
            token_dialect: dialect.to_owned(),
            is_system,
            extra: serde_json::Map::new(),
            created_at: Timestamp(0),
        }
    }

    fn scope_of(server: &ResourceServer) -> (Vec<String>, Option<Vec<String>>) {
        let asked = ["openid", "read", "write", "delete"].map(str::to_owned);
        let access = Access::of_user(server, &BTreeSet::from(["read".to_owned()]), &asked);
        (access.scope, access.permissions)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn scopes_are_the_apis_own() {
        let open = server(false, false, "access_token_authz");
        assert_eq!(scope_of(&open), (texts(&["openid", "read", "write"]), None));
    }

    #[test]
    fn an_api_that_enforces_its_policies_gives_what_is_permitted() {
        let plain = server(true, false, "access_token");
        assert_eq!(scope_of(&plain), (texts(&["openid", "read"]), None));
        let shown = server(true, false, "access_token_authz");
        assert_eq!(scope_of(&shown), (texts(&["openid", "read"]), Some(texts(&["read"]))));
    }

    #[test]
    fn a_user_gets_nothing_of_the_management_api_by_asking() {
        let management = server(false, true, "access_token");
        assert_eq!(scope_of(&management), (texts(&["openid", "read"]), None));
    }

    #[test]
    fn dialects_have_their_type() {
        let typ = |dialect: &str| Access::of_client(&server(false, false, dialect), Vec::new()).typ();
        assert_eq!(typ("rfc9068_profile"), "at+jwt");
        assert_eq!(typ("rfc9068_profile_authz"), "at+jwt");
        assert_eq!(typ("access_token"), "JWT");
    }
}
