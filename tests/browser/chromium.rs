//! Owns chromedriver and the one browser it drives for a test, with an empty profile.
//! Never touches what is on the pages.

use anyhow::{Context, bail};
use fantoccini::{Client, ClientBuilder, wd::WebDriverCompatibleCommand};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};
use url::Url;

/// How long chromedriver and Chromium may take to start, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// A window of a browser of its own. [`quit`](Self::quit) it: chromedriver alone knows how to end the browser.
pub(crate) struct Chromium {
    /// The window.
    pub(crate) window: Client,
    _driver: Child,
    _says: Lines<BufReader<ChildStdout>>,
    _profile: TempDir,
}

impl Chromium {
    /// Start both. It is an error, never a reason to skip, that one is missing.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut driver =
            command.spawn().context("chromedriver does not start; tests/install.sh installs it")?;
        let mut lines = BufReader::new(driver.stdout.take().context("chromedriver has an output")?).lines();
        let port = timeout(PATIENCE, port(&mut lines)).await.context("chromedriver is silent")??;
        let profile = TempDir::new()?;
        let Value::Object(wishes) = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--lang=en-GB",
                "--window-size=1280,900",
                format!("--user-data-dir={}", profile.path().display()),
            ]},
        }) else {
            bail!("capabilities are an object")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let session = builder.capabilities(wishes);
        let address = format!("http://127.0.0.1:{port}");
        let window = timeout(PATIENCE, session.connect(&address)).await.context("Chromium is silent")??;
        Ok(Self { window, _driver: driver, _says: lines, _profile: profile })
    }

    /// End the browser.
    pub(crate) async fn quit(self) -> anyhow::Result<()> {
        Ok(self.window.close().await?)
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> anyhow::Result<Value> {
        self.command("goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// What the browser's console has said since it was asked last.
    pub(crate) async fn console(&self) -> anyhow::Result<Vec<String>> {
        let entries = self.command("se/log", json!({"type": "browser"})).await?;
        let entries = entries.as_array().context("a log is a list")?;
        Ok(entries.iter().filter_map(|entry| entry["message"].as_str().map(str::to_owned)).collect())
    }

    /// Back to the page itself, out of any frame; the frame may be gone.
    pub(crate) async fn leave_frames(&self) -> anyhow::Result<()> {
        self.command("frame", json!({"id": null})).await.map(drop)
    }

    async fn command(&self, path: &'static str, body: Value) -> anyhow::Result<Value> {
        Ok(self.window.issue_cmd(Post { path, body }).await?)
    }
}

/// `Starting ChromeDriver …` is said first, and the port at last.
async fn port(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<u16> {
    while let Some(line) = lines.next_line().await? {
        if let Some((_, port)) = line.split_once("started successfully on port ") {
            return Ok(port.trim_end_matches('.').parse()?);
        }
    }
    bail!("chromedriver ended")
}

/// A command that the client has no method for (WebDriver §6.3; the paths with a prefix are chromedriver's own).
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _request: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
