//! Owns what of a PostgreSQL URL is about encryption, and the connector that encrypts.
//! Never touches a connection.

use portico_core::port::store::StoreError;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use std::{path::Path, sync::Arc};
use tokio_postgres::{Config, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Where to connect to, and how.
pub(crate) struct Target {
    /// The driver's configuration.
    pub config: Config,
    /// Whether the connection is encrypted, and the server's certificate verified.
    pub encrypt: bool,
}

/// Read a URL. `sslmode` is `disable` (the default), `require`, `verify-ca` or `verify-full`; the last three are one
/// to us: encryption without verification protects from nobody.
pub(crate) fn target(url: &str) -> Result<Target, StoreError> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (mode, rest): (Vec<_>, Vec<_>) =
        query.split('&').filter(|pair| !pair.is_empty()).partition(|pair| pair.starts_with("sslmode="));
    let encrypt = match mode.last().and_then(|pair| pair.strip_prefix("sslmode=")) {
        None | Some("disable") => false,
        Some("require" | "verify-ca" | "verify-full") => true,
        Some(other) => {
            return Err(StoreError::backend(format!(
                "sslmode `{other}` is not one of disable, require, verify-ca, verify-full"
            )));
        }
    };
    let plain = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    let mut config: Config = plain.parse().map_err(StoreError::backend)?;
    config.ssl_mode(if encrypt { SslMode::Require } else { SslMode::Disable });
    Ok(Target { config, encrypt })
}

/// A connector that trusts these certificates, or the public ones when none are named.
pub(crate) fn connector(root_certificates: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let mut roots = RootCertStore::empty();
    match root_certificates {
        Some(file) => {
            for certificate in CertificateDer::pem_file_iter(file).map_err(StoreError::backend)? {
                roots.add(certificate.map_err(StoreError::backend)?).map_err(StoreError::backend)?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(StoreError::backend)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sslmode_says_whether_to_encrypt() {
        for (mode, encrypt) in
            [("disable", false), ("require", true), ("verify-ca", true), ("verify-full", true)]
        {
            let url = format!("postgres://u@db.test/portico?sslmode={mode}&application_name=x");
            let target = target(&url).unwrap();
            assert_eq!(target.encrypt, encrypt, "{mode}");
            assert_eq!(target.config.get_application_name(), Some("x"));
        }
        assert!(!target("postgres://u@db.test/portico").unwrap().encrypt);
        assert!(target("postgres://u@db.test/portico?sslmode=prefer").is_err(), "never a silent fallback");
    }
}
