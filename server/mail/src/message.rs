//! Owns a message in the form that travels (RFC 5322).
//! Never touches the network.

use lettre::{
    Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{HeaderName, HeaderValue},
    },
};
use portico_core::port::mailer::{Mail, MailError};

/// Compose it. What cannot be a message will never be one, so every error is final.
pub(crate) fn compose(mail: &Mail, from: &Mailbox) -> Result<Message, MailError> {
    // A line break in a header would begin another header.
    let one_line = |what: &str, text: &str| match text.chars().find(|character| character.is_control()) {
        Some(_) => Err(rejected(format!("the {what} holds a control character"))),
        None => Ok(()),
    };
    one_line("subject", &mail.subject)?;
    one_line("sender's name", mail.from_name.as_deref().unwrap_or_default())?;
    one_line("recipient", &mail.to)?;
    let id_is_plain = !mail.id.is_empty()
        && mail.id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if !id_is_plain {
        return Err(rejected("the id cannot be part of a Message-ID".to_owned()));
    }
    // One address, not a list: a list would be parsed as a display name or fail.
    let to = mail.to.parse().map_err(|_unusable| rejected(format!("`{}` is not an address", mail.to)))?;
    let name = mail.from_name.clone().or_else(|| from.name.clone());
    let builder = Message::builder()
        .from(Mailbox::new(name, from.email.clone()))
        .to(Mailbox::new(None, to))
        .subject(mail.subject.clone())
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        // RFC 3834 §5: nobody's out-of-office assistant should answer.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    let message = match &mail.html {
        None => builder.singlepart(SinglePart::plain(mail.text.clone())),
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(mail.text.clone(), html.clone())),
    };
    message.map_err(|error| rejected(format!("it cannot be composed: {error}")))
}

fn rejected(reason: String) -> MailError {
    MailError::Rejected(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            id: "mail_0123456789abcdef".to_owned(),
            to: "jennifer@hoekstra.example".to_owned(),
            from_name: Some("Hoekstra & Associates".to_owned()),
            subject: "Grüße, Jennifer".to_owned(),
            text: "Plain.\n".to_owned(),
            html: Some("<p>Rich.</p>".to_owned()),
        }
    }

    fn composed(mail: &Mail) -> Result<String, String> {
        match compose(mail, &"Travel0 <no-reply@travel0.example>".parse().unwrap()) {
            Ok(message) => Ok(String::from_utf8(message.formatted()).unwrap()),
            Err(MailError::Rejected(reason)) => Err(reason),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_message_names_its_id_sender_and_both_texts() {
        let text = composed(&mail()).unwrap();
        for part in [
            "Message-ID: <mail_0123456789abcdef@travel0.example>\r\n",
            "From: =?utf-8?b?SG9la3N0cmEgJiBBc3NvY2lhdGVz?= <no-reply@travel0.example>\r\n",
            "To: jennifer@hoekstra.example\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Plain.",
            "<p>Rich.</p>",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert_eq!(text.matches("Message-ID").count(), 1);
    }

    #[test]
    fn nothing_gets_into_the_headers() {
        let evil = "x\r\nBcc: victim@x.test";
        for hostile in [
            Mail { subject: evil.to_owned(), ..mail() },
            Mail { from_name: Some(evil.to_owned()), ..mail() },
            Mail { to: format!("a@x.test{evil}"), ..mail() },
            Mail { to: "a@x.test, b@x.test".to_owned(), ..mail() },
            Mail { to: "nobody".to_owned(), ..mail() },
            Mail { id: "x>\r\nBcc: v@x.test".to_owned(), ..mail() },
        ] {
            assert!(composed(&hostile).is_err(), "{hostile:?}");
        }
        let name =
            composed(&Mail { from_name: Some("a\" <x@evil.test>, \"b".to_owned()), ..mail() }).unwrap();
        let from = name.lines().find(|line| line.starts_with("From:")).unwrap();
        assert!(from.ends_with("<no-reply@travel0.example>"), "{from}");
    }
}
