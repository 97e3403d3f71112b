//! Owns the front channel: the address to send the browser to, and what may come back with it.
//! Never touches the token endpoint: a response that is not meant for this login never gets that far.

use crate::{
    fault::Rejected,
    provider::Provider,
    settings::{Content, Settings},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use portico_core::{
    connector::{AuthnRequest, ConnectorError, Intent, Reply},
    entropy::Entropy,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

/// What has to be found again when the browser comes back.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Notes {
    /// Whom it was sent to: the answer must come from there.
    pub(crate) issuer: String,
    /// What the ID token must repeat (OpenID Connect Core §3.1.2.1).
    pub(crate) nonce: String,
    /// What shows that the code is ours (RFC 7636).
    pub(crate) code_verifier: String,
    /// Where the code was sent, to be repeated when it is redeemed (RFC 6749 §4.1.3).
    pub(crate) redirect_uri: String,
    /// Whether credentials were demanded.
    pub(crate) force: bool,
}

/// Make the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
pub(crate) fn request(
    asked: &AuthnRequest,
    callback: &Url,
    provider: &Provider,
    settings: &Settings,
    entropy: &dyn Entropy,
) -> (Url, Notes) {
    let notes = Notes {
        issuer: provider.issuer.clone(),
        nonce: entropy.token(),
        code_verifier: entropy.token(),
        redirect_uri: callback.to_string(),
        force: asked.force,
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&notes.code_verifier));
    let hint = match &asked.intent {
        Intent::Accept(invitee) => Some(invitee.to_string()),
        Intent::SignIn | Intent::SignUp => asked.login_hint.clone(),
    };
    let mut url = provider.authorization.clone();
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("response_type", "code");
        query.append_pair("client_id", &settings.client_id);
        query.append_pair("redirect_uri", &notes.redirect_uri);
        query.append_pair("scope", &settings.scope);
        query.append_pair("state", asked.transaction.as_str());
        query.append_pair("nonce", &notes.nonce);
        query.append_pair("code_challenge", &challenge);
        query.append_pair("code_challenge_method", "S256");
        if asked.force {
            query.append_pair("prompt", "login");
        }
        for parameter in &settings.upstream {
            match (&parameter.content, &hint) {
                (Content::Value(value), _) => drop(query.append_pair(&parameter.name, value)),
                (Content::LoginHint, Some(hint)) => drop(query.append_pair(&parameter.name, hint)),
                (Content::LoginHint, None) => {}
            }
        }
        let set = settings.upstream.iter().any(|parameter| parameter.name == "login_hint");
        if let (Some(hint), false) = (&hint, set) {
            query.append_pair("login_hint", hint);
        }
    }
    (url, notes)
}

/// What an authorization response says.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Response {
    /// Here is a code.
    Code(String),
    /// The visitor, or a rule there, said no.
    Denied,
}

/// Judge an authorization response (RFC 6749 §4.1.2, RFC 9207 §2.4).
pub(crate) fn response(
    asked: &AuthnRequest,
    notes: &Notes,
    provider: &Provider,
    reply: &Reply,
) -> Result<Response, ConnectorError> {
    if reply.require("state")? != asked.transaction.as_str() {
        return Err(Rejected("state").into());
    }
    if notes.issuer != provider.issuer {
        return Err(Rejected("issuer_changed").into());
    }
    // Errors too: RFC 9207 §2 puts `iss` into every response.
    match reply.get("iss") {
        Some(issuer) if issuer != notes.issuer => return Err(Rejected("response_iss").into()),
        None if provider.promises_iss => return Err(Rejected("response_iss_missing").into()),
        Some(_) | None => {}
    }
    if ["id_token", "access_token", "response"].iter().any(|name| reply.get(name).is_some()) {
        return Err(Rejected("front_channel").into());
    }
    match (reply.get("error"), reply.get("code")) {
        (Some(_), Some(_)) => Err(Rejected("error_and_code").into()),
        (Some(error), None) => refusal(error),
        (None, _) => match reply.require("code")? {
            "" => Err(ConnectorError::Missing("code")),
            code if code.len() > 4096 => Err(Rejected("code").into()),
            code => Ok(Response::Code(code.to_owned())),
        },
    }
}

/// What an error means (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6). Its description is never shown to anybody.
fn refusal(error: &str) -> Result<Response, ConnectorError> {
    match error {
        "access_denied"
        | "login_required"
        | "consent_required"
        | "interaction_required"
        | "account_selection_required" => Ok(Response::Denied),
        "temporarily_unavailable" | "server_error" => {
            Err(ConnectorError::Unavailable("the identity provider says that it is out of order".into()))
        }
        "unauthorized_client" | "invalid_scope" | "unsupported_response_type" => {
            Err(ConnectorError::Misconfigured(format!(
                "the identity provider does not take our request: {error}"
            )))
        }
        _ => Err(Rejected("error_response").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        options::{Flavour, read},
        settings::AuthMethod,
    };
    use portico_core::{email::Email, entropy::SystemEntropy, id::TransactionId, time::Timestamp};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn asked(intent: Intent, login_hint: Option<&str>, force: bool) -> AuthnRequest {
        AuthnRequest {
            transaction: TransactionId::random(&SystemEntropy::default()),
            callback: Url::parse("https://gateway.example/login/callback").unwrap(),
            intent,
            organization: None,
            client: None,
            login_hint: login_hint.map(str::to_owned),
            force,
            acr_values: Vec::new(),
            started_at: Timestamp(0),
        }
    }

    fn provider() -> Provider {
        let at = |path: &str| Url::parse(&format!("https://idp.example/{path}")).unwrap();
        Provider {
            issuer: "https://idp.example".to_owned(),
            authorization: at("authorize?tenant=bank"),
            token: at("token"),
            jwks: at("jwks"),
            userinfo: None,
            end_session: None,
            promises_iss: false,
            auth_method: AuthMethod::Post,
        }
    }

    fn sent(asked: &AuthnRequest, upstream: &Value) -> (BTreeMap<String, String>, Notes) {
        let options = json!({
            "discovery_url": "https://idp.example", "client_id": "gateway", "client_secret": "s",
            "upstream_params": upstream,
        });
        let settings = read(&options, Flavour::Oidc).unwrap();
        let (url, notes) = request(asked, &asked.callback, &provider(), &settings, &SystemEntropy::default());
        let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(names.len(), query.len(), "each parameter once: {names:?}");
        (query, notes)
    }

    #[test]
    fn the_request_binds_the_answer_to_this_login() {
        let asked = asked(Intent::SignIn, None, false);
        let (query, notes) = sent(&asked, &json!({}));
        assert_eq!(query["tenant"], "bank", "what the endpoint's address holds stays");
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["redirect_uri"], asked.callback.as_str());
        assert_eq!(query["state"], asked.transaction.as_str());
        assert_eq!(query["nonce"], notes.nonce);
        assert_eq!(query["code_challenge_method"], "S256");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&notes.code_verifier));
        assert_eq!(query["code_challenge"], challenge);
        assert!(!query.contains_key("prompt") && !query.contains_key("login_hint"));
        let (_, others) = sent(&asked, &json!({}));
        assert_ne!((notes.nonce, notes.code_verifier), (others.nonce, others.code_verifier));
    }

    #[test]
    fn credentials_are_demanded_and_the_hint_is_the_invitee() {
        let invitee = Email::parse("amintha@metahexa.example").unwrap();
        let (query, notes) =
            sent(&asked(Intent::Accept(invitee), Some("somebody@else.example"), true), &json!({}));
        assert_eq!(query["prompt"], "login");
        assert!(notes.force);
        assert_eq!(query["login_hint"], "amintha@metahexa.example");
    }

    #[test]
    fn parameters_of_the_connection_are_sent_along() {
        let upstream = json!({"acr_values": {"value": "mfa"}, "username": {"alias": "login_hint"}});
        let (query, _) = sent(&asked(Intent::SignIn, Some("a&b=c"), false), &upstream);
        assert_eq!((query["acr_values"].as_str(), query["username"].as_str()), ("mfa", "a&b=c"));
        let renamed = json!({"login_hint": {"value": "fixed"}});
        let (query, _) = sent(&asked(Intent::SignIn, Some("a"), false), &renamed);
        assert_eq!(query["login_hint"], "fixed");
    }
}
