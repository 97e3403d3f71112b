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

/// Scripts by name; one that is not there is really run, if there is something to run it, or else gives its arguments back.
#[derive(Default)]
pub(crate) struct ScriptedScripts {
    scripts: Mutex<BTreeMap<String, Script>>,
    runtime: Mutex<Option<Arc<dyn ScriptRuntime>>>,
}

impl ScriptedScripts {
    /// From now on the script of this name does this.
    pub(crate) fn set(
        &self,
        name: &str,
        script: impl Fn(Vec<Value>) -> Result<Vec<Value>, ScriptError> + Send + Sync + 'static,
    ) {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.insert(name.to_owned(), Arc::new(script));
    }

    /// From now on scripts whose behaviour is not decided are run by this.
    pub(crate) fn run_by(&self, runtime: Arc<dyn ScriptRuntime>) {
        *self.runtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(runtime);
    }

    fn runtime(&self) -> Option<Arc<dyn ScriptRuntime>> {
        self.runtime.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ScriptRuntime for ScriptedScripts {
    async fn check(&self, source: &Source) -> Result<(), ScriptError> {
        match self.runtime() {
            Some(runtime) => runtime.check(source).await,
            None => Ok(()),
        }
    }

    async fn call(&self, source: &Source, call: Call) -> Result<Outcome, ScriptError> {
        let script = self.scripts.lock().unwrap_or_else(PoisonError::into_inner).get(&source.name).cloned();
        let values = match (script, self.runtime()) {
            (Some(script), _) => script(call.args)?,
            (None, Some(runtime)) => return runtime.call(source, call).await,
            (None, None) => call.args,
        };
        Ok(Outcome { values, console: Vec::new() })
    }
}
