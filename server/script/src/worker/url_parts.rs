//! Owns how our JavaScript has addresses read: by WHATWG's rules, here.
//! Never touches what is done with them.

use url::Url;

/// The parts of a URL (WHATWG URL) in the order in which the shim names them; `None` when it is none.
pub(super) fn take_apart(text: &str, base: Option<&str>) -> Option<Vec<String>> {
    let base = base.map(Url::parse).transpose().ok()?;
    let url = Url::options().base_url(base.as_ref()).parse(text).ok()?;
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let prefixed = |prefix: char, part: Option<&str>| {
        part.filter(|part| !part.is_empty()).map(|part| format!("{prefix}{part}")).unwrap_or_default()
    };
    Some(vec![
        url.as_str().to_owned(),
        format!("{}:", url.scheme()),
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
        url.host_str().unwrap_or_default().to_owned(),
        port,
        url.path().to_owned(),
        prefixed('?', url.query()),
        prefixed('#', url.fragment()),
        url.origin().ascii_serialization(),
    ])
}

/// A name as it is looked up; empty when it is none.
pub(super) fn domain_to_ascii(name: &str) -> String {
    match url::Host::parse(name) {
        Ok(url::Host::Domain(name)) => name,
        Ok(host) => host.to_string(),
        Err(_no_host) => String::new(),
    }
}
