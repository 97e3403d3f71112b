//! Owns what a new password must be like: Auth0's levels, lengths, kinds of characters, lists, and personal words.
//! Never touches hashes: whether a password was used before is asked of the history elsewhere.

use crate::{Dictionary, Password, context::Context};
use portico_core::connector::{PasswordFault, PasswordRule};

/// What new passwords of a connection must be like (contract §2.5.1).
///
/// Where the options say nothing of the lists, the levels `fair` and above look at the commonest passwords and at personal
/// words too (`security.md` DB-11); `none` and `low`, which somebody chose on purpose, do not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// The fewest characters.
    pub min_length: usize,
    /// The kinds of characters that are needed.
    pub classes: Classes,
    /// Whether one character may stand more than twice in a row.
    pub identical: bool,
    /// Whether three characters may follow each other as in `abc` or `321`.
    pub sequential: bool,
    /// Whether the commonest passwords are refused.
    pub dictionary: bool,
    /// The connection's own list, in lower case; refused with the commonest.
    pub words: Vec<String>,
    /// Whether words of the person's profile, and of the place, are refused.
    pub personal: bool,
    /// The fields of the profile that count; all, if none is named.
    pub blocked_fields: Vec<String>,
    /// How many earlier passwords are refused; 0 for none.
    pub history: usize,
}

/// Which kinds of characters a password needs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Classes {
    /// A lower-case letter.
    pub lower: bool,
    /// An upper-case letter.
    pub upper: bool,
    /// A digit.
    pub digit: bool,
    /// Anything else.
    pub special: bool,
    /// Three of the four will do, whichever.
    pub three_will_do: bool,
}

/// Auth0's levels (`passwordPolicy`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strength {
    /// One character.
    None,
    /// Six characters.
    Low,
    /// Eight characters with lower case, upper case and digits.
    Fair,
    /// Eight characters of three kinds.
    Good,
    /// Ten characters of three kinds, none more than twice in a row.
    Excellent,
}

impl Policy {
    /// The shortest word of a profile that counts: two letters are in too many passwords.
    const SHORTEST_WORD: usize = 3;

    /// One of Auth0's levels.
    pub fn of(strength: Strength) -> Self {
        let three = Classes { three_will_do: true, ..Classes::default() };
        let (min_length, classes) = match strength {
            Strength::None => (1, Classes::default()),
            Strength::Low => (6, Classes::default()),
            Strength::Fair => (8, Classes { lower: true, upper: true, digit: true, ..Classes::default() }),
            Strength::Good => (8, three),
            Strength::Excellent => (10, three),
        };
        let careful = !matches!(strength, Strength::None | Strength::Low);
        Self {
            min_length,
            classes,
            identical: strength != Strength::Excellent,
            sequential: true,
            dictionary: careful,
            words: Vec::new(),
            personal: careful,
            blocked_fields: Vec::new(),
            history: 0,
        }
    }

    /// Everything that is wrong with a password, but for its history; each fault once, in their order.
    pub fn faults(
        &self,
        password: &Password,
        context: &Context,
        dictionary: &Dictionary,
    ) -> Vec<PasswordFault> {
        let text = password.expose();
        let lowered = text.to_lowercase();
        let common = self.words.contains(&lowered) || self.dictionary && dictionary.contains(&lowered);
        [
            (text.chars().count() < self.min_length, PasswordFault::TooShort),
            (!self.classes.met_by(text), PasswordFault::TooSimple),
            (!self.identical && has_run(text, 0), PasswordFault::Repetitive),
            (!self.sequential && (has_run(&lowered, 1) || has_run(&lowered, -1)), PasswordFault::Sequential),
            (common, PasswordFault::Common),
            (self.personal && self.is_personal(&lowered, context), PasswordFault::Personal),
        ]
        .into_iter()
        .filter_map(|(wrong, fault)| wrong.then_some(fault))
        .collect()
    }

    /// What a password must be like.
    pub fn rules(&self) -> Vec<PasswordRule> {
        let three = self.classes.three_will_do;
        [
            (self.min_length > 1, PasswordRule::MinLength(self.min_length)),
            (three, PasswordRule::ThreeKinds),
            (!three && self.classes.lower, PasswordRule::Lower),
            (!three && self.classes.upper, PasswordRule::Upper),
            (!three && self.classes.digit, PasswordRule::Digit),
            (!three && self.classes.special, PasswordRule::Special),
            (!self.identical, PasswordRule::NoRuns),
            (!self.sequential, PasswordRule::NoSequences),
            (self.dictionary || !self.words.is_empty(), PasswordRule::NotCommon),
            (self.personal, PasswordRule::NotPersonal),
            (self.history > 0, PasswordRule::NotUsedBefore(self.history)),
        ]
        .into_iter()
        .filter_map(|(holds, rule)| holds.then_some(rule))
        .collect()
    }

    fn is_personal(&self, lowered: &str, context: &Context) -> bool {
        let counts = |field: &str| {
            self.blocked_fields.is_empty() || self.blocked_fields.iter().any(|blocked| blocked == field)
        };
        let person = context.person.iter().filter(|(field, _)| counts(field));
        let person = person.flat_map(|(_, text)| {
            // A whole name, and each of its words.
            std::iter::once(text.as_str()).chain(text.split(|letter: char| !letter.is_alphanumeric()))
        });
        // Punctuation does not disguise a word: `j.doe` is in `jdoe-2026`.
        let bare = letters_and_digits(lowered);
        person.chain(context.place.iter().map(String::as_str)).any(|word| {
            let word = letters_and_digits(&word.to_lowercase());
            word.chars().count() >= Self::SHORTEST_WORD && bare.contains(&word)
        })
    }
}

impl Classes {
    fn met_by(self, text: &str) -> bool {
        let lower = text.chars().any(char::is_lowercase);
        let upper = text.chars().any(char::is_uppercase);
        let digit = text.chars().any(char::is_numeric);
        let special = text
            .chars()
            .any(|letter| !letter.is_lowercase() && !letter.is_uppercase() && !letter.is_numeric());
        if self.three_will_do {
            return usize::from(lower) + usize::from(upper) + usize::from(digit) + usize::from(special) >= 3;
        }
        (lower || !self.lower)
            && (upper || !self.upper)
            && (digit || !self.digit)
            && (special || !self.special)
    }
}

/// Whether three characters in a row each differ from the one before by `step`.
fn has_run(text: &str, step: i64) -> bool {
    let letters: Vec<i64> = text.chars().map(|letter| i64::from(u32::from(letter))).collect();
    // Sequences are of letters and digits; repetitions of anything.
    let fits = |letter: i64| {
        step == 0 || u32::try_from(letter).ok().and_then(char::from_u32).is_some_and(char::is_alphanumeric)
    };
    letters.windows(3).any(|three| {
        three.iter().all(|letter| fits(*letter)) && three[1] - three[0] == step && three[2] - three[1] == step
    })
}

fn letters_and_digits(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_core::email::Email;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(Dictionary::built_in);

    fn faults_of(policy: &Policy, text: &str) -> Vec<PasswordFault> {
        let mut context = Context { place: vec!["Hoekstra & Associates".into()], person: Vec::new() };
        context.address(&Email::parse("jen.doe@travel0.test").unwrap());
        context.person.push(("name".into(), "Jennifer Doe-Smith".into()));
        policy.faults(&Password::parse(text).unwrap(), &context, &DICTIONARY)
    }

    fn faults(strength: Strength, text: &str) -> Vec<PasswordFault> {
        faults_of(&Policy::of(strength), text)
    }

    #[test]
    fn db_11_each_level_refuses_for_its_reason_and_takes_its_control() {
        use PasswordFault::{Repetitive, TooShort, TooSimple};
        use Strength::{Excellent, Fair, Good, Low, None};
        for (strength, refused, fault, taken) in [
            (None, "", TooShort, "x"),
            (Low, "qxzvb", TooShort, "qxzvbk"),
            (Fair, "Qx7vbkt", TooShort, "Qx7vbktr"),
            (Fair, "qx7vbktr", TooSimple, "Qx7vbktr"),
            (Good, "Qx7vbkt", TooShort, "Qx7vbktr"),
            (Good, "qx7vbktr", TooSimple, "qx7vbk!r"),
            (Excellent, "Qx7vbktrw", TooShort, "Qx7vbktrwp"),
            (Excellent, "Qx7vbktrrr", Repetitive, "Qx7vbktrrp"),
            (Excellent, "qxvbktrwpn", TooSimple, "qxvbktrW!n"),
        ] {
            assert_eq!(faults(strength, refused), [fault], "{strength:?} {refused}");
            assert_eq!(faults(strength, taken), [], "{strength:?} {taken}");
        }
    }

    #[test]
    fn db_11_common_passwords_and_context_words_are_refused() {
        for common in ["Password1!", "PASSWORD1!", "Summer2024!", "Qwerty123!"] {
            assert_eq!(faults(Strength::Good, common), [PasswordFault::Common], "{common}");
        }
        for personal in ["xJen-Doe-77", "9Smith!kkq", "Jennifer!91", "hoekstra&Associates1", "Travel0-rocks"]
        {
            assert_eq!(faults(Strength::Good, personal), [PasswordFault::Personal], "{personal}");
        }
        assert_eq!(faults(Strength::Good, "correct Horse battery staple 7"), []);
    }

    #[test]
    fn db_11_long_ones_with_spaces_are_taken() {
        assert_eq!(faults(Strength::Excellent, &"Quiet Harbour 4 ".repeat(16)), []);
    }

    #[test]
    fn all_faults_come_at_once() {
        let policy = Policy { sequential: false, ..Policy::of(Strength::Excellent) };
        assert_eq!(
            faults_of(&policy, "jenabc"),
            [
                PasswordFault::TooShort,
                PasswordFault::TooSimple,
                PasswordFault::Sequential,
                PasswordFault::Personal
            ]
        );
    }

    #[test]
    fn the_connections_own_list_counts_without_the_built_in_one() {
        let policy = Policy { words: vec!["travel zero".into()], ..Policy::of(Strength::None) };
        assert_eq!(faults_of(&policy, "Travel Zero"), [PasswordFault::Common]);
        assert_eq!(faults_of(&policy, "password"), []);
    }

    #[test]
    fn only_the_blocked_fields_count_where_some_are_named() {
        let policy = Policy { blocked_fields: vec!["email".into()], ..Policy::of(Strength::Good) };
        assert_eq!(faults_of(&policy, "9Smith!kkq"), []);
        assert_eq!(faults_of(&policy, "xJen-Doe-77"), [PasswordFault::Personal]);
    }

    #[test]
    fn rules_tell_what_is_checked() {
        assert_eq!(Policy::of(Strength::None).rules(), []);
        let policy = Policy { history: 5, ..Policy::of(Strength::Fair) };
        assert_eq!(
            policy.rules(),
            [
                PasswordRule::MinLength(8),
                PasswordRule::Lower,
                PasswordRule::Upper,
                PasswordRule::Digit,
                PasswordRule::NotCommon,
                PasswordRule::NotPersonal,
                PasswordRule::NotUsedBefore(5),
            ]
        );
        let excellent = Policy::of(Strength::Excellent).rules();
        assert_eq!(
            excellent[..3],
            [PasswordRule::MinLength(10), PasswordRule::ThreeKinds, PasswordRule::NoRuns]
        );
    }

    proptest! {
        #[test]
        fn a_longer_password_is_never_too_short_where_a_shorter_is_not(text in "\\PC{0,40}", more in "\\PC{0,20}") {
            for strength in [Strength::None, Strength::Low, Strength::Fair, Strength::Good, Strength::Excellent] {
                let longer = format!("{text}{more}x");
                for fault in [PasswordFault::TooShort, PasswordFault::TooSimple] {
                    // Composition may join two characters into one; it never takes away more than it joins.
                    if !faults(strength, &text).contains(&fault) && text.is_ascii() && more.is_ascii() {
                        prop_assert!(!faults(strength, &longer).contains(&fault));
                    }
                }
            }
        }

        #[test]
        fn a_word_of_the_profile_is_found_wherever_it_stands(before in "[A-Z0-9!]{0,9}", after in "[A-Z0-9!]{0,9}") {
            let text = format!("{before}j.DOE-smiTH{after}");
            prop_assert!(faults(Strength::Good, &text).contains(&PasswordFault::Personal));
        }

        #[test]
        fn case_does_not_hide_a_common_password(flips in proptest::collection::vec(any::<bool>(), 9)) {
            let text: String = "password1".chars().zip(flips)
                .map(|(letter, up)| if up { letter.to_ascii_uppercase() } else { letter }).collect();
            prop_assert!(faults(Strength::Good, &text).contains(&PasswordFault::Common));
        }

        #[test]
        fn faults_do_not_depend_on_the_unicode_form(text in "[a-zé0-9]{0,24}") {
            use unicode_normalization::UnicodeNormalization;
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(faults(Strength::Excellent, &text), faults(Strength::Excellent, &decomposed));
        }
    }
}
