//! Owns `make bench`: the figures of speed and memory, each as a ratio to its raw primitive in the same run.
//! Never touches the tests: nothing here fails because a machine is slow.

mod gateway;
mod person;
mod primitive;
mod saml;
mod scale;
mod script;
mod seed;
mod session;
mod start;
mod table;

use anyhow::{Result, anyhow};
use gateway::Gateway;
use std::{process::ExitCode, time::Duration};
use table::Figure;

fn main() -> Result<()> {
    if std::env::args().nth(1).is_some_and(|word| word == "script-worker") {
        // Started by the figure of scripts: this process is a worker and nothing else.
        let ended = portico_script::worker_main();
        return if ended == ExitCode::SUCCESS { Ok(()) } else { Err(anyhow!("the worker failed")) };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    table::load("before")?;
    let figures = runtime.block_on(figures())?;
    table::print(&figures)?;
    table::load("after")
}

/// The figures that are named on the command line (`password session rule script saml start scale`), or all.
async fn figures() -> Result<Vec<Figure>> {
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = |figure: &str| named.is_empty() || named.iter().any(|name| name == figure);
    let mut figures = Vec::new();
    if wanted("script") {
        table::progress("running a script through the pool, and by itself")?;
        figures.push(script::figure().await?);
    }
    if named.iter().all(|name| name == "script") && !named.is_empty() {
        return Ok(figures);
    }
    table::progress("seeding 10 organizations")?;
    let small = Gateway::seeded(seed::SMALL).await?;
    if wanted("password") {
        table::progress("logging in with passwords")?;
        figures.push(session::password_logins(&small).await?);
    }
    if wanted("session") {
        table::progress("signing in by a live session")?;
        figures.push(session::single_sign_on(&small).await?);
    }
    if wanted("rule") {
        table::progress("running a rule")?;
        figures.push(session::rule(&small).await?);
    }
    if wanted("saml") {
        table::progress("judging SAML, beside other libraries")?;
        figures.extend(saml::figures(&small).await?);
    }
    if wanted("start") {
        table::progress("starting with 1,000 organizations")?;
        figures.extend(start::figures().await?);
    }
    if wanted("scale") {
        table::progress("seeding 10,000 organizations and 100,000 users")?;
        let large = Gateway::seeded(seed::LARGE).await?;
        table::progress("comparing logins of few and of many")?;
        figures.push(scale::latency(&small, &large).await?);
    }
    Ok(figures)
}

/// The middle of what was measured.
fn median(measured: &mut [Duration]) -> Duration {
    measured.sort_unstable();
    measured.get(measured.len() / 2).copied().unwrap_or_default()
}
