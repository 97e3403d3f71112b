//! Owns the UserInfo endpoint.
//! Never touches what the ID token says, except for whom it is about.

use crate::fault::{Fault, Rejected, USERINFO};
use bytes::Bytes;
use http::{HeaderValue, Request, header};
use portico_core::port::http::HttpClient;
use serde_json::{Map, Value};
use url::Url;

/// Ask for the claims of `subject` (OpenID Connect Core §5.3). Plain JSON alone is taken, over the connection's TLS.
pub(crate) async fn ask(
    http: &dyn HttpClient,
    url: &Url,
    access_token: &str,
    subject: &str,
) -> Result<Map<String, Value>, Fault> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {access_token}"))
        .map_err(|_unprintable| Rejected("access_token"))?;
    bearer.set_sensitive(true);
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/json")
        .header(header::AUTHORIZATION, bearer)
        .body(Bytes::new())
        .map_err(|_no_request| Fault::Policy(format!("`{url}` cannot be asked")))?;
    let claims = USERINFO.object(&USERINFO.send(http, request).await?)?;
    // §5.3.2: the answer may be about somebody else (a substituted token).
    if claims.get("sub").and_then(Value::as_str) != Some(subject) {
        return Err(Rejected("userinfo_sub").into());
    }
    Ok(claims)
}
