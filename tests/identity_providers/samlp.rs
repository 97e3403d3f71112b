//! Owns sign-ins through `samlp`, Auth0's own identity provider of npm.
//! Never touches the others.

use crate::{
    gateway::Gateway,
    running::{Place, installed, ours},
};
use serde_json::json;
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
    let variants = ["default", "assertion-signed", "response-signed", "aes256-gcm", "aes256-cbc"];
    let claims = [
        ("sub", json!("samlp|real-idp|alice")),
        ("email", json!("alice@acme.test")),
        ("email_verified", json!(false)),
        ("given_name", json!("Alice")),
    ];
    gateway().await.signs_alice_in(&variants, &claims).await;
}

#[tokio::test]
async fn samlp_is_refused_for_the_right_reason() {
    let refused = [
        ("unsigned", "signature_missing"),
        ("sha1", "signature_algorithm"),
        ("aes256-cbc-bare", "cbc_unauthenticated"),
        ("3des", "encryption_algorithm"),
    ];
    gateway().await.refuses(&refused).await;
}

#[tokio::test]
async fn samlp_checks_our_signature() {
    assert_eq!(gateway().await.refused_for_its_signature().await.status, 400);
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
