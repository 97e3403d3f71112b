//! Owns fetching metadata from the address that an administrator gave.
//! Never touches what may be reached: the egress policy decides (`security.md` §3.7).

use super::{
    published::{Published, PublishedCertificate},
    read::{self, NotMetadata},
};
use crate::key::{CertificateFault, TrustedKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use portico_core::{
    port::http::{HttpClient, HttpError},
    time::Timestamp,
};
use url::Url;

/// Why there is no metadata.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFetched {
    /// The egress policy does not let it out.
    #[error("may not be reached from here")]
    Refused,
    /// It is larger than it may be.
    #[error("is larger than it may be")]
    TooLarge,
    /// It cannot be reached.
    #[error("cannot be reached")]
    Unreachable(#[source] HttpError),
    /// Another status than 200. A redirect is not followed: the address of the document itself is asked for.
    #[error("answered {0}; give the address of the document itself")]
    Status(StatusCode),
    /// It is not text.
    #[error("is not UTF-8 text")]
    NotText,
    /// What is there is not usable.
    #[error(transparent)]
    Document(#[from] NotMetadata),
    /// A certificate in it is not usable, and no other one is.
    #[error("has a signing certificate that {0}")]
    Certificate(CertificateFault),
    /// It is over by its own word.
    #[error("was valid until {}", .0.iso())]
    Over(Timestamp),
}

/// Read what is published at an address about the identity provider with this entity ID, or the only one.
pub(crate) async fn fetch(
    http: &dyn HttpClient,
    url: &Url,
    wanted: Option<&str>,
    now: Timestamp,
) -> Result<Published, NotFetched> {
    let request = Request::get(url.as_str())
        .header(header::ACCEPT, "application/samlmetadata+xml, application/xml, text/xml")
        .body(Bytes::new());
    let request = request.map_err(|_no_request| NotFetched::Refused)?;
    let response = http.send(request).await.map_err(|error| match error {
        HttpError::Refused { url, reason } => {
            // What the rule was would tell a customer's administrator about our network.
            tracing::warn!(%reason, "metadata at `{url}` is not asked for");
            NotFetched::Refused
        }
        HttpError::TooLarge(_) => NotFetched::TooLarge,
        other @ (HttpError::TimedOut(_) | HttpError::Unreachable { .. } | _) => {
            NotFetched::Unreachable(other)
        }
    })?;
    if response.status() != StatusCode::OK {
        return Err(NotFetched::Status(response.status()));
    }
    let text = std::str::from_utf8(response.body()).map_err(|_not_utf8| NotFetched::NotText)?;
    judge(text, wanted, now)
}

/// Take a document for what it says, less the certificates that nobody should trust. One that is over counts for nothing.
pub(crate) fn judge(text: &str, wanted: Option<&str>, now: Timestamp) -> Result<Published, NotFetched> {
    let document = read::read(text, wanted)?;
    if let Some(until) = document.valid_until.filter(|until| *until <= now) {
        return Err(NotFetched::Over(until));
    }
    let mut certificates = Vec::new();
    let mut fault = None;
    for text in &document.signing {
        match TrustedKey::read(text) {
            Ok(key) => certificates.push(published(&key)),
            Err(found) => fault = Some(found),
        }
    }
    match fault {
        Some(fault) if certificates.is_empty() => Err(NotFetched::Certificate(fault)),
        _ => Ok(Published::new(document, certificates, now)),
    }
}

fn published(key: &TrustedKey) -> PublishedCertificate {
    PublishedCertificate {
        cert: STANDARD.encode(key.der()),
        thumbprint: key.fingerprint().to_owned(),
        expires: key.not_after().iso(),
        gone: None,
    }
}
