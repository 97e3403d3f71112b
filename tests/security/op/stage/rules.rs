//! Owns rules that say what a test lets them say.
//! Never touches JavaScript.

use super::Stage;
use portico_core::{
    id::RuleId,
    model::Rule,
    port::script::{Call, Outcome, ScriptError, ScriptRuntime, Source},
    time::Clock,
};
use serde_json::Value;
use std::sync::Mutex;

/// Rules that say what a test lets them say; and what they were told.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) says: Mutex<Option<RuleSays>>,
    pub(crate) told: Mutex<Vec<Value>>,
}

type RuleSays = fn(Value, Value) -> Result<Vec<Value>, ScriptError>;

impl Rules {
    /// From now on there is a rule, and it says this.
    pub(crate) async fn say(stage: &Stage, says: RuleSays) {
        let rule = Rule {
            id: RuleId::parse("rul_test").expect("an id"),
            name: "test".to_owned(),
            script: "function (user, context, callback) {}".to_owned(),
            order: 1,
            enabled: true,
            revision: 1,
            created_at: stage.clock.now(),
        };
        stage.write(move |unit| Box::pin(async move { unit.rules().insert(&rule).await })).await;
        *stage.rules.says.lock().expect("a lock") = Some(says);
    }
}

#[async_trait::async_trait]
impl ScriptRuntime for Rules {
    async fn check(&self, _source: &Source) -> Result<(), ScriptError> {
        Ok(())
    }

    async fn call(&self, _source: &Source, call: Call) -> Result<Outcome, ScriptError> {
        let says = self.says.lock().expect("a lock").expect("a rule that says something");
        let [user, context] = call.args.as_slice() else { panic!("a rule has two arguments") };
        self.told.lock().expect("a lock").push(context.clone());
        says(user.clone(), context.clone()).map(|values| Outcome { values, console: Vec::new() })
    }
}
