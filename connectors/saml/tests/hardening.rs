//! Owns the proof that the self-test's canaries are alive: without hardening each of them gets through.
//! Never touches anything else: the settings are those of the process, so that this is the one test of its process.

use portico_saml::hardening::harden;
use samael::crypto::{CertificateDer, Crypto, CryptoProvider, ReduceMode};
use std::{io::Write, net::TcpListener, thread};

fn verified(document: &str) -> bool {
    let certificate = openssl::x509::X509::from_pem(include_bytes!("../src/canary/certificate.pem"));
    let Ok(der) = certificate.and_then(|certificate| certificate.to_der()) else { return false };
    let keys = [CertificateDer::from(der)];
    Crypto::reduce_xml_to_signed(document, &keys, ReduceMode::PreDigest).is_ok()
}

#[test]
fn every_canary_lives_until_the_library_is_hardened() {
    let plain = include_str!("../src/canary/plain.xml");
    let canaries = [
        include_str!("../src/canary/xpath.xml"),
        include_str!("../src/canary/xslt.xml"),
        include_str!("../src/canary/sha1.xml"),
        include_str!("../src/canary/file.xml"),
    ];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let fetching = plain.replace("#_canary", &format!("http://{}/", listener.local_addr().unwrap()));
    assert!(verified(plain));
    for canary in canaries {
        assert!(verified(canary), "it would prove nothing: {canary}");
    }
    let fetched = thread::scope(|scope| {
        let server = scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok()
        });
        verified(&fetching);
        server.join().unwrap()
    });
    assert!(fetched, "it would prove nothing: the reference is not fetched");

    harden().unwrap();
    harden().unwrap();
    assert!(verified(plain));
    for canary in canaries {
        assert!(!verified(canary), "{canary}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(!verified(&fetching));
    assert!(listener.accept().is_err(), "the reference is fetched");
}
