//! Owns the answer to whatever the Management API does not have (contract §2.3).
//! Never touches what it has.

use crate::http::voice::api::ApiFault;
use http::{Method, Uri};

/// 403 `insufficient_scope`, naming the scope that no token here has: client programs take it for "not available to me"
/// and go on.
pub(super) async fn answer(method: Method, uri: Uri) -> ApiFault {
    let verb = match method {
        Method::POST => "create",
        Method::PUT | Method::PATCH => "update",
        Method::DELETE => "delete",
        _ => "read",
    };
    let path = uri.path().strip_prefix("/api/v2").unwrap_or_default();
    ApiFault::insufficient_scope(&[format!("{verb}:{}", thing(path))])
}

/// What Auth0 calls it in scopes.
fn thing(path: &str) -> String {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let (first, third) = (segments.next().unwrap_or_default(), segments.nth(1));
    let name = match (first, third) {
        ("organizations", Some("discovery-domains")) => "organization_discovery_domains",
        ("organizations", Some("clients")) => "organization_clients",
        ("connections", Some("scim-configuration")) => "scim_config",
        ("connections", Some("keys")) => "connections_keys",
        ("connections", Some("directory-provisioning")) | ("connections-directory-provisionings", _) => {
            "directory_provisionings"
        }
        ("emails", _) => "email_provider",
        ("guardian", _) => "guardian_factors",
        ("risk-assessments", _) => "attack_protection",
        ("user-blocks", _) => "users",
        (other, _) => other,
    };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        return "resource".to_owned();
    }
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_named_after_the_path() {
        assert_eq!(thing("/log-streams"), "log_streams");
        assert_eq!(thing("/organizations/org_1/discovery-domains"), "organization_discovery_domains");
        assert_eq!(thing("/emails/provider"), "email_provider");
        assert_eq!(thing("/%3Cscript%3E"), "resource");
        assert_eq!(thing(""), "resource");
    }
}
