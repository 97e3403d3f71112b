//! Owns `portico saml`.
//! Never touches what is judged: the connection's connector does, exactly as at a login.

use super::{Common, Failure, failure::causes, opening, say};
use crate::{adapters::Adapters, certified_keys::StoreCertifiedKeys, config::Config, wire::App};
use clap::{Args, Subcommand, ValueEnum};
use portico_core::{
    connector::Explanation,
    entropy::SystemEntropy,
    model::{CertifiedKey, KeyPurpose},
    port::{
        certified_keys::CertifiedKeyRing,
        store::{Store, StoreError},
    },
    time::{Clock, SystemClock, Timestamp},
};
use portico_store::Schema;
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};

/// SAML connections: why a response was refused, and the key pairs that partners know.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portico saml explain response.b64 --connection metahexa\n  portico saml explain response.xml --connection metahexa --at 2026-11-24T12:00:00Z\n  portico saml keys\n  portico saml rotate signing"
)]
pub(super) struct Saml {
    #[command(subcommand)]
    deed: Deed,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// Judge a recorded response again, and show every check
    Explain {
        /// The response: base64 as it was posted, or the XML document
        file: PathBuf,
        /// The connection it was for
        #[arg(long, value_name = "NAME")]
        connection: String,
        /// When it came in, as 2026-11-24T12:00:00Z [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Show our key pairs, as metadata publishes them
    Keys,
    /// Use the next key pair from now on, and publish a new next one
    Rotate {
        /// Which pair
        purpose: Purpose,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Purpose {
    /// What we sign requests and logout messages with
    Signing,
    /// What assertions are encrypted for
    Encryption,
}

impl Saml {
    /// Do it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        match self.deed {
            Deed::Explain { file, connection, at } => {
                explain(&config, &file, &connection, at.as_deref()).await
            }
            Deed::Keys => {
                let ring = ring(&config).await?;
                for pair in KeyPurpose::ALL.into_iter().flat_map(|purpose| ring.pairs(purpose)) {
                    say(row(&pair));
                }
                Ok(())
            }
            Deed::Rotate { purpose } => {
                let purpose = match purpose {
                    Purpose::Signing => KeyPurpose::Signing,
                    Purpose::Encryption => KeyPurpose::Encryption,
                };
                let kid = ring(&config).await?.rotate(purpose).await;
                let kid = kid.map_err(|error| Failure::failed(causes(&error)))?;
                say(format!("{} with {kid} from now on", purpose.as_str()));
                say(
                    "Identity providers that do not read metadata by themselves have to be given the new certificate.",
                );
                Ok(())
            }
        }
    }
}

async fn ring(config: &Config) -> Result<StoreCertifiedKeys, Failure> {
    let store = opening::open(config, Schema::Require).await?;
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy::default()));
    let subject = config.server.issuer().host_str().unwrap_or_default().to_owned();
    let ring = StoreCertifiedKeys::open(store, clock, entropy, subject).await;
    ring.map_err(|error| Failure::failed(causes(&error)))
}

fn row(pair: &CertifiedKey) -> String {
    format!(
        "{:<10} {:<8} {} since {}",
        pair.purpose.as_str(),
        pair.state.as_str(),
        pair.kid,
        pair.current_since.unwrap_or(pair.created_at).iso()
    )
}

async fn explain(config: &Config, file: &PathBuf, name: &str, at: Option<&str>) -> Result<(), Failure> {
    let at = match at {
        Some(text) => Timestamp::parse(text).ok_or_else(|| {
            Failure::usage(format!("--at `{text}` is no instant; write it as 2026-11-24T12:00:00Z"))
        })?,
        None => SystemClock.now(),
    };
    let answer = std::fs::read(file).map_err(|error| {
        Failure::failed(format!("`{}` cannot be read ({error}); name the file of a response", file.display()))
    })?;
    let store = opening::open(config, Schema::Require).await?;
    let found = store
        .read::<_, StoreError, _>(|unit| Box::pin(async move { unit.connections().find_by_name(name).await }))
        .await?;
    let connection = found
        .ok_or_else(|| Failure::failed(format!("there is no connection `{name}`; check --connection")))?;
    let failed = |error: &(dyn std::error::Error + 'static)| Failure::failed(causes(error));
    let adapters =
        Adapters::new(config, Arc::<dyn Store>::clone(&store)).await.map_err(|error| failed(&error))?;
    let app = App::new(adapters.ports.clone(), adapters.settings(config)?).map_err(|error| failed(&error))?;
    let connector = app.connectors.of(&connection).map_err(|error| failed(&error))?;
    match connector.explain(&answer, at).await.map_err(|error| failed(&error))? {
        None => {
            Err(Failure::failed(format!("connection `{name}` takes no responses that could be explained")))
        }
        Some(Explanation::Accepted { trace, attributes }) => {
            say(lines(&trace));
            say(format!("accepted at {}, if it has not been used before", at.iso()));
            say(format!("the profile has: {}", attributes.join(", ")));
            Ok(())
        }
        Some(Explanation::Refused(rejection)) => {
            say(lines(&rejection.trace));
            Err(Failure::failed(format!("refused ({}): {}", rejection.check, rejection.advice)))
        }
    }
}

/// One line a check: what was found, or what was expected and what came.
fn lines(trace: &Value) -> String {
    let text =
        |step: &Value, name: &str| step.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let line = |step: &Value| {
        let check = text(step, "check");
        if step.get("passed") == Some(&Value::Bool(true)) {
            return format!("ok    {check:<16} {}", text(step, "found")).trim_end().to_owned();
        }
        format!("FAIL  {check:<16} {}", text(step, "says"))
    };
    trace.as_array().into_iter().flatten().map(line).collect::<Vec<_>>().join("\n")
}
