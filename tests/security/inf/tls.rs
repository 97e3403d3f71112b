//! Owns INF-04: what TLS we speak, and how certificates are replaced.
//! Never touches HTTP beyond one request.

use super::*;
use portico_core::time::{Clock, SystemClock};
use portico_server::edge::{SelfSigned, self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

struct Secured {
    front: Front,
    tls: Arc<Tls>,
    files: SelfSigned,
    _folder: tempfile::TempDir,
}

impl Secured {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = self_signed(folder.path(), "localhost", SystemClock.now()).unwrap();
        let tls = Arc::new(Tls::load(&files.certificate, &files.key).unwrap());
        let make = Make { limits: impatient(), tls: Some(Arc::clone(&tls)), ..Make::default() };
        Self { front: Front::new(make).await, tls, files, _folder: folder }
    }

    /// A client that trusts the CA as its file is now.
    fn client(&self, protocol: &[u8]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.files.ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        TlsConnector::from(Arc::new(config))
    }

    async fn connect(&self, client: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        client.connect(ServerName::try_from("localhost").unwrap(), self.front.connect().await).await
    }

    /// What the server answers to a `ClientHello` of this version with this one suite.
    async fn hello(&self, version: [u8; 2], suite: [u8; 2]) -> Vec<u8> {
        let mut body = version.to_vec();
        body.extend([7; 32]);
        body.extend([0, 0, 2, suite[0], suite[1], 1, 0]);
        // signature_algorithms, supported_groups and point formats, so that nothing but version and suite is amiss.
        let extensions: &[u8] = &[0, 13, 0, 6, 0, 4, 4, 3, 8, 4, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0];
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
        let mut handshake = vec![1, 0];
        handshake.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        handshake.extend(body);
        let mut record = vec![22, 3, 1];
        record.extend(u16::try_from(handshake.len()).unwrap().to_be_bytes());
        record.extend(handshake);
        let mut stream = self.front.connect().await;
        stream.write_all(&record).await.unwrap();
        let mut answer = vec![0; 7];
        let read = stream.read_exact(&mut answer).await;
        assert!(read.is_ok(), "the server says why");
        answer
    }
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const HANDSHAKE_FAILURE: u8 = 40;
const PROTOCOL_VERSION: u8 = 70;

#[tokio::test]
async fn inf_04_old_versions_and_weak_suites_are_refused() {
    let secured = Secured::new().await;
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, which TLS 1.2 accepts.
    let good = [0xc0, 0x2b];
    assert_eq!(secured.hello([3, 3], good).await[0], HANDSHAKE);
    for (name, version) in [("TLS 1.0", [3, 1]), ("TLS 1.1", [3, 2]), ("SSL 3.0", [3, 0])] {
        let answer = secured.hello(version, good).await;
        assert_eq!((answer[0], answer[6]), (ALERT, PROTOCOL_VERSION), "{name}");
    }
    for (name, suite) in [
        ("RSA_WITH_AES_128_CBC_SHA", [0x00, 0x2f]),
        ("ECDHE_ECDSA_WITH_AES_128_CBC_SHA", [0xc0, 0x09]),
        ("RSA_WITH_3DES_EDE_CBC_SHA", [0x00, 0x0a]),
        ("RSA_WITH_RC4_128_SHA", [0x00, 0x05]),
        ("RSA_WITH_AES_128_GCM_SHA256", [0x00, 0x9c]),
        ("NULL", [0x00, 0x02]),
    ] {
        let answer = secured.hello([3, 3], suite).await;
        assert_eq!((answer[0], answer[6]), (ALERT, HANDSHAKE_FAILURE), "{name}");
    }
}

#[tokio::test]
async fn inf_04_a_certificate_is_replaced_without_dropping_a_connection() {
    let secured = Secured::new().await;
    let old_client = secured.client(b"http/1.1");
    let mut old = secured.connect(&old_client).await.unwrap();
    let request = format!("GET /echo HTTP/1.1\r\nHost: localhost:{}\r\n\r\n", secured.front.address.port());
    old.write_all(request.as_bytes()).await.unwrap();
    let mut begun = [0; 12];
    old.read_exact(&mut begun).await.unwrap();

    // Another CA: only who trusts the new file gets in now.
    std::fs::remove_file(&secured.files.certificate).unwrap();
    self_signed(secured.files.ca.parent().unwrap(), "localhost", SystemClock.now()).unwrap();
    assert!(secured.tls.reload().unwrap());
    assert!(secured.connect(&old_client).await.is_err(), "the new certificate is of another CA");
    assert!(secured.connect(&secured.client(b"http/1.1")).await.is_ok());

    let last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    old.write_all(last.as_bytes()).await.unwrap();
    assert!(rest(&mut old).await.contains("HTTP/1.1 200 OK"), "the old connection goes on");
}

#[tokio::test]
async fn inf_01_a_handshake_that_is_not_finished_is_cut_off() {
    let secured = Secured::new().await;
    for begun in [&[][..], &[22, 3, 1], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = secured.front.connect().await;
        stream.write_all(begun).await.unwrap();
        assert!(!rest(&mut stream).await.contains("HTTP/1.1"), "{begun:?}");
    }
    assert!(secured.connect(&secured.client(b"http/1.1")).await.is_ok());
}

#[tokio::test]
async fn http2_is_agreed_upon_and_https_answers_say_so() {
    let secured = Secured::new().await;
    let http2 = secured.connect(&secured.client(b"h2")).await.unwrap();
    assert_eq!(http2.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut stream = secured.connect(&secured.client(b"http/1.1")).await.unwrap();
    let request = get_request("/echo", "").replace("{port}", &secured.front.address.port().to_string());
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(rest(&mut stream).await.contains("strict-transport-security: max-age=31536000\r\n"));
}
