//! Owns one run of a customer's script: what it is told, what it may use, and what the log says when it fails.
//! Never touches what an answer means: each use knows that.

use crate::options::{Name, Options};
use portico_core::{
    connector::{AccountError, ConnectorDeps, ConnectorError, Occasion},
    model::{AuditEvent, Connection, EventKind, Organization},
    port::{
        script::{Call, Reach, ScriptError, Source},
        store::StoreError,
    },
    secret::Secret,
};
use serde_json::{Map, Value, json};
use std::{
    collections::{BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    sync::Arc,
};

/// The scripts of one connection.
pub(crate) struct Scripts {
    pub(crate) connection: Connection,
    pub(crate) options: Options,
    pub(crate) deps: ConnectorDeps,
}

/// What a script says when it says no.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Said {
    /// The class of its error.
    pub(crate) name: String,
    /// The code of a `ValidationError`.
    pub(crate) code: Option<String>,
    /// Its words.
    pub(crate) message: String,
}

impl Said {
    /// Whether it is one of the errors by which scripts answer, as opposed to one by which they break.
    fn is_answer(&self) -> bool {
        ["WrongUsernameOrPasswordError", "UnauthorizedError", "ValidationError"].contains(&self.name.as_str())
    }
}

/// Why a script gave no value.
#[derive(Debug)]
pub(crate) enum NoValue {
    /// It said no.
    Said(Said),
    /// There is no such script.
    Missing(String),
    /// It broke in a way that says nothing.
    Broken(ConnectorError),
}

impl From<NoValue> for AccountError {
    fn from(no: NoValue) -> Self {
        match no {
            NoValue::Said(Said { code: Some(code), .. }) if code == "user_exists" => Self::Exists,
            NoValue::Said(said) => Self::Refused { code: said.code, message: said.message },
            NoValue::Missing(what) => Self::NotImplemented(what),
            NoValue::Broken(error) => Self::Connector(error),
        }
    }
}

impl From<NoValue> for ConnectorError {
    fn from(no: NoValue) -> Self {
        match no {
            NoValue::Said(said) => Self::Unavailable(format!("{}: {}", said.name, said.message).into()),
            NoValue::Missing(what) => Self::Misconfigured(what),
            NoValue::Broken(error) => error,
        }
    }
}

impl Scripts {
    /// Whether there is this script.
    pub(crate) fn has(&self, name: Name) -> bool {
        self.options.scripts.contains_key(&name)
    }

    /// Run a script with these arguments, and the context where the connection has it; the first value that it calls back
    /// with, `null` without one. `secrets` may not come out in its console or its errors.
    pub(crate) async fn run(
        &self,
        name: Name,
        mut args: Vec<Value>,
        occasion: &Occasion,
        secrets: &[&Secret],
    ) -> Result<Value, NoValue> {
        let Some(text) = self.options.scripts.get(&name) else {
            let connection = &self.connection.name;
            let title = name.title();
            let text =
                format!("Sandbox Error: Please implement the {title} script for the connection {connection}");
            return Err(NoValue::Missing(text));
        };
        if self.options.with_context {
            args.push(self.context(name, occasion).await.map_err(|error| NoValue::Broken(error.into()))?);
        }
        // Runs for nobody's organization are limited together by connection.
        let organization = occasion.organization.as_ref().map(ToString::to_string);
        let call = Call {
            args,
            globals: Map::from_iter([(
                "configuration".to_owned(),
                Value::Object(self.options.configuration.clone()),
            )]),
            organization: Some(organization.unwrap_or_else(|| self.connection.id.to_string())),
            redact: self.redact(secrets),
            limits: self.deps.script_limits,
            reach: Reach { owner: self.connection.id.to_string(), ..Reach::default() },
            promised: true,
            ..Call::default()
        };
        let source = source(&self.connection.name, name, text);
        match self.deps.scripts.call(&source, call).await {
            Ok(outcome) => Ok(outcome.values.into_iter().next().unwrap_or_default()),
            Err(error) => Err(self.failed(name, error, occasion).await),
        }
    }

    /// A script gave something that cannot be used.
    pub(crate) async fn unusable(&self, name: Name, why: String, occasion: &Occasion) -> ConnectorError {
        self.note(EventKind::ScriptFailed, name, ("unusable", &why, &[]), occasion).await;
        let key = name.key();
        ConnectorError::Misconfigured(format!("the script `{key}` gave something that cannot be used: {why}"))
    }

    async fn failed(&self, name: Name, error: ScriptError, occasion: &Occasion) -> NoValue {
        let text = error.to_string();
        let (kind, reason) = match &error {
            ScriptError::TimedOut(_) => (EventKind::ScriptLimitHit, "timed_out"),
            ScriptError::OutOfMemory => (EventKind::ScriptLimitHit, "out_of_memory"),
            ScriptError::Raised { .. } => (EventKind::ScriptFailed, "raised"),
            ScriptError::Silent => (EventKind::ScriptFailed, "silent"),
            ScriptError::Unusable(_) => (EventKind::ScriptFailed, "unusable"),
            ScriptError::Syntax { .. } => (EventKind::ScriptFailed, "syntax"),
            ScriptError::Busy => (EventKind::ScriptFailed, "busy"),
            ScriptError::Worker(_) | _ => (EventKind::ScriptFailed, "worker"),
        };
        let console = if let ScriptError::Raised { console, .. } = &error { &**console } else { &[] };
        let said = if let ScriptError::Raised { name, message, code, .. } = &error {
            Some(Said { name: name.clone(), code: code.clone(), message: message.clone() })
        } else {
            None
        };
        if !said.as_ref().is_some_and(Said::is_answer) {
            self.note(kind, name, (reason, &text, console), occasion).await;
        }
        let key = name.key();
        match (said, error) {
            (Some(said), _) => NoValue::Said(said),
            (None, ScriptError::Busy) => NoValue::Broken(ConnectorError::Busy),
            (None, error @ (ScriptError::TimedOut(_) | ScriptError::Worker(_))) => {
                NoValue::Broken(ConnectorError::Unavailable(error.into()))
            }
            (None, error) => {
                NoValue::Broken(ConnectorError::Misconfigured(format!("the script `{key}`: {error}")))
            }
        }
    }

    /// An entry of the log. What cannot be written there is at least in the process's own.
    async fn note(
        &self,
        kind: EventKind,
        name: Name,
        (reason, text, console): (&str, &str, &[String]),
        occasion: &Occasion,
    ) {
        let key = name.key();
        let connection = &self.connection;
        tracing::warn!(connection.id = %connection.id, "the script `{key}` failed: {reason}");
        let mut event = AuditEvent::new(kind, self.deps.clock.now(), &*self.deps.entropy)
            .through(connection)
            .because(&format!("script_{reason}"), format!("the script `{key}` failed: {text}"));
        event.organization_id.clone_from(&occasion.organization);
        event.client_id.clone_from(&occasion.client);
        event.details.insert("script".to_owned(), json!({ "name": key, "console": console }));
        let written = self.deps.store.write::<_, StoreError, _>(move |unit| {
            Box::pin(async move { unit.events().insert(&event).await })
        });
        if let Err(error) = written.await {
            tracing::error!("an entry of the log could not be written: {error}");
        }
    }

    /// The argument `context` (contract §5.1): the organization, if there is one; nothing when a user is deleted.
    async fn context(&self, name: Name, occasion: &Occasion) -> Result<Value, StoreError> {
        let id = occasion.organization.as_ref().filter(|_| name != Name::Delete);
        let Some(id) = id else { return Ok(json!({})) };
        let found =
            self.deps.store.read(|unit| Box::pin(async move { unit.organizations().find(id).await })).await?;
        Ok(found.as_ref().map_or_else(|| json!({}), |found| json!({ "organization": organization(found) })))
    }

    fn redact(&self, secrets: &[&Secret]) -> BTreeSet<String> {
        let configured = self.options.configuration.values().filter_map(Value::as_str);
        let configured = configured.filter(|value| value.len() >= SHORTEST_SECRET).map(str::to_owned);
        let typed = secrets.iter().map(|secret| secret.expose().to_owned());
        configured.chain(typed.filter(|typed| !typed.is_empty())).collect()
    }
}

fn organization(found: &Organization) -> Value {
    json!({
        "id": found.id,
        "name": found.name,
        "display_name": found.display_name,
        "metadata": found.metadata.clone().unwrap_or_default(),
    })
}

/// A script as the runtime knows it: another text is another revision.
pub(crate) fn source(connection: &str, name: Name, text: &Arc<str>) -> Source {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    Source { name: format!("{connection}/{}", name.key()), revision: hasher.finish(), text: Arc::clone(text) }
}

/// Values of `configuration` that are shorter than this (`true`, `1`) are not secrets: blacking them out would spoil logs.
const SHORTEST_SECRET: usize = 6;
