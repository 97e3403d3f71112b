//! Owns the test of every route against every scope.
//! Never touches what the routes do.

use super::world::Api;
use http::Method;
use portico_core::admin::MANAGEMENT_SCOPES;
use portico_server::management::endpoints;
use std::{collections::BTreeSet, time::Duration};

/// A path of the table with ids of nothing in it.
fn concrete(path: &str) -> String {
    let id = match path.split('/').nth(1).unwrap() {
        "organizations" => "org_0000000000000000",
        "connections" => "con_0000000000000000",
        "users" => "auth0%7Cnobody",
        "roles" => "rol_0000000000000000",
        "rules" => "rul_0000000000000000",
        "client-grants" => "cgr_0000000000000000",
        "logs" => "1795521600000aaaaaaaaaaaa",
        "actions" => "00000000-0000-4000-8000-000000000000",
        _ => "nothing",
    };
    path.replace("{id}", id)
        .replace("{name}", "nothing")
        .replace("{key}", "NOTHING")
        .replace("{connection_id}", "con_0000000000000000")
        .replace("{invitation_id}", "uinv_0000000000000000")
        .replace("{grant_id}", "cgr_0000000000000000")
        .replace("{user_id}", "auth0%7Cnobody")
        .replace("{version_id}", "00000000-0000-4000-8000-000000000000")
        .replace("{trigger}", "post-login")
}

#[tokio::test]
async fn api_02_every_route_opens_to_its_scopes_and_to_no_other() {
    let api = Api::new().await;
    for endpoint in endpoints() {
        let path = concrete(endpoint.path);
        assert!(!path.contains('{'), "{path}");
        let (mine, others): (Vec<_>, Vec<_>) = MANAGEMENT_SCOPES
            .iter()
            .map(|(scope, _)| *scope)
            .partition(|scope| endpoint.scopes.contains(scope));
        assert_eq!(mine.len(), endpoint.scopes.len(), "{path} needs a scope that is not in the list");
        let method = endpoint.method.as_str();
        // All others together: none of them opens it.
        let token = api.scoped(&others.join(" ")).await;
        let message = api.call_as(&token, method, &path, None).await.fault(403, "insufficient_scope");
        let expected = format!("Insufficient scope, expected any of: {}", endpoint.scopes.join(","));
        assert_eq!(message, expected, "{method} {path}");
        for scope in endpoint.scopes {
            let token = api.scoped(scope).await;
            let answer = api.call_as(&token, method, &path, None).await;
            assert_ne!(answer.status, 403, "{method} {path} with {scope}: {}", answer.body);
            assert_ne!(answer.status, 401, "{method} {path} with {scope}");
            assert!(answer.status.as_u16() < 500, "{method} {path} with {scope}: {}", answer.body);
        }
        // The allowance is one second's worth of calls, and this is more.
        api.clock.advance(Duration::from_secs(1));
    }
}

#[test]
fn no_route_is_open_and_none_is_there_twice() {
    let mut seen = BTreeSet::new();
    for endpoint in endpoints() {
        assert!(!endpoint.scopes.is_empty(), "{}", endpoint.path);
        assert!(seen.insert((endpoint.method.to_string(), endpoint.path)), "{}", endpoint.path);
        let fits = |scope: &&str| match endpoint.method {
            Method::GET => scope.starts_with("read:"),
            Method::PUT | Method::PATCH => scope.starts_with("update:"),
            _ => !scope.starts_with("read:"),
        };
        // What a job does is not what its method says: the contract names the scopes of jobs one by one.
        let job = endpoint.path.starts_with("/jobs/");
        assert!(job || endpoint.scopes.iter().all(fits), "{}", endpoint.path);
    }
    assert!(seen.len() > 70, "{}", seen.len());
}
