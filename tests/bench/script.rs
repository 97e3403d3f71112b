//! Owns the figure of scripts: a one-line rule through the pool of workers, against a fresh engine in this process.
//! Never touches a login.

use crate::{median, table::Figure};
use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use portico_core::{
    entropy::SystemEntropy,
    port::script::{AskError, Attendant, Call, Reach, ScriptHost, ScriptRuntime, Source},
    time::SystemClock,
};
use portico_script::{ScriptPool, WorkerCommand};
use rquickjs::{Context, Function, Runtime, Value as Script};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

const RULE: &str = "function (user, context, callback) { callback(null, user, context); }";

/// Runs of each kind, by turns.
const RUNS: usize = 400;

/// A rule asks for nothing here.
#[derive(Debug)]
struct Nothing;

impl ScriptHost for Nothing {
    fn attend(&self, _: &Reach) -> Box<dyn Attendant> {
        Box::new(Self)
    }
}

#[async_trait]
impl Attendant for Nothing {
    async fn ask(&self, method: &str, _: Value) -> Result<Value, AskError> {
        Err(AskError::told(format!("there is no {method}")))
    }
}

/// The figure.
pub(crate) async fn figure() -> Result<Figure> {
    let command = WorkerCommand::new(std::env::current_exe()?, ["script-worker"]);
    let entropy = Arc::new(SystemEntropy::default());
    let pool = ScriptPool::new(command, 1, Arc::new(Nothing), Arc::new(SystemClock), entropy);
    let source = Source { name: "rule".to_owned(), revision: 1, text: RULE.into() };
    let args = || {
        vec![
            json!({ "user_id": "auth0|1", "email": "mees@hoekstra.example" }),
            json!({ "protocol": "oidc-basic-profile" }),
        ]
    };
    let (mut pooled, mut fresh) = (Vec::new(), Vec::new());
    for run in 0..RUNS + WARMING {
        let began = Instant::now();
        let outcome = pool.call(&source, Call { args: args(), ..Call::default() }).await?;
        let by_pool = began.elapsed();
        ensure!(outcome.values == args(), "the rule changed something");
        let began = Instant::now();
        let values = in_process(&args())?;
        let by_itself = began.elapsed();
        ensure!(values == args(), "the engine changed something");
        if run >= WARMING {
            pooled.push(by_pool);
            fresh.push(by_itself);
        }
    }
    let (pooled, fresh) = (median(&mut pooled), median(&mut fresh));
    let ratio = pooled.as_secs_f64() / fresh.as_secs_f64();
    Ok(Figure {
        name: "a one-line rule through the pool / a fresh engine in process",
        measured: format!("{ratio:.2}"),
        asked: "<= 2",
        reached: ratio <= 2.0,
        from: format!("{} us, {} us, medians of {RUNS} by turns", micros(pooled), micros(fresh)),
    })
}

/// The same with nothing but the library: a runtime, a context, the function, its values as JSON.
fn in_process(args: &[Value]) -> Result<Vec<Value>> {
    let runtime = Runtime::new()?;
    let context = Context::full(&runtime)?;
    let said = context.with(|ctx| -> rquickjs::Result<Option<String>> {
        let rule: Function<'_> = ctx.eval(format!("({RULE})"))?;
        let keep: Function<'_> = ctx.eval("(error, ...values) => { globalThis.said = values; }")?;
        let args = args.iter().map(|arg| ctx.json_parse(arg.to_string()));
        let [user, context]: [rquickjs::Result<Script<'_>>; 2] =
            args.collect::<Vec<_>>().try_into().map_err(|_other| rquickjs::Error::Unknown)?;
        rule.call::<_, ()>((user?, context?, keep))?;
        let said: Script<'_> = ctx.globals().get("said")?;
        ctx.json_stringify(said)?.map(|text| text.to_string()).transpose()
    })?;
    Ok(serde_json::from_str(&said.ok_or_else(|| anyhow!("it said nothing"))?)?)
}

fn micros(time: Duration) -> u128 {
    time.as_micros()
}

/// Runs before those that count: the worker has to be started.
const WARMING: usize = 20;
