//! Owns the options that every command has, and how a store is opened by them.
//! Never touches what is done with it.

use super::Failure;
use crate::{
    config::Config,
    kek::{self, Contents},
};
use clap::Args;
use portico_core::{entropy::SystemEntropy, port::store::Store};
use portico_store::{Kek, Keks, Schema, StoreOptions};
use std::{path::PathBuf, sync::Arc, time::Duration};
use url::Url;

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// The configuration file [default: portico.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where keys, and the store when it is a file, are kept [default: portico-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The store: postgres://…, or a file's path [default: portico.db in the data folder]
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// The public address of the gateway [default: localhost with the listener's port]
    #[arg(long, global = true, value_name = "URL")]
    pub issuer: Option<Url>,
}

impl Common {
    /// The configuration, with these options and the given ones on top; the log is started by it.
    pub fn load(&self, more: Vec<(&'static str, String)>) -> Result<Config, Failure> {
        let mut said = more;
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        said.extend(self.data_dir.as_ref().map(|folder| ("data_dir", path(folder))));
        said.extend(self.database_url.as_ref().map(|url| ("store.database_url", url.clone())));
        said.extend(self.issuer.as_ref().map(|issuer| ("server.issuer", issuer.to_string())));
        let config = Config::load(self.config.as_deref(), &said)?;
        config.log.start()?;
        Ok(config)
    }
}

/// How the store of this configuration is opened. The key-encryption key is made if there is none and the store is empty.
pub(super) async fn store_options(config: &Config, schema: Schema) -> Result<StoreOptions, Failure> {
    let keks = kek::keks(config, contents(config).await?, &SystemEntropy::default())?;
    Ok(options(config, keks, schema))
}

/// Open the store of this configuration.
pub(super) async fn open(config: &Config, schema: Schema) -> Result<Arc<dyn Store>, Failure> {
    kek::data_folder(config.data_dir()).map_err(|error| {
        Failure::failed(format!(
            "the data folder `{}` cannot be made ({error}); name another with --data-dir",
            config.data_dir().display()
        ))
    })?;
    let options = store_options(config, schema).await?;
    let opened = portico_store::open(&config.database_url(), &options).await;
    opened.map_err(|error| Failure::because(&error, &format!("the store {} cannot be opened", shown(config))))
}

/// The store, for people: no password is in it.
pub(super) fn shown(config: &Config) -> String {
    let url = config.database_url();
    match url.parse::<Url>() {
        Ok(url) if url.scheme().starts_with("postgres") => {
            format!("`{}{}` on {}", url.scheme(), url.path(), url.host_str().unwrap_or("(no host)"))
        }
        _ => format!("`{url}`"),
    }
}

/// The migrations that the store lacks.
pub(super) async fn pending(config: &Config) -> Result<Vec<&'static str>, Failure> {
    // Nothing is decrypted by looking: any key will do.
    let nobodys = Keks::new(Kek::random(&SystemEntropy::default()), Vec::new());
    let options = options(config, nobodys, Schema::Require);
    let pending = portico_store::pending(&config.database_url(), &options).await;
    pending
        .map_err(|error| Failure::because(&error, &format!("the store {} cannot be reached", shown(config))))
}

/// A store that lacks its first migration has nothing in it.
async fn contents(config: &Config) -> Result<Contents, Failure> {
    let empty = pending(config).await?.first().is_some_and(|first| first.starts_with("0001"));
    Ok(if empty { Contents::Empty } else { Contents::Some })
}

fn options(config: &Config, keks: Keks, schema: Schema) -> StoreOptions {
    StoreOptions {
        schema,
        connections: config.store.pool,
        wait: Duration::from_secs(config.store.pool_wait_seconds),
        root_certificates: config.store.root_certificates.clone(),
        ..StoreOptions::new(keks)
    }
}
