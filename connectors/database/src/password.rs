//! Owns what a password is made of before anything is done with it: one Unicode form, and limits without cutting.
//! Never touches policies: this is what can be hashed at all.

use portico_core::{connector::PasswordFault, secret::Secret};
use unicode_normalization::UnicodeNormalization;

/// A password in Unicode's form NFC, of at most 256 characters and 1,024 bytes (`security.md` DB-10).
///
/// Made once, where a password comes in, for checking and for choosing alike, so that it does not matter how a
/// keyboard composes an `é`. Nothing is cut, trimmed or folded; NUL is a character like any other.
#[derive(Clone, Debug)]
pub struct Password {
    normal: Secret,
    /// As it was typed, if that is another form.
    typed: Option<Secret>,
}

impl Password {
    /// The most characters (code points) it may have.
    pub const MOST_CHARACTERS: usize = 256;
    /// The most bytes it may have.
    pub const MOST_BYTES: usize = 1024;

    /// Take a text as a password; [`PasswordFault::TooLong`] if it is.
    pub fn parse(text: &str) -> Result<Self, PasswordFault> {
        // NFC makes a text three times as long at the very most (Unicode UAX #15 §11.1), and a third at the least.
        if text.len() > 3 * Self::MOST_BYTES {
            return Err(PasswordFault::TooLong);
        }
        // The whole text is in custody at once: growing would leave pieces of it behind in memory.
        let mut normal = String::with_capacity(3 * text.len());
        normal.extend(text.nfc());
        let normal = Secret::new(normal);
        let fits = normal.expose().len() <= Self::MOST_BYTES
            && normal.expose().chars().count() <= Self::MOST_CHARACTERS;
        if !fits {
            return Err(PasswordFault::TooLong);
        }
        let typed = (normal.expose() != text).then(|| Secret::new(text.to_owned()));
        Ok(Self { normal, typed })
    }

    /// The text itself, for hashing and for policies.
    pub fn expose(&self) -> &str {
        self.normal.expose()
    }

    /// The text, and as it was typed if that was another form: other systems hashed what they were given.
    pub(crate) fn forms(&self) -> impl Iterator<Item = &str> {
        [Some(&self.normal), self.typed.as_ref()].into_iter().flatten().map(Secret::expose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn db_10_length_is_limited_and_nothing_is_cut() {
        assert_eq!(Password::parse(&"a".repeat(256)).unwrap().expose().len(), 256);
        assert!(Password::parse(&"a".repeat(257)).is_err());
        assert_eq!(Password::parse(&"😀".repeat(256)).unwrap().expose().len(), 1024);
        assert!(Password::parse(&"a".repeat(1 << 20)).is_err());
        assert_eq!(Password::parse(&"b".repeat(73)).unwrap().expose(), "b".repeat(73));
        assert_eq!(Password::parse("before\0after").unwrap().expose(), "before\0after");
        assert_eq!(Password::parse(" spaces stay ").unwrap().expose(), " spaces stay ");
    }

    #[test]
    fn db_10_one_text_in_two_forms_is_one_password() {
        let composed = Password::parse("caf\u{e9} \u{c5}").unwrap();
        let decomposed = Password::parse("cafe\u{301} A\u{30a}").unwrap();
        assert_eq!(composed.expose(), decomposed.expose());
        assert_ne!(composed.expose(), Password::parse("cafe A").unwrap().expose());
    }

    #[test]
    fn db_10_a_decomposed_text_is_measured_by_its_one_form() {
        assert!(Password::parse(&"e\u{301}".repeat(256)).is_ok());
        assert!(Password::parse(&"e\u{301}".repeat(257)).is_err());
    }

    proptest! {
        #[test]
        fn taking_a_password_twice_changes_nothing(text in "\\PC{0,80}") {
            let once = Password::parse(&text).unwrap();
            let twice = Password::parse(once.expose()).unwrap();
            prop_assert_eq!(twice.expose(), once.expose());
        }
    }
}
