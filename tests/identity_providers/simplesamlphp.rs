//! Owns sign-ins through SimpleSAMLphp, of Debian.
//! Never touches the others.

use crate::{
    gateway::Gateway,
    running::{Place, ours},
};
use serde_json::json;
use std::{fs, process::Command};

async fn gateway() -> Gateway {
    gateway_by("HTTP-Redirect").await
}

/// The same; our messages travel by this binding.
async fn gateway_by(binding: &str) -> Gateway {
    let place = Place::make();
    for folder in ["cert", "log", "data", "tmp", "metadata", "sessions", "config", "docroot"] {
        fs::create_dir(place.path(folder)).expect("a folder");
    }
    for (from, to) in [
        ("config.php", "config/config.php"),
        ("authsources.php", "config/authsources.php"),
        ("idp-hosted.php", "metadata/saml20-idp-hosted.php"),
        ("sp-remote.php", "metadata/saml20-sp-remote.php"),
    ] {
        fs::copy(ours("simplesamlphp").join(from), place.path(to)).expect("it is copied");
    }
    for name in ["idp.key", "idp.crt"] {
        fs::copy(place.path(name), place.path("cert").join(name)).expect("it is copied");
    }
    let acl = "/etc/simplesamlphp/acl.php";
    fs::copy(acl, place.path("config/acl.php")).expect("tests/install.sh test installs simplesamlphp");
    std::os::unix::fs::symlink("/usr/share/simplesamlphp/www", place.path("docroot/simplesaml"))
        .expect("a link");
    let mut command = Command::new("php");
    command
        .args(["-d", "display_errors=0", "-d", "error_reporting=0", "-S"])
        .arg(format!("127.0.0.1:{}", place.port))
        .arg("-t")
        .arg(place.path("docroot"))
        .env("IDP_FOLDER", place.folder())
        .env("IDP_PORT", place.port.to_string())
        .env("SIMPLESAMLPHP_CONFIG_DIR", place.path("config"));
    Gateway::connected_by(binding, place.start(command, "/simplesaml/saml2/idp/metadata.php").await).await
}

#[tokio::test]
async fn simplesamlphp_signs_alice_in_however_it_signs() {
    let variants = ["default", "assertion-signed", "response-signed", "sha384", "sha512", "aes128-cbc"];
    let claims = [
        ("sub", json!("samlp|real-idp|alice@acme.test")),
        ("email", json!("alice@acme.test")),
        ("name", json!("Alice Example")),
    ];
    gateway().await.signs_alice_in(&variants, &claims).await;
}

#[tokio::test]
async fn simplesamlphp_is_refused_for_the_right_reason() {
    let refused = [
        ("unsigned", "signature_missing"),
        ("sha1", "signature_algorithm"),
        ("aes128-cbc-bare", "cbc_unauthenticated"),
        ("3des", "encryption_algorithm"),
    ];
    gateway().await.refuses(&refused).await;
}

#[tokio::test]
async fn simplesamlphp_checks_our_signature() {
    let page = gateway().await.refused_for_its_signature().await;
    assert!(!page.body.contains("SAMLResponse"), "{}", page.text());
}

#[tokio::test]
async fn simplesamlphp_ends_its_session_with_ours() {
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        gateway_by(binding).await.ends_the_providers_session().await;
    }
}

#[tokio::test]
async fn simplesamlphp_ends_our_session_with_its_own() {
    gateway()
        .await
        .ends_with_the_providers_session("/simplesaml/saml2/idp/initSLO.php?RelayState=/simplesaml/")
        .await;
}
