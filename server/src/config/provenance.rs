//! Owns the environment and the command line as sources of configuration, and where in a file a key stands.
//! Never touches values.

use figment::{
    Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};
use toml::{Spanned, de::DeTable, de::DeValue};

/// What the command line said: dotted keys and values.
pub(super) struct CommandLine<'s>(pub(super) &'s [(&'static str, String)]);

impl Provider for CommandLine<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named("command line")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut root = Dict::new();
        for (key, value) in self.0 {
            let value = match value.as_str() {
                "true" => Value::from(true),
                "false" => Value::from(false),
                text => Value::from(text),
            };
            insert(&mut root, key, value);
        }
        Ok(Map::from([(Profile::Default, root)]))
    }
}

/// What the environment said: names and values of variables.
pub(super) struct Environment(pub(super) Vec<(String, String)>);

/// What the names of our variables begin with.
const PREFIX: &str = "PORTICO_";

impl Environment {
    /// That of this process. The one place where it is read.
    pub(super) fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }
}

impl Provider for Environment {
    fn metadata(&self) -> Metadata {
        Metadata::named("environment")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut root = Dict::new();
        for (name, value) in &self.0 {
            if let Some(key) = name.strip_prefix(PREFIX) {
                // A number, a truth value, a list in brackets, or a text: `Value` reads all of them.
                let value = value.parse().unwrap_or_else(|never: std::convert::Infallible| match never {});
                insert(&mut root, &key.to_ascii_lowercase().replace("__", "."), value);
            }
        }
        Ok(Map::from([(Profile::Default, root)]))
    }
}

fn insert(dict: &mut Dict, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            dict.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = dict.entry(first.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_tag, inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// The line, counted from 1, on which the key of this path stands in a TOML text; `None` when it does not.
pub(super) fn line_of(text: &str, path: &[String]) -> Option<usize> {
    let parsed = DeTable::parse(text).ok()?;
    let mut table = parsed.get_ref();
    let (last, above) = path.split_last()?;
    for name in above {
        let (_key, value): (_, &Spanned<DeValue<'_>>) = table.get_key_value(name.as_str())?;
        table = value.get_ref().as_table()?;
    }
    let (key, _value) = table.get_key_value(last.as_str())?;
    Some(text[..key.span().start].matches('\n').count() + 1)
}
