//! Owns configuration: file, then environment, then command line; a later one wins (product.md §3).
//! Never touches the store or a socket. Nothing else reads the environment.

mod egress;
mod error;
mod keys;
mod log;
mod login;
mod mail;
mod password;
mod provenance;
mod scripts;
mod secret;
mod server;
mod store;

pub use egress::EgressSection;
pub use error::ConfigError;
pub use keys::KeysSection;
pub use log::{LogFormat, LogSection};
pub use login::LoginSection;
pub use mail::MailSection;
pub use password::PasswordSection;
pub use scripts::ScriptsSection;
pub use secret::SecretText;
pub use server::{ServerSection, TlsSection};
pub use store::StoreSection;

use figment::{
    Figment,
    providers::{Format, Toml},
};
use provenance::{CommandLine, Environment};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that can be configured. `portico.example.toml` documents every key.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where data is kept that is not in the store: keys, and the store itself when it is a file.
    pub data_dir: DataDir,
    /// Addresses.
    pub server: ServerSection,
    /// The database.
    pub store: StoreSection,
    /// Encryption at rest, and signing keys.
    pub keys: KeysSection,
    /// Hashing of passwords.
    pub password: PasswordSection,
    /// Logins.
    pub login: LoginSection,
    /// Outgoing mail.
    pub mail: MailSection,
    /// Customers' JavaScript.
    pub scripts: ScriptsSection,
    /// Outgoing HTTP.
    pub egress: EgressSection,
    /// The log.
    pub log: LogSection,
}

/// A folder, `portico-data` unless told otherwise.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct DataDir(pub PathBuf);

impl Default for DataDir {
    fn default() -> Self {
        Self(PathBuf::from("portico-data"))
    }
}

/// The file that is read when it exists and none is named.
pub const DEFAULT_FILE: &str = "portico.toml";

impl Config {
    /// Read `file` (or [`DEFAULT_FILE`], if it exists), then the environment, then what the command line said.
    ///
    /// `said` are pairs of a dotted key and its value.
    pub fn load(file: Option<&Path>, said: &[(&'static str, String)]) -> Result<Self, ConfigError> {
        Self::load_with(file, Environment::of_process(), said)
    }

    fn load_with(
        file: Option<&Path>,
        environment: Environment,
        said: &[(&'static str, String)],
    ) -> Result<Self, ConfigError> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(_absent) if file.is_none() && !path.exists() => String::new(),
            Err(source) => return Err(ConfigError::Unreadable { file: path.to_owned(), source }),
        };
        let figment = Figment::new().merge(Toml::string(&text)).merge(environment).merge(CommandLine(said));
        let mut config: Self =
            figment.extract().map_err(|error| ConfigError::explain(&error, path, &text))?;
        config.settle()?;
        Ok(config)
    }

    /// Read secrets from their files, and check what no single key can be wrong about.
    fn settle(&mut self) -> Result<(), ConfigError> {
        secret::settle(
            "store.database_url",
            &mut self.store.database_url,
            self.store.database_url_file.as_deref(),
        )?;
        secret::settle("mail.smtp_url", &mut self.mail.smtp_url, self.mail.smtp_url_file.as_deref())?;
        self.keys.settle()?;
        self.server.settle()?;
        self.password.settle()?;
        self.login.settle()?;
        self.log.settle()?;
        self.scripts.settle()?;
        self.mail.settle()
    }

    /// The folder where data is kept that is not in the store.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir.0
    }

    /// Where the store is: what was configured, or a file in the data folder.
    pub fn database_url(&self) -> String {
        match &self.store.database_url {
            Some(url) => url.expose().to_owned(),
            None => self.data_dir().join("portico.db").to_string_lossy().into_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
