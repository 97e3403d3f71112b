//! Owns what a person does at a page and sees of it, and pictures of it.
//! Never touches HTTP: everything goes through the browser's window.

use crate::{chromium::Chromium, demo::Demo};
use anyhow::{Context, ensure};
use fantoccini::{Locator, error::CmdError};
use futures_util::FutureExt;
use serde_json::{Value, json};
use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    time::Duration,
};
use tokio::time::{Instant, sleep};

/// How long a page may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// A person at the example, with a browser.
pub(crate) struct Visit {
    /// The example.
    pub(crate) demo: Demo,
    chromium: Chromium,
}

/// Go on a journey through an example of its own. At the end the browser's console must not know of anything blocked.
pub(crate) async fn visit(journey: impl AsyncFnOnce(&Visit) -> anyhow::Result<()>) {
    visit_by("oidc", journey).await;
}

/// The same, where MetaHexa's identity provider speaks this protocol.
pub(crate) async fn visit_by(enterprise: &str, journey: impl AsyncFnOnce(&Visit) -> anyhow::Result<()>) {
    let demo = Demo::start(enterprise).await.expect("the example starts");
    let chromium = Chromium::start().await.expect("the browser starts");
    let visit = Visit { demo, chromium };
    let all = async {
        journey(&visit).await?;
        visit.nothing_was_blocked().await
    };
    let ended = AssertUnwindSafe(all).catch_unwind().await;
    let last = visit.describe().await;
    let quit = visit.chromium.quit().await;
    match ended {
        Ok(Ok(())) => quit.expect("the browser ends"),
        Ok(Err(error)) => panic!("{error:#}\n{last}"),
        Err(panic) => {
            eprintln!("{last}");
            resume_unwind(panic)
        }
    }
}

impl Visit {
    /// Type the address.
    pub(crate) async fn open(&self, address: &str) -> anyhow::Result<()> {
        Ok(self.chromium.window.goto(address).await?)
    }

    /// Wait until the page's address begins like this.
    pub(crate) async fn arrive(&self, address: &str) -> anyhow::Result<()> {
        let arrived = async || Ok(self.chromium.window.current_url().await?.as_str().starts_with(address));
        self.until(arrived).await.with_context(|| format!("the browser does not come to {address}"))
    }

    /// Wait until the page, or the frame, shows this text.
    pub(crate) async fn see(&self, text: &str) -> anyhow::Result<()> {
        let seen = async || Ok(self.text().await?.contains(text));
        self.until(seen).await.with_context(|| format!("{text:?} is not to be seen"))
    }

    /// The console tells of what was blocked: nothing may be.
    pub(crate) async fn nothing_was_blocked(&self) -> anyhow::Result<()> {
        let said = self.chromium.console().await?;
        let blocked = |line: &&String| {
            ["Content Security Policy", "Refused to", "blocked"].iter().any(|word| line.contains(word))
        };
        let blocked: Vec<&String> = said.iter().filter(blocked).collect();
        ensure!(blocked.is_empty(), "the browser blocked something: {blocked:#?}");
        Ok(())
    }

    /// Type into a field.
    pub(crate) async fn fill(&self, field: &str, text: &str) -> anyhow::Result<()> {
        let typed = async || {
            let field = self.chromium.window.find(Locator::Css(field)).await?;
            field.clear().await?;
            field.send_keys(text).await?;
            Ok(true)
        };
        self.until(typed).await.with_context(|| format!("there is no field {field:?} to type in"))
    }

    /// Press a button or follow a link: the first whose visible text holds this.
    pub(crate) async fn press(&self, text: &str) -> anyhow::Result<()> {
        let path = format!("(//button|//a)[contains(normalize-space(.), \"{text}\")]");
        let pressed = async || {
            self.chromium.window.find(Locator::XPath(&path)).await?.click().await?;
            Ok(true)
        };
        self.until(pressed).await.with_context(|| format!("there is nothing to press that says {text:?}"))
    }

    /// Look into the first frame of the page.
    pub(crate) async fn enter_frame(&self) -> anyhow::Result<()> {
        Ok(self.chromium.window.enter_frame(0).await?)
    }

    /// Look at the page again.
    pub(crate) async fn leave_frames(&self) -> anyhow::Result<()> {
        self.chromium.leave_frames().await
    }

    /// What a script says of the page; it `return`s it.
    pub(crate) async fn ask(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.chromium.window.execute(script, Vec::new()).await?)
    }

    /// Whether there is such an element.
    pub(crate) async fn has(&self, selector: &str) -> anyhow::Result<bool> {
        Ok(!self.chromium.window.find_all(Locator::Css(selector)).await?.is_empty())
    }

    /// What the application shows of a claim.
    pub(crate) async fn claim(&self, name: &str) -> anyhow::Result<String> {
        let row = format!("td[data-claim='{name}']");
        let row = self.chromium.window.find(Locator::Css(&row)).await;
        Ok(row.with_context(|| format!("the application shows no claim {name}"))?.text().await?)
    }

    /// Keep pictures of the page, if somebody wants them: light and dark, desktop and phone.
    pub(crate) async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let Some(folder) = std::env::var_os("PORTICO_SCREENSHOTS").map(PathBuf::from) else { return Ok(()) };
        std::fs::create_dir_all(&folder)?;
        for (size, width, height, mobile) in [("desktop", 1280, 900, false), ("phone", 390, 844, true)] {
            for scheme in ["light", "dark"] {
                let features = json!({"features": [
                    {"name": "prefers-color-scheme", "value": scheme},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]});
                self.chromium.devtools("Emulation.setEmulatedMedia", features).await?;
                let metrics =
                    json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
                self.chromium.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
                let too_wide =
                    "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
                ensure!(
                    self.ask(too_wide).await? == false,
                    "{name} is wider than the window at {width} pixels"
                );
                let picture = self.chromium.window.screenshot().await?;
                std::fs::write(folder.join(format!("{name}-{size}-{scheme}.png")), picture)?;
            }
        }
        self.chromium.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await?;
        self.chromium.devtools("Emulation.setEmulatedMedia", json!({"features": []})).await?;
        Ok(())
    }

    async fn text(&self) -> Result<String, CmdError> {
        self.chromium.window.find(Locator::Css("body")).await?.text().await
    }

    /// Try until it is so; pages come and go meanwhile, so that a failed look is not the last.
    async fn until(&self, is_so: impl AsyncFn() -> Result<bool, CmdError>) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            match is_so().await {
                Ok(true) => return Ok(()),
                Ok(false) if Instant::now() > end => anyhow::bail!("not within {PATIENCE:?}"),
                Err(error) if Instant::now() > end => return Err(error.into()),
                Ok(false) | Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Where the journey is, for whoever reads why it ended there.
    async fn describe(&self) -> String {
        let at =
            self.chromium.window.current_url().await.map_or_else(|error| error.to_string(), String::from);
        let text = self.text().await.unwrap_or_else(|error| error.to_string());
        let console = self.chromium.console().await.unwrap_or_default().join("\n");
        format!("--- the browser is at {at}\n{text}\n--- its console says\n{console}")
    }
}
