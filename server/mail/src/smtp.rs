//! Owns delivery over SMTP.
//! Never touches retries: it says whether trying again makes sense.

use crate::{
    message::compose,
    settings::{Encryption, SmtpSettings},
};
use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{
        PoolConfig,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use portico_core::port::{
    BoxError,
    mailer::{Mail, MailError, Mailer},
};
use std::time::Duration;

/// Hands messages to one mail server, over a small pool of connections.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    server: String,
}

impl SmtpMailer {
    /// For this server. Nothing is sent yet.
    pub fn new(settings: &SmtpSettings) -> Result<Self, BoxError> {
        let tls = match settings.encryption {
            Encryption::Plain => Tls::None,
            Encryption::StartTls => Tls::Required(parameters(settings)?),
            Encryption::Implicit => Tls::Wrapper(parameters(settings)?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .tls(tls)
            .timeout(Some(Duration::from_secs(30)))
            .pool_config(PoolConfig::new().max_size(4).idle_timeout(Duration::from_mins(1)));
        if let Some((user, password)) = &settings.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose().to_owned()));
        }
        Ok(Self { transport: builder.build(), from: settings.from.clone(), server: settings.server() })
    }

    /// Whether the server answers and takes our password. For `portico check`.
    pub async fn reach(&self) -> Result<(), BoxError> {
        if self.transport.test_connection().await? {
            Ok(())
        } else {
            Err(format!("{} answers, but not as a mail server should", self.server).into())
        }
    }
}

fn parameters(settings: &SmtpSettings) -> Result<TlsParameters, BoxError> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(file) = &settings.ca_file {
        let pem =
            std::fs::read(file).map_err(|error| format!("`{}` cannot be read: {error}", file.display()))?;
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(Certificate::from_pem(&pem)?);
    }
    Ok(builder.build_rustls()?)
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = compose(mail, &self.from)?;
        match self.transport.send(message).await {
            Ok(_response) => Ok(()),
            Err(error) => Err(judged(error)),
        }
    }
}

/// A server's 5xx is about the message (RFC 5321 §4.2.1), unless it is about us: a wrong password or missing TLS will be
/// put right by the operator, and the message should go then.
fn judged(error: lettre::transport::smtp::Error) -> MailError {
    let about_us = error.status().is_some_and(|code| [530, 534, 535, 538].contains(&u16::from(code)));
    if error.is_permanent() && !about_us {
        MailError::Rejected(error.to_string())
    } else {
        MailError::Deferred(Box::new(error))
    }
}
