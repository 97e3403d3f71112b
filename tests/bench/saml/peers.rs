//! Owns the libraries that ours is measured beside: built or installed when they are not there, each in a process of its own.
//! Never touches what they are asked to judge.

use super::documents::{Bank, REQUEST};
use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// Where they are.
pub(crate) struct Peers {
    here: PathBuf,
    there: PathBuf,
}

/// A document on disk, and what judges of it have to know.
pub(crate) struct Papers(TempDir);

impl Peers {
    /// Build and install what is missing.
    pub(crate) fn ready() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/saml");
        // Beside the folders of profiles, in what cargo builds.
        let own = std::env::current_exe()?;
        let there = own.ancestors().nth(3).context("no folder")?.join("saml-peers");
        fs::create_dir_all(&there)?;
        let peers = Self { here, there };
        peers.build()?;
        peers.install()?;
        Ok(peers)
    }

    fn build(&self) -> Result<()> {
        let flags = Command::new("pkg-config")
            .args(["--cflags", "--libs", "xmlsec1-openssl", "libxml-2.0"])
            .output()?;
        ensure!(flags.status.success(), "xmlsec is missing (tests/install.sh build)");
        let flags = String::from_utf8(flags.stdout)?;
        let mut compiler = Command::new("cc");
        compiler.arg("-O2").arg(self.here.join("raw.c")).arg("-o").arg(self.there.join("raw"));
        ensure!(compiler.args(flags.split_whitespace()).status()?.success(), "raw.c does not compile");
        Ok(())
    }

    /// Where there is no npm or no PyPI, they are not measured, and the figures say so.
    fn install(&self) -> Result<()> {
        let node = self.there.join("node");
        fs::create_dir_all(&node)?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(self.here.join(name), node.join(name))?;
        }
        if !node.join("node_modules/.package-lock.json").exists() {
            let mut npm = Command::new("npm");
            npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix"]).arg(&node);
            let _missing = npm.stdout(Stdio::null()).status();
        }
        let python = self.there.join("python");
        if !python.join("complete").exists() {
            let _missing = Command::new("python3").args(["-m", "venv"]).arg(&python).status();
            let mut pip = Command::new(python.join("bin/pip"));
            pip.args(["install", "--quiet", "--no-input", "--requirement"])
                .arg(self.here.join("requirements.txt"));
            if pip.status().is_ok_and(|status| status.success()) {
                fs::write(python.join("complete"), "")?;
            }
        }
        Ok(())
    }

    /// Write a document down for them.
    pub(crate) fn papers(&self, bank: &Bank, document: &str) -> Result<Papers> {
        let folder = tempfile::tempdir()?;
        let papers = json!({
            "response": STANDARD.encode(document),
            "certificate": bank.key.certificate_pem(),
            "issuer": bank.place.issuer,
            "audience": bank.place.audience,
            "acs": bank.place.acs,
            "request": REQUEST,
        });
        fs::write(folder.path().join("papers.json"), papers.to_string())?;
        fs::write(folder.path().join("document.xml"), document)?;
        fs::write(folder.path().join("certificate.pem"), bank.key.certificate_pem())?;
        Ok(Papers(folder))
    }

    /// Parsing and verifying by xmlsec alone, per CPU second.
    pub(crate) fn raw(&self, papers: &Papers, count: u32) -> Result<f64> {
        let mut raw = Command::new(self.there.join("raw"));
        raw.arg(papers.0.path().join("document.xml")).arg(papers.0.path().join("certificate.pem"));
        let said = raw.arg(count.to_string()).output()?;
        ensure!(said.status.success(), "xmlsec does not verify the document");
        Ok(String::from_utf8(said.stdout)?.trim().parse()?)
    }

    /// `@node-saml/node-saml`, judgements per CPU second. None if it is not there.
    pub(crate) fn node_saml(&self, papers: &Papers, count: u32) -> Result<Option<f64>> {
        if !self.there.join("node/node_modules/@node-saml/node-saml").exists() {
            return Ok(None);
        }
        self.rate(
            Command::new("node").arg(self.here.join("node-saml.cjs")).arg(self.there.join("node")),
            papers,
            count,
        )
    }

    /// `python3-saml`, judgements per CPU second. None if it is not there.
    pub(crate) fn python3_saml(&self, papers: &Papers, count: u32) -> Result<Option<f64>> {
        if !self.there.join("python/complete").exists() {
            return Ok(None);
        }
        let python = self.there.join("python/bin/python");
        self.rate(Command::new(python).arg(self.here.join("python3-saml.py")), papers, count)
    }

    fn rate(&self, command: &mut Command, papers: &Papers, count: u32) -> Result<Option<f64>> {
        let said = command.arg(papers.0.path().join("papers.json")).arg(count.to_string()).output()?;
        let told = String::from_utf8_lossy(&said.stderr);
        ensure!(said.status.success(), "{command:?}: {told}");
        Ok(Some(String::from_utf8(said.stdout)?.trim().parse()?))
    }

    /// Whole logins by `@boxyhq/saml-jackson` as a library, per CPU second. The bank answers its requests. None if it is
    /// not there.
    pub(crate) fn jackson(&self, bank: &Bank, count: u32) -> Result<Option<f64>> {
        if !self.there.join("node/node_modules/@boxyhq/saml-jackson").exists() {
            return Ok(None);
        }
        let mut child = Command::new("node")
            .arg(self.here.join("jackson.cjs"))
            .arg(self.there.join("node"))
            .arg(count.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = child.stdin.take().context("no way in")?;
        let output = BufReader::new(child.stdout.take().context("no way out")?);
        writeln!(input, "{}", json!({"issuer": bank.place.issuer, "certificate": bank.key.certificate()}))?;
        for line in output.lines() {
            let line: Value = serde_json::from_str(&line?)?;
            if let Some(rate) = line["rate"].as_f64() {
                drop(input);
                child.wait()?;
                return Ok(Some(rate));
            }
            let requests = line["requests"].as_array().context("what does it want")?;
            let mut there = Bank::new();
            for text in ["acs", "audience"] {
                let value = line[text].as_str().context("who is it")?.to_owned();
                if text == "acs" { there.place.acs = value } else { there.place.audience = value }
            }
            let answers = requests.iter().filter_map(Value::as_str);
            let answers: Vec<_> =
                answers.map(|request| there.answer(request, super::documents::GROUPS).posted()).collect();
            writeln!(input, "{}", json!(answers))?;
        }
        bail!("saml-jackson ended: {}", child.wait()?)
    }
}
