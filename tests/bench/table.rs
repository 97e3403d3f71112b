//! Owns what the benchmark says.
//! Never touches what is measured.

use anyhow::Result;
use std::io::Write;

/// One line of the table.
pub(crate) struct Figure {
    /// What it is.
    pub(crate) name: &'static str,
    /// What came out.
    pub(crate) measured: String,
    /// What is asked for.
    pub(crate) asked: &'static str,
    /// Whether it is reached.
    pub(crate) reached: bool,
    /// What it was computed from.
    pub(crate) from: String,
}

/// The table.
pub(crate) fn print(figures: &[Figure]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{:<58} {:>10}  {:<10}  computed from", "figure", "measured", "asked for")?;
    for figure in figures {
        let missed = if figure.reached { "" } else { "  MISSED" };
        let Figure { name, measured, asked, from, .. } = figure;
        writeln!(out, "{name:<58} {measured:>10}  {asked:<10}  {from}{missed}")?;
    }
    Ok(())
}

/// What goes on now.
pub(crate) fn progress(what: &str) -> Result<()> {
    writeln!(std::io::stderr(), "… {what}")?;
    Ok(())
}

/// How busy the machine is: figures of a busy machine are worse.
pub(crate) fn load(when: &str) -> Result<()> {
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    writeln!(std::io::stdout(), "load {when}: {} ({cores} cores)", load.trim())?;
    Ok(())
}
