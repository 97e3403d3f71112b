//! Owns our cookies: their names, their attributes, and reading them back (OP-27, OP-28).
//! Never touches what they stand for.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header::COOKIE};
use portico_core::secret::Secret;
use std::time::Duration;

/// Makes and reads the two cookies that a browser holds for us.
///
/// Both are `HttpOnly`, `Path=/`, of this host alone. When the issuer is https they are `Secure` and their names begin with
/// `__Host-`, so that no neighbouring domain can set them; over http, browsers would refuse that prefix.
#[derive(Clone, Copy, Debug)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// For an issuer of this scheme.
    pub const fn new(issuer_is_https: bool) -> Self {
        Self { secure: issuer_is_https }
    }

    /// `Set-Cookie` of the session, kept by the browser for as long as the session can last.
    ///
    /// `SameSite=None` over https, since silent authentication happens in a frame of another site (`security.md` §5.7 c).
    pub fn session(self, value: &Secret, lasts: Duration) -> HeaderValue {
        self.set(SESSION, value.expose(), lasts, self.session_same_site())
    }

    /// `Set-Cookie` of what ties logins in progress to this browser, `Lax` always: no other site can post with it.
    pub fn browser(self, value: &Secret, lasts: Duration) -> HeaderValue {
        self.set(BROWSER, value.expose(), lasts, SameSite::Lax)
    }

    /// `Set-Cookie` that removes the session's.
    pub fn clear_session(self) -> HeaderValue {
        self.set(SESSION, "", Duration::ZERO, self.session_same_site())
    }

    /// `Set-Cookie` that removes the browser's.
    pub fn clear_browser(self) -> HeaderValue {
        self.set(BROWSER, "", Duration::ZERO, SameSite::Lax)
    }

    /// The session's value. None when it is missing, is not such a value, or came twice: then somebody planted one.
    pub fn read_session(self, headers: &HeaderMap) -> Option<Secret> {
        self.read(SESSION, headers)
    }

    /// The browser's value, likewise.
    pub fn read_browser(self, headers: &HeaderMap) -> Option<Secret> {
        self.read(BROWSER, headers)
    }

    /// What the cookie is called: `session` or `browser` with its prefixes.
    fn name(self, short: &str) -> String {
        let prefix = if self.secure { "__Host-" } else { "" };
        format!("{prefix}portico_{short}")
    }

    const fn session_same_site(self) -> SameSite {
        if self.secure { SameSite::None } else { SameSite::Lax }
    }

    #[expect(clippy::expect_used, reason = "names are constants and values are our own tokens, checked here")]
    fn set(self, short: &str, value: &str, lasts: Duration, same_site: SameSite) -> HeaderValue {
        let value = if is_token(value) { value } else { "" };
        let seconds = i64::try_from(lasts.as_secs()).unwrap_or(i64::MAX);
        let cookie = Cookie::build((self.name(short), value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(same_site)
            .max_age(time::Duration::seconds(seconds));
        HeaderValue::from_str(&cookie.build().to_string()).expect("a cookie of plain characters")
    }

    fn read(self, short: &str, headers: &HeaderMap) -> Option<Secret> {
        let name = self.name(short);
        let sent = headers.get_all(COOKIE).into_iter().filter_map(|header| header.to_str().ok());
        let mut found = sent
            .flat_map(Cookie::split_parse)
            .filter_map(Result::ok)
            .filter(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned());
        let value = found.next()?;
        (found.next().is_none() && is_token(&value)).then(|| Secret::new(value))
    }
}

/// Letters, digits, `-` and `_`: what [`portico_core::entropy::Entropy`] makes tokens of.
fn is_token(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=256).contains(&value.len()) && value.bytes().all(plain)
}

const SESSION: &str = "session";
const BROWSER: &str = "browser";

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cookies: &str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_str(cookies).unwrap())])
    }

    #[test]
    fn op_28_cookies_are_of_this_host_alone() {
        let (value, day) = (Secret::new("abc-_1"), Duration::from_hours(24));
        let https = Cookies::new(true);
        assert_eq!(
            https.session(&value, day),
            "__Host-portico_session=abc-_1; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=86400"
        );
        assert_eq!(
            https.browser(&value, day),
            "__Host-portico_browser=abc-_1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400"
        );
        let http = Cookies::new(false);
        assert_eq!(
            http.session(&value, day),
            "portico_session=abc-_1; HttpOnly; SameSite=Lax; Path=/; Max-Age=86400"
        );
        assert_eq!(http.clear_session(), "portico_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    }

    #[test]
    fn op_27_a_cookie_that_was_planted_beside_ours_voids_both() {
        let cookies = Cookies::new(true);
        let session = |text: &str| cookies.read_session(&sent(text)).map(|value| value.expose().to_owned());
        assert_eq!(session("a=b; __Host-portico_session=abc").as_deref(), Some("abc"));
        assert_eq!(session("__Host-portico_session=abc; __Host-portico_session=evil"), None);
        assert_eq!(session("portico_session=abc"), None, "the name without its prefix is another cookie");
        assert_eq!(session("__Host-portico_session=a b"), None);
        assert_eq!(cookies.read_browser(&sent("__Host-portico_session=abc")).map(|_| ()), None);
    }
}
