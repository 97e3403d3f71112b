//! Owns the cases of INV-14 for mail: names that other people chose, in messages that we send.
//! Never touches pages: `server::page` tests those.

use portico_core::{
    id::{MailId, OrganizationId},
    model::{Color, OutboxMail, OutboxState},
    port::mailer::Mail,
    time::Timestamp,
};
use portico_server::page::{
    Brand, Label, Locale, Pages,
    mail::{MailFault, MailLook},
};
use serde_json::{Value, json};
use std::fmt::Write;

const LINK: &str =
    "https://hoekstra.corp.travel0.test/login?invitation=abc&organization=org_x&organization_name=hoekstra";

fn outbox(template: &str, data: Value) -> OutboxMail {
    let Value::Object(data) = data else { panic!("data is an object") };
    OutboxMail {
        id: MailId::parse("mail_0000000000000001").unwrap(),
        to: "jennifer@hoekstra.test".to_owned(),
        template: template.to_owned(),
        organization_id: Some(OrganizationId::parse("org_hoekstra00000001").unwrap()),
        data,
        state: OutboxState::Pending,
        attempts: 0,
        last_error: None,
        created_at: Timestamp(0),
        next_attempt_at: Timestamp(0),
    }
}

/// As the use case of invitations writes it (contract §2.11).
fn invitation(name: &str) -> Value {
    json!({
        "url": LINK,
        "inviter": { "name": name },
        "invitee": { "email": "jennifer@hoekstra.test" },
        "organization": { "id": "org_hoekstra00000001", "name": "hoekstra", "display_name": name },
        "application": { "name": name, "clientID": "client" },
        "roles": [{ "id": "rol_1", "name": name, "description": null }],
        "user_metadata": { "greeting": name },
        "expires_at": "2026-12-01T12:00:00.000Z",
    })
}

fn account(name: &str) -> Value {
    json!({ "email": "jennifer@hoekstra.test", "name": name, "connection": name, "url": LINK, "client": name })
}

/// Every message there is, with this name in every place.
fn messages(name: &str) -> Vec<Mail> {
    let pages = Pages::new().unwrap();
    let brand = Brand { title: Label::new(name), primary: Color::parse("#7a1f3d").ok(), ..Brand::default() };
    let mut all = Vec::new();
    for locale in Locale::ALL {
        let look = MailLook { brand: brand.clone(), locale };
        all.push(pages.mail(&outbox("user_invitation", invitation(name)), &look).unwrap());
        for template in ["reset_email", "verify_email", "password_changed"] {
            all.push(pages.mail(&outbox(template, account(name)), &look).unwrap());
        }
    }
    all
}

/// The names of all elements, in order: what a name may not change.
fn elements(html: &str) -> Vec<&str> {
    html.split('<').skip(1).map(|rest| rest.split([' ', '>']).next().unwrap()).collect()
}

#[test]
fn inv_14_markup_in_a_name_stays_text_in_the_html_part() {
    let ordinary = messages("Hoekstra & Associates");
    for name in [
        "<img src=x onerror=alert(1)>",
        "\"><a href=https://evil.test>click</a>",
        "</p></td></table><script>alert(1)</script>",
        "' style='position:fixed",
        "{{1337*1337}}{% include 'error.html' %}",
        "<!-- ",
    ] {
        for (mail, control) in messages(name).iter().zip(&ordinary) {
            let (html, expected) = (mail.html.as_deref().unwrap(), control.html.as_deref().unwrap());
            assert_eq!(elements(html), elements(expected), "{name} in {}", mail.subject);
            assert!(!html.contains("1787569"), "a template in a name was run");
        }
    }
}

#[test]
fn inv_14_a_name_cannot_begin_a_header_or_a_line() {
    for name in [
        "Evil\r\nBcc: victim@x.test",
        "Evil\nSubject: Pay now",
        "a\u{2028}b\u{85}c\0d\u{b}e",
        "\r\n\r\nHello,",
    ] {
        for mail in messages(name) {
            for header in [&mail.subject, mail.from_name.as_ref().unwrap()] {
                assert!(!header.chars().any(|c| c.is_control() || c == '\u{2028}'), "{header:?}");
            }
            for line in mail.text.lines() {
                assert!(!line.starts_with("Bcc:") && !line.starts_with("Subject:"), "{line}");
            }
            let lines = mail.text.lines().count();
            let same = messages("Evil").into_iter().any(|control| control.text.lines().count() == lines);
            assert!(same, "a name adds no line");
        }
    }
}

#[test]
fn inv_14_a_name_that_looks_like_a_link_does_not_become_one() {
    for (name, broken) in [
        ("evil.com", "evil.\u{200b}com"),
        ("https://evil.test/pay", "https:\u{200b}/\u{200b}/\u{200b}evil.\u{200b}test/\u{200b}pay"),
        ("www.evil.test", "www.\u{200b}evil.\u{200b}test"),
        ("pay@evil.test", "pay@\u{200b}evil.\u{200b}test"),
    ] {
        for mail in messages(name) {
            let html = mail.html.unwrap();
            for part in [&mail.subject, &mail.text, &html] {
                assert!(!part.contains(name), "{name} is whole in: {part}");
            }
            assert!(mail.text.contains(broken), "{name} is interrupted in: {}", mail.text);
        }
    }
    let control = messages("J. Smith & Sons").remove(0);
    assert!(control.text.contains("J. Smith & Sons"), "an ordinary name is left alone");
    assert!(control.text.contains(LINK), "and so is our own link");
}

#[test]
fn inv_14_long_names_and_turned_directions_are_tamed() {
    for mail in messages(&"W".repeat(300)) {
        assert!(mail.subject.chars().count() <= 160, "{}", mail.subject);
        assert!(!mail.text.contains(&"W".repeat(80)), "names are cut");
    }
    for mail in messages("Smith\u{202e}\u{2066}moc.live\u{200f}") {
        for part in [&mail.subject, &mail.text, mail.html.as_ref().unwrap()] {
            assert!(!part.chars().any(|c| matches!(c, '\u{202e}' | '\u{2066}' | '\u{200f}')), "{part}");
        }
    }
}

#[test]
fn inv_14_the_link_is_an_address_for_browsers_or_there_is_no_message() {
    let pages = Pages::new().unwrap();
    let look = MailLook { brand: Brand::default(), locale: Locale::En };
    for url in ["javascript:alert(1)", "data:text/html,x", "/login", "", "https://"] {
        let mut data = invitation("Lena");
        data["url"] = url.into();
        let refused = pages.mail(&outbox("user_invitation", data), &look);
        assert!(matches!(refused, Err(MailFault::Link)), "{url}: {refused:?}");
    }
    let mut data = invitation("Lena");
    data["url"] = "https://app.test/login?x=\"><script>\r\nBcc: x".into();
    let mail = pages.mail(&outbox("user_invitation", data), &look).unwrap();
    assert!(
        !mail.html.unwrap().contains("<script"),
        "what is odd in an address is written as addresses write it"
    );
    assert!(!mail.text.contains("\nBcc"), "{}", mail.text);
    assert!(matches!(
        pages.mail(&outbox("invoice", invitation("Lena")), &look),
        Err(MailFault::UnknownTemplate(name)) if name == "invoice"
    ));
}

#[test]
fn messages_read_as_they_were_reviewed() {
    let mut text = String::new();
    for mail in messages("Hoekstra & Associates") {
        let written = write!(
            text,
            "=== {} <{}>\nSubject: {}\n\n{}\n",
            mail.from_name.unwrap(),
            mail.to,
            mail.subject,
            mail.text
        );
        written.unwrap();
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("mails", text);
    });
}
