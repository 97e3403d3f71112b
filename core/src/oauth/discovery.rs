//! Owns the provider's metadata (OIDC Discovery §3, RFC 8414, contract §1.7): only what is true of this server.
//! Never touches the host of a request: the issuer is configuration (OP-30).

use super::{authorize::OIDC_SCOPES, grant::GRANT_TYPES};
use crate::jose::jwk::Jwk;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use url::Url;

/// The metadata. `keys` are the published ones: their algorithms are the ones that tokens are signed with.
pub fn metadata(issuer: &Url, keys: &[Jwk]) -> Value {
    let at = |path: &str| format!("{}/{path}", issuer.as_str().trim_end_matches('/'));
    let algorithms: BTreeSet<&str> = keys.iter().map(|key| key.alg.as_str()).collect();
    json!({
        "issuer": issuer.as_str(),
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("oauth/token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at(".well-known/jwks.json"),
        "revocation_endpoint": at("oauth/revoke"),
        "end_session_endpoint": at("oidc/logout"),
        "scopes_supported": OIDC_SCOPES,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post", "web_message"],
        "grant_types_supported": GRANT_TYPES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
        "token_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTHENTICATION_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": CLAIMS,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "authorization_response_iss_parameter_supported": true,
    })
}

const AUTHENTICATION_METHODS: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

const CLAIMS: [&str; 25] = [
    "iss",
    "sub",
    "aud",
    "iat",
    "exp",
    "auth_time",
    "nonce",
    "sid",
    "amr",
    "org_id",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "middle_name",
    "preferred_username",
    "picture",
    "locale",
    "zoneinfo",
    "updated_at",
    "email",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "address",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn op_30_metadata_is_of_the_issuer_and_promises_nothing_weak() {
        let keys = [Jwk::p256(&[4; 65]).unwrap()];
        let metadata = metadata(&Url::parse("https://login.example.test/").unwrap(), &keys);
        assert_eq!(metadata["issuer"], "https://login.example.test/");
        assert_eq!(metadata["token_endpoint"], "https://login.example.test/oauth/token");
        assert_eq!(metadata["id_token_signing_alg_values_supported"], json!(["ES256"]));
        let text = metadata.to_string();
        for weak in ["HS256", "plain", "\"token\"", "http://", "registration_endpoint"] {
            assert!(!text.contains(weak), "{weak}");
        }
    }
}
