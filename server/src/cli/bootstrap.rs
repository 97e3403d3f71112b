//! Owns `portico bootstrap`.
//! Never touches what is made: that is `core::admin::bootstrap`.

use super::{Common, Failure, opening, say};
use clap::Args;
use portico_core::{
    admin::bootstrap::{Bootstrapped, SecretRotation, bootstrap},
    entropy::SystemEntropy,
    time::SystemClock,
};
use portico_store::Schema;
use serde_json::json;

/// Makes an empty store ready without serving. The secret is printed by the call that makes it, and never again.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  portico bootstrap --issuer https://login.example.com/ --json > management-client.json"
)]
pub(super) struct Bootstrap {
    #[command(flatten)]
    common: Common,
    /// Print one JSON object: issuer, audience, client_id, and client_secret if it was made now
    #[arg(long)]
    json: bool,
    /// Give the client a new secret; the old one is void at once
    #[arg(long)]
    new_secret: bool,
}

impl Bootstrap {
    /// Do it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        let store = opening::open(&config, Schema::Update).await?;
        let rotation = if self.new_secret { SecretRotation::Renew } else { SecretRotation::Keep };
        let issuer = config.server.issuer();
        let made = bootstrap(&*store, &SystemClock, &SystemEntropy::default(), &issuer, rotation).await?;
        say(if self.json { as_json(&made) } else { as_text(&made) });
        Ok(())
    }
}

fn as_json(made: &Bootstrapped) -> String {
    let mut object = json!({
        "issuer": made.issuer.as_str(),
        "audience": made.audience,
        "client_id": made.client_id.as_str(),
    });
    if let Some(secret) = &made.client_secret {
        object["client_secret"] = secret.expose().into();
    }
    object.to_string()
}

fn as_text(made: &Bootstrapped) -> String {
    let secret = made
        .client_secret
        .as_ref()
        .map_or("(told only when it was made; --new-secret makes another)", |secret| secret.expose());
    format!(
        "issuer         {}\naudience       {}\nclient_id      {}\nclient_secret  {secret}",
        made.issuer, made.audience, made.client_id
    )
}
