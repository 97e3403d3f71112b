//! Owns where key-encryption keys come from: the configuration, or a file that is made once, for an empty store.
//! Never touches what they encrypt.

use crate::config::{Config, ConfigError};
use portico_core::entropy::Entropy;
use portico_store::{Kek, KekError, Keks};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KekFault {
    /// The store holds data, and the key that it was encrypted under is not where it should be. It is never made anew:
    /// everything secret would be lost (`security.md` INF-10).
    #[error(
        "the key-encryption key `{}` is missing, but the store is not empty; put the file back from your backup, or name it with keys.kek_file",
        file.display()
    )]
    Missing {
        /// Where it should be.
        file: PathBuf,
    },
    /// A file cannot be read or made.
    #[error("the key-encryption key `{}` cannot be read or made ({source}); check the folder and its owner", file.display())]
    Unusable {
        /// Which.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Everybody on this machine can read it.
    #[error("the key-encryption key `{}` can be read by others (mode {mode:o}); run: chmod 600 '{}'", file.display(), file.display())]
    Exposed {
        /// Which.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A text is no key.
    #[error("{place} is no key: {source}; make one with: openssl rand -base64 32")]
    NotAKey {
        /// The key of the configuration, or the file.
        place: String,
        /// Why.
        #[source]
        source: KekError,
    },
}

/// Whether a store has anything in it yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Contents {
    /// Nothing: a key may be made.
    Empty,
    /// Something.
    Some,
}

/// The keys of this configuration; a missing file is made if the store is empty.
pub fn keks(config: &Config, contents: Contents, entropy: &dyn Entropy) -> Result<Keks, KekFault> {
    let newest = match (&config.keys.kek, &config.keys.kek_file) {
        (Some(text), _) => Kek::parse(text.expose())
            .map_err(|source| KekFault::NotAKey { place: "`keys.kek`".to_owned(), source })?,
        (None, Some(file)) => read(file)?.ok_or_else(|| KekFault::Missing { file: file.clone() })?,
        (None, None) => {
            let file = config.data_dir().join("kek");
            match (read(&file)?, contents) {
                (Some(kek), _) => kek,
                (None, Contents::Some) => return Err(KekFault::Missing { file }),
                (None, Contents::Empty) => make(&file, entropy)?,
            }
        }
    };
    let older = config
        .keys
        .previous_kek_files
        .iter()
        .map(|file| read(file)?.ok_or_else(|| KekFault::Missing { file: file.clone() }));
    Ok(Keks::new(newest, older.collect::<Result<_, _>>()?))
}

/// `None` when there is no such file.
fn read(file: &Path) -> Result<Option<Kek>, KekFault> {
    let unusable = |source| KekFault::Unusable { file: file.to_owned(), source };
    let metadata = match fs::metadata(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(unusable)?,
    };
    // A group may be let in: container platforms mount secrets so.
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(KekFault::Exposed { file: file.to_owned(), mode });
    }
    let text = zeroize::Zeroizing::new(fs::read_to_string(file).map_err(unusable)?);
    let kek = Kek::parse(&text)
        .map_err(|source| KekFault::NotAKey { place: format!("`{}`", file.display()), source })?;
    Ok(Some(kek))
}

/// Written under another name and then linked: of two processes that start at once, both use the key of one, and a crash
/// leaves no half of a key.
fn make(file: &Path, entropy: &dyn Entropy) -> Result<Kek, KekFault> {
    let unusable = |source| KekFault::Unusable { file: file.to_owned(), source };
    let folder = file.parent().unwrap_or(Path::new("."));
    data_folder(folder).map_err(unusable)?;
    let kek = Kek::random(entropy);
    let draft = folder.join(format!("kek.{}", entropy.hex(16)));
    let attempt = || {
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        out.write_all(kek.to_text().as_bytes())?;
        out.write_all(b"\n")?;
        out.sync_all()?;
        fs::hard_link(&draft, file)?;
        fs::File::open(folder)?.sync_all()
    };
    let made = attempt();
    let _ = fs::remove_file(&draft);
    match made {
        Ok(()) => {
            tracing::info!(file = %file.display(), "made a key-encryption key; keep a copy of it apart from the database's backups");
            Ok(kek)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            read(file)?.ok_or_else(|| KekFault::Missing { file: file.to_owned() })
        }
        Err(error) => Err(unusable(error)),
    }
}

/// Make the data folder, for its owner alone.
pub fn data_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

impl From<KekFault> for ConfigError {
    fn from(fault: KekFault) -> Self {
        Self::Unfit { key: "keys", problem: fault.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DataDir;
    use portico_core::entropy::SystemEntropy;

    fn config(folder: &Path) -> Config {
        Config { data_dir: DataDir(folder.join("data")), ..Config::default() }
    }

    #[test]
    fn inf_10_a_key_is_made_for_an_empty_store_and_never_again() {
        let folder = tempfile::tempdir().unwrap();
        let (config, entropy) = (config(folder.path()), SystemEntropy::default());
        let missing = keks(&config, Contents::Some, &entropy).unwrap_err();
        assert!(matches!(missing, KekFault::Missing { .. }), "{missing}");
        let made = keks(&config, Contents::Empty, &entropy).unwrap();
        for contents in [Contents::Empty, Contents::Some] {
            assert_eq!(keks(&config, contents, &entropy).unwrap().newest().id(), made.newest().id());
        }
        let file = folder.path().join("data/kek");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (config, entropy) = (config(folder.path()), SystemEntropy::default());
        keks(&config, Contents::Empty, &entropy).unwrap();
        let file = folder.path().join("data/kek");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let fault = keks(&config, Contents::Some, &entropy).unwrap_err();
        assert!(matches!(fault, KekFault::Exposed { mode: 0o644, .. }), "{fault}");
    }

    #[test]
    fn what_is_no_key_is_not_used_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        config.keys.kek = Some("short-and-secret".into());
        let fault = keks(&config, Contents::Empty, &SystemEntropy::default()).unwrap_err();
        assert!(matches!(fault, KekFault::NotAKey { .. }), "{fault}");
        assert!(!format!("{fault}{fault:?}").contains("short-and-secret"));
    }
}
