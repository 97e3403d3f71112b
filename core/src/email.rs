//! Owns e-mail addresses: the one canonical form of each, by which accounts and invitations are found.
//! Never touches mail: that goes to the address as it was stored.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An address that was checked, with the text it was given as and the form it is compared by.
///
/// The canonical form is the local part in ASCII lower case and the domain in UTS-46 ASCII. Local parts outside
/// printable ASCII, quoted ones, comments and address lists are refused (`security.md` DB-12).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email {
    given: String,
    canonical: String,
}

impl Email {
    /// Check and canonicalize. The one place where this is decided.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let given = text.trim();
        let (local, domain) = given.rsplit_once('@').ok_or(EmailError)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte);
        let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
        if local.is_empty() || local.len() > 64 || dots || !local.bytes().all(plain) {
            return Err(EmailError);
        }
        // A trailing dot or a ready-made `xn--` label that decodes to plain ASCII would give one mailbox two names.
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_unusable| EmailError)?;
        let labels = domain.split('.').count();
        if domain.is_empty()
            || domain.len() > 253
            || domain.ends_with('.')
            || labels < 2 && domain != "localhost"
        {
            return Err(EmailError);
        }
        Ok(Self { given: given.to_owned(), canonical: format!("{}@{domain}", local.to_ascii_lowercase()) })
    }

    /// As it was given; mail goes here.
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// The form that is compared, stored as `email_normalized`, and shown by the Management API.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The part before the `@`.
    pub fn local_part(&self) -> &str {
        self.canonical.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`, in ASCII.
    pub fn domain(&self) -> &str {
        self.canonical.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Addresses are equal when their canonical forms are.
impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for Email {}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.given
    }
}

impl fmt::Display for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.given)
    }
}

/// The text is not an e-mail address we take.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct EmailError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn db_12_one_mailbox_has_one_canonical_form() {
        for spelling in ["Admin@x.test", "ADMIN@X.TEST", " admin@x.test "] {
            assert_eq!(Email::parse(spelling).unwrap().canonical(), "admin@x.test", "{spelling}");
        }
        assert_eq!(Email::parse("a@bücher.test").unwrap(), Email::parse("a@xn--bcher-kva.test").unwrap());
        assert_ne!(
            Email::parse("a+tag@x.test").unwrap(),
            Email::parse("a@x.test").unwrap(),
            "a tag is another mailbox"
        );
    }

    #[test]
    fn db_12_look_alikes_and_lists_are_refused() {
        for text in [
            "\u{212a}@x.test",
            "adm\u{131}n@x.test",
            "a@x.test,b@y.test",
            "\"a b\"@x.test",
            "a(comment)@x.test",
            "a@x.test\r\nBcc: b@y.test",
            "a@x.test.",
            "a@@x.test",
            "a",
            "@x.test",
            "a@",
            ".a@x.test",
            "a..b@x.test",
            "a@x_y.test\0",
        ] {
            assert_eq!(Email::parse(text).map(|email| email.canonical), Err(EmailError), "{text:?}");
        }
    }
}
