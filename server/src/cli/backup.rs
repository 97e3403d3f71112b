//! Owns `portico backup`.
//! Never touches a PostgreSQL store: it has tools of its own.

use super::{Common, Failure, opening, say};
use clap::Args;
use std::path::PathBuf;

/// Copies a store that is a file, as it is at one instant, while it may serve. The copy needs the same key-encryption
/// key: keep that one elsewhere.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portico backup /var/backups/portico-$(date +%F).db")]
pub(super) struct Backup {
    #[command(flatten)]
    common: Common,
    /// The copy; it may not exist yet
    file: PathBuf,
}

impl Backup {
    /// Do it.
    pub(super) fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        let url = config.database_url();
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Err(Failure::usage(format!(
                "the store {} is PostgreSQL's to back up; run: pg_dump --format=custom --file={} \"$DATABASE_URL\"",
                opening::shown(&config),
                self.file.display()
            )));
        }
        if self.file.exists() {
            return Err(Failure::usage(format!(
                "`{}` exists already; name another file",
                self.file.display()
            )));
        }
        portico_store::backup(&url, &self.file).map_err(|error| {
            Failure::because(&error, &format!("the store {} cannot be copied", opening::shown(&config)))
        })?;
        say(format!("copied {} to `{}`", opening::shown(&config), self.file.display()));
        Ok(())
    }
}
