//! Owns the tests of what scripts may require and reach, with real workers, a real PostgreSQL and a real MariaDB.
//! Never touches logins: what a connection or a rule makes of an outcome is tested with the flows.

mod databases;
mod mysql;
mod packages;
mod postgres;
mod requests;

use crate::worker;
use async_trait::async_trait;
use bytes::Bytes;
use portico_core::{
    entropy::SystemEntropy,
    port::{
        http::{HttpClient, HttpError},
        script::{Call, Limits, Outcome, Reach, ScriptError, ScriptRuntime, Source},
    },
    time::SystemClock,
};
use portico_script::ScriptPool;
use portico_script_host::{Services, Settings};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Status, headers and body.
type Written = (u16, &'static [(&'static str, &'static str)], &'static str);

/// A network of answers that were written down, and what was asked of it.
#[derive(Default)]
struct Network {
    answers: BTreeMap<&'static str, Written>,
    asked: Mutex<Vec<Value>>,
}

#[async_trait]
impl HttpClient for Network {
    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, HttpError> {
        let url = request.uri().to_string();
        let headers: Map<String, Value> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().unwrap())))
            .collect();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        self.asked.lock().unwrap().push(
            json!({ "url": url, "method": request.method().as_str(), "headers": headers, "body": body }),
        );
        let Some((status, headers, body)) = self.answers.get(url.as_str()) else {
            return Err(HttpError::Refused { url, reason: "it is in no answer".to_owned() });
        };
        let mut answer = http::Response::builder().status(*status);
        for (name, value) in *headers {
            answer = answer.header(*name, *value);
        }
        Ok(answer.body(Bytes::from_static(body.as_bytes())).unwrap())
    }
}

/// A pool of workers and what they may ask.
struct Bench {
    pool: ScriptPool,
    network: Arc<Network>,
}

impl Bench {
    fn new(network: Network, settings: Settings) -> Self {
        let network = Arc::new(network);
        let host = Arc::new(Services::new(Arc::clone(&network) as Arc<dyn HttpClient>, settings));
        let entropy = Arc::new(SystemEntropy::default());
        Self { pool: ScriptPool::new(worker::command(), 4, host, Arc::new(SystemClock), entropy), network }
    }

    /// Run `async function (callback) { … }` for the connection `con_1`.
    async fn run(&self, body: &str, globals: Value) -> Result<Outcome, ScriptError> {
        self.run_for("con_1", body, globals).await
    }

    async fn run_for(&self, owner: &str, body: &str, globals: Value) -> Result<Outcome, ScriptError> {
        let text = format!("async function (callback) {{ {body} }}");
        let source = Source { name: "script".to_owned(), revision: 1, text: text.into() };
        let Value::Object(globals) = globals else { panic!("globals have names") };
        let limits = Limits { cpu: Duration::from_secs(5), ..Limits::of_a_database() };
        let reach = Reach { owner: owner.to_owned(), hosts: None };
        self.pool.call(&source, Call { globals, limits, reach, ..Call::default() }).await
    }

    /// Its values; it must not fail.
    async fn values(&self, body: &str, globals: Value) -> Vec<Value> {
        self.run(body, globals).await.unwrap_or_else(|error| panic!("{body}: {error}")).values
    }
}

fn raised(result: Result<Outcome, ScriptError>) -> String {
    match result {
        Err(ScriptError::Raised { message, .. }) => message,
        other => panic!("{other:?}"),
    }
}
