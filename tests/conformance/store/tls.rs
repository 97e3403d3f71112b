//! Owns the cases of encrypted connections to PostgreSQL.
//! Never touches the web server's TLS.

use super::home::{keks, options};
use portico_core::port::store::Store;
use portico_fixtures::postgres::{Durability, Server};
use portico_store::StoreOptions;
use std::{error::Error, fs, path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;

/// A self-signed certificate for this name, and its key.
fn certificate(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Open a store with these roots; what went wrong, with its causes.
async fn open(server: &Server, mode: &str, roots: Option<&Path>) -> Result<Arc<dyn Store>, String> {
    let url = format!("{}?sslmode={mode}", server.url("portico"));
    let options = StoreOptions { root_certificates: roots.map(Path::to_owned), ..options(keks(&[1])) };
    portico_store::open(&url, &options).await.map_err(|error| {
        let mut causes = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes = format!("{causes}: {error}");
            cause = error.source();
        }
        causes
    })
}

/// Make a server encrypt, and wait until it does: it reads its new settings a moment after it was told to.
async fn encrypt(server: &Server, name: &str) -> String {
    let (pem, key) = certificate(name);
    server.encrypt(&pem, &key).unwrap();
    for _ in 0..200 {
        match open(server, "require", None).await {
            Err(refused) if refused.contains("certificate") => return pem,
            _not_yet => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    panic!("the server does not encrypt");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_encrypted_and_verified_when_the_url_says_so() {
    let server = Server::start(Durability::None).unwrap();
    server.create("portico").unwrap();
    let refused = open(&server, "require", None).await.map(drop).unwrap_err();
    assert!(refused.contains("does not support TLS"), "never a silent fallback: {refused}");
    open(&server, "disable", None).await.unwrap();

    let pem = encrypt(&server, "127.0.0.1").await;
    let folder = TempDir::new().unwrap();
    let (ours, other) = (folder.path().join("ours.pem"), folder.path().join("other.pem"));
    fs::write(&ours, pem).unwrap();
    fs::write(&other, certificate("127.0.0.1").0).unwrap();
    for mode in ["require", "verify-ca", "verify-full"] {
        let refused = open(&server, mode, Some(&other)).await.map(drop).unwrap_err();
        assert!(refused.contains("certificate"), "{mode} trusts nobody else: {refused}");
    }
    assert!(open(&server, "require", Some(Path::new("/nowhere.pem"))).await.is_err());
    let store = open(&server, "verify-full", Some(&ours)).await.unwrap();
    store.ready().await.unwrap();
    let encrypted = "SELECT COUNT(*) > 0 FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE ssl AND application_name = 'portico'";
    assert_eq!(server.query("portico", encrypted).unwrap(), "t");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_for_another_name_is_refused() {
    let server = Server::start(Durability::None).unwrap();
    server.create("portico").unwrap();
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("root.pem");
    fs::write(&root, encrypt(&server, "db.example.test").await).unwrap();
    let refused = open(&server, "require", Some(&root)).await.map(drop).unwrap_err();
    assert!(refused.contains("not valid for name"), "{refused}");
}
