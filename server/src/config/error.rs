//! Owns what is said about a configuration that cannot be used: where, what, why, and what to do.
//! Never touches secrets: a value that was wrong is shown only when its key holds none.

use super::provenance::line_of;
use figment::error::Kind;
use std::path::{Path, PathBuf};

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("`{}` cannot be read ({source}); check the path and that this user may read it", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Somebody wrote a key there is not.
    #[error("{place}: there is no key `{key}`; {hint}")]
    UnknownKey {
        /// File and line, environment, or command line.
        place: String,
        /// The key.
        key: String,
        /// The nearest one, or all there are.
        hint: String,
    },
    /// A value is not what its key takes.
    #[error("{place}: `{key}` {problem}")]
    BadValue {
        /// File and line, environment, or command line.
        place: String,
        /// The key.
        key: String,
        /// What was found and what is expected.
        problem: String,
    },
    /// A value is the right type, and still no good.
    #[error("`{key}` {problem}")]
    Unfit {
        /// The key.
        key: &'static str,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A secret is given twice.
    #[error("`{key}` and `{key}_file` are both set; keep one of them")]
    Both {
        /// The key.
        key: &'static str,
    },
    /// A file is no TOML.
    #[error("`{}` is not valid TOML: {reason}", file.display())]
    NotToml {
        /// Which.
        file: PathBuf,
        /// What the parser says, with line and column.
        reason: String,
    },
}

impl ConfigError {
    /// Say it in our words.
    pub(super) fn explain(error: &figment::Error, file: &Path, text: &str) -> Self {
        if let Err(reason) = toml::de::DeTable::parse(text) {
            return Self::NotToml { file: file.to_owned(), reason: reason.to_string().trim().to_owned() };
        }
        let mut path = error.path.clone();
        let Kind::UnknownField(name, expected) = &error.kind else {
            return Self::BadValue {
                place: place(error, file, text, &path),
                key: path.join("."),
                problem: problem(&error.kind, path.last().map_or("", String::as_str)),
            };
        };
        path.retain(|part| part != name);
        let above = path.join(".");
        path.push(name.clone());
        let dotted = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        let hint = hint(name, expected, dotted);
        Self::UnknownKey { place: place(error, file, text, &path), key: dotted(name), hint }
    }
}

fn place(error: &figment::Error, file: &Path, text: &str, path: &[String]) -> String {
    let source = error.metadata.as_ref().map_or("", |metadata| metadata.name.as_ref());
    if source.contains("environment") {
        let variable = path.iter().map(|part| part.to_uppercase()).collect::<Vec<_>>().join("__");
        format!("environment variable `PORTICO_{variable}`")
    } else if source.contains("command line") {
        "command line".to_owned()
    } else {
        match line_of(text, path) {
            Some(line) => format!("`{}` line {line}", file.display()),
            None => format!("`{}`", file.display()),
        }
    }
}

fn hint(name: &str, expected: &[&str], dotted: impl Fn(&str) -> String) -> String {
    let nearest = expected
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > 0.7);
    match nearest {
        Some((_, known)) => format!("did you mean `{}`?", dotted(known)),
        None => format!("there are: {}", expected.join(", ")),
    }
}

/// Without the value where the key's name tells that it may be a secret.
fn problem(kind: &Kind, name: &str) -> String {
    let secret = ["url", "kek"].iter().any(|part| name.contains(part));
    match kind {
        Kind::InvalidType(actual, expected) | Kind::InvalidValue(actual, expected) => {
            let found = if secret { "something else".to_owned() } else { actual.to_string() };
            format!("must be {expected}, not {found}")
        }
        Kind::Message(message) if !secret => message.clone(),
        Kind::UnknownVariant(found, expected) => {
            format!("must be one of {}, not `{found}`", expected.join(", "))
        }
        Kind::ISizeOutOfRange(number) => format!("is out of range: {number}"),
        Kind::USizeOutOfRange(number) => format!("is out of range: {number}"),
        Kind::Message(_)
        | Kind::InvalidLength(..)
        | Kind::UnknownField(..)
        | Kind::MissingField(_)
        | Kind::DuplicateField(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => "is not what it should be; see portico.example.toml".to_owned(),
    }
}
