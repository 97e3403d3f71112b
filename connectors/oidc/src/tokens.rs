//! Owns the token endpoint: a code for tokens.
//! Never touches what the tokens say.

use crate::{
    fault::{Rejected, TOKEN, is_json},
    provider::Provider,
    settings::{AuthMethod, Settings},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use form_urlencoded::{Serializer, byte_serialize};
use http::{Request, Response, header};
use portico_core::{connector::ConnectorError, port::http::HttpClient};
use serde_json::Value;

/// What the token endpoint gave.
pub(crate) struct Tokens {
    pub(crate) id_token: String,
    pub(crate) access_token: String,
}

/// What a code is redeemed with.
pub(crate) struct Redemption<'a> {
    pub(crate) code: &'a str,
    pub(crate) code_verifier: &'a str,
    pub(crate) redirect_uri: &'a str,
}

/// Redeem a code (RFC 6749 §4.1.3, RFC 7636 §4.5).
pub(crate) async fn redeem(
    http: &dyn HttpClient,
    provider: &Provider,
    settings: &Settings,
    redemption: &Redemption<'_>,
) -> Result<Tokens, ConnectorError> {
    let response = TOKEN.send(http, request(provider, settings, redemption)?).await?;
    if response.status().is_client_error() {
        return Err(refusal(&response));
    }
    let answer = TOKEN.object(&response)?;
    let text = |name| answer.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if !text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("Bearer")) {
        return Err(Rejected("token_type").into());
    }
    let id_token = text("id_token").ok_or(Rejected("id_token_missing"))?.to_owned();
    let access_token = text("access_token").ok_or(Rejected("access_token_missing"))?.to_owned();
    Ok(Tokens { id_token, access_token })
}

fn request(
    provider: &Provider,
    settings: &Settings,
    redemption: &Redemption<'_>,
) -> Result<Request<Bytes>, ConnectorError> {
    let (id, secret) = (settings.client_id.as_str(), settings.client_secret.expose());
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .append_pair("code", redemption.code)
        .append_pair("redirect_uri", redemption.redirect_uri)
        .append_pair("code_verifier", redemption.code_verifier);
    let mut request = Request::post(provider.token.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    match provider.auth_method {
        AuthMethod::Post => {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
        }
        AuthMethod::Basic => {
            // RFC 6749 §2.3.1: both are form-encoded before they are joined.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let credentials = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret)));
            request = request.header(header::AUTHORIZATION, format!("Basic {credentials}"));
        }
    }
    let request = request.body(form.finish().into());
    request.map_err(|error| {
        ConnectorError::Misconfigured(format!("the token endpoint cannot be asked: {error}"))
    })
}

/// What an error answer means (RFC 6749 §5.2). Only its code is read, and only if it is one that is known.
fn refusal(response: &Response<Bytes>) -> ConnectorError {
    let answer: Option<Value> = serde_json::from_slice(response.body()).ok().filter(|_| is_json(response));
    match answer.as_ref().and_then(|answer| answer.get("error")).and_then(Value::as_str) {
        Some("invalid_grant") => Rejected("invalid_grant").into(),
        Some(
            error @ ("invalid_client" | "unauthorized_client" | "unsupported_grant_type" | "invalid_scope"),
        ) => ConnectorError::Misconfigured(format!(
            "the identity provider does not take our credentials: {error}"
        )),
        _ => TOKEN.status.into(),
    }
}
