//! Owns the figures of a start: how long until the first answer, and how much memory an idle gateway has.
//! Never touches logins.

use crate::{gateway::Idle, median, seed, table::Figure};
use anyhow::Result;
use std::time::Duration;

/// Both.
pub(crate) async fn figures() -> Result<[Figure; 2]> {
    let (mut starts, mut most) = (Vec::new(), 0);
    // The very first start makes the signing keys, which no other does.
    let mut idle = Idle::new(seed::MIDDLE).await?.start().await?.0.stop();
    for _ in 0..STARTS {
        let (gateway, took) = idle.start().await?;
        starts.push(took);
        tokio::time::sleep(Duration::from_secs(3)).await;
        most = most.max(gateway.resident()?);
        idle = gateway.stop();
    }
    let start = median(&mut starts);
    Ok([
        Figure {
            name: "start with 1,000 organizations to the first answer, median",
            measured: format!("{} ms", start.as_millis()),
            asked: "<= 300 ms",
            reached: start <= Duration::from_millis(300),
            from: format!(
                "{STARTS} starts, {} to {} ms",
                starts[0].as_millis(),
                starts[STARTS - 1].as_millis()
            ),
        },
        Figure {
            name: "resident memory when idle, script workers included",
            measured: format!("{} MiB", most >> 20),
            asked: "<= 60 MB",
            reached: most <= 60_000_000,
            from: format!("{most} bytes, the most of {STARTS} starts"),
        },
    ])
}

/// How often it is started.
const STARTS: usize = 5;
