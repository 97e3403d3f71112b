//! Owns the tests of every page with every sample, in every language and look.
//! Never touches single contexts: their own files test those.

use super::{
    Locale, Page, Pages,
    sample::{self, Names},
};
use std::{collections::BTreeSet, fmt::Write};

/// Every page in every language and look, as HTML.
fn everything(names: &Names) -> Vec<(String, Page, String)> {
    let pages = Pages::new().unwrap();
    let mut all = Vec::new();
    for locale in Locale::ALL {
        for (look_name, look) in sample::looks(names, locale) {
            for (name, page) in sample::pages(names) {
                let html = pages.html(&page, &look).unwrap_or_else(|error| panic!("{name}: {error}"));
                all.push((format!("{name}.{}.{look_name}", locale.tag()), page, html));
            }
        }
    }
    all
}

#[test]
fn pages_are_as_they_were_reviewed() {
    let pages = Pages::new().unwrap();
    let names = Names::ordinary();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots");
    let _guard = settings.bind_to_scope();
    for locale in Locale::ALL {
        let [_, (_, look)] = sample::looks(&names, locale);
        let mut text = String::new();
        for (name, page) in sample::pages(&names) {
            let html = pages.html(&page, &look).unwrap();
            let (_, body) = html.split_once("<main").unwrap();
            writeln!(text, "=== {name} {}\n<main{body}", page.status().as_u16()).unwrap();
        }
        insta::assert_snapshot!(format!("pages_{}", locale.tag()), text);
    }
}

#[test]
fn every_template_has_a_sample() {
    let templates: BTreeSet<String> = walk("templates")
        .into_iter()
        .filter(|path| !path.starts_with("layout/") && !path.starts_with("email/"))
        .filter(|path| !["login/heading.html", "login/links.html"].contains(&path.as_str()))
        .collect();
    let filled: BTreeSet<String> =
        sample::pages(&Names::ordinary()).iter().map(|(_, page)| page.template().to_owned()).collect();
    assert_eq!(templates, filled);
}

#[test]
fn every_sentence_is_said_somewhere() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for file in walk("templates") {
        sources.push_str(&std::fs::read_to_string(folder.join("templates").join(file)).unwrap());
    }
    for file in walk("src/page") {
        sources.push_str(&std::fs::read_to_string(folder.join("src/page").join(file)).unwrap());
    }
    let english = std::fs::read_to_string(folder.join("locales/en.toml")).unwrap();
    let mut section = String::new();
    for line in english.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ") {
            // Fields, troubles and mail are said by a key that is put together.
            let composed = ["field", "mail"].contains(&section.as_str())
                || section.starts_with("trouble.")
                || section.starts_with("mail.");
            let said = sources.contains(&format!("\"{section}.{key}\""))
                || sources.contains(&format!("'{section}.{key}'"));
            assert!(composed || said, "`{section}.{key}` is never said");
        }
    }
}

fn walk(folder: &str) -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let (mut found, mut open) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Enough of an HTML reader for our own templates: every tag with its attributes, in order.
fn tags(html: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let end = end_of_tag(after);
        let (tag, after) = after.split_at(end);
        rest = after;
        let mut inside = tag.trim_end_matches('/');
        let name = inside.split(|c: char| c.is_whitespace()).next().unwrap().to_owned();
        inside = &inside[name.len()..];
        let mut attributes = Vec::new();
        while !inside.trim().is_empty() {
            inside = inside.trim_start();
            let stop = inside.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(inside.len());
            let key = inside[..stop].to_owned();
            inside = &inside[stop..];
            let mut value = String::new();
            if let Some(quoted) = inside.strip_prefix("=\"") {
                let (text, after) = quoted.split_once('"').expect("a closing quote");
                value = text.to_owned();
                inside = after;
            } else {
                assert!(!inside.starts_with('='), "every attribute is quoted: {tag}");
            }
            attributes.push((key, value));
        }
        tags.push((name, attributes));
    }
    tags
}

fn end_of_tag(text: &str) -> usize {
    let mut quoted = false;
    text.char_indices()
        .find_map(|(index, c)| {
            if c == '"' {
                quoted = !quoted;
            }
            (c == '>' && !quoted).then_some(index)
        })
        .expect("every tag is closed")
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn op_29_nothing_on_a_page_needs_an_unsafe_policy() {
    for (name, _, html) in everything(&Names::ordinary()) {
        for (tag, attributes) in tags(&html) {
            for (key, value) in &attributes {
                assert!(!key.starts_with("on"), "{name}: handler {key} on <{tag}>");
                assert!(key != "style", "{name}: inline style on <{tag}>");
                assert!(
                    !value.trim_start().to_ascii_lowercase().starts_with("javascript:"),
                    "{name}: {value}"
                );
            }
            let sheet = tag == "link" && attribute(&attributes, "rel") == Some("stylesheet");
            if sheet || tag == "style" || tag == "script" {
                assert_eq!(
                    attribute(&attributes, "nonce"),
                    Some("bm9uY2U"),
                    "{name}: <{tag}> without the nonce"
                );
            }
            if tag == "script" {
                assert!(
                    attribute(&attributes, "src").is_some_and(|src| src.starts_with("/assets/")),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn every_input_has_its_label_and_every_reference_its_target() {
    for (name, _, html) in everything(&Names::ordinary()) {
        let tags = tags(&html);
        let ids: Vec<&str> = tags.iter().filter_map(|(_, attributes)| attribute(attributes, "id")).collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{name}: an id is used twice");
        let labels: Vec<&str> = tags
            .iter()
            .filter(|(tag, _)| tag == "label")
            .filter_map(|(_, attributes)| attribute(attributes, "for"))
            .collect();
        for (tag, attributes) in &tags {
            let hidden = attribute(attributes, "type") == Some("hidden");
            if tag == "input" && !hidden {
                let id = attribute(attributes, "id").expect("an id");
                assert!(labels.contains(&id), "{name}: `{id}` has no label");
                assert!(
                    attribute(attributes, "autocomplete").is_some(),
                    "{name}: `{id}` has no autofill hint"
                );
            }
            for reference in ["aria-describedby", "aria-controls", "for"] {
                for id in attribute(attributes, reference).unwrap_or_default().split_whitespace() {
                    assert!(ids.contains(&id), "{name}: {reference} names `{id}`, which is not there");
                }
            }
        }
        let focused =
            tags.iter().filter(|(_, attributes)| attribute(attributes, "autofocus").is_some()).count();
        assert!(focused <= 1, "{name}: {focused} elements want the focus");
        assert_eq!(html.matches("<h1>").count(), 1, "{name}: one heading");
        assert!(
            html.matches(" method=\"post\"").count() == html.matches("<form").count(),
            "{name}: a form is posted"
        );
    }
}

#[test]
fn a_refused_field_is_marked_described_and_focused() {
    let all = everything(&Names::ordinary());
    let html = |wanted: &str| &all.iter().find(|(name, ..)| name == wanted).unwrap().2;
    let weak = html("invitation_weak.en.dressed");
    let (_, input) =
        tags(weak).into_iter().find(|(_, a)| attribute(a, "id") == Some("new_password")).unwrap();
    assert_eq!(attribute(&input, "aria-invalid"), Some("true"));
    assert_eq!(attribute(&input, "aria-describedby"), Some("new_password-fault new_password-rules"));
    assert!(attribute(&input, "autofocus").is_some());
    assert!(weak.contains("The password is too short."));
    let wrong = html("login_wrong_credentials.en.dressed");
    let tags_of_wrong = tags(wrong);
    let (_, password) = tags_of_wrong.iter().find(|(_, a)| attribute(a, "id") == Some("password")).unwrap();
    assert!(attribute(password, "autofocus").is_some(), "the password is typed again");
    assert_eq!(attribute(password, "value"), None, "and is not sent back");
    let (_, identifier) =
        tags_of_wrong.iter().find(|(_, a)| attribute(a, "id") == Some("identifier")).unwrap();
    assert_eq!(attribute(identifier, "value"), Some("jennifer@hoekstra.test"), "the identifier is kept");
}

#[test]
fn the_invitees_address_is_shown_and_cannot_be_sent() {
    let all = everything(&Names::ordinary());
    for name in ["invitation.en.dressed", "invitation_username.en.dressed", "invitation_existing.en.dressed"]
    {
        let html = &all.iter().find(|(found, ..)| found == name).unwrap().2;
        let tags = tags(html);
        let (_, shown) = tags.iter().find(|(_, a)| attribute(a, "id") == Some("shown-identifier")).unwrap();
        assert_eq!(attribute(shown, "value"), Some("jennifer@hoekstra.test"));
        assert!(attribute(shown, "readonly").is_some() && attribute(shown, "name").is_none(), "{name}");
    }
}

/// What people call themselves, their companies and their applications when they mean harm (`security.md` UI-01).
const HOSTILE: [&str; 9] = [
    "<img src=x onerror=alert(1)>",
    "\"><a href=https://evil.test>x</a>",
    "</script><script>alert(1)</script>",
    "</title></style><svg onload=alert(1)>",
    "{{7*7}}{{1337*1337}}{% include 'error.html' %}",
    "' autofocus onfocus='alert(1)",
    "abc\u{202e}txt.exe\u{2066}",
    "a\r\nSet-Cookie: x=y\r\n\r\n<b>",
    "javascript:alert(1)",
];

#[test]
fn ui_01_hostile_names_stay_text_on_every_page() {
    let ordinary = everything(&Names::ordinary());
    for text in HOSTILE {
        for ((name, _, html), (_, _, control)) in everything(&Names::all(text)).into_iter().zip(&ordinary) {
            // The same elements with the same attributes as with ordinary names: nothing was added, nothing closed early.
            let shape = |html: &str| -> Vec<(String, Vec<String>)> {
                let keys =
                    |attributes: Vec<(String, String)>| attributes.into_iter().map(|(key, _)| key).collect();
                tags(html).into_iter().map(|(tag, attributes)| (tag, keys(attributes))).collect()
            };
            assert_eq!(shape(&html), shape(control), "{name} with {text:?}");
            assert!(!html.contains("1787569"), "{name}: a template in a name was run");
            for c in ['\u{202e}', '\u{2066}'] {
                let shown = html.replace("value=\"abc\u{202e}", "value=\"");
                assert!(
                    !shown.contains(c) || name.starts_with("auto_post") || is_typed(&html, c),
                    "{name}: {c:?}"
                );
            }
        }
    }
}

/// Whether the character stands in nothing but what the visitor typed themselves, which goes back as it came.
fn is_typed(html: &str, c: char) -> bool {
    tags(html)
        .iter()
        .flat_map(|(_, attributes)| attributes)
        .map(|(_, value)| value.matches(c).count())
        .sum::<usize>()
        == html.matches(c).count()
}

#[test]
fn op_22_values_of_a_form_that_posts_itself_stay_values() {
    for text in HOSTILE {
        let all = everything(&Names::all(text));
        let (_, _, html) = all.iter().find(|(name, ..)| name == "auto_post.en.bare").unwrap();
        let values: Vec<String> = tags(html)
            .into_iter()
            .filter(|(tag, _)| tag == "input")
            .map(|(_, attributes)| attribute(&attributes, "value").unwrap().to_owned())
            .collect();
        assert_eq!(values.len(), 2, "code and state, and no field more: {values:?}");
        assert!(html.contains("action=\"https://hoekstra.corp.travel0.test/login/callback\""));
    }
}

#[test]
fn what_a_page_needs_of_the_policy_is_told_with_it() {
    use crate::http::layer::Sources;
    let pages = Pages::new().unwrap();
    let names = Names::ordinary();
    let [_, (_, look)] = sample::looks(&names, Locale::En);
    let sources = |wanted: &str| {
        let (_, page) = sample::pages(&names).into_iter().find(|(name, _)| name == wanted).unwrap();
        pages.render(&page, &look).extensions().get::<Sources>().unwrap().clone()
    };
    let images = vec!["https://cdn.hoekstra.test".to_owned()];
    let client = "https://hoekstra.corp.travel0.test".to_owned();
    assert_eq!(
        sources("login"),
        Sources { forms: vec![client.clone()], images: images.clone(), ..Sources::default() }
    );
    assert_eq!(sources("invitation_confirm").forms, ["https://idp.metahexa.test"]);
    let posted = sources("auto_post");
    assert_eq!((posted.forms, posted.onward), (vec![client.clone()], Some("https:")), "and on from there");
    assert_eq!(sources("web_message").frames, Some(client), "only the application may frame it");
    assert_eq!(sources("error_internal"), Sources { images, ..Sources::default() });
}
