//! Owns the gateway as a child process: its start, its CPU time, its memory.
//! Never touches what is asked of it.

use crate::seed::{self, Size, World};
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs::{self, File},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use url::Url;

/// A running gateway and its store.
pub(crate) struct Gateway {
    // Dropped first: the folder goes when nothing runs in it any more.
    process: Running,
    /// Its public address.
    pub(crate) issuer: Url,
    /// What is in its store.
    pub(crate) world: World,
    folder: TempDir,
    port: u16,
}

/// A store that no gateway runs on.
pub(crate) struct Idle {
    folder: TempDir,
    port: u16,
    issuer: Url,
    world: World,
}

/// A process that is told to stop when this is dropped, and waited for.
struct Running(Child);

impl Idle {
    /// Make a store of this size.
    pub(crate) async fn new(size: Size) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let issuer: Url = format!("http://localhost:{port}/").parse()?;
        let world = seed::plant(folder.path(), &issuer, size).await?;
        Ok(Self { folder, port, issuer, world })
    }

    /// Start the gateway, and wait for its first answer: how long that took.
    pub(crate) async fn start(self) -> Result<(Gateway, Duration)> {
        let Self { folder, port, issuer, world } = self;
        let log = File::create(folder.path().join("log"))?;
        let began = now();
        let child = Command::new(program()?)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--issuer", issuer.as_str()])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .env("PORTICO_SERVER__ADMIN_LISTEN", format!("127.0.0.1:{}", free_port()?))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the gateway cannot be started")?;
        let mut gateway = Gateway { process: Running(child), issuer, world, folder, port };
        let took = gateway.first_answer(began).await?;
        Ok((gateway, took))
    }
}

impl Gateway {
    /// A store of this size, and a gateway on it.
    pub(crate) async fn seeded(size: Size) -> Result<Self> {
        Ok(Idle::new(size).await?.start().await?.0)
    }

    /// The CPU time of the gateway and of its script workers until now.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let own = self.process.0.id();
        children(own)?.into_iter().chain([own]).map(run_time).sum()
    }

    /// The resident memory of the gateway and of its script workers, in bytes.
    pub(crate) fn resident(&self) -> Result<u64> {
        let mut kibibytes = 0;
        let own = self.process.0.id();
        for process in children(own)?.into_iter().chain([own]) {
            let status = fs::read_to_string(format!("/proc/{process}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
            kibibytes += line.trim().trim_end_matches(" kB").parse::<u64>()?;
        }
        Ok(kibibytes << 10)
    }

    /// Stop it, and give its store back.
    pub(crate) fn stop(self) -> Idle {
        let Self { process, issuer, world, folder, port } = self;
        drop(process);
        Idle { folder, port, issuer, world }
    }

    async fn first_answer(&mut self, began: Instant) -> Result<Duration> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let address = self.issuer.join(".well-known/openid-configuration")?;
        while began.elapsed() < Duration::from_mins(2) {
            if let Ok(answer) = http.get(address.clone()).send().await {
                answer.error_for_status()?.bytes().await?;
                return Ok(began.elapsed());
            }
            if let Some(ended) = self.process.0.try_wait()? {
                bail!("the gateway ended ({ended}) before it answered");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        bail!("the gateway does not answer")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(process) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
            let _gone = kill_process(process, Signal::TERM);
        }
        let _gone = self.0.wait();
    }
}

/// The gateway's program, which cargo puts beside this one's folder.
pub(crate) fn program() -> Result<PathBuf> {
    let here = std::env::current_exe()?;
    let program = here.parent().and_then(Path::parent).context("no folder")?.join("portico");
    anyhow::ensure!(program.exists(), "build {} first: `make bench` does", program.display());
    Ok(program)
}

/// Now, for durations.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The CPU time of a process: of its threads, to the nanosecond (the first field of `schedstat`).
fn run_time(process: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split_whitespace().next().context("no time")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

fn children(process: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    Ok(found)
}
