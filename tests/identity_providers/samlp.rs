//! Owns sign-ins through `samlp`, Auth0's own identity provider of npm.
//! Never touches the others.

use crate::{
    gateway::Gateway,
    running::{Place, installed, ours},
};
use std::process::Command;

async fn gateway() -> Gateway {
    gateway_by("HTTP-Redirect").await
}

/// The same; our messages travel by this binding.
async fn gateway_by(binding: &str) -> Gateway {
    let place = Place::make();
    let mut command = Command::new("node");
    command.arg(ours("samlp/idp.cjs")).arg(place.folder()).arg(place.port.to_string());
    command.env("NODE_PATH", installed("samlp/node_modules"));
    Gateway::connected_by(binding, place.start(command, "/metadata").await).await
}

#[tokio::test]
async fn samlp_signs_alice_in_however_it_signs() {
    let gateway = gateway().await;
    for variant in ["default", "assertion-signed", "response-signed", "aes256-gcm", "aes256-cbc"] {
        let claims = gateway.sign_in(variant).await.unwrap_or_else(|why| panic!("{variant}: {why}"));
        assert_eq!(claims["sub"], "samlp|real-idp|alice", "{variant}");
        assert_eq!(claims["email"], "alice@acme.test", "{variant}");
        assert_eq!(claims["email_verified"], false, "{variant}");
        assert_eq!(claims["given_name"], "Alice", "{variant}");
    }
}

#[tokio::test]
async fn samlp_is_refused_for_the_right_reason() {
    let gateway = gateway().await;
    for (variant, expected) in [
        ("unsigned", "signature_missing"),
        ("sha1", "signature_algorithm"),
        ("aes256-cbc-bare", "cbc_unauthenticated"),
        ("3des", "encryption_algorithm"),
    ] {
        assert_eq!(gateway.sign_in(variant).await.err().as_deref(), Some(expected), "{variant}");
    }
    assert!(gateway.sign_in("default").await.is_ok());
}

#[tokio::test]
async fn samlp_checks_our_signature() {
    let gateway = gateway().await;
    let broken = |address: &str| address.replace("&Signature=", "&Signature=AAAA");
    assert_eq!(gateway.refused_by_the_provider(broken).await.status, 400);
}

#[tokio::test]
async fn samlp_ends_its_session_with_ours() {
    for binding in ["HTTP-Redirect", "HTTP-POST"] {
        gateway_by(binding).await.ends_the_providers_session().await;
    }
}

#[tokio::test]
async fn samlp_ends_our_session_with_its_own() {
    gateway().await.ends_with_the_providers_session("/slo").await;
}
