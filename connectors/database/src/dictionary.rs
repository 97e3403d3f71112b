//! Owns the list of the commonest passwords.
//! Never touches a connection's own list: that is part of its policy.

/// The commonest passwords, some 19,000, in lower case.
///
/// They are the ten thousand most frequent ones of Mark Burnett's ten million passwords, which he gave to the public
/// domain in 2015, ranked by how often they occur (the ranking is zxcvbn's), with the commonest first names, and with the
/// endings that people add to the commonest words (`1`, `123!`, a year).
#[derive(Clone, Debug)]
pub struct Dictionary(Vec<&'static str>);

impl Dictionary {
    /// The list that is built in.
    pub fn built_in() -> Self {
        Self(include_str!("common-passwords.txt").lines().collect())
    }

    /// Whether a password, in lower case, is on it.
    pub fn contains(&self, lowered: &str) -> bool {
        self.0.binary_search(&lowered).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_are_on_it() {
        let dictionary = Dictionary::built_in();
        assert!(dictionary.0.len() > 10_000);
        for word in ["123456", "password", "p@ssw0rd", "qwerty123", "welcome1!", "summer2024!", "michael"] {
            assert!(dictionary.contains(word), "{word}");
        }
        assert!(!dictionary.contains("correct horse battery staple"));
        assert!(!dictionary.contains(""));
    }

    #[test]
    fn it_is_sorted_and_in_lower_case() {
        let Dictionary(words) = Dictionary::built_in();
        assert!(words.is_sorted());
        assert!(words.iter().all(|word| *word == word.to_lowercase()));
    }
}
