//! Owns organizations: business customers, their branding, and the connections they sign in through.
//! Never touches members.

use crate::{
    id::{ConnectionId, OrganizationId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;

/// A business customer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Organization {
    /// Its id; never used again for another.
    pub id: OrganizationId,
    /// Its name in URLs and tokens; unique, and kept from others for a while after it is given up (ORG-09).
    pub name: OrganizationName,
    /// Its name for people.
    pub display_name: Option<String>,
    /// Its logo and colours, once set.
    pub branding: Option<Branding>,
    /// Up to 25 texts of the application's.
    pub metadata: Option<Map<String, Value>>,
    /// Fields of the API that are kept and given back as they came.
    pub extra: Map<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Organization {
    /// The name people see.
    pub fn title(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.name.as_str())
    }
}

/// `[a-z0-9][a-z0-9_-]{0,49}`, without the prefix `org_` (ORG-10).
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrganizationName(String);

impl OrganizationName {
    /// Check a name. Upper-case letters are refused, not folded.
    pub fn parse(text: &str) -> Result<Self, String> {
        let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=50).contains(&text.len())
            && text.bytes().next().is_some_and(lower)
            && text.bytes().all(|byte| lower(byte) || byte == b'_' || byte == b'-')
            && !text.starts_with("org_");
        if fits { Ok(Self(text.to_owned())) } else { Err(format!("`{text}` is not an organization name")) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OrganizationName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<OrganizationName> for String {
    fn from(name: OrganizationName) -> Self {
        name.0
    }
}

impl fmt::Display for OrganizationName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// A logo and two colours.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Branding {
    /// Where the logo is: https, or http on loopback.
    pub logo_url: Option<String>,
    /// The colour of buttons and links.
    pub primary: Option<Color>,
    /// The colour behind the card.
    pub page_background: Option<Color>,
}

/// `#rrggbb` (UI-03): nothing else gets into a style sheet.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Color(String);

impl Color {
    /// Check a colour; `#rgb` is written out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix('#').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits {
            Some(digits) if digits.len() == 6 => Ok(Self(format!("#{}", digits.to_ascii_lowercase()))),
            Some(digits) if digits.len() == 3 => {
                Ok(Self(digits.chars().fold("#".to_owned(), |all, digit| {
                    all + &format!("{digit}{digit}").to_ascii_lowercase()
                })))
            }
            _ => Err(format!("`{text}` is not a colour like `#1a2b3c`")),
        }
    }

    /// As `#rrggbb`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Color {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.0
    }
}

/// A connection that an organization signs in through.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OrganizationConnection {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Which.
    pub connection_id: ConnectionId,
    /// Add membership when someone logs in through it for this organization.
    pub assign_membership_on_login: bool,
    /// Show a button for it; means something where people sign in elsewhere.
    pub show_as_button: bool,
    /// Let people make accounts; only with `assign_membership_on_login`.
    pub is_signup_enabled: bool,
    /// The organization's own name for it.
    pub organization_connection_name: Option<String>,
    /// What the organization may do with it: `none`, `readonly`, `limited`, `full`. Kept and given back.
    pub organization_access_level: Option<String>,
    /// Whether it may be used.
    pub is_enabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn org_10_names_are_plain() {
        assert!(OrganizationName::parse("hoekstra").is_ok());
        assert!(OrganizationName::parse("a-b_c9").is_ok());
        for name in ["org_abc", "Hoekstra", "hoekstr\u{430}", "../x", "a\r\nb", "", "-a", &"a".repeat(51)] {
            assert!(OrganizationName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn colours_are_hexadecimal() {
        assert_eq!(Color::parse("#Abc").unwrap().as_str(), "#aabbcc");
        assert!(Color::parse("#fff}body{").is_err());
        assert!(Color::parse("red").is_err());
    }
}
