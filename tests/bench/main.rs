//! Owns `make bench`: the five figures of speed and memory, each as a ratio to its raw primitive in the same run.
//! Never touches the tests: nothing here fails because a machine is slow.

mod gateway;
mod person;
mod primitive;
mod scale;
mod seed;
mod session;
mod start;
mod table;

use anyhow::Result;
use gateway::Gateway;
use std::time::Duration;
use table::Figure;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    table::load("before")?;
    let figures = runtime.block_on(figures())?;
    table::print(&figures)?;
    table::load("after")
}

async fn figures() -> Result<Vec<Figure>> {
    table::progress("seeding 10 organizations")?;
    let small = Gateway::seeded(seed::SMALL).await?;
    table::progress("logging in with passwords")?;
    let mut figures = vec![session::password_logins(&small).await?];
    table::progress("signing in by a live session")?;
    figures.push(session::single_sign_on(&small).await?);
    table::progress("running a rule")?;
    figures.push(session::rule(&small).await?);
    table::progress("starting with 1,000 organizations")?;
    figures.extend(start::figures().await?);
    table::progress("seeding 10,000 organizations and 100,000 users")?;
    let large = Gateway::seeded(seed::LARGE).await?;
    table::progress("comparing logins of few and of many")?;
    figures.push(scale::latency(&small, &large).await?);
    Ok(figures)
}

/// The middle of what was measured.
fn median(measured: &mut [Duration]) -> Duration {
    measured.sort_unstable();
    measured.get(measured.len() / 2).copied().unwrap_or_default()
}
