//! Owns the cases of encrypted connections to a mail server: who is trusted, and that nothing is said in plain text.
//! Never touches messages beyond whether they went.

use super::mailer::mail;
use portico_core::port::mailer::{Mail, MailError, Mailer};
use portico_fixtures::smtp::{Certificate, Manner, Protection, SmtpCatcher};
use portico_mail::{Encryption, SmtpMailer, SmtpSettings};
use std::{error::Error, fs};
use tempfile::TempDir;

/// A mail server with a certificate, and files of certificates to trust.
struct Post {
    server: SmtpCatcher,
    folder: TempDir,
}

impl Post {
    async fn start(protect: impl FnOnce(Certificate) -> Protection, name: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let certificate = Certificate::of(name).unwrap();
        fs::write(folder.path().join("right.pem"), &certificate.pem).unwrap();
        fs::write(folder.path().join("other.pem"), Certificate::of(name).unwrap().pem).unwrap();
        let server =
            SmtpCatcher::protected("127.0.0.1:0".parse().unwrap(), protect(certificate)).await.unwrap();
        Self { server, folder }
    }

    /// A sender that trusts this file, and uses a password if there is one.
    fn mailer(&self, scheme: &str, user: &str, ca: &str) -> SmtpMailer {
        let (port, ca) = (self.server.address().port(), self.folder.path().join(ca));
        let url = format!("{scheme}://{user}127.0.0.1:{port}?ca={}", ca.display());
        let settings = SmtpSettings::parse(&url, "no-reply@travel0.test").unwrap();
        assert_ne!(settings.encryption(), Encryption::Plain);
        SmtpMailer::new(&settings).unwrap()
    }

    /// The commands that came outside TLS, without greeting and good-bye.
    fn in_plain_text(&self) -> Vec<String> {
        let heard = self.server.inbox().heard().into_iter();
        heard
            .filter(|heard| !heard.encrypted && !heard.line.starts_with("EHLO ") && heard.line != "QUIT")
            .map(|heard| heard.line)
            .collect()
    }

    /// Sending fails, and may be tried again; why, with the causes.
    async fn refused(&self, mailer: &SmtpMailer) -> String {
        let error = mailer.send(&plain()).await.unwrap_err();
        assert!(matches!(error, MailError::Deferred(_)), "the operator can mend it: {error:?}");
        assert_eq!(self.server.inbox().mails(), [], "nothing was taken");
        let mut causes = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes = format!("{causes}: {error}");
            cause = error.source();
        }
        causes
    }
}

/// A message that needs no extension of the server.
fn plain() -> Mail {
    Mail { from_name: None, subject: "Welcome".to_owned(), text: "Hello.".to_owned(), html: None, ..mail() }
}

/// How a certificate protects a server.
type Protect = fn(Certificate) -> Protection;

/// Both ways, by the scheme of their URLs.
const WAYS: [(&str, Protect); 2] = [
    ("smtp", |certificate| Protection::StartTls(certificate.config)),
    ("smtps", |certificate| Protection::Implicit(certificate.config)),
];

#[tokio::test]
async fn mail_goes_through_tls_to_the_server_that_is_trusted_and_so_does_the_password() {
    for (scheme, protect) in WAYS {
        let post = Post::start(protect, "127.0.0.1").await;
        post.server.inbox().set_manner(Manner::TakesPassword);
        let mailer = post.mailer(scheme, "relay:p%40ss@", "right.pem");
        mailer.reach().await.unwrap();
        mailer.send(&mail()).await.unwrap();
        assert_eq!(post.server.inbox().mails().len(), 1, "{scheme}");
        let heard = post.server.inbox().heard();
        for verb in ["AUTH", "MAIL", "RCPT", "DATA"] {
            let mut lines = heard.iter().filter(|heard| heard.line.starts_with(verb)).peekable();
            assert!(lines.peek().is_some(), "{scheme} {verb}: {heard:?}");
            assert!(lines.all(|heard| heard.encrypted), "{scheme} {verb}: {heard:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_refused() {
    for (scheme, protect) in WAYS {
        let post = Post::start(protect, "127.0.0.1").await;
        let why = post.refused(&post.mailer(scheme, "relay:secret@", "other.pem")).await;
        assert!(why.contains("invalid peer certificate"), "{scheme}: {why}");
        assert!(!why.contains("NotValidForName"), "{scheme}: {why}");
        assert!(
            post.mailer(scheme, "", "right.pem").send(&plain()).await.is_ok(),
            "{scheme}: and is fine for others"
        );
    }
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    for (scheme, protect) in WAYS {
        let post = Post::start(protect, "mail.example.test").await;
        let why = post.refused(&post.mailer(scheme, "relay:secret@", "right.pem")).await;
        assert!(why.contains("not valid for name") && why.contains("mail.example.test"), "{scheme}: {why}");
    }
}

#[tokio::test]
async fn the_public_authorities_do_not_vouch_for_a_certificate_that_signed_itself() {
    let post = Post::start(WAYS[1].1, "127.0.0.1").await;
    let url = format!("smtps://127.0.0.1:{}", post.server.address().port());
    let mailer = SmtpMailer::new(&SmtpSettings::parse(&url, "no-reply@travel0.test").unwrap()).unwrap();
    let why = post.refused(&mailer).await;
    assert!(why.contains("invalid peer certificate"), "{why}");
}

#[tokio::test]
async fn a_server_that_offers_no_tls_gets_neither_mail_nor_password() {
    // Somebody on the way who takes STARTTLS out of the greeting looks the same.
    let post = Post::start(|_certificate| Protection::None, "127.0.0.1").await;
    post.server.inbox().set_manner(Manner::TakesPassword);
    let why = post.refused(&post.mailer("smtp", "relay:secret@", "right.pem")).await;
    assert!(why.contains("does not offer STARTTLS"), "{why}");
    assert_eq!(post.in_plain_text(), [""; 0]);

    let post = Post::start(WAYS[0].1, "127.0.0.1").await;
    post.server.inbox().set_manner(Manner::RefusesStartTls);
    let why = post.refused(&post.mailer("smtp", "relay:secret@", "right.pem")).await;
    assert!(why.contains("454"), "{why}");
    assert_eq!(post.in_plain_text(), ["STARTTLS"]);
}

#[tokio::test]
async fn answers_that_came_before_tls_are_not_taken_for_the_servers() {
    let post = Post::start(WAYS[0].1, "127.0.0.1").await;
    post.server.inbox().set_manner(Manner::AnswersAhead);
    let why = post.refused(&post.mailer("smtp", "", "right.pem")).await;
    assert!(why.contains("before TLS"), "{why}");
    post.server.inbox().set_manner(Manner::Takes);
    post.mailer("smtp", "", "right.pem").send(&plain()).await.unwrap();
}
