//! Owns the template engine: which templates there are, and the functions they can call.
//! Never touches a page's content.

use super::{
    PageError, assets,
    locale::{Catalog, Markup, escape},
};
use include_dir::{Dir, include_dir};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, Value, escape_formatter,
    syntax::SyntaxConfig, value::Kwargs,
};
use std::sync::Arc;

/// The engine with every template compiled.
///
/// Templates ending in `.html` escape everything that is put into them; a name that is not there is an error.
#[derive(Debug)]
pub(super) struct Engine(Environment<'static>);

impl Engine {
    pub(super) fn new() -> Result<Self, PageError> {
        static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Whitespace that only lays out a template does not reach the page.
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        // Texts are escaped as everywhere; only `/` stays as it is, so that addresses in pages and mail can be read.
        environment.set_formatter(|out, state, value| {
            let escapes = matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe();
            match value.as_str().filter(|_| escapes) {
                Some(text) => Ok(out.write_str(&escape(text))?),
                None => escape_formatter(out, state, value),
            }
        });
        let catalog = Arc::new(Catalog::load()?);
        let in_markup = Arc::clone(&catalog);
        environment.add_function("t", move |state: &State<'_, '_>, key: &str, names: Kwargs| {
            let html = matches!(state.auto_escape(), AutoEscape::Html);
            let markup = if html { Markup::Html } else { Markup::Plain };
            let said = say(&in_markup, state, key, &names, markup)?;
            Ok::<_, Error>(if html { Value::from_safe_string(said) } else { Value::from(said) })
        });
        environment.add_function("plain", move |state: &State<'_, '_>, key: &str, names: Kwargs| {
            say(&catalog, state, key, &names, Markup::Plain)
        });
        environment.add_function("asset", |name: &str| {
            assets::path_of(name)
                .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("no asset `{name}`")))
        });
        add_folder(&mut environment, &FILES)?;
        Ok(Self(environment))
    }

    pub(super) fn fill(&self, template: &str, context: &Value) -> Result<String, PageError> {
        Ok(self.0.get_template(template)?.render(context.clone())?)
    }
}

fn add_folder(
    environment: &mut Environment<'static>,
    folder: &'static Dir<'static>,
) -> Result<(), PageError> {
    for file in folder.files() {
        let name = file.path().to_str().unwrap_or_default();
        let text = file
            .contents_utf8()
            .ok_or_else(|| Error::new(ErrorKind::SyntaxError, format!("{name} is not UTF-8")))?;
        environment.add_template(name, text)?;
    }
    folder.dirs().try_for_each(|folder| add_folder(environment, folder))
}

/// Say a sentence in the language of the page. A key or a name that is not there is an error, not an empty place.
fn say(
    catalog: &Catalog,
    state: &State<'_, '_>,
    key: &str,
    names: &Kwargs,
    markup: Markup,
) -> Result<String, Error> {
    let locale = state.lookup("look").and_then(|look| look.get_attr("locale").ok());
    let locale = locale.as_ref().and_then(Value::as_str).unwrap_or_default();
    let name = |place: &str| names.get::<Value>(place).ok().map(|value| value.to_string());
    let said = catalog.say(locale, key, name, markup).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("`{key}` cannot be said in `{locale}`"))
    })?;
    names.assert_all_used()?;
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    #[test]
    fn a_text_is_escaped_and_a_missing_one_is_an_error() {
        let Engine(mut environment) = Engine::new().unwrap();
        environment.add_template("x.html", "<a href=\"{{ url }}\" title=\"{{ name }}\">").unwrap();
        let engine = Engine(environment);
        let filled = engine.fill("x.html", &context! { url => "/a/b", name => "\"'<>&" }).unwrap();
        assert_eq!(filled, "<a href=\"/a/b\" title=\"&quot;&#39;&lt;&gt;&amp;\">");
        assert!(engine.fill("x.html", &context! { url => "/" }).is_err());
    }
}
