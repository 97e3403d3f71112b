//! Owns the certificate for those who have none: a small CA of our own, and what it signed.
//! Never touches the system's trust: whoever should trust the CA is given its file.

use super::tls::{TlsError, provider};
use portico_core::time::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;

/// Where the files are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SelfSigned {
    /// The CA's certificate, for clients to trust.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// Its key, readable by its owner alone.
    pub key: PathBuf,
}

/// How long a certificate is good for. More than 825 days is refused by some clients.
const VALIDITY: Duration = Duration::from_hours(800 * 24);
/// A certificate that ends sooner than this is replaced at start.
const RENEWAL: Duration = Duration::from_hours(30 * 24);

/// The certificate in `folder`, made when there is none that is good for `host` and for some time to come.
///
/// The CA's key is thrown away after its one use, so nobody can ever sign a second certificate with it; a new
/// certificate therefore means a new `ca.pem`, and the log says so.
pub fn self_signed(folder: &Path, host: &str, now: Timestamp) -> Result<SelfSigned, TlsError> {
    let paths = SelfSigned {
        ca: folder.join("ca.pem"),
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
    };
    if !good(&paths, host, now.plus(RENEWAL)) {
        let replaced = paths.certificate.exists();
        make(&paths, host, now)?;
        tracing::info!(ca = %paths.ca.display(), replaced, "made a certificate for `{host}`; clients must trust the CA's file");
    }
    Ok(paths)
}

/// Whether the files hold a certificate that a client who trusts the CA would accept at that time.
fn good(paths: &SelfSigned, host: &str, at: Timestamp) -> bool {
    let check = || -> Option<()> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&paths.ca).ok()?).ok()?;
        let certificate = CertificateDer::from_pem_file(&paths.certificate).ok()?;
        std::fs::metadata(&paths.key).ok()?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()?;
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.seconds()).ok()?));
        verifier.verify_server_cert(&certificate, &[], &name, &[], at).ok().map(|_verified| ())
    };
    check().is_some()
}

fn make(paths: &SelfSigned, host: &str, now: Timestamp) -> Result<(), TlsError> {
    let not_made = |source| TlsError::NotMade { name: host.to_owned(), source };
    let instant = |at: Timestamp| {
        OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    };
    let (from, until) = (instant(now.minus(Duration::from_hours(1))), instant(now.plus(VALIDITY)));

    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, format!("Portico's own CA for {host}"));
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (ca.not_before, ca.not_after) = (from, until);
    let ca_key = KeyPair::generate().map_err(not_made)?;
    let ca_certificate = ca.self_signed(&ca_key).map_err(not_made)?;

    let mut names = vec![host.to_owned()];
    names
        .extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().filter(|name| name != host));
    let mut server = CertificateParams::new(names).map_err(not_made)?;
    server.distinguished_name.push(DnType::CommonName, host);
    server.use_authority_key_identifier_extension = true;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (server.not_before, server.not_after) = (from, until);
    let key = KeyPair::generate().map_err(not_made)?;
    let certificate = server.signed_by(&key, &Issuer::new(ca, ca_key)).map_err(not_made)?;

    write(&paths.key, &key.serialize_pem(), 0o600)?;
    write(&paths.certificate, &certificate.pem(), 0o644)?;
    write(&paths.ca, &ca_certificate.pem(), 0o644)
}

/// Under another name first: a reader sees the old file or the new one.
fn write(file: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let attempt = || {
        let draft = file.with_extension("new");
        let _ = std::fs::remove_file(&draft);
        let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&draft)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        std::fs::rename(&draft, file)
    };
    attempt().map_err(|source| TlsError::Unwritable { file: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::Tls;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_certificate_is_made_once_and_again_when_it_no_longer_fits() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp(1_795_521_600_000);
        let paths = self_signed(folder.path(), "login.example", now).unwrap();
        let first = std::fs::read(&paths.certificate).unwrap();
        assert!(Tls::load(&paths.certificate, &paths.key).is_ok());
        assert_eq!(std::fs::metadata(&paths.key).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(good(&paths, "localhost", now) && !good(&paths, "evil.example", now));

        self_signed(folder.path(), "login.example", now.plus(VALIDITY / 2)).unwrap();
        assert_eq!(std::fs::read(&paths.certificate).unwrap(), first, "a good one stays");
        self_signed(folder.path(), "login.example", now.plus(VALIDITY)).unwrap();
        let second = std::fs::read(&paths.certificate).unwrap();
        assert_ne!(second, first, "one that ends is replaced");
        self_signed(folder.path(), "other.example", now.plus(VALIDITY)).unwrap();
        assert_ne!(
            std::fs::read(&paths.certificate).unwrap(),
            second,
            "another name needs another certificate"
        );
    }

    #[test]
    fn a_key_that_does_not_fit_is_refused_and_the_old_certificate_stays() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let now = Timestamp(1_795_521_600_000);
        let paths = self_signed(folder.path(), "localhost", now).unwrap();
        let foreign = self_signed(other.path(), "localhost", now).unwrap();
        let tls = Tls::load(&paths.certificate, &paths.key).unwrap();
        let before = tls.current();
        assert!(!tls.reload().unwrap(), "nothing changed");

        std::fs::copy(&foreign.key, &paths.key).unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::Unusable { .. })));
        assert!(Arc::ptr_eq(&before, &tls.current()));
        std::fs::copy(&foreign.certificate, &paths.certificate).unwrap();
        assert!(tls.reload().unwrap());
        assert!(!Arc::ptr_eq(&before, &tls.current()));
        std::fs::write(&paths.certificate, "no certificate").unwrap();
        assert!(matches!(tls.reload(), Err(TlsError::NotPem { what: "certificate", .. })));
    }
}
