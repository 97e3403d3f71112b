//! Owns taking single options out of a JSON document, and collecting what is wrong with them.
//! Never touches what an option means.

use super::is_web;
use portico_core::connector::Problem;
use serde_json::{Map, Value};
use url::Url;

/// Options, and what is wrong with them so far.
pub(super) struct Reader<'o> {
    options: &'o Map<String, Value>,
    problems: Vec<Problem>,
}

impl<'o> Reader<'o> {
    /// Over these.
    pub(super) const fn new(options: &'o Map<String, Value>) -> Self {
        Self { options, problems: Vec::new() }
    }

    /// The settings, if nothing is wrong.
    pub(super) fn finish<T>(self, settings: T) -> Result<T, Vec<Problem>> {
        if self.problems.is_empty() { Ok(settings) } else { Err(self.problems) }
    }

    /// Something is wrong with this option.
    pub(super) fn problem(&mut self, name: &str, message: &str) {
        let problem = Problem { pointer: format!("/{name}"), message: format!("`{name}` {message}") };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// The option, unless it is absent, null or an empty text.
    pub(super) fn value(&self, name: &str) -> Option<&'o Value> {
        self.options.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// Whether it says something.
    pub(super) fn given(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// A text of at most so many characters.
    pub(super) fn text(&mut self, name: &str, longest: usize) -> Option<String> {
        match self.value(name)? {
            Value::String(text) if text.chars().count() <= longest => Some(text.clone()),
            Value::String(_)
            | Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                self.problem(name, &format!("must be a text of at most {longest} characters"));
                None
            }
        }
    }

    /// A text, or a list of texts.
    pub(super) fn texts(&mut self, name: &str, longest: usize) -> Vec<String> {
        let fits = |value: &Value| value.as_str().filter(|text| text.len() <= longest).map(str::to_owned);
        let texts = match self.value(name) {
            None => Some(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(fits).collect(),
            Some(one) => fits(one).map(|text| vec![text]),
        };
        texts.unwrap_or_else(|| {
            self.problem(
                name,
                &format!("must be a text of at most {longest} bytes, or a list of such texts"),
            );
            Vec::new()
        })
    }

    /// A boolean.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.value(name) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.problem(name, "must be true or false");
                default
            }
        }
    }

    /// One of these texts.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name, 255)?;
        let chosen = choices.iter().find(|(choice, _)| *choice == text).map(|(_, chosen)| *chosen);
        if chosen.is_none() {
            let names: Vec<_> = choices.iter().map(|(choice, _)| format!("`{choice}`")).collect();
            self.problem(name, &format!("must be {}", names.join(" or ")));
        }
        chosen
    }

    /// An object; what is none is a problem.
    pub(super) fn object(&mut self, name: &str) -> Map<String, Value> {
        match self.value(name) {
            None => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => {
                self.problem(name, "must be an object");
                Map::new()
            }
        }
    }

    /// A private key, alone or as `{key, cert}`.
    pub(super) fn pair(&mut self, name: &str) -> Option<(String, Option<String>)> {
        let pair = match self.value(name)? {
            Value::String(key) => Some((key.clone(), None)),
            Value::Object(map) => {
                let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
                text("key").map(|key| (key, text("cert")))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
        };
        if pair.is_none() {
            self.problem(name, "must be a private key in PEM, or {\"key\": PEM, \"cert\": PEM}");
        }
        pair
    }

    /// An address: what may really be reached is the egress policy's decision.
    pub(super) fn url(&mut self, name: &str, longest: usize) -> Option<Url> {
        let text = self.text(name, longest)?;
        let url = Url::parse(&text).ok().filter(is_web);
        if url.is_none() {
            self.problem(name, "must be an https URL, without a user name and a fragment");
        }
        url
    }
}
