//! Owns identifiers: one type per thing that has one, each with its prefix.
//! Never touches what they identify.

use crate::{entropy::Entropy, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

/// A text that is not the identifier it should be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{text}` is not {kind}")]
pub struct IdError {
    /// What it should have been.
    pub kind: &'static str,
    /// What it was.
    pub text: String,
}

macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $kind:expr, $accepts:expr) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Check a text from outside.
            pub fn parse(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(&text) { Ok(Self(text)) } else { Err(IdError { kind: $kind, text }) }
            }

            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

macro_rules! prefixed {
    ($(#[$meta:meta])* $name:ident, $prefix:literal, $length:literal) => {
        prefixed!($(#[$meta])* $name, $prefix);

        impl $name {
            /// A fresh one.
            pub fn random(entropy: &dyn Entropy) -> Self {
                Self(format!("{}{}", $prefix, entropy.alphanumeric($length)))
            }
        }
    };
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        id!($(#[$meta])* $name, concat!("an id that begins with `", $prefix, "`"), |text| {
            text.strip_prefix($prefix).is_some_and(|rest| {
                !rest.is_empty() && rest.len() <= 64 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
        });
    };
}

prefixed!(/** A business customer. */ OrganizationId, "org_", 16);
prefixed!(/** The stored configuration of a way to log in. */ ConnectionId, "con_", 16);
prefixed!(/** A rule of the pipeline. */ RuleId, "rul_", 16);
prefixed!(/** An offer of membership. */ InvitationId, "uinv_", 16);
prefixed!(/** A role. */ RoleId, "rol_", 16);
prefixed!(/** What a client may ask of an API. */ ClientGrantId, "cgr_", 16);
prefixed!(/** A login in progress; the `state` of our own pages and of upstream providers. 256 bits. */ TransactionId, "txn_", 43);
prefixed!(/** A browser's remembered authentication as tokens name it (`sid`); never the cookie. */ SessionId, "ses_", 24);
prefixed!(/** A job. */ JobId, "job_", 16);
prefixed!(/** A message in the outbox: a number that grows, then random letters, so that ids sort as messages do. */ MailId, "mail_");
prefixed!(/** The tokens that descend from one authorization code. */ FamilyId, "fam_", 24);
prefixed!(/** A reference number that joins an error page and the log. */ ReferenceId, "ref_", 12);

id!(
    /// An application that asks us for tokens: 32 letters and digits.
    ClientId, "a client id", |text| !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic())
);
id!(
    /// An API: 24 hexadecimal digits. Clients name it by its identifier, the audience.
    ResourceServerId, "a resource server id", |text| text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
);
id!(
    /// A user: `strategy|key`, with `strategy|connection|subject` for enterprise connections (contract §1.5).
    UserId, "a user id", |text| {
        text.len() <= 320 && text.split_once('|').is_some_and(|(strategy, key)| !strategy.is_empty() && !key.is_empty())
            && !text.chars().any(char::is_control)
    }
);
id!(
    /// An entry of the log: 13 digits of its time, 10 of a number that grows, then random ones: ids sort as entries do,
    /// and those of one node and one millisecond as they happened.
    LogId, "a log id", |text| text.len() <= 40 && text.len() > 13 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
);

/// Whether a text is a UUID in lower case (RFC 9562 §4).
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// A random UUID (RFC 9562 §5.4).
fn uuid(entropy: &dyn Entropy) -> String {
    let hex = entropy.hex(32);
    let variant = match hex.as_bytes()[16] & 3 {
        0 => '8',
        1 => '9',
        2 => 'a',
        _ => 'b',
    };
    format!("{}-{}-4{}-{variant}{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

macro_rules! uuids {
    ($($(#[$meta:meta])* $name:ident, $kind:literal;)*) => { $(
        id!($(#[$meta])* $name, $kind, is_uuid);

        impl $name {
            /// A fresh one.
            pub fn random(entropy: &dyn Entropy) -> Self {
                Self(uuid(entropy))
            }
        }
    )* };
}
uuids! {
    /** An action. */ ActionId, "an action id";
    /** A version of an action. */ ActionVersionId, "a version of an action";
    /** An action's place among those of a trigger. */ ActionBindingId, "a binding of an action";
}

impl ClientId {
    /// A fresh one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(entropy.alphanumeric(32))
    }
}

impl ResourceServerId {
    /// A fresh one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self(entropy.hex(24))
    }
}

/// How many ids of entries and messages this node has made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A number above all that this node gave before: ten hexadecimal digits, which last for decades between two starts. What
/// is random behind it keeps nodes apart; what orders them is the time.
fn next() -> u64 {
    MADE.fetch_add(1, Ordering::Relaxed) & 0xff_ffff_ffff
}

impl LogId {
    /// The next one, for an entry of this instant.
    pub fn next(at: Timestamp, entropy: &dyn Entropy) -> Self {
        Self(format!("{}{:010x}{}", Self::beginning(at), next(), entropy.hex(12)))
    }

    /// How the ids of entries of this instant begin: those of earlier ones are less, those of later ones are not.
    pub fn beginning(at: Timestamp) -> String {
        format!("{:013}", at.0.max(0))
    }
}

impl MailId {
    /// The next one.
    pub fn next(entropy: &dyn Entropy) -> Self {
        Self(format!("mail_{:010x}{}", next(), entropy.alphanumeric(16)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_fresh_id_parses_and_a_foreign_one_does_not() {
        let entropy = SystemEntropy::default();
        let id = OrganizationId::random(&entropy);
        assert_eq!(OrganizationId::parse(id.as_str()), Ok(id.clone()));
        assert!(ConnectionId::parse(id.as_str()).is_err());
        assert!(OrganizationId::parse("org_../../etc").is_err());
        assert!(UserId::parse("auth0|5f7c8ec7c33c6c004bbafe82").is_ok());
        assert!(UserId::parse("nobody").is_err());
        assert!(LogId::parse(LogId::next(Timestamp(1), &entropy).as_str()).is_ok());
        assert!(MailId::parse(MailId::next(&entropy).as_str()).is_ok());
        let id = ActionId::random(&entropy);
        assert_eq!(ActionId::parse(id.as_str()), Ok(id.clone()));
        assert_eq!(&id.as_str()[14..15], "4");
        assert!(ActionId::parse("nothing").is_err());
    }

    #[test]
    fn ids_of_one_instant_sort_as_they_were_made_and_time_comes_first() {
        let entropy = SystemEntropy::default();
        let made: Vec<_> = (0..300).map(|_| LogId::next(Timestamp(1_000), &entropy)).collect();
        assert!(made.is_sorted_by(|one, two| one < two), "{made:?}");
        let earlier = LogId::next(Timestamp(999), &entropy);
        assert!(earlier < made[0], "a clock that went back says what it says");
        let mails: Vec<_> = (0..300).map(|_| MailId::next(&entropy)).collect();
        assert!(mails.is_sorted_by(|one, two| one < two), "{mails:?}");
    }

    #[test]
    fn what_an_id_ends_in_is_still_no_ones_to_guess() {
        let entropy = SystemEntropy::default();
        let ends = |id: LogId| id.as_str()[23..].to_owned();
        let one = ends(LogId::next(Timestamp(1), &entropy));
        assert_eq!(one.len(), 12);
        assert_ne!(one, ends(LogId::next(Timestamp(1), &entropy)));
    }
}
