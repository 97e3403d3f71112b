//! Owns how a mail server is named: one URL, and the sender's address.
//! Never touches the network.

use lettre::message::Mailbox;
use portico_core::secret::Secret;
use std::path::PathBuf;
use url::{Host, Url};

/// A mail server, and who we are to it.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encryption: Encryption,
    pub(crate) credentials: Option<(String, Secret)>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) from: Mailbox,
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Encryption {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// STARTTLS, or no mail at all.
    StartTls,
    /// None: for a relay on this machine, or one for which the operator said so.
    Plain,
}

impl SmtpSettings {
    /// Read a URL and a sender.
    ///
    /// `smtps://user:password@host` is TLS on port 465; `smtp://user:password@host` is STARTTLS on port 587, and is
    /// plain text when the host is this machine. `?tls=none` sends in plain text to another machine, and is refused
    /// together with a password. `?ca=/path/to/ca.pem` trusts that authority instead of the public ones. User and
    /// password are percent-encoded. `from` is an address, with or without a name: `Travel0 <no-reply@travel0.example>`.
    pub fn parse(url: &str, from: &str) -> Result<Self, SettingsError> {
        let from = from.parse().map_err(|_unusable| SettingsError::From(from.to_owned()))?;
        let url: Url = url.parse().map_err(|_unusable| SettingsError::Url)?;
        let host = url.host().ok_or(SettingsError::Url)?.to_owned();
        let loopback = match &host {
            // `smtp` is no special scheme to the URL standard: an address in dotted form comes as a name.
            Host::Domain(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        let (mut plain, mut ca_file) = (false, None);
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", "none") => plain = true,
                ("ca", file) => ca_file = Some(PathBuf::from(file)),
                (name, value) => return Err(SettingsError::Option(format!("{name}={value}"))),
            }
        }
        let (encryption, port) = match (url.scheme(), plain, loopback) {
            ("smtps", false, _) => (Encryption::Implicit, 465),
            ("smtp", false, false) => (Encryption::StartTls, 587),
            // Somebody who names an authority for a relay on this machine wants TLS there.
            ("smtp", false, true) if ca_file.is_some() => (Encryption::StartTls, 587),
            ("smtp", _, _) => (Encryption::Plain, 25),
            _ => return Err(SettingsError::Url),
        };
        let decoded = |text: &str| percent_decoded(text).ok_or(SettingsError::Url);
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => Some((decoded(user)?, Secret::new(decoded(password.unwrap_or_default())?))),
        };
        if encryption == Encryption::Plain && credentials.is_some() && !loopback {
            return Err(SettingsError::PasswordInPlainText);
        }
        let host = match host {
            Host::Ipv6(address) => address.to_string(),
            Host::Ipv4(_) | Host::Domain(_) => host.to_string(),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), encryption, credentials, ca_file, from })
    }

    /// How connections are protected.
    pub fn encryption(&self) -> Encryption {
        self.encryption
    }

    /// The server, for messages to the operator: no password is in it.
    pub fn server(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Percent-decoding alone: a plus is a plus here.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Why the settings are no good. No text holds the URL: a password may be in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The URL.
    #[error("is no mail server's URL: write smtps://user:password@host or smtp://user:password@host:587")]
    Url,
    /// Something behind its question mark.
    #[error("has the option `{0}`, which there is not: there are tls=none and ca=/path/to/ca.pem")]
    Option(String),
    /// It would show the password to the network.
    #[error("would send the password in plain text: leave out tls=none, or the user and the password")]
    PasswordInPlainText,
    /// The sender.
    #[error("is `{0}`, which is no sender: write no-reply@example.com or Example <no-reply@example.com>")]
    From(String),
}

impl SettingsError {
    /// The key of the configuration that is wrong.
    pub fn key(&self) -> &'static str {
        match self {
            Self::From(_) => "mail.from",
            Self::Url | Self::Option(_) | Self::PasswordInPlainText => "mail.smtp_url",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<(String, Encryption), SettingsError> {
        SmtpSettings::parse(url, "Travel0 <no-reply@travel0.example>")
            .map(|settings| (settings.server(), settings.encryption))
    }

    #[test]
    fn a_url_says_how_connections_are_protected() {
        assert_eq!(parse("smtps://mail.example"), Ok(("mail.example:465".into(), Encryption::Implicit)));
        assert_eq!(parse("smtp://u:p@mail.example"), Ok(("mail.example:587".into(), Encryption::StartTls)));
        assert_eq!(parse("smtp://localhost:2525"), Ok(("localhost:2525".into(), Encryption::Plain)));
        assert_eq!(parse("smtp://[::1]:2525"), Ok(("::1:2525".into(), Encryption::Plain)));
        assert_eq!(parse("smtp://localhost?ca=/x"), Ok(("localhost:587".into(), Encryption::StartTls)));
        assert_eq!(parse("smtp://127.0.0.1:2525"), Ok(("127.0.0.1:2525".into(), Encryption::Plain)));
        assert_eq!(parse("smtp://10.0.0.1?tls=none"), Ok(("10.0.0.1:25".into(), Encryption::Plain)));
    }

    #[test]
    fn what_would_leak_or_is_misspelt_is_refused() {
        assert_eq!(parse("smtp://u:p@10.0.0.1?tls=none"), Err(SettingsError::PasswordInPlainText));
        assert_eq!(parse("smtps://h?tls=off"), Err(SettingsError::Option("tls=off".into())));
        assert_eq!(parse("smtps://h?tls=none"), Err(SettingsError::Url));
        assert_eq!(parse("http://h"), Err(SettingsError::Url));
        assert_eq!(parse("mail.example"), Err(SettingsError::Url));
        let sender = SmtpSettings::parse("smtp://localhost", "nobody").map(|_| ()).unwrap_err();
        assert_eq!((sender.key(), sender), ("mail.from", SettingsError::From("nobody".into())));
    }

    #[test]
    fn a_password_is_decoded_and_not_shown() {
        let settings = SmtpSettings::parse("smtps://user%40x:p%2Fw+1@h", "a@x.test").unwrap();
        let (user, password) = settings.credentials.clone().unwrap();
        assert_eq!((user.as_str(), password.expose()), ("user@x", "p/w+1"));
        assert!(!format!("{settings:?}").contains("p/w"));
    }
}
