//! Owns the figure of size: how much longer a login takes among many than among few.
//! Never touches CPU time.

use crate::{
    gateway::Gateway,
    median,
    person::{Person, Wire},
    table::Figure,
};
use anyhow::Result;
use std::{sync::Arc, time::Duration};

/// The latency of password logins, in turns at both, so that both see the same machine.
pub(crate) async fn latency(few: &Gateway, many: &Gateway) -> Result<Figure> {
    let wires = [Arc::<Wire>::default(), Arc::<Wire>::default()];
    let mut measured = [Vec::new(), Vec::new()];
    for turn in 0..WARM_UP + LOGINS {
        // Other people and other organizations every time: nothing is in a cache because it was asked for before.
        let number = turn * 997;
        for ((gateway, wire), measured) in [few, many].into_iter().zip(&wires).zip(&mut measured) {
            Person::new(gateway, number, wire).log_in().await?;
            let waited: Duration = wire.waited();
            if turn >= WARM_UP {
                measured.push(waited);
            }
        }
    }
    let [few, many] = measured.each_mut().map(|measured| median(measured));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    Ok(Figure {
        name: "password login, 10,000 organizations / 10, median latency",
        measured: format!("{ratio:.3}"),
        asked: "<= 1.1",
        reached: ratio <= 1.1,
        from: format!("a login {many:.2?} among 100,000 users, {few:.2?} among 20"),
    })
}

const WARM_UP: usize = 15;
const LOGINS: usize = 150;
