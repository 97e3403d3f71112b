//! Owns the command line: what can be asked, and how an answer or an error is told (product.md §2, §7).
//! Never touches how things are done: commands call the library.

mod backup;
mod bootstrap;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod failure;
mod import;
mod keys;
mod migrate;
mod opening;
mod saml;
mod serve;

pub use failure::Failure;
pub use opening::Common;

use clap::{Parser, Subcommand};
use std::{ffi::OsString, io::Write, process::ExitCode};

/// A self-hosted identity gateway: one front for your applications, one door for each of your customers.
#[derive(Debug, Parser)]
#[command(name = "portico", version, arg_required_else_help = true, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway
    Serve(serve::Serve),
    /// Run the example: two organizations, their applications, an identity provider and a mailbox
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    /// Make an empty store ready without serving, and print a client of the Management API
    Bootstrap(bootstrap::Bootstrap),
    /// Bring the store's schema up to date, or list what is missing
    Migrate(migrate::Migrate),
    /// List, replace and revoke signing keys; re-encrypt secrets
    Keys(keys::Keys),
    /// Explain why a SAML response was refused; show and rotate the key pairs that partners know
    Saml(saml::Saml),
    /// Look for what is wrong: configuration, store, secrets, mail server
    Check(check::Check),
    /// Take users in from other systems
    Import(import::Import),
    /// Copy a store that is a file, while it serves
    Backup(backup::Backup),
    /// Run scripts for the gateway that started this process (internal)
    #[command(hide = true)]
    ScriptWorker,
}

/// Do what these arguments ask; 0 done, 1 failed, 2 wrong use.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    // The worker has a process, and a thread, to itself: no runtime is started for it.
    if matches!(cli.command, Command::ScriptWorker) {
        return portico_script::worker_main();
    }
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("the runtime cannot be started: {error}")))
        .and_then(|runtime| runtime.block_on(obey(cli.command)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "portico: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

async fn obey(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(serve) => serve.run().await,
        #[cfg(feature = "demo")]
        Command::Demo(demo) => demo.run().await,
        Command::Keys(keys) => keys.run().await,
        Command::Bootstrap(bootstrap) => bootstrap.run().await,
        Command::Migrate(migrate) => migrate.run().await,
        Command::Saml(saml) => saml.run().await,
        Command::Check(check) => check.run().await,
        Command::Import(import) => import.run().await,
        Command::Backup(backup) => backup.run(),
        Command::ScriptWorker => Ok(()),
    }
}

/// Say something on standard output; a reader that is gone is no error of ours.
fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
