//! Owns sign-ins through LemonLDAP::NG, of Debian.
//! Never touches the others.

use crate::{
    gateway::Gateway,
    running::{Login, Place, ours},
};
use serde_json::json;
use std::process::Command;

async fn gateway() -> Gateway {
    gateway_by("HTTP-Redirect").await
}

/// The same; our messages travel by this binding.
async fn gateway_by(binding: &str) -> Gateway {
    let place = Place::make();
    let mut command = Command::new("plackup");
    command
        .args(["-E", "production", "-s", "HTTP::Server::PSGI", "--host", "127.0.0.1", "--port"])
        .arg(place.port.to_string())
        .arg(ours("lemonldap/idp.psgi"))
        .env("IDP_FOLDER", place.folder())
        .env("IDP_PORT", place.port.to_string())
        .env("LLNG_DEFAULTCONFFILE", place.path("lemonldap-ng.ini"));
    let login = Login { name: ("user", "alice"), password: ("password", "alice") };
    Gateway::connected_by(binding, place.start(command, "/saml/metadata").await.with(login)).await
}

#[tokio::test]
async fn lemonldap_signs_alice_in_however_it_signs() {
    let variants = ["default", "assertion-signed", "sha384", "sha512", "aes128-cbc"];
    let claims = [
        ("sub", json!("samlp|real-idp|alice@acme.test")),
        ("email", json!("alice@acme.test")),
        ("name", json!("Alice Example")),
    ];
    gateway().await.signs_alice_in(&variants, &claims).await;
}

#[tokio::test]
async fn lemonldap_is_refused_for_the_right_reason() {
    let refused = [("sha1", "signature_algorithm"), ("aes128-cbc-bare", "cbc_unauthenticated")];
    gateway().await.refuses(&refused).await;
}

#[tokio::test]
async fn lemonldap_checks_our_signature() {
    let page = gateway().await.refused_for_its_signature().await;
    assert!(!page.body.contains("SAMLResponse"), "{}", page.text());
}

#[tokio::test]
async fn lemonldap_ends_its_session_with_ours() {
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        gateway_by(binding).await.ends_the_providers_session().await;
    }
}

#[tokio::test]
async fn lemonldap_ends_our_session_with_its_own() {
    gateway().await.ends_with_the_providers_session("/?logout=1").await;
}
