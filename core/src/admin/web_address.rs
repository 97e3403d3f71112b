//! Owns which web addresses an administrator may register.
//! Never touches how a request's address is compared with them: that is `oauth`'s.

use url::{Host, Url};

/// What is wrong with the address of a page that browsers are sent to with a link of ours, if anything is.
///
/// https, or http on this very machine; no user name, no fragment, and nothing to be filled in, so that what is sent is
/// what was registered (`security.md` INV-13).
pub(crate) fn login_uri_fault(text: &str) -> Option<&'static str> {
    let Some(url) = plain(text) else { return Some("it is not an absolute URL") };
    match url.scheme() {
        "https" => None,
        "http" if is_loopback(&url) => None,
        _ => Some("it must be an https URL (http only on localhost or a loopback address)"),
    }
}

/// The same for a callback, where native applications may have schemes of their own (RFC 8252 §7.1).
pub(crate) fn callback_fault(text: &str) -> Option<&'static str> {
    let Some(url) = plain(text) else {
        return Some("it must be an absolute URL without fragment, user name, wildcard or placeholder");
    };
    match url.scheme() {
        // Schemes that browsers act on themselves, and those without a dot that might be anybody's.
        "javascript" | "data" | "vbscript" | "file" | "blob" | "about" | "view-source" | "ws" | "wss"
        | "ftp" | "filesystem" | "jar" | "mailto" | "intent" => Some("its scheme is not allowed"),
        _ => None,
    }
}

/// What is wrong with an origin, if anything is.
pub(crate) fn origin_fault(text: &str) -> Option<&'static str> {
    let bare = plain(text).is_some_and(|url| {
        matches!(url.scheme(), "http" | "https") && matches!(url.path(), "" | "/") && url.query().is_none()
    });
    if bare { None } else { Some("it must be an origin like `https://app.example.com`") }
}

/// What is wrong with the address of an image, if anything is. Nobody but browsers ever fetches it (API-14).
pub(crate) fn image_fault(text: &str) -> Option<&'static str> {
    login_uri_fault(text)
}

fn plain(text: &str) -> Option<Url> {
    let strange = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '{' | '}' | '*' | '\\' | '<' | '>' | '"')
    };
    if text.len() > 2048 || text.contains('#') || text.contains(strange) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let named = !url.username().is_empty() || url.password().is_some();
    (!named).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inv_13_a_login_address_is_https_or_on_this_machine() {
        for good in [
            "https://hoekstra.corp.travel0.net/login",
            "https://a.test/l?x=1",
            "http://localhost:3000/login",
            "http://127.0.0.1/",
            "http://[::1]:8080/",
            "http://hoekstra.localhost:3000/login",
        ] {
            assert_eq!(login_uri_fault(good), None, "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "http://travel0.net/login",
            "https://user:pw@a.test/",
            "https://a.test/#x",
            "https://{organization_name}.a.test/",
            "https://a.test/{organization.metadata.x}",
            "//a.test",
            "/login",
            "data:text/html,x",
            "https://a.test/\r\nSet-Cookie:x",
            "",
        ] {
            assert!(login_uri_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn api_14_a_callback_is_no_script_and_has_no_fragment() {
        for good in [
            "https://a.test/cb",
            "http://a.test/cb",
            "com.example.app://callback",
            "http://localhost:1/cb?a=b",
        ] {
            assert_eq!(callback_fault(good), None, "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "https://a.test/cb#f",
            "https://*.a.test/cb",
            "cb",
            "https://x@a.test/",
        ] {
            assert!(callback_fault(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        assert_eq!(origin_fault("https://a.test"), None);
        assert_eq!(origin_fault("http://localhost:3000/"), None);
        assert!(origin_fault("https://a.test/x").is_some());
        assert!(origin_fault("null").is_some());
    }
}
