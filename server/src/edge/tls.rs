//! Owns the certificate that listeners show, and its replacement while they run.
//! Never touches connections: each keeps the configuration that it began with.

use crate::worker::Stop;
use arc_swap::ArcSwap;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use zeroize::Zeroizing;

/// A certificate and its key, from two files in PEM.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<ServerConfig>,
    loaded: Mutex<Files>,
}

/// What the files held.
#[derive(Eq, PartialEq)]
struct Files {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Tls {
    /// Read both files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files::read(certificate, key)?;
        let config = files.config(certificate, key)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(config),
            loaded: Mutex::new(files),
        })
    }

    /// For a new connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Read the files again; whether they had changed. When they are no good, the certificate in use stays.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let files = Files::read(&self.certificate, &self.key)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if *loaded == files {
            return Ok(false);
        }
        self.current.store(Arc::new(files.config(&self.certificate, &self.key)?));
        *loaded = files;
        Ok(true)
    }

    /// Reload whenever the files change, and at once on SIGHUP, until asked to stop.
    pub async fn watch(self: Arc<Self>, every: Duration, mut stop: Stop) {
        let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
        loop {
            let told = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.requested() => return,
                _told = told => {}
                () = tokio::time::sleep(every) => {}
            }
            match self.reload() {
                Ok(true) => tracing::info!(file = %self.certificate.display(), "loaded a new certificate"),
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(%error, "the new certificate is no good; the old one stays in use");
                }
            }
        }
    }
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |file: &Path| {
            std::fs::read(file).map_err(|source| TlsError::Unreadable { file: file.to_owned(), source })
        };
        Ok(Self { certificate: read(certificate)?, key: Zeroizing::new(read(key)?) })
    }

    fn config(&self, certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
        let not_pem = |file: &Path, what| TlsError::NotPem { file: file.to_owned(), what };
        let chain = CertificateDer::pem_slice_iter(&self.certificate)
            .collect::<Result<Vec<_>, _>>()
            .ok()
            .filter(|chain| !chain.is_empty())
            .ok_or_else(|| not_pem(certificate, "certificate"))?;
        let private =
            PrivateKeyDer::from_pem_slice(&self.key).ok().ok_or_else(|| not_pem(key, "private key"))?;
        let unusable =
            |source| TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), source };
        // TLS 1.2 and 1.3 with AEAD suites and forward secrecy: there is nothing else in rustls.
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// The cryptography of every TLS connection of ours.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}` cannot be read; check the path and that this user may read it", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("`{}` holds no {what} in PEM format", file.display())]
    NotPem {
        /// Which.
        file: PathBuf,
        /// What it should hold.
        what: &'static str,
    },
    /// The two do not fit together, or rustls cannot use them.
    #[error("the certificate `{}` and the key `{}` cannot be used together: {source}", certificate.display(), key.display())]
    Unusable {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// A certificate of our own could not be made.
    #[error("no self-signed certificate can be made for `{name}`: {source}")]
    NotMade {
        /// For which name.
        name: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// A file cannot be written.
    #[error("`{}` cannot be written; check that the folder exists and that this user may write there", file.display())]
    Unwritable {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}
