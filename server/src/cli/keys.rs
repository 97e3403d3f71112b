//! Owns `portico keys`.
//! Never touches private keys: the key ring and the store do.

use super::{Common, Failure, failure::causes, opening, say};
use crate::{
    config::Config,
    keys::{Algorithm, StoreKeyRing},
};
use clap::{Args, Subcommand};
use portico_core::{
    entropy::SystemEntropy,
    model::{KeyState, SigningKey},
    port::{
        key_ring::{KeyError, KeyRing},
        store::{Store, StoreError},
    },
    time::{Clock, SystemClock},
};
use portico_store::Schema;
use std::sync::Arc;

/// Signing keys, and the key-encryption key. A running gateway notices within a minute.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  portico keys list\n  portico keys rotate\n  portico keys revoke dXN1YWxseSBhIHRodW1icHJpbnQ\n  portico keys rewrap"
)]
pub(super) struct Keys {
    #[command(subcommand)]
    deed: Deed,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Deed {
    /// Show the signing keys
    List,
    /// Sign with the next key from now on
    Rotate,
    /// Stop publishing a key at once: its tokens are void
    Revoke {
        /// Which, as `list` shows it
        kid: String,
    },
    /// Re-encrypt secrets under the newest key-encryption key; older ones can be taken away then
    Rewrap,
}

impl Keys {
    /// Do it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        match self.deed {
            Deed::List => list(&*opening::open(&config, Schema::Require).await?).await,
            Deed::Rotate => {
                let name =
                    ring(&config).await?.rotate(SystemClock.now()).await.map_err(|error| failed(&error))?;
                say(format!("signing with {} ({}) from now on", name.kid, name.alg));
                Ok(())
            }
            Deed::Revoke { kid } => {
                let revoked = ring(&config).await?.revoke(&kid, SystemClock.now()).await;
                if revoked.map_err(|error| failed(&error))? {
                    say(format!("revoked {kid}; tokens that it signed are void"));
                    Ok(())
                } else {
                    Err(Failure::failed(format!(
                        "there is no signing key `{kid}`; `portico keys list` shows them"
                    )))
                }
            }
            Deed::Rewrap => {
                let options = opening::store_options(&config, Schema::Require).await?;
                let changed = portico_store::rewrap(&config.database_url(), &options).await?;
                say(format!("re-encrypted {changed}; keys.previous_kek_files can be emptied"));
                Ok(())
            }
        }
    }
}

async fn ring(config: &Config) -> Result<StoreKeyRing, Failure> {
    let store = opening::open(config, Schema::Require).await?;
    let entropy = Arc::new(SystemEntropy::default());
    let ring = StoreKeyRing::open(store, Arc::new(SystemClock), entropy, Algorithm::default()).await;
    ring.map_err(|error| failed(&error))
}

async fn list(store: &dyn Store) -> Result<(), Failure> {
    let keys =
        store.read::<_, StoreError, _>(|unit| Box::pin(async move { unit.keys().list().await })).await?;
    if keys.is_empty() {
        say("there are no signing keys yet; `portico serve` makes the first");
    }
    for key in keys {
        say(row(&key));
    }
    Ok(())
}

fn row(key: &SigningKey) -> String {
    let since = match key.state {
        KeyState::Current => key.current_since,
        KeyState::Previous | KeyState::Revoked => key.previous_since,
        KeyState::Next => None,
    };
    format!(
        "{:<8} {} {} since {}",
        key.state.as_str(),
        key.alg,
        key.kid,
        since.unwrap_or(key.created_at).iso()
    )
}

fn failed(error: &KeyError) -> Failure {
    Failure::failed(causes(error))
}
