//! Owns the cases of customers' JavaScript (`security.md` §1.7), with real worker processes.
//! Never touches HTTP: what a login makes of an outcome is tested with the flows.

mod actions;
mod isolation;
mod limits;
mod outcome;
mod rules;

use crate::worker;
use async_trait::async_trait;
use portico_core::{
    entropy::SystemEntropy,
    port::script::{
        AskError, Attendant, Call, Limits, Outcome, Reach, ScriptError, ScriptHost, ScriptRuntime, Source,
    },
    time::SystemClock,
};
use portico_script::{ScriptPool, WorkerCommand};
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::Duration};

/// A gateway that has nothing for anybody.
#[derive(Debug)]
struct NoNetwork;

impl ScriptHost for NoNetwork {
    fn attend(&self, _: &Reach) -> Box<dyn Attendant> {
        Box::new(Self)
    }
}

#[async_trait]
impl Attendant for NoNetwork {
    async fn ask(&self, _: &str, _: Value) -> Result<Value, AskError> {
        Ok(json!({"status": 404}))
    }
}

fn pool() -> ScriptPool {
    pool_of(worker::command(), 2)
}

fn pool_of(command: WorkerCommand, size: usize) -> ScriptPool {
    let entropy = Arc::new(SystemEntropy::default());
    ScriptPool::new(command, size, Arc::new(NoNetwork), Arc::new(SystemClock), entropy)
}

/// Time on the clock for everything; little of the processor's, so that what attacks it is stopped soon. Whatever is about
/// another limit runs with [`run_patiently`]: a busy machine counts several times what the same script costs on an idle one.
const LIMITS: Limits = Limits {
    wall: Duration::from_mins(1),
    cpu: Duration::from_millis(100),
    memory: 32 << 20,
    stack: 256 << 10,
    output: 64 << 10,
};

fn call() -> Call {
    Call { limits: LIMITS, ..Call::default() }
}

/// Run `function (callback) { … }`.
async fn run(pool: &ScriptPool, body: &str) -> Result<Outcome, ScriptError> {
    pool.call(&source(&format!("function (callback) {{ {body} }}")), call()).await
}

/// The same with as much of the processor's time as it wants, so that it is never that which ends it.
async fn run_patiently(pool: &ScriptPool, body: &str) -> Result<Outcome, ScriptError> {
    let limits = Limits { cpu: Duration::from_secs(20), ..LIMITS };
    pool.call(&source(&format!("function (callback) {{ {body} }}")), Call { limits, ..call() }).await
}

fn source(text: &str) -> Source {
    Source { name: "attack".to_owned(), revision: 1, text: text.into() }
}

/// The control: after an attack the pool runs scripts as before.
async fn assert_healthy(pool: &ScriptPool) {
    let outcome = run(pool, "callback(null, [1, 2, 3].map((n) => n * 2));").await.unwrap();
    assert_eq!(outcome.values, [json!([2, 4, 6])]);
}

fn raised(result: Result<Outcome, ScriptError>) -> (String, String) {
    match result {
        Err(ScriptError::Raised { name, message, .. }) => (name, message),
        other => panic!("{other:?}"),
    }
}
