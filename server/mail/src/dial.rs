//! Owns how a conversation with the mail server begins: in plain text, in TLS, or in TLS after STARTTLS.
//! Never touches messages.
//!
//! TLS is begun here and not by the mail library, which keeps what it has read of the plain text when TLS begins:
//! somebody on the way could put answers there that are then taken for the server's own, up to "your message is kept".

use crate::{
    settings::{Encryption, SmtpSettings},
    stream::Stream,
};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::AsyncSmtpConnection,
    extension::ClientId,
};
use portico_core::port::BoxError;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use std::{io, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// How long a connection may take until the server has greeted us and taken our password.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that a server may say in one answer, in bytes.
const LONGEST: u64 = 64 << 10;

/// Opens connections to one server.
pub(crate) struct Dialer {
    host: String,
    port: u16,
    encryption: Encryption,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    credentials: Option<Credentials>,
    hello: ClientId,
}

/// Why there is no connection. The operator can mend all of them, here or at the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("the server did not answer within {} seconds", PATIENCE.as_secs())]
    Slow,
    #[error("the connection cannot be made")]
    Network(#[source] io::Error),
    #[error("TLS cannot be begun")]
    Tls(#[source] io::Error),
    #[error("the server does not offer STARTTLS, and nothing is sent without")]
    NotOffered,
    #[error("the server answered `{0}`")]
    Answer(String),
    #[error("more was answered before TLS than was asked for: somebody may be on the way")]
    Ahead,
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl Dialer {
    /// For this server. Nothing is opened yet.
    pub(crate) fn new(settings: &SmtpSettings) -> Result<Self, BoxError> {
        let tls = match settings.encryption {
            Encryption::Plain => None,
            Encryption::StartTls | Encryption::Implicit => {
                let name = ServerName::try_from(settings.host.clone())?;
                Some((connector(settings.ca_file.as_deref())?, name))
            }
        };
        let credentials = settings.credentials.as_ref();
        Ok(Self {
            host: settings.host.clone(),
            port: settings.port,
            encryption: settings.encryption,
            tls,
            credentials: credentials
                .map(|(user, password)| Credentials::new(user.clone(), password.expose().to_owned())),
            hello: ClientId::default(),
        })
    }

    /// A connection on which messages can be sent.
    pub(crate) async fn open(&self) -> Result<AsyncSmtpConnection, DialError> {
        tokio::time::timeout(PATIENCE, self.open_slowly()).await.map_err(|_elapsed| DialError::Slow)?
    }

    async fn open_slowly(&self) -> Result<AsyncSmtpConnection, DialError> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(DialError::Network)?;
        let peer = tcp.peer_addr().map_err(DialError::Network)?;
        let stream = match &self.tls {
            None => Stream::new(tcp, peer),
            Some((connector, name)) => {
                let starts = self.encryption == Encryption::StartTls;
                let tcp = if starts { start_tls(tcp, &self.hello).await? } else { tcp };
                let tls = connector.connect(name.clone(), tcp).await.map_err(DialError::Tls)?;
                // The library waits for a greeting, and the server's came before TLS.
                let stream = Stream::new(tls, peer);
                if starts { stream.beginning_with(b"220 TLS\r\n") } else { stream }
            }
        };
        let mut connection =
            AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.hello).await?;
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
}

/// Ask for TLS (RFC 3207 §4). Afterwards not a byte is left that was said before.
async fn start_tls(tcp: TcpStream, hello: &ClientId) -> Result<TcpStream, DialError> {
    let mut stream = BufReader::new(tcp);
    answer(&mut stream, "220").await?;
    stream.write_all(format!("EHLO {hello}\r\n").as_bytes()).await.map_err(DialError::Network)?;
    let offered = answer(&mut stream, "250").await?;
    if !offered.iter().skip(1).any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        // That it wants no more from us is a courtesy; whether the server hears it is all the same.
        let _gone = stream.write_all(b"QUIT\r\n").await;
        return Err(DialError::NotOffered);
    }
    stream.write_all(b"STARTTLS\r\n").await.map_err(DialError::Network)?;
    answer(&mut stream, "220").await?;
    if stream.buffer().is_empty() { Ok(stream.into_inner()) } else { Err(DialError::Ahead) }
}

/// The lines of one answer without their code, which must be this one (RFC 5321 §4.2).
async fn answer(stream: &mut (impl AsyncBufRead + Unpin), code: &str) -> Result<Vec<String>, DialError> {
    let mut limited = stream.take(LONGEST);
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        limited.read_until(b'\n', &mut line).await.map_err(DialError::Network)?;
        let line = String::from_utf8_lossy(&line);
        let text = line.trim_end();
        let rest = text.strip_prefix(code).filter(|_whole| line.ends_with('\n'));
        match rest.map(|rest| (rest.as_bytes().first(), rest.get(1..).unwrap_or_default())) {
            Some((Some(b'-'), more)) => lines.push(more.to_owned()),
            Some((Some(b' ') | None, last)) => {
                lines.push(last.to_owned());
                return Ok(lines);
            }
            _other => return Err(DialError::Answer(text.chars().take(200).collect())),
        }
    }
}

/// TLS with a server that this authority vouches for, or a public one when none is named.
fn connector(ca_file: Option<&Path>) -> Result<TlsConnector, BoxError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let unreadable =
                |error: &dyn std::fmt::Display| format!("`{}` cannot be read: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
                roots.add(certificate.map_err(|error| unreadable(&error))?)?;
            }
            if roots.is_empty() {
                return Err(format!("`{}` holds no certificate", file.display()).into());
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(said: &[u8], code: &str) -> Result<Vec<String>, String> {
        answer(&mut BufReader::new(said), code).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn an_answer_ends_with_the_line_that_says_so() {
        let lines = read(b"250-mail.example\r\n250-STARTTLS\r\n250 SIZE 1\r\n250 more\r\n", "250").await;
        assert_eq!(lines.unwrap(), ["mail.example", "STARTTLS", "SIZE 1"]);
        assert_eq!(read(b"220\r\n", "220").await.unwrap(), [""]);
    }

    #[tokio::test]
    async fn an_answer_that_is_another_or_none_is_refused() {
        for said in
            ["454 4.7.0 no TLS now\r\n", "2200 x\r\n", "250-a\r\n220 b\r\n", "250 cut off", "", "\r\n"]
        {
            let refused = read(said.as_bytes(), "250").await.unwrap_err();
            assert!(refused.starts_with("the server answered `"), "{said:?}: {refused}");
        }
        let endless = b"250-x\r\n".repeat(20_000);
        assert!(read(&endless, "250").await.is_err(), "nor is one without an end listened to");
    }

    #[test]
    fn a_file_without_an_authority_is_refused_before_anything_is_sent() {
        let folder = std::env::temp_dir().join(format!("portico-mail-{}", std::process::id()));
        std::fs::write(&folder, "no certificate").unwrap();
        let why = connector(Some(&folder)).map(drop).unwrap_err().to_string();
        std::fs::remove_file(&folder).unwrap();
        assert!(why.contains("holds no certificate"), "{why}");
        let why = connector(Some(Path::new("/nowhere.pem"))).map(drop).unwrap_err().to_string();
        assert!(why.starts_with("`/nowhere.pem` cannot be read"), "{why}");
    }
}
