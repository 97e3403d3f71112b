//! Owns the matching of redirect addresses: the one place where an address from a request meets a registered one.
//! Never touches normalization: addresses are compared as text (RFC 9700 §4.1.3).

use crate::model::Client;
use url::Url;

/// A redirect URI that may be used, and whether the request named it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RedirectUri {
    /// The address.
    pub uri: String,
    /// Whether the request named it, so that the token request must, too (RFC 6749 §4.1.3).
    pub given: bool,
}

/// Why no redirect may happen: the visitor sees a page instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RedirectFault {
    /// It is not among the client's callbacks.
    Mismatch(String),
    /// None was named, and the client has none or several.
    Missing,
}

/// Choose the redirect URI of a request (contract §1.2.1).
///
/// A named one must be a callback of the client to the letter. Native applications may use any port of a literal
/// loopback address whose other parts are registered (RFC 8252 §7.3). When none is named, the client's only callback
/// is meant.
pub fn accept(client: &Client, named: Option<&str>) -> Result<RedirectUri, RedirectFault> {
    let Some(named) = named else {
        return match client.callbacks.as_slice() {
            [only] => Ok(RedirectUri { uri: only.clone(), given: false }),
            _ => Err(RedirectFault::Missing),
        };
    };
    let native = client.app_type.as_deref() == Some("native");
    let registered = client
        .callbacks
        .iter()
        .any(|callback| callback == named || native && same_but_for_loopback_port(callback, named));
    if registered && !named.is_empty() {
        Ok(RedirectUri { uri: named.to_owned(), given: true })
    } else {
        Err(RedirectFault::Mismatch(named.to_owned()))
    }
}

/// Whether an address after logout is among the registered ones, to the letter (RP-Initiated Logout §3).
pub fn is_logout_url(registered: &[String], named: &str) -> bool {
    !named.is_empty() && registered.iter().any(|url| url == named)
}

fn same_but_for_loopback_port(registered: &str, named: &str) -> bool {
    let (Ok(mut registered), Ok(mut given)) = (Url::parse(registered), Url::parse(named)) else {
        return false;
    };
    // What the parser had to mend is not the same text.
    if given.as_str() != named || given.scheme() != "http" {
        return false;
    }
    if !matches!(given.host_str(), Some("127.0.0.1" | "[::1]")) {
        return false;
    }
    registered.set_port(None).is_ok() && given.set_port(None).is_ok() && registered == given
}

/// The origin of an address, as browsers write it in `Origin` (RFC 6454 §6.2).
pub fn origin(address: &str) -> Option<String> {
    let origin = Url::parse(address).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing::client;

    fn with(callbacks: &[&str], app_type: Option<&str>) -> Client {
        let mut client = client();
        client.callbacks = callbacks.iter().map(|callback| (*callback).to_owned()).collect();
        client.app_type = app_type.map(str::to_owned);
        client
    }

    #[test]
    fn op_01_only_a_registered_address_is_used() {
        let client = with(&["https://app/cb"], None);
        assert_eq!(
            accept(&client, Some("https://app/cb")),
            Ok(RedirectUri { uri: "https://app/cb".to_owned(), given: true })
        );
        for other in [
            "https://app/other",
            "https://app/cb/",
            "https://app/cb?x",
            "https://app/cb#f",
            "https://app/cb%2f",
            "https://app/cb/../cb",
            "https://app/x/..;/cb",
            "https://app@evil/cb",
            "https://a@b@evil/cb",
            "https://app\\@evil/cb",
            "https://user:pw@app/cb",
            "https://APP/cb",
            "https://app:443/cb",
            "https://\u{430}pp/cb",
            "https:app/cb",
            "https://app/cb\n",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "https://*/cb",
            "",
        ] {
            assert_eq!(
                accept(&client, Some(other)),
                Err(RedirectFault::Mismatch(other.to_owned())),
                "{other:?}"
            );
        }
    }

    #[test]
    fn op_01_an_unnamed_address_must_be_the_only_one() {
        assert!(accept(&with(&["https://app/cb"], None), None).is_ok_and(|uri| !uri.given));
        assert_eq!(
            accept(&with(&["https://app/cb", "https://app/cb2"], None), None),
            Err(RedirectFault::Missing)
        );
        assert_eq!(accept(&with(&[], None), None), Err(RedirectFault::Missing));
    }

    #[test]
    fn op_02_only_native_applications_choose_a_loopback_port() {
        let native = with(&["http://127.0.0.1/cb", "http://localhost/cb"], Some("native"));
        assert!(accept(&native, Some("http://127.0.0.1:49152/cb")).is_ok());
        assert!(accept(&native, Some("http://localhost:49152/cb")).is_err());
        assert!(accept(&native, Some("http://127.0.0.1:49152/other")).is_err());
        let web = with(&["http://127.0.0.1/cb"], Some("regular_web"));
        assert!(accept(&web, Some("http://127.0.0.1:49152/cb")).is_err());
    }
}
