//! Owns what is known of an identity provider: its issuer and endpoints, as published and as the connection gives them.
//! Never touches how often it is asked: `kept.rs` does.

use crate::{
    fault::{DISCOVERY, Fault, Rejected},
    settings::{AuthMethod, Endpoints, Settings},
};
use portico_core::port::http::HttpClient;
use serde_json::{Map, Value};
use url::Url;

/// An identity provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Provider {
    /// Its issuer identifier, character by character.
    pub(crate) issuer: String,
    pub(crate) authorization: Url,
    pub(crate) token: Url,
    pub(crate) jwks: Url,
    pub(crate) userinfo: Option<Url>,
    pub(crate) end_session: Option<Url>,
    /// Whether it promises `iss` in every authorization response (RFC 9207 §3).
    pub(crate) promises_iss: bool,
    /// How it wants our secret.
    pub(crate) auth_method: AuthMethod,
}

/// Find the provider of a connection: by its discovery document, or by the endpoints that are given.
pub(crate) async fn find(http: &dyn HttpClient, settings: &Settings) -> Result<Provider, Fault> {
    match &settings.discovery_url {
        Some(url) => Ok(published(url, &DISCOVERY.get(http, url).await?, settings)?),
        None => given(settings),
    }
}

fn given(settings: &Settings) -> Result<Provider, Fault> {
    let Endpoints { authorization, token, jwks, userinfo, end_session } = settings.endpoints.clone();
    let incomplete = || Fault::Policy("neither `discovery_url` nor every endpoint is given".to_owned());
    Ok(Provider {
        issuer: settings.issuer.clone().ok_or_else(incomplete)?,
        authorization: authorization.ok_or_else(incomplete)?,
        token: token.ok_or_else(incomplete)?,
        jwks: jwks.ok_or_else(incomplete)?,
        userinfo,
        end_session,
        promises_iss: false,
        auth_method: settings.auth_method.unwrap_or(AuthMethod::Post),
    })
}

/// Read a discovery document that came from `url` (OpenID Connect Discovery §4.3).
fn published(url: &Url, document: &Map<String, Value>, settings: &Settings) -> Result<Provider, Rejected> {
    let text = |name: &'static str| document.get(name).and_then(Value::as_str);
    let issuer = text("issuer").ok_or(Rejected("discovery_document"))?;
    let place = url.as_str().strip_suffix("/.well-known/openid-configuration").unwrap_or_default();
    // §4.1: the document is found by the issuer without its last slash.
    let belongs = issuer.strip_suffix('/').unwrap_or(issuer) == place;
    if !belongs || settings.issuer.as_deref().is_some_and(|given| given != issuer) {
        return Err(Rejected("discovery_issuer"));
    }
    let origin = Url::parse(issuer).map_err(|_no_url| Rejected("discovery_issuer"))?.origin();
    // What the connection gives may be anywhere; what the document says stays at the issuer's origin (RP-22).
    let optional = |given: &Option<Url>, name, elsewhere| match (given, text(name)) {
        (Some(given), _) => Ok(Some(given.clone())),
        (None, None) => Ok(None),
        (None, Some(text)) => match Url::parse(text) {
            Ok(url) if url.origin() == origin && url.username().is_empty() && url.password().is_none() => {
                Ok(Some(url))
            }
            Ok(_) => Err(Rejected(elsewhere)),
            Err(_) => Err(Rejected("discovery_document")),
        },
    };
    let required = |given: &Option<Url>, name, elsewhere| {
        optional(given, name, elsewhere)?.ok_or(Rejected("discovery_document"))
    };
    let endpoints = &settings.endpoints;
    Ok(Provider {
        issuer: issuer.to_owned(),
        authorization: required(
            &endpoints.authorization,
            "authorization_endpoint",
            "authorization_endpoint_origin",
        )?,
        token: required(&endpoints.token, "token_endpoint", "token_endpoint_origin")?,
        jwks: required(&endpoints.jwks, "jwks_uri", "jwks_uri_origin")?,
        userinfo: optional(&endpoints.userinfo, "userinfo_endpoint", "userinfo_endpoint_origin")?,
        end_session: optional(&endpoints.end_session, "end_session_endpoint", "end_session_endpoint_origin")?,
        promises_iss: document.get("authorization_response_iss_parameter_supported")
            == Some(&Value::Bool(true)),
        auth_method: settings.auth_method.unwrap_or_else(|| auth_method(document)),
    })
}

/// In the form, as the contract's default is, unless the provider lists ways and that is not among them.
fn auth_method(document: &Map<String, Value>) -> AuthMethod {
    match document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array) {
        Some(methods) if !methods.iter().any(|method| method == "client_secret_post") => AuthMethod::Basic,
        _ => AuthMethod::Post,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::{Flavour, read};
    use serde_json::json;

    fn verdict(changes: &Value, options: &Value) -> Result<Provider, Rejected> {
        let mut settings = json!({
            "discovery_url": "https://idp.example/bank/.well-known/openid-configuration",
            "client_id": "a", "client_secret": "b",
        });
        let mut document = json!({
            "issuer": "https://idp.example/bank",
            "authorization_endpoint": "https://idp.example/bank/authorize",
            "token_endpoint": "https://idp.example/bank/token",
            "jwks_uri": "https://idp.example/bank/jwks",
        });
        for (target, changes) in [(&mut document, changes), (&mut settings, options)] {
            for (name, value) in changes.as_object().unwrap() {
                target[name] = value.clone();
            }
        }
        let settings = read(&settings, Flavour::Oidc).unwrap();
        published(settings.discovery_url.as_ref().unwrap(), document.as_object().unwrap(), &settings)
    }

    #[test]
    fn an_issuer_may_end_with_a_slash_and_is_kept_as_it_is() {
        for issuer in ["https://idp.example/bank", "https://idp.example/bank/"] {
            assert_eq!(verdict(&json!({"issuer": issuer}), &json!({})).unwrap().issuer, issuer);
        }
    }

    #[test]
    fn another_issuer_is_refused() {
        for issuer in [
            "https://idp.example",
            "https://idp.example/bank//",
            "https://idp.example/Bank",
            "http://idp.example/bank",
            "https://idp.example/{tenantid}",
            "https://evil.example/bank",
            "",
            "idp.example/bank",
        ] {
            assert_eq!(
                verdict(&json!({"issuer": issuer}), &json!({})),
                Err(Rejected("discovery_issuer")),
                "{issuer}"
            );
        }
        let given = json!({"issuer": "https://idp.example/bank/"});
        assert_eq!(verdict(&json!({}), &given), Err(Rejected("discovery_issuer")));
    }

    #[test]
    fn endpoints_stay_at_the_issuers_origin_unless_the_connection_says_otherwise() {
        for name in [
            "authorization_endpoint",
            "token_endpoint",
            "jwks_uri",
            "userinfo_endpoint",
            "end_session_endpoint",
        ] {
            for elsewhere in [
                "https://evil.example/x",
                "http://idp.example/x",
                "https://idp.example:8443/x",
                "https://u@idp.example/x",
            ] {
                let Rejected(reason) = verdict(&json!({name: elsewhere}), &json!({})).unwrap_err();
                assert_eq!(reason, format!("{name}_origin"), "{elsewhere}");
            }
            let document = json!({name: "https://keys.example/x"});
            assert!(verdict(&document, &json!({name: "https://keys.example/x"})).is_ok(), "{name}");
        }
        assert_eq!(
            verdict(&json!({"token_endpoint": "/token"}), &json!({})),
            Err(Rejected("discovery_document"))
        );
        assert_eq!(verdict(&json!({"jwks_uri": null}), &json!({})), Err(Rejected("discovery_document")));
    }

    #[test]
    fn the_secret_is_sent_the_way_the_provider_takes_it() {
        let method = |methods: Value| {
            verdict(&json!({"token_endpoint_auth_methods_supported": methods}), &json!({}))
                .unwrap()
                .auth_method
        };
        assert_eq!(method(json!(["client_secret_basic"])), AuthMethod::Basic);
        assert_eq!(method(json!(["client_secret_basic", "client_secret_post"])), AuthMethod::Post);
        assert_eq!(verdict(&json!({}), &json!({})).unwrap().auth_method, AuthMethod::Post);
    }
}
