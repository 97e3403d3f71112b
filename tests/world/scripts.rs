//! Owns scripts whose behaviour a test decides: no engine, no process.
//! Never touches the real runtime; `security::js` tests that.

use async_trait::async_trait;
use portico_core::port::script::{Call, Outcome, ScriptError, ScriptRuntime, Source};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What a script does with its arguments.
pub(crate) type Script = Arc<dyn Fn(Vec<Value>) -> Result<Vec<Value>, ScriptError> + Send + Sync>;

/// Scripts by name; one that is not there gives its arguments back.
#[derive(Default)]
pub(crate) struct ScriptedScripts(Mutex<BTreeMap<String, Script>>);

impl ScriptedScripts {
    /// From now on the script of this name does this.
    pub(crate) fn set(
        &self,
        name: &str,
        script: impl Fn(Vec<Value>) -> Result<Vec<Value>, ScriptError> + Send + Sync + 'static,
    ) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::new(script));
    }
}

#[async_trait]
impl ScriptRuntime for ScriptedScripts {
    async fn check(&self, _source: &Source) -> Result<(), ScriptError> {
        Ok(())
    }

    async fn call(&self, source: &Source, call: Call) -> Result<Outcome, ScriptError> {
        let script = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&source.name).cloned();
        let values = match script {
            Some(script) => script(call.args)?,
            None => call.args,
        };
        Ok(Outcome { values, console: Vec::new() })
    }
}
