//! Owns what every mailer promises, held by the one that speaks SMTP against a server that misbehaves on request.
//! Never touches the outbox: retries are tested where it is delivered.

use portico_core::port::mailer::{Mail, MailError, Mailer};
use portico_fixtures::smtp::{Inbox, Manner, SmtpCatcher};
use portico_mail::{SmtpMailer, SmtpSettings};

struct Post {
    mailer: SmtpMailer,
    inbox: Inbox,
    _server: SmtpCatcher,
}

async fn post() -> Post {
    let server = SmtpCatcher::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let settings = SmtpSettings::parse(&server.url(), "Travel0 <no-reply@travel0.test>").unwrap();
    Post { mailer: SmtpMailer::new(&settings).unwrap(), inbox: server.inbox(), _server: server }
}

fn mail() -> Mail {
    Mail {
        id: "mail_1".to_owned(),
        to: "jennifer@hoekstra.test".to_owned(),
        from_name: Some("Hoekstra & Associates".to_owned()),
        subject: "Welkom, Jennifer ✈".to_owned(),
        text: "Open:\n.\nhttps://hoekstra.travel0.test/?invitation=x&y=é\n".to_owned(),
        html: Some("<p>Open <a href=\"https://hoekstra.travel0.test/\">it</a></p>".to_owned()),
    }
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written() {
    let post = post().await;
    post.mailer.reach().await.unwrap();
    post.mailer.send(&mail()).await.unwrap();
    let caught = post.inbox.wait_for("jennifer@hoekstra.test", |_| true).await;
    assert_eq!(caught.subject, mail().subject);
    assert_eq!(
        caught.text.replace("\r\n", "\n").trim_end(),
        mail().text.trim_end(),
        "a lone dot does not end it"
    );
    assert_eq!(caught.html.as_deref().map(str::trim_end), mail().html.as_deref());
    assert_eq!(caught.envelope_from, "no-reply@travel0.test");
    assert_eq!(caught.from_name.as_deref(), Some("Hoekstra & Associates"));
    assert_eq!(caught.message_id.as_deref(), Some("mail_1@travel0.test"));
    assert_eq!(caught.recipients, ["jennifer@hoekstra.test"]);
}

#[tokio::test]
async fn a_server_that_says_never_is_told_from_one_that_says_later() {
    let post = post().await;
    for (manner, never) in [
        (Manner::Refuses, true),
        (Manner::Defers, false),
        (Manner::WantsPassword, false),
        (Manner::VanishesAfterTaking, false),
    ] {
        post.inbox.set_manner(manner);
        let error = post.mailer.send(&mail()).await.unwrap_err();
        assert_eq!(matches!(error, MailError::Rejected(_)), never, "{manner:?}: {error:?}");
    }
    post.inbox.clear();
    post.inbox.set_manner(Manner::Takes);
    post.mailer.send(&mail()).await.unwrap();
    assert_eq!(post.inbox.mails().len(), 1, "and goes when the server is well again");
}

#[tokio::test]
async fn a_server_that_is_away_is_no_reason_to_give_up() {
    let settings = SmtpSettings::parse("smtp://127.0.0.1:1", "a@travel0.test").unwrap();
    let error = SmtpMailer::new(&settings).unwrap().send(&mail()).await.unwrap_err();
    assert!(matches!(error, MailError::Deferred(_)), "{error:?}");
}
