//! Owns the security headers of every answer (`security.md` §3.9, OP-29).
//! Never touches a header that a handler has set itself.

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
        X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};
use portico_core::entropy::Entropy;
use std::{convert::Infallible, sync::Arc};

/// The nonce of this answer: `<script nonce="…">` and `<style nonce="…">` of the page must carry it to be obeyed.
///
/// A request extension, set before the handler runs. As an extractor it never fails: without the layer it is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CspNonce(pub String);

impl<S: Sync> FromRequestParts<S> for CspNonce {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().cloned().unwrap_or_default())
    }
}

/// What a page needs of the Content-Security-Policy beside the defaults. A response extension, set by whoever renders it.
///
/// Browsers apply `form-action` to every redirect that follows a POST, so a page whose form is answered by a redirect to
/// somewhere else must name that origin; a login leads elsewhere by a page instead, for where the redirects of others end
/// cannot be known. Texts that are not an http(s) origin (or a private-use scheme such as `com.example.app:`) are left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Sources {
    /// Where forms of the page may lead, besides our own origin: `form-action`.
    pub forms: Vec<String>,
    /// The scheme of everywhere, for the one page whose only form posts itself to a fixed receiver, who sends the browser
    /// on to places that nobody here knows.
    pub onward: Option<&'static str>,
    /// Where its images are, besides our own origin: `img-src` (UI-02).
    pub images: Vec<String>,
    /// Who may frame it, instead of nobody: `frame-ancestors`.
    pub frames: Option<String>,
}

/// What the layer needs.
#[derive(Clone)]
pub(super) struct Headers {
    /// Nonces are made of it.
    pub(super) entropy: Arc<dyn Entropy>,
    /// Whether the issuer is https: only then does HSTS make sense.
    pub(super) https: bool,
}

/// The layer.
pub(super) async fn secure(State(layer): State<Headers>, mut request: Request, next: Next) -> Response {
    let nonce = STANDARD_NO_PAD.encode(layer.entropy.bytes::<16>());
    request.extensions_mut().insert(CspNonce(nonce.clone()));
    let mut response = next.run(request).await;
    let sources = response.extensions_mut().remove::<Sources>().unwrap_or_default();
    let headers = response.headers_mut();
    let html = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if html {
        if let Ok(policy) = HeaderValue::from_str(&content_security_policy(&nonce, &sources)) {
            headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
        }
        fixed(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
        fixed(headers, CACHE_CONTROL, "no-store");
    } else {
        fixed(headers, CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    }
    fixed(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    fixed(headers, REFERRER_POLICY, "no-referrer");
    if layer.https {
        fixed(headers, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    response
}

fn fixed(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

fn content_security_policy(nonce: &str, sources: &Sources) -> String {
    let listed = |first: &str, also: &[String]| {
        let also = also.iter().filter(|source| is_source(source));
        also.fold(first.to_owned(), |list, source| list + " " + source)
    };
    let images = listed("'self'", &sources.images);
    let onward = sources.onward.map_or_else(|| "'self'".to_owned(), |scheme| format!("'self' {scheme}"));
    let forms = listed(&onward, &sources.forms);
    let frames = sources.frames.as_deref().filter(|origin| is_source(origin)).unwrap_or("'none'");
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src {images}; \
         form-action {forms}; frame-ancestors {frames}; base-uri 'none'"
    )
}

/// Whether the text is one source expression, so that nothing else gets into the policy.
fn is_source(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let plain = |text: &str, also: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
    };
    // A whole scheme may be named when it belongs to one application (RFC 8252 §7.1): it then has a dot in it.
    plain(scheme, b"+-.")
        && if rest.is_empty() {
            scheme.contains('.')
        } else {
            rest.strip_prefix("//").is_some_and(|host| plain(host, b"-.:[]_"))
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_may_lead_where_the_handler_says_and_nowhere_else() {
        let given = [
            "https://app.example",
            "http://[::1]:8010",
            "com.example.app:",
            "https://evil.example; script-src *",
            "*",
            "https:",
            "https://",
            "https://a b",
        ];
        let forms = given.map(str::to_owned).to_vec();
        let policy = content_security_policy("n", &Sources { forms, ..Sources::default() });
        let form_action = policy.split("; ").find(|part| part.starts_with("form-action")).unwrap();
        assert_eq!(form_action, "form-action 'self' https://app.example http://[::1]:8010 com.example.app:");
        assert!(
            policy.starts_with(
                "default-src 'none'; script-src 'nonce-n'; style-src 'nonce-n'; img-src 'self';"
            )
        );
        assert!(policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
    }

    #[test]
    fn ui_02_images_come_from_where_the_logo_is_and_only_the_addressee_frames_a_message() {
        let images = vec!["https://cdn.example".to_owned(), "https://x; script-src *".to_owned()];
        let frames = Some("https://app.example".to_owned());
        let policy = content_security_policy("n", &Sources { images, frames, ..Sources::default() });
        let onward = content_security_policy("n", &Sources { onward: Some("https:"), ..Sources::default() });
        assert!(onward.contains("img-src 'self'; form-action 'self' https:; "), "{onward}");
        assert!(policy.contains("img-src 'self' https://cdn.example; form-action 'self'; "), "{policy}");
        assert!(policy.contains("frame-ancestors https://app.example; "), "{policy}");
        let frames = Some("*".to_owned());
        let policy = content_security_policy("n", &Sources { frames, ..Sources::default() });
        assert!(policy.contains("frame-ancestors 'none'"), "control: no pattern gets in");
    }
}
