//! Owns the check that a form of ours was sent by a page of ours (`security.md` OP-25, §5.7 (c)).
//! Never touches the form's own token: the handler checks that as well, and refuses by the same name.

use axum::extract::FromRequestParts;
use http::{HeaderMap, Method, header::ORIGIN, request::Parts};
use url::Url;

/// The origin of our own pages; a request extension, set by the layers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnOrigin {
    origin: String,
    /// Whether browsers send `Sec-Fetch-Site` there: to https, and to loopback.
    trustworthy: bool,
}

impl OwnOrigin {
    /// That of the issuer.
    pub fn of(issuer: &Url) -> Self {
        let host = issuer.host_str().unwrap_or_default();
        let loopback = host == "localhost"
            || host.ends_with(".localhost")
            || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        Self {
            origin: issuer.origin().ascii_serialization(),
            trustworthy: loopback || issuer.scheme() == "https",
        }
    }

    /// May a request with these headers change something? The reason, when not.
    ///
    /// Our pages are sent with `Referrer-Policy: no-referrer`, so browsers send their forms with `Origin: null`; then
    /// `Sec-Fetch-Site` decides. A program that sends neither is no browser: no page can have lured it here.
    fn judge(&self, headers: &HeaderMap) -> Result<(), CrossOrigin> {
        let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return Err(CrossOrigin::Site);
        }
        match headers.get(ORIGIN).map(http::HeaderValue::as_bytes) {
            None => Ok(()),
            Some(origin) if origin == self.origin.as_bytes() => Ok(()),
            Some(b"null") if site.is_some() || !self.trustworthy => Ok(()),
            Some(_) => Err(CrossOrigin::Origin),
        }
    }
}

/// Proof that a request does not come from a foreign page; as an extractor, the first argument of a handler that
/// changes something for the person at the browser. `/login/callback` does without: identity providers post there.
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin(());

impl<S: Sync> FromRequestParts<S> for SameOrigin {
    type Rejection = CrossOrigin;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, CrossOrigin> {
        check(&parts.method, &parts.headers, parts.extensions.get()).map(|()| Self(()))
    }
}

fn check(method: &Method, headers: &HeaderMap, own: Option<&OwnOrigin>) -> Result<(), CrossOrigin> {
    if method.is_safe() {
        return Ok(());
    }
    own.ok_or(CrossOrigin::Unknown)?.judge(headers)
}

/// Why it was refused; the reason code of the log's `csrf_reject`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CrossOrigin {
    /// `Origin` names another site.
    #[error("foreign_origin")]
    Origin,
    /// `Sec-Fetch-Site` says that another site sent it.
    #[error("cross_site")]
    Site,
    /// The form's own token is missing, or is not the one of this browser's page.
    #[error("form_token")]
    Token,
    /// The router was put together without its layers: nothing is known of our own origin.
    #[error("own_origin_unknown")]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(issuer: &str, headers: &[(&'static str, &str)]) -> Result<(), CrossOrigin> {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        check(&Method::POST, &headers, Some(&OwnOrigin::of(&issuer.parse().unwrap())))
    }

    #[test]
    fn op_25_a_form_of_another_site_is_refused_by_its_reason() {
        let issuer = "https://login.example/";
        assert_eq!(verdict(issuer, &[("origin", "https://evil.example")]), Err(CrossOrigin::Origin));
        assert_eq!(verdict(issuer, &[("origin", "http://login.example")]), Err(CrossOrigin::Origin));
        assert_eq!(verdict(issuer, &[("origin", "https://login.example:8443")]), Err(CrossOrigin::Origin));
        assert_eq!(verdict(issuer, &[("origin", "null")]), Err(CrossOrigin::Origin));
        for site in ["cross-site", "same-site", "nonsense"] {
            assert_eq!(verdict(issuer, &[("sec-fetch-site", site)]), Err(CrossOrigin::Site), "{site}");
            let sandboxed = [("origin", "null"), ("sec-fetch-site", site)];
            assert_eq!(verdict(issuer, &sandboxed), Err(CrossOrigin::Site), "{site}");
        }
    }

    #[test]
    fn a_form_of_our_own_page_is_accepted() {
        for issuer in ["https://login.example/", "http://localhost:8000/"] {
            assert_eq!(verdict(issuer, &[("origin", "null"), ("sec-fetch-site", "same-origin")]), Ok(()));
            assert_eq!(verdict(issuer, &[]), Ok(()), "a program that is no browser");
        }
        assert_eq!(verdict("https://login.example/", &[("origin", "https://login.example")]), Ok(()));
        assert_eq!(
            verdict("http://gateway.lan/", &[("origin", "null")]),
            Ok(()),
            "browsers send no Sec-Fetch-Site to plain http"
        );
    }

    #[test]
    fn without_the_layers_nothing_is_ours() {
        assert_eq!(check(&Method::POST, &HeaderMap::new(), None), Err(CrossOrigin::Unknown));
        assert_eq!(check(&Method::GET, &HeaderMap::new(), None), Ok(()));
    }
}
