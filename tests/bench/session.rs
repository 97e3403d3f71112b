//! Owns the figures of one gateway that is warm: password logins, single sign-on, and a rule.
//! Never touches other sizes of stores.

use crate::{
    gateway::Gateway,
    median,
    person::{Person, Wanted, Wire},
    primitive::{Argon, Rsa},
    table::Figure,
};
use anyhow::Result;
use portico_fixtures::api::text;
use serde_json::json;
use std::{sync::Arc, time::Duration};

/// The CPU time of logins with a password against that of their hashes.
pub(crate) async fn password_logins(gateway: &Gateway) -> Result<Figure> {
    let wire = Arc::<Wire>::default();
    let mut argon = Argon::new()?;
    argon.hashes(5)?;
    for number in 0..20 {
        Person::new(gateway, number, &wire).log_in().await?;
    }
    let mut turns = Turns::default();
    for turn in 0..TURNS {
        let (raw, before) = (argon.hashes(LOGINS)?, gateway.cpu()?);
        for number in 0..LOGINS {
            Person::new(gateway, (turn * LOGINS + number) as usize, &wire).log_in().await?;
        }
        turns.add(raw / LOGINS, gateway.cpu()?.saturating_sub(before) / LOGINS);
    }
    let (ratio, raw, ours) = turns.middle();
    Ok(Figure {
        name: "password logins per CPU second / raw argon2id hashes",
        measured: format!("{ratio:.3}"),
        asked: ">= 0.85",
        reached: ratio >= 0.85,
        from: format!("CPU of a login {ours:.2?}, of a hash {raw:.2?}"),
    })
}

/// The CPU time of logins by a live session against that of their two signatures.
pub(crate) async fn single_sign_on(gateway: &Gateway) -> Result<Figure> {
    let wire = Arc::<Wire>::default();
    let rsa = Rsa::new()?;
    rsa.signatures(100)?;
    let mut person = Person::new(gateway, 0, &wire);
    person.log_in().await?;
    for _ in 0..20 {
        person.come_back(Wanted::ApiAccess).await?;
    }
    let mut turns = Turns::default();
    for _ in 0..TURNS {
        let (raw, before) = (rsa.signatures(2 * RETURNS)?, gateway.cpu()?);
        for _ in 0..RETURNS {
            person.come_back(Wanted::ApiAccess).await?;
        }
        turns.add(raw / RETURNS, gateway.cpu()?.saturating_sub(before) / RETURNS);
    }
    let (ratio, raw, ours) = turns.middle();
    Ok(Figure {
        name: "code flows by a session per CPU second / half of raw RS256",
        measured: format!("{ratio:.3}"),
        asked: ">= 0.45",
        reached: ratio >= 0.45,
        from: format!("CPU of a flow {ours:.2?}, of two signatures {raw:.2?}"),
    })
}

/// What a rule adds to a login by a live session.
pub(crate) async fn rule(gateway: &Gateway) -> Result<Figure> {
    let api = gateway.world.api(&gateway.issuer).await?;
    let script = "function (user, context, callback) {\n  \
                  context.idToken['https://bench.example/customer'] = context.organization.display_name;\n  \
                  callback(null, user, context);\n}";
    let rule = json!({"name": "Add a claim", "script": script, "enabled": false});
    let rule = format!("rules/{}", text(&api.post("rules", rule).await?, "id")?);
    let wire = Arc::<Wire>::default();
    let mut person = Person::new(gateway, 1, &wire);
    person.log_in().await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..2 * TOGGLES {
        let enabled = round % 2 == 1;
        api.patch(&rule, json!({"enabled": enabled})).await?;
        // The first logins after a change read the rule anew, or start a worker.
        for _ in 0..3 {
            person.come_back(Wanted::Login).await?;
        }
        wire.waited();
        for _ in 0..RETURNS_A_TOGGLE {
            person.come_back(Wanted::Login).await?;
            if enabled { &mut with } else { &mut without }.push(wire.waited());
        }
    }
    api.delete(&rule, None).await?;
    let (with, without) = (median(&mut with), median(&mut without));
    let added = with.saturating_sub(without);
    Ok(Figure {
        name: "a rule that adds a claim: added to a login, median",
        measured: format!("{added:.2?}"),
        asked: "<= 0.5 ms",
        reached: added <= Duration::from_micros(500),
        from: format!("a login by a session {without:.2?}, with the rule {with:.2?}"),
    })
}

/// The raw primitive and ours, in turns: a machine that becomes busy or slow meanwhile is so for both,
/// and for a few turns, which do not move the middle.
#[derive(Default)]
struct Turns(Vec<(f64, Duration, Duration)>);

impl Turns {
    fn add(&mut self, raw: Duration, ours: Duration) {
        self.0.push((raw.as_secs_f64() / ours.as_secs_f64(), raw, ours));
    }

    /// The turn with the middle ratio: that, and the CPU time of the raw primitive and of ours.
    fn middle(mut self) -> (f64, Duration, Duration) {
        self.0.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

/// How many turns there are.
const TURNS: u32 = 25;
/// Password logins a turn.
const LOGINS: u32 = 10;
/// Logins by a session a turn.
const RETURNS: u32 = 40;
/// How often the rule is switched on.
const TOGGLES: usize = 10;
/// Logins in between.
const RETURNS_A_TOGGLE: usize = 30;
