//! Owns `portico migrate`.
//! Never touches SQL: that is the store's.

use super::{Common, Failure, opening, say};
use clap::Args;
use portico_store::Schema;

/// Brings the store's schema up to date. `serve` does so too, unless it is told --no-migrate.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  portico migrate --check && echo nothing to do")]
pub(super) struct Migrate {
    #[command(flatten)]
    common: Common,
    /// Change nothing: list what is missing, and fail if anything is
    #[arg(long)]
    check: bool,
}

impl Migrate {
    /// Do it.
    pub(super) async fn run(self) -> Result<(), Failure> {
        let config = self.common.load(Vec::new())?;
        if self.check {
            let missing = opening::pending(&config).await?;
            return match missing.as_slice() {
                [] => {
                    say("the schema is up to date");
                    Ok(())
                }
                missing => Err(Failure::failed(format!(
                    "the schema lacks {}; run `portico migrate`",
                    missing.join(", ")
                ))),
            };
        }
        let applied = opening::pending(&config).await?;
        drop(opening::open(&config, Schema::Update).await?);
        match applied.as_slice() {
            [] => say("the schema was up to date"),
            applied => say(format!("applied {}", applied.join(", "))),
        }
        Ok(())
    }
}
