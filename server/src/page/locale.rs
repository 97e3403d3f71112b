//! Owns languages: which there are, which one a visitor gets, and the sentences of each.
//! Never touches templates: they call `t` and get a sentence.

use super::{Label, PageError};
use include_dir::{Dir, include_dir};
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A language that pages and mail are written in.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Locale {
    /// English.
    #[default]
    En,
    /// Dutch.
    Nl,
}

impl Locale {
    /// Every language there is.
    pub const ALL: [Self; 2] = [Self::En, Self::Nl];

    /// Its tag (BCP 47), as it stands in `<html lang>` and in the name of its file.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Nl => "nl",
        }
    }

    /// Choose a visitor's language: the first one they can have, of what the application asked for (`ui_locales`), then
    /// of what their browser prefers (`Accept-Language`, RFC 9110 §12.5.4), then of the tenant's own
    /// (`enabled_locales`, the first is the default; contract §1.2.1).
    ///
    /// Only languages that the tenant enabled and that we have are had. A tenant that enabled none we have gets English.
    pub fn choose(ui_locales: &[String], accept_language: Option<&str>, enabled_locales: &[String]) -> Self {
        let enabled: Vec<Self> = enabled_locales.iter().filter_map(|tag| Self::named(tag)).collect();
        let accepted = accept_language.map(preferences).unwrap_or_default();
        let wanted = ui_locales.iter().map(String::as_str).chain(accepted).filter_map(Self::named);
        wanted
            .into_iter()
            .find(|locale| enabled.contains(locale))
            .or(enabled.first().copied())
            .unwrap_or_default()
    }

    /// The language of a tag, whatever its region: `nl-BE` is Dutch.
    fn named(tag: &str) -> Option<Self> {
        let language = tag.split(['-', '_']).next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(language))
    }
}

impl Serialize for Locale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.tag())
    }
}

/// The tags of an `Accept-Language` header, the preferred first. Those of weight zero are left out.
fn preferences(header: &str) -> Vec<&str> {
    let mut weighted: Vec<(&str, f32)> = header
        .split(',')
        .take(20)
        .filter_map(|item| {
            let (tag, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight =
                weight.trim().strip_prefix("q=").and_then(|text| text.trim().parse().ok()).unwrap_or(0.0_f32);
            (weight > 0.0).then_some((tag.trim(), weight))
        })
        .collect();
    weighted.sort_by(|one, two| two.1.total_cmp(&one.1));
    weighted.into_iter().map(|(tag, _)| tag).collect()
}

/// The sentences of every language, by key.
#[derive(Debug)]
pub(crate) struct Catalog(BTreeMap<&'static str, BTreeMap<String, Sentence>>);

/// A sentence with places for names in it: `Sign in to {client}`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Sentence(Vec<Piece>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Text(String),
    Name(String),
}

/// How a sentence is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Markup {
    /// As plain text.
    Plain,
    /// As HTML: everything is escaped, and each name stands in a `<bdi>` of its own, so that the direction of its
    /// letters cannot rearrange the sentence.
    Html,
}

impl Catalog {
    /// Read what is embedded.
    pub(crate) fn load() -> Result<Self, PageError> {
        static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/locales");
        let read = |locale: Locale| {
            let name = format!("{}.toml", locale.tag());
            let file = FILES.get_file(&name).and_then(include_dir::File::contents_utf8);
            let text = file.ok_or_else(|| PageError::Locale(format!("{name} is missing")))?;
            let table: toml::Table =
                text.parse().map_err(|error| PageError::Locale(format!("{name}: {error}")))?;
            let mut sentences = BTreeMap::new();
            flatten("", &table, &mut sentences)?;
            Ok((locale.tag(), sentences))
        };
        Locale::ALL.into_iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Say a sentence, with these names in it. `None` when there is no such key or a name is missing.
    pub(crate) fn say(
        &self,
        locale: &str,
        key: &str,
        name: impl Fn(&str) -> Option<String>,
        markup: Markup,
    ) -> Option<String> {
        let Sentence(pieces) = self.0.get(locale)?.get(key)?;
        let mut said = String::new();
        for piece in pieces {
            match (piece, markup) {
                (Piece::Text(text), Markup::Plain) => said.push_str(text),
                (Piece::Text(text), Markup::Html) => said.push_str(&escape(text)),
                (Piece::Name(place), Markup::Plain) => said.push_str(&name(place)?),
                (Piece::Name(place), Markup::Html) => {
                    said.push_str("<bdi>");
                    said.push_str(&escape(&name(place)?));
                    said.push_str("</bdi>");
                }
            }
        }
        Some(said)
    }
}

fn flatten(
    prefix: &str,
    table: &toml::Table,
    into: &mut BTreeMap<String, Sentence>,
) -> Result<(), PageError> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if let Some(table) = value.as_table() {
            flatten(&key, table, into)?;
        } else if let Some(text) = value.as_str() {
            into.insert(key, Sentence::parse(text));
        } else {
            return Err(PageError::Locale(format!("`{key}` is not a text")));
        }
    }
    Ok(())
}

impl Sentence {
    fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Name(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Self(pieces)
    }

    #[cfg(test)]
    fn names(&self) -> std::collections::BTreeSet<&str> {
        self.0
            .iter()
            .filter_map(|piece| if let Piece::Name(name) = piece { Some(name.as_str()) } else { None })
            .collect()
    }
}

/// A text as the content of an HTML element or of a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A label says itself.
impl From<Label> for minijinja::Value {
    fn from(label: Label) -> Self {
        Self::from(label.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn the_application_is_heard_before_the_browser_and_the_browser_before_the_tenant() {
        let both = tags(&["en", "nl"]);
        assert_eq!(Locale::choose(&tags(&["fr", "nl-BE"]), Some("en"), &both), Locale::Nl);
        assert_eq!(Locale::choose(&[], Some("en;q=0.4, nl;q=0.8"), &both), Locale::Nl);
        assert_eq!(Locale::choose(&[], Some("fr"), &tags(&["nl", "en"])), Locale::Nl);
        assert_eq!(Locale::choose(&[], None, &both), Locale::En);
    }

    #[test]
    fn a_language_that_the_tenant_did_not_enable_is_not_had() {
        assert_eq!(Locale::choose(&tags(&["nl"]), Some("nl"), &tags(&["en"])), Locale::En);
        assert_eq!(Locale::choose(&tags(&["nl"]), None, &tags(&["ja"])), Locale::En, "none that we have");
        assert_eq!(Locale::choose(&[], Some("nl;q=0, *"), &tags(&["en", "nl"])), Locale::En);
        assert_eq!(Locale::choose(&[], Some(";;;q=,=,q=NaN"), &tags(&["nl"])), Locale::Nl);
    }

    #[test]
    fn every_language_says_every_sentence_with_the_same_names() {
        let catalog = Catalog::load().unwrap();
        let english = &catalog.0["en"];
        for (tag, sentences) in &catalog.0 {
            assert!(english.keys().eq(sentences.keys()), "{tag} has other keys than en: {:?}", {
                let (one, two): (Vec<_>, Vec<_>) = (english.keys().collect(), sentences.keys().collect());
                let lacks = one.iter().filter(|key| !two.contains(key)).copied().collect::<Vec<_>>();
                let extra = two.iter().filter(|key| !one.contains(key)).copied().collect::<Vec<_>>();
                (lacks, extra)
            });
            for (key, sentence) in sentences {
                assert_eq!(sentence.names(), english[key].names(), "{tag}: {key}");
                assert!(!sentence.0.is_empty(), "{tag}: {key} says nothing");
            }
        }
    }

    #[test]
    fn names_in_a_sentence_are_escaped_and_isolated() {
        let catalog = Catalog::load().unwrap();
        let name = |_: &str| Some("<b>".to_owned());
        let html = catalog.say("en", "mail.greeting_name", name, Markup::Html).unwrap();
        assert!(html.contains("<bdi>&lt;b&gt;</bdi>"), "{html}");
        assert!(catalog.say("en", "mail.greeting_name", name, Markup::Plain).unwrap().contains("<b>"));
        assert_eq!(
            catalog.say("en", "mail.greeting_name", |_| None, Markup::Plain),
            None,
            "a missing name is an error"
        );
        assert_eq!(catalog.say("en", "no.such.key", name, Markup::Plain), None);
    }
}
