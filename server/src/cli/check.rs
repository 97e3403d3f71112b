//! Owns `portico check`.
//! Never touches anything: it only looks.

use super::{Common, Failure, failure::causes, opening, say};
use crate::{config::Config, edge::Tls};
use clap::Args;
use portico_mail::{SmtpMailer, SmtpSettings};
use portico_store::Schema;

/// Reads the configuration, opens the store, decrypts every secret, reads the certificate and reaches the mail server.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portico check --config /etc/portico/portico.toml")]
pub(super) struct Check {
    #[command(flatten)]
    common: Common,
}

impl Check {
    /// Do it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        say(format!("configuration: good; the issuer is {}", config.server.issuer()));
        let found = [
            ("schema", schema(&config).await),
            ("secrets", secrets(&config).await),
            ("certificate", certificate(&config)),
            ("mail", mail(&config).await),
        ];
        let mut wrong = Vec::new();
        for (what, found) in found {
            match found {
                Ok(good) => say(format!("{what}: {good}")),
                Err(problem) => {
                    say(format!("{what}: NOT GOOD: {problem}"));
                    wrong.push(what);
                }
            }
        }
        match wrong.as_slice() {
            [] => Ok(()),
            wrong => Err(Failure::failed(format!("not good: {}; the lines above say why", wrong.join(", ")))),
        }
    }
}

async fn schema(config: &Config) -> Result<String, String> {
    let missing = opening::pending(config).await.map_err(|failure| failure.to_string())?;
    match missing.as_slice() {
        [] => Ok(format!("up to date in {}", opening::shown(config))),
        missing => {
            Err(format!("{} lacks {}; run `portico migrate`", opening::shown(config), missing.join(", ")))
        }
    }
}

async fn secrets(config: &Config) -> Result<String, String> {
    if !opening::pending(config).await.is_ok_and(|missing| missing.is_empty()) {
        return Err("not looked at: the store is not ready".to_owned());
    }
    let options =
        opening::store_options(config, Schema::Require).await.map_err(|failure| failure.to_string())?;
    let verified = portico_store::verify_secrets(&config.database_url(), &options)
        .await
        .map_err(|error| causes(&error))?;
    match verified.unreadable.as_slice() {
        [] => Ok(format!("all {} can be decrypted", verified.readable)),
        unreadable => Err(format!(
            "{} cannot be decrypted under the keys that are configured, the first being {}; add the older key to keys.previous_kek_files",
            unreadable.len(),
            unreadable[0]
        )),
    }
}

fn certificate(config: &Config) -> Result<String, String> {
    match (&config.server.tls.cert, &config.server.tls.key, config.server.tls.self_signed) {
        (Some(certificate), Some(key), _) => Tls::load(certificate, key)
            .map(|_good| format!("`{}` fits its key", certificate.display()))
            .map_err(|error| causes(&error)),
        (_, _, true) => Ok("made by `portico serve`, in the data folder".to_owned()),
        (_, _, false) => Ok("none; the listener speaks plain HTTP".to_owned()),
    }
}

async fn mail(config: &Config) -> Result<String, String> {
    let Some(url) = &config.mail.smtp_url else {
        return Ok("no server is configured; messages stay in the outbox".to_owned());
    };
    let settings = SmtpSettings::parse(url.expose(), &config.mail.from).map_err(|error| error.to_string())?;
    let mailer = SmtpMailer::new(&settings).map_err(|error| error.to_string())?;
    mailer.reach().await.map_err(|error| format!("{}: {}", settings.server(), causes(&*error)))?;
    Ok(format!("{} answers", settings.server()))
}
