//! Owns what every mailer promises, held by the one that speaks SMTP against a server that misbehaves on request.
//! Never touches the outbox: retries are tested where it is delivered.

use portico_core::port::mailer::{Mail, MailError, Mailer};
use portico_fixtures::{
    mailbox::Mailbox,
    smtp::{Inbox, Manner, SmtpCatcher},
};
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

pub(super) fn mail() -> Mail {
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

#[tokio::test]
async fn the_mailbox_shows_what_was_caught_and_runs_none_of_it() {
    let post = post().await;
    let mailbox = Mailbox::start("127.0.0.1:0".parse().unwrap(), post.inbox.clone()).await.unwrap();
    let page = async |path: &str| reqwest::get(format!("http://{}{path}", mailbox.address())).await.unwrap();
    assert!(page("/").await.text().await.unwrap().contains("No messages yet"));

    let hostile = "<script>alert(1)</script><p>\"Hello\"</p>".to_owned();
    post.mailer
        .send(&Mail { html: Some(hostile.clone()), subject: "<b>x".to_owned(), ..mail() })
        .await
        .unwrap();
    let list = page("/").await.text().await.unwrap();
    assert!(list.contains("jennifer@hoekstra.test") && list.contains("&lt;b&gt;x") && !list.contains("<b>x"));
    let shown = page("/message/1").await;
    assert!(shown.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let shown = shown.text().await.unwrap();
    assert!(!shown.contains("<script"), "the message is an attribute of a sandboxed frame");
    assert!(
        shown.contains("<a href=\"https:&#x2f;&#x2f;hoekstra.travel0.test&#x2f;?invitation=x&amp;y=é\">"),
        "{shown}"
    );

    let messages: serde_json::Value = page("/messages").await.json().await.unwrap();
    assert_eq!(messages[0]["html"].as_str().map(str::trim_end), Some(hostile.as_str()));
    assert_eq!(page("/message/2").await.status(), 404);
    reqwest::Client::builder()
        .build()
        .unwrap()
        .delete(format!("http://{}/messages", mailbox.address()))
        .send()
        .await
        .unwrap();
    assert_eq!(page("/messages").await.text().await.unwrap(), "[]");
}
