//! Owns what user names are like in a connection.
//! Never touches whose they are: the store keeps them unique.

use portico_core::email::Email;

/// Whether a connection has user names, and what they are like (contract §2.5.1 `requires_username`, `attributes`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Usernames {
    /// It has none.
    Off,
    /// An account may have one.
    Optional(Length),
    /// Every account has one.
    Required(Length),
}

/// How many characters a user name has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Length {
    /// At the least.
    pub min: usize,
    /// At the most.
    pub max: usize,
}

impl Default for Length {
    /// 1 to 15 (contract §2.5.1 `validation.username`).
    fn default() -> Self {
        Self { min: 1, max: 15 }
    }
}

impl Usernames {
    /// Whether a form asks for one.
    pub const fn asked(self) -> bool {
        !matches!(self, Self::Off)
    }

    /// Check what was chosen, and give it in the form it is stored and found by: lower case.
    ///
    /// Letters, digits and ``@ ^ $ . ! ` - # + ' ~ _``, not an e-mail address (contract §2.8). The error is a reason in
    /// words.
    pub fn check(self, chosen: Option<&str>) -> Result<Option<String>, &'static str> {
        let chosen = chosen.map(str::trim).filter(|text| !text.is_empty());
        let (length, chosen) = match (self, chosen) {
            (Self::Off | Self::Optional(_), None) => return Ok(None),
            (Self::Off, Some(_)) => return Err("this connection has no user names"),
            (Self::Required(_), None) => return Err("this connection needs a user name"),
            (Self::Optional(length) | Self::Required(length), Some(chosen)) => (length, chosen),
        };
        if !chosen.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@^$.!`-#+'~_".contains(&byte)) {
            return Err("it has characters other than letters, digits and @^$.!`-#+'~_");
        }
        if chosen.len() < length.min {
            return Err("it is too short");
        }
        if chosen.len() > length.max {
            return Err("it is too long");
        }
        // Login is by either: a user name that is an address would be found by somebody else's address.
        if Email::parse(chosen).is_ok() {
            return Err("it is an e-mail address");
        }
        Ok(Some(chosen.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIRED: Usernames = Usernames::Required(Length { min: 3, max: 15 });

    #[test]
    fn a_user_name_is_taken_in_lower_case() {
        assert_eq!(REQUIRED.check(Some(" Jen.Doe ")), Ok(Some("jen.doe".to_owned())));
        assert_eq!(Usernames::Optional(Length::default()).check(Some("  ")), Ok(None));
        assert_eq!(Usernames::Off.check(None), Ok(None));
    }

    #[test]
    fn a_user_name_is_refused_for_its_reason() {
        assert_eq!(REQUIRED.check(None), Err("this connection needs a user name"));
        assert_eq!(REQUIRED.check(Some("je")), Err("it is too short"));
        assert_eq!(REQUIRED.check(Some("abcdefghijklmnop")), Err("it is too long"));
        assert_eq!(REQUIRED.check(Some("j@x.test")), Err("it is an e-mail address"));
        for chosen in ["je n", "jén", "je|n", "je\0n", "je\u{212a}"] {
            assert_eq!(
                REQUIRED.check(Some(chosen)),
                Err("it has characters other than letters, digits and @^$.!`-#+'~_")
            );
        }
        assert_eq!(Usernames::Off.check(Some("jen")), Err("this connection has no user names"));
    }
}
