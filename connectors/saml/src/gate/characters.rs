//! Owns which bytes may be where, and what text means once references and line ends are read.
//! Never touches elements.

use std::borrow::Cow;

/// What a byte is in text or in a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// Itself.
    Plain,
    /// `<`.
    Open,
    /// `&`.
    Reference,
    /// `]`, which may begin `]]>`.
    Bracket,
    /// `"` or `'`.
    Quote,
    /// The first byte of U+F000 to U+FFFF, which may be a character that XML does not allow.
    High,
    /// A control character that XML does not allow.
    Control,
}

pub(super) const CLASSES: [Class; 256] = {
    let mut classes = [Class::Plain; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = Class::Control;
        byte += 1;
    }
    classes[b'\t' as usize] = Class::Plain;
    classes[b'\n' as usize] = Class::Plain;
    classes[b'\r' as usize] = Class::Plain;
    classes[b'<' as usize] = Class::Open;
    classes[b'&' as usize] = Class::Reference;
    classes[b']' as usize] = Class::Bracket;
    classes[b'"' as usize] = Class::Quote;
    classes[b'\'' as usize] = Class::Quote;
    classes[0xef] = Class::High;
    classes
};

/// Whether a byte may begin a name. Names are ASCII: all of SAML's are.
pub(super) const fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Whether a byte may be in a name, the colon apart.
pub(super) const fn continues_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The longest reference that is read: `&#x0010FFFF;` without the ampersand.
const MAX_REFERENCE: usize = 12;

/// The character that a reference stands for, and how many bytes it takes after the ampersand. `Err`: the name of the
/// entity, as far as it could be read.
pub(super) fn reference(after_ampersand: &str) -> Result<(char, usize), &str> {
    let bytes = after_ampersand.as_bytes();
    let end = bytes.iter().take(MAX_REFERENCE).position(|byte| *byte == b';');
    let Some(end) = end else {
        let name = bytes.iter().take(MAX_REFERENCE).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        return Err(&after_ampersand[..name]);
    };
    // A semicolon is a character of its own, so that this is no place within one.
    let name = &after_ampersand[..end];
    let character = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix('#').and_then(numeric),
    };
    character.map(|character| (character, end + 1)).ok_or(name)
}

fn numeric(digits: &str) -> Option<char> {
    let (digits, radix) = match digits.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return None;
    }
    let character = char::from_u32(u32::from_str_radix(digits, radix).ok()?)?;
    is_allowed(character).then_some(character)
}

/// Extensible Markup Language 1.0 §2.2: `Char`.
const fn is_allowed(character: char) -> bool {
    match character {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        other => other as u32 >= 0x20,
    }
}

/// What raw text means: references are read, and lines end in a line feed (XML 1.0 §2.11). The scanner has seen that
/// all references are good.
pub(super) fn text(raw: &str) -> Cow<'_, str> {
    read(raw, Context::Text)
}

/// What a raw value means: as text, and white space is a space (XML 1.0 §3.3.3).
pub(super) fn value(raw: &str) -> Cow<'_, str> {
    read(raw, Context::Value)
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Context {
    Text,
    Value,
}

fn read(raw: &str, context: Context) -> Cow<'_, str> {
    let is_special = |byte: &u8| match byte {
        b'&' | b'\r' => true,
        b'\n' | b'\t' => context == Context::Value,
        _ => false,
    };
    let Some(first) = raw.as_bytes().iter().position(is_special) else { return Cow::Borrowed(raw) };
    let mut read = String::with_capacity(raw.len());
    read.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(byte) = rest.bytes().next() {
        let skip = match byte {
            b'&' => {
                let (character, length) = reference(&rest[1..]).unwrap_or(('\u{fffd}', 0));
                read.push(character);
                1 + length
            }
            // The scanner lets a carriage return through before a line feed only.
            b'\r' => 1,
            b'\n' | b'\t' if context == Context::Value => {
                read.push(' ');
                1
            }
            _ => {
                let plain = rest.bytes().position(|byte| is_special(&byte)).unwrap_or(rest.len());
                let plain = plain.max(1);
                read.push_str(&rest[..plain]);
                plain
            }
        };
        rest = &rest[skip..];
    }
    Cow::Owned(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_mean_characters() {
        for (after, verdict) in [
            ("lt;x", Ok(('<', 3))),
            ("amp;", Ok(('&', 4))),
            ("#65;", Ok(('A', 4))),
            ("#x1F600;", Ok(('\u{1f600}', 8))),
            ("#x0010FFFF;", Ok(('\u{10ffff}', 11))),
            ("#0;", Err("#0")),
            ("#x0;", Err("#x0")),
            ("#8;", Err("#8")),
            ("#xD800;", Err("#xD800")),
            ("#xFFFF;", Err("#xFFFF")),
            ("#x110000;", Err("#x110000")),
            ("#+65;", Err("#+65")),
            ("#X41;", Err("#X41")),
            ("#;", Err("#")),
            (";", Err("")),
            ("nbsp;", Err("nbsp")),
            ("lt", Err("lt")),
            ("lt x;", Err("lt x")),
            ("#x00000000000041;", Err("")),
            ("é", Err("")),
        ] {
            assert_eq!(reference(after), verdict, "{after}");
        }
    }

    #[test]
    fn text_and_values_are_read_as_xml_says() {
        assert!(matches!(text("plain é"), Cow::Borrowed("plain é")));
        assert_eq!(text("a&amp;b&#13;\r\nc\td"), "a&b\r\nc\td");
        assert_eq!(value("a\r\n\tb&#10;c&#9;é&lt;"), "a  b\nc\té<");
        assert_eq!(text("&amp;lt;"), "&lt;");
    }
}
