//! Owns names that somebody else chose, as they may be shown: of organizations, clients, inviters, connections.
//! Never touches escaping: the template engine escapes everything that is put into a page.

use serde::Serialize;
use std::fmt;

/// A name that somebody else chose, fit to be shown to a third person (`security.md` INV-14, UI-01).
///
/// One line, without control characters and without the characters that turn the direction of writing around or hide
/// between letters, and no longer than [`Label::MAX`] characters. It is not escaped: that is the template engine's.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Label(String);

impl Label {
    /// How many characters are shown.
    pub const MAX: usize = 80;

    /// Make a text fit to be shown.
    pub fn new(text: &str) -> Self {
        let visible: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .filter(|c| !is_deceptive(*c))
            .collect();
        let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= Self::MAX {
            return Self(line);
        }
        let cut: String = line.chars().take(Self::MAX - 1).collect();
        Self(format!("{}…", cut.trim_end()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is left of it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The letter of a monogram, where there is no logo.
    pub fn initial(&self) -> String {
        self.0.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default()
    }

    /// As mail programs leave it alone: what looks like an address or a link to them has an invisible gap in it, so that
    /// the name of an inviter cannot become a link that nobody meant (`security.md` INV-14).
    #[must_use]
    pub fn defused(&self) -> Self {
        let characters: Vec<char> = self.0.chars().collect();
        let mut text = String::with_capacity(self.0.len() + 8);
        for (index, c) in characters.iter().enumerate() {
            text.push(*c);
            let next = characters.get(index + 1).copied();
            let joins = matches!(c, '.' | '@' | ':' | '/' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}');
            if joins && next.is_some_and(|next| next.is_alphanumeric() || next == '/') {
                text.push(GAP);
            }
        }
        Self(text)
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Label {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Zero width space: takes no room, and no program takes it for a part of a domain name.
const GAP: char = '\u{200b}';

/// Whether a character turns the direction of writing, or cannot be seen. Joiners stay: scripts need them.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line() {
        assert_eq!(Label::new("  Hoekstra\r\n&\tAssociates ").as_str(), "Hoekstra & Associates");
        assert_eq!(Label::new("abc\u{202e}gpj.exe").as_str(), "abcgpj.exe");
        assert_eq!(Label::new("\u{200b}\u{2066}\0").as_str(), "");
        assert_eq!(Label::new("नमस्ते می‌خواهم").as_str(), "नमस्ते می‌خواهم", "joiners stay");
    }

    #[test]
    fn a_long_name_is_cut() {
        let label = Label::new(&"é".repeat(300));
        assert_eq!(label.as_str().chars().count(), Label::MAX);
        assert!(label.as_str().ends_with('…'));
        assert_eq!(
            Label::new(&"a".repeat(Label::MAX)).as_str().len(),
            Label::MAX,
            "control: one that fits is whole"
        );
    }

    #[test]
    fn names_that_look_like_links_are_interrupted() {
        assert_eq!(Label::new("evil.com").defused().as_str(), "evil.\u{200b}com");
        assert_eq!(Label::new("http://a.b").defused().as_str(), "http:\u{200b}/\u{200b}/\u{200b}a.\u{200b}b");
        assert_eq!(Label::new("a@b").defused().as_str(), "a@\u{200b}b");
        assert_eq!(
            Label::new("J. Smith & Sons").defused().as_str(),
            "J. Smith & Sons",
            "control: an ordinary name"
        );
    }

    #[test]
    fn a_monogram_is_the_first_letter() {
        assert_eq!(Label::new("\"éclair\"").initial(), "É");
        assert_eq!(Label::new("…").initial(), "");
    }
}
