//! Owns the figures of SAML: judgements against the raw primitive and against other libraries, whole logins, and what
//! strangers can cost.
//! Never touches what is right: the tests do.

mod documents;
mod hostile;
mod login;
mod peers;

use crate::{gateway::Gateway, table::Figure};
use anyhow::{Result, ensure};
use documents::{Bank, Judge};
use peers::Peers;
use std::time::Duration;

/// All of them.
pub(crate) async fn figures(gateway: &Gateway) -> Result<Vec<Figure>> {
    let peers = Peers::ready()?;
    let mut figures = judgements(&peers).await?;
    figures.push(login::figure(gateway, &peers).await?);
    figures.push(hostile::figure().await?);
    figures.push(groups().await?);
    Ok(figures)
}

/// The whole judgement of one document, against verifying its signature and against others' judgements of it.
async fn judgements(peers: &Peers) -> Result<Vec<Figure>> {
    let bank = Bank::new();
    let document = bank.answer(documents::REQUEST, documents::GROUPS).written().written();
    let judge = Judge::new(&bank).await?;
    let judged = peers.papers(&bank, &document)?;
    judge.accepts(&document, 200).await?;
    let (mut ours, mut raw) = (Duration::ZERO, 0.0);
    let (mut node, mut python) = (Vec::new(), Vec::new());
    // In turns, so that a machine that becomes busy meanwhile is busy for all.
    for _ in 0..ROUNDS {
        ours += judge.accepts(&document, JUDGEMENTS).await?;
        raw += peers.raw(&judged, 3_000)?;
        node.extend(peers.node_saml(&judged, 300)?);
        python.extend(peers.python3_saml(&judged, 300)?);
    }
    let rate = f64::from(JUDGEMENTS * ROUNDS) / ours.as_secs_f64();
    let raw = raw / f64::from(ROUNDS);
    let mean =
        |rates: &[f64]| rates.iter().sum::<f64>() / f64::from(u32::try_from(rates.len().max(1)).unwrap_or(1));
    let (node, python) = (mean(&node), mean(&python));
    let better = node.max(python);
    let missing = if node > 0.0 && python > 0.0 { "" } else { "; a library could not be installed" };
    Ok(vec![
        Figure {
            name: "SAML judgements per CPU second / raw xmlsec, key kept",
            measured: format!("{:.3}", rate / raw),
            asked: ">= 0.5",
            reached: rate / raw >= 0.5,
            from: format!("{rate:.0} and {raw:.0} a CPU second, {} bytes", document.len()),
        },
        Figure {
            name: "SAML judgements / the better of node-saml, python3-saml",
            measured: format!("{:.1}", rate / better),
            asked: ">= 5",
            reached: better > 0.0 && missing.is_empty() && rate / better >= 5.0,
            from: format!("{rate:.0}; node-saml {node:.0}, python3-saml {python:.0}{missing}"),
        },
    ])
}

/// An assertion with a value for each of two thousand groups.
async fn groups() -> Result<Figure> {
    let bank = Bank::new();
    let document = bank.answer(documents::REQUEST, 2_000).written().written();
    let judge = Judge::new(&bank).await?;
    judge.accepts(&document, 5).await?;
    let took = judge.accepts(&document, 50).await? / 50;
    ensure!(took > Duration::ZERO, "the clock stands still");
    Ok(Figure {
        name: "SAML: CPU of an assertion with 2,000 group values",
        measured: format!("{took:.2?}"),
        asked: "<= 50 ms",
        reached: took <= Duration::from_millis(50),
        from: format!("50 judgements, {} bytes", document.len()),
    })
}

/// How often the libraries take turns.
const ROUNDS: u32 = 3;
/// Judgements of ours a turn.
const JUDGEMENTS: u32 = 2_000;
