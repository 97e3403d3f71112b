//! Owns a running `portico demo` of a test's own, on free ports.
//! Never touches its data: the program is started as a person would, and says itself where everything is.

use anyhow::{Context, bail};
use std::{process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// How long the example may take to be set up, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(3);

/// The example. It ends when dropped.
pub(crate) struct Demo {
    /// Where the mailbox is.
    pub(crate) mailbox: String,
    /// Hoekstra's instance of the application.
    pub(crate) hoekstra: String,
    /// MetaHexa's.
    pub(crate) metahexa: String,
    /// The gateway's issuer.
    pub(crate) gateway: String,
    _program: Child,
    _says: Lines<BufReader<ChildStdout>>,
    _temporary: TempDir,
}

impl Demo {
    /// Start it with MetaHexa's identity provider speaking this, and wait until it says what to click.
    pub(crate) async fn start(enterprise: &str) -> anyhow::Result<Self> {
        let temporary = TempDir::new()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_portico-under-test"));
        for (name, _value) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PORTICO_") {
                command.env_remove(name);
            }
        }
        command.args(["demo", "--free-ports", "--enterprise", enterprise]).env("TMPDIR", temporary.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut program = command.spawn().context("`portico demo` does not start")?;
        let stdout = program.stdout.take().context("the program has an output")?;
        let mut lines = BufReader::new(stdout).lines();
        let said = timeout(PATIENCE, directions(&mut lines)).await.context("the example is not set up")??;
        let address = |label: &str| -> anyhow::Result<String> {
            let line = said.iter().find(|line| line.contains(label));
            let line = line.with_context(|| format!("no address of {label:?} is said"))?;
            Ok(line.split_whitespace().last().unwrap_or_default().to_owned())
        };
        Ok(Self {
            mailbox: address("1. The mailbox")?,
            hoekstra: address("2. Hoekstra & Associates")?,
            metahexa: address("3. MetaHexa Bank")?,
            gateway: address("The gateway itself")?,
            _program: program,
            _says: lines,
            _temporary: temporary,
        })
    }
}

/// What the program says, until it has said all.
async fn directions(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<Vec<String>> {
    let mut said = Vec::new();
    while let Some(line) = lines.next_line().await? {
        if line.starts_with("Ctrl-C") {
            return Ok(said);
        }
        said.push(line);
    }
    bail!("`portico demo` ended; it said {said:?}")
}
