//! Owns where rules and actions may send a browser (`security.md` JS-17).
//! Never touches what they are sent there for.

use crate::model::{Client, TenantSettings};
use std::str::FromStr;
use url::{Host, Url};

/// Where rules and actions may send a browser, besides the addresses that the application and the installation have
/// registered: what the operator adds to those.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Places(Vec<Place>);

/// `https://host[:port]`, `https://*.domain`, or `*` for every https address.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Place {
    Anywhere,
    Origin(String),
    Below(String),
}

/// A text is not a place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{0}` is not a place to send a browser to: write `https://host`, `https://*.domain`, or `*` for all"
)]
pub struct NotAPlace(String);

/// Why a browser is not sent to an address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Misdirected {
    /// It is not an address, or one with a name and password in it, or longer than 4096 characters.
    #[error("the address of the redirect is not one that a browser can be sent to")]
    Unusable,
    /// It is neither https nor on the browser's own machine.
    #[error("the redirect to {0} is not https")]
    Insecure(String),
    /// Nobody has registered it.
    #[error(
        "the redirect to {0} is not allowed: it is no origin that the application has registered, and none of `scripts.redirects`"
    )]
    Foreign(String),
}

impl Places {
    /// Of the texts of the configuration.
    pub fn parse(texts: &[String]) -> Result<Self, NotAPlace> {
        texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().map(Self)
    }

    /// The address, if a browser may be sent there on behalf of this application.
    ///
    /// Allowed are the origins of the application's callbacks, logout addresses, login address and web origins, of the
    /// installation's logout addresses, and what the operator lists. All of them are https, or on the browser's own
    /// machine.
    pub fn target(&self, text: &str, client: &Client, settings: &TenantSettings) -> Result<Url, Misdirected> {
        let url = Url::parse(text).map_err(|_not_a_url| Misdirected::Unusable)?;
        let named = !url.username().is_empty() || url.password().is_some();
        if text.len() > 4096 || url.host().is_none() || named {
            return Err(Misdirected::Unusable);
        }
        let origin = url.origin().ascii_serialization();
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(Misdirected::Insecure(origin));
        }
        let registered = [
            &client.callbacks,
            &client.allowed_logout_urls,
            &client.web_origins,
            &client.allowed_origins,
            &settings.allowed_logout_urls,
        ];
        let mut registered =
            registered.into_iter().flatten().chain(&client.initiate_login_uri).filter_map(|known| {
                Url::parse(known).ok().filter(Url::has_host).map(|known| known.origin().ascii_serialization())
            });
        if registered.any(|known| known == origin) || self.0.iter().any(|place| place.holds(&url, &origin)) {
            return Ok(url);
        }
        Err(Misdirected::Foreign(origin))
    }
}

impl FromStr for Place {
    type Err = NotAPlace;

    fn from_str(text: &str) -> Result<Self, NotAPlace> {
        let not = || NotAPlace(text.to_owned());
        if text == "*" {
            return Ok(Self::Anywhere);
        }
        if let Some(domain) = text.strip_prefix("https://*.") {
            let plain = domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
            let domain = domain.to_ascii_lowercase();
            return if plain && domain.contains('.') {
                Ok(Self::Below(format!(".{domain}")))
            } else {
                Err(not())
            };
        }
        let url = Url::parse(text).map_err(|_not_a_url| not())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let fits = url.scheme() == "https" || url.scheme() == "http" && is_loopback(&url);
        if bare && fits && url.username().is_empty() && !text.contains('*') {
            Ok(Self::Origin(url.origin().ascii_serialization()))
        } else {
            Err(not())
        }
    }
}

impl Place {
    fn holds(&self, url: &Url, origin: &str) -> bool {
        match self {
            Self::Anywhere => url.scheme() == "https",
            Self::Origin(known) => known == origin,
            Self::Below(domain) => {
                url.scheme() == "https"
                    && url.port().is_none()
                    && url.domain().is_some_and(|host| host.ends_with(domain.as_str()))
            }
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::login::pipeline::tests::client;

    fn verdict(places: &[&str], text: &str) -> Result<String, Misdirected> {
        let places: Vec<_> = places.iter().map(|&place| place.to_owned()).collect();
        let client = Client {
            callbacks: vec![
                "https://app.travel0.test/callback".to_owned(),
                "com.travel0:/callback".to_owned(),
            ],
            allowed_logout_urls: vec!["http://intranet.travel0.test/bye".to_owned()],
            ..client()
        };
        Places::parse(&places).unwrap().target(text, &client, &TenantSettings::default()).map(String::from)
    }

    #[test]
    fn js_17_a_browser_is_sent_where_somebody_has_registered_and_nowhere_else() {
        let foreign = |origin: &str| Err(Misdirected::Foreign(origin.to_owned()));
        let terms = "https://app.travel0.test/terms?x=1";
        assert_eq!(verdict(&[], terms), Ok(terms.to_owned()));
        for evil in [
            "https://evil.example/",
            "https://app.travel0.test.evil.example/",
            "https://app.travel0.test:8443/",
        ] {
            let origin = evil.trim_end_matches('/');
            assert_eq!(verdict(&[], evil), foreign(origin));
        }
        assert_eq!(verdict(&[], "https://app.travel0.test@evil.example/"), Err(Misdirected::Unusable));
        for odd in ["javascript:alert(1)", "/terms", "", "data:text/html,x", "com.travel0:/callback"] {
            assert!(
                matches!(verdict(&["*"], odd), Err(Misdirected::Unusable | Misdirected::Insecure(_))),
                "{odd}"
            );
        }
        let insecure = verdict(&["*"], "http://intranet.travel0.test/x");
        assert_eq!(insecure, Err(Misdirected::Insecure("http://intranet.travel0.test".to_owned())));
    }

    #[test]
    fn the_operator_adds_hosts_domains_or_everything() {
        let places = ["https://terms.example", "https://*.bank.example", "http://localhost:9000"];
        for (text, allowed) in [
            ("https://terms.example/x", true),
            ("https://terms.example:8443/x", false),
            ("https://a.b.bank.example/", true),
            ("https://bank.example/", false),
            ("https://evilbank.example/", false),
            ("http://localhost:9000/x", true),
            ("http://localhost:9001/x", false),
        ] {
            assert_eq!(verdict(&places, text).is_ok(), allowed, "{text}");
            assert!(verdict(&["*"], text).is_ok() == text.starts_with("https"), "{text}");
        }
        for odd in [
            "terms.example",
            "http://terms.example",
            "https://*",
            "https://*.com:1",
            "https://a/b",
            "https://u@a",
        ] {
            assert!(Places::parse(&[odd.to_owned()]).is_err(), "{odd}");
        }
    }
}
